//! The protocol: which tools there are, and how a call of one is answered.

use super::tools::{Check, Draft, Explain, Report, Tools};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What the server tells a client about itself.
const INSTRUCTIONS: &str = "Reprieve decides whether a deletion may run. Before you delete anything, draft a request for the list of \
     what would be deleted, check it, and show a denial to your user. A check records nothing and permits nothing: the call \
     itself is made with `reprieve run`. Only people approve.";

/// The server.
pub struct Server {
    tools: Arc<Tools>,
    /// The tools as they are listed.
    listed: Vec<Tool>,
}

impl Server {
    /// Serves these tools.
    pub fn new(tools: Tools) -> Self {
        let listed = vec![
            tool::<Check>(
                "check",
                "Check a deletion",
                "Vet a deletion request, or a plan or export of another tool, with the policy set: allow, deny or undecided, with \
                 every finding and what to do. Nothing is recorded or reserved, so an allow here permits nothing yet.",
            ),
            tool::<Draft>(
                "draft",
                "Draft a request",
                "Draft a deletion request for a list of targets: counts, digest and kinds are filled in, and what only people know is \
                 null. Returns the document and writes no file.",
            ),
            tool::<Explain>(
                "explain",
                "Explain a code",
                "Explain a rule or a fault: what it means, why it exists, its settings. Without a code, list all of them.",
            ),
            tool::<Report>(
                "report",
                "Report a decision",
                "Report a recorded decision: its findings, outcome, and the tenants that it affects, with contacts.",
            ),
        ];
        Self { tools: Arc::new(tools), listed }
    }
}

/// A tool that only reads. The schema of its arguments is that of `A`.
fn tool<A: JsonSchema>(name: &'static str, title: &'static str, description: &'static str) -> Tool {
    let schema = match schemars::schema_for!(A).to_value() {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    let mut tool = Tool::new(name, description, schema);
    let annotations = ToolAnnotations::with_title(title).read_only(true).destructive(false).idempotent(true);
    tool.annotations = Some(annotations.open_world(false));
    tool
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("reprieve", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.listed.clone()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.listed.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tools = Arc::clone(&self.tools);
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let name = request.name.into_owned();
        if self.get_tool(&name).is_none() {
            return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None));
        }
        // A decision takes its time, and a panic must end this call alone.
        let called = tokio::task::spawn_blocking(move || call(&tools, &name, arguments)).await;
        let result = called.unwrap_or_else(|_| Err(anyhow::Error::msg("the tool failed; nothing was decided")));
        Ok(match result {
            Ok((text, document)) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
                result.structured_content = Some(document);
                result
            }
            Err(error) => CallToolResult::error(vec![ContentBlock::text(crate::error::page(&error).text())]),
        }
        .into())
    }
}

fn call(tools: &Tools, name: &str, arguments: Value) -> anyhow::Result<(String, Value)> {
    match name {
        "check" => tools.check(&parsed(arguments)?),
        "draft" => tools.draft(parsed(arguments)?),
        "explain" => tools.explain(&parsed(arguments)?),
        "report" => tools.report(&parsed(arguments)?),
        _ => Err(anyhow::Error::msg(format!("there is no tool `{name}`"))),
    }
}

fn parsed<A: DeserializeOwned>(arguments: Value) -> anyhow::Result<A> {
    serde_json::from_value(arguments)
        .map_err(|error| anyhow::Error::msg(format!("the arguments are not understood: {error}")))
}
