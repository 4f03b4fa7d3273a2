//! The tools. Each returns a text for people, and the document that the command of its name prints for programs.

use crate::commands::{explain, report};
use crate::error::fail;
use crate::mode::ModeArgument;
use crate::setup::{BatchArguments, LedgerArguments, PolicyArguments, Vetting};
use anyhow::Context;
use clap::Parser;
use reprieve::DecisionReport;
use reprieve::model::TargetFiles;
use reprieve_readers::Summary;
use reprieve_readers::draft::{Claims, Origin, SourceFile, draft, listed};
use reprieve_report::render::{self, Detail, Printed};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Whether the targets remain recoverable.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Marked for deletion and recoverable for a while
    Soft,
    /// Permanent
    Hard,
    /// Nothing is lost, but the service stops
    Disable,
}

impl From<Mode> for ModeArgument {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Soft => Self::Soft,
            Mode::Hard => Self::Hard,
            Mode::Disable => Self::Disable,
        }
    }
}

/// The arguments of `check`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The path of the request, a JSON document; with `from`, of the file of another tool. It is below the folder of the server.
    request: String,
    /// The format of a file of another tool, for example `terraform`, `kubernetes`, `sql` or `s3-delete`.
    from: Option<String>,
    /// With `from`: the environment in which the call will run, for example `production`.
    environment: Option<String>,
    /// With `from`: the kind of the targets, if the file does not state it.
    kind: Option<String>,
    /// With `from`: whether the targets remain recoverable.
    mode: Option<Mode>,
    /// The path of the inventory, instead of the one that the policy set names.
    inventory: Option<String>,
}

/// The arguments of `draft`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The paths of the list: one file, or several in their order. They are below the folder of the server.
    lists: Vec<String>,
    /// Whether the targets remain recoverable.
    mode: Mode,
    /// The environment in which the call will run, for example `production`.
    environment: String,
    /// The kind of the targets, if the list does not state it.
    kind: Option<String>,
    /// A name for the request.
    id: Option<String>,
    /// Any other fields of the request, by their names with dots: `{"reason.ticket": "CHG-17"}`.
    #[serde(default)]
    set: Map<String, Value>,
}

/// The arguments of `explain`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// A rule (`identity/kind-mismatch`), all rules of a policy (`identity`), or the cause of a fault (`fuel`).
    code: Option<String>,
}

/// The arguments of `report`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The ledger entry of the decision, or the `id` of a request for its last decision.
    decision: String,
}

/// The arguments of the command `check`, which a call is turned into.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct CheckArguments {
    #[command(flatten)]
    batch: BatchArguments,
}

/// The tools of one folder and one policy set.
#[derive(Debug)]
pub struct Tools {
    folder: PathBuf,
    config: Option<PathBuf>,
}

impl Tools {
    /// Tools that read files below this folder.
    pub fn new(config: Option<PathBuf>) -> anyhow::Result<Self> {
        Ok(Self { folder: Path::new(".").canonicalize().context("this folder")?, config })
    }

    fn policies(&self) -> PolicyArguments {
        self.config.as_deref().map_or_else(PolicyArguments::default, PolicyArguments::of)
    }

    /// Returns the real path of a file below the folder, links resolved.
    fn below(&self, path: &str) -> anyhow::Result<PathBuf> {
        let real = self.folder.join(path).canonicalize().with_context(|| path.to_owned())?;
        if real.starts_with(&self.folder) && real.is_file() {
            return Ok(real);
        }
        Err(fail(
            format!("{path} is not a file below the folder of the server"),
            "name a file below it, by a relative path",
        ))
    }

    /// Vets a batch without recording it.
    pub fn check(&self, check: &Check) -> anyhow::Result<(String, Value)> {
        let path = self.below(&check.request)?;
        let mut arguments = vec!["--no-ledger".to_owned()];
        let mut option =
            |name: &str, value: Option<String>| arguments.extend(value.map(|value| format!("--{name}={value}")));
        option("config", self.config.as_ref().map(|path| path.display().to_string()));
        option("from", check.from.clone());
        option("environment", check.environment.clone());
        option("kind", check.kind.clone());
        option("mode", check.mode.map(|mode| format!("{mode:?}").to_lowercase()));
        let inventory = check.inventory.as_ref().map(|path| self.below(path)).transpose()?;
        option("inventory", inventory.map(|path| path.display().to_string()));
        if check.from.is_some() {
            option("set", Some("actor.type=ai-agent".to_owned()));
        }
        arguments.extend(["--".to_owned(), path.display().to_string()]);
        let arguments =
            CheckArguments::try_parse_from(arguments).map_err(|error| anyhow::Error::msg(error.to_string()))?;
        let Vetting { batch, from, gate, .. } = arguments.batch.open()?;
        let decision = gate.vet(batch);
        let request = arguments.batch.file();
        let printed = Printed { claims: decision.claims(), document: decision.document(), request: &request };
        let text = render::decision(&printed, Detail::Screen, None).text();
        let report = DecisionReport { decision: decision.document().clone(), breakdown: decision.breakdown()? };
        drop(from);
        let note =
            "note: nothing was recorded, so this permits nothing; `reprieve run` vets again and makes the call\n";
        Ok((text + note, serde_json::to_value(report)?))
    }

    /// Drafts a request.
    pub fn draft(&self, arguments: Draft) -> anyhow::Result<(String, Value)> {
        let relative = |path: &String| {
            let real = self.below(path)?;
            let below = real.strip_prefix(&self.folder)?.to_str().map(str::to_owned);
            below.with_context(|| format!("{path} is not UTF-8"))
        };
        let paths = arguments.lists.iter().map(relative).collect::<anyhow::Result<Vec<String>>>()?;
        if paths.is_empty() {
            return Err(fail("`lists` names no file", "name the list of targets"));
        }
        let list = listed(&self.folder, &paths, TargetFiles::default())?;
        let source =
            SourceFile { name: Some(list.name.clone()), sha256: list.files.sha256.clone().unwrap_or_default() };
        let set = arguments.set.into_iter().chain([("actor.type".to_owned(), json!("ai-agent"))]);
        let claims = Claims {
            kind: arguments.kind,
            mode: Some(ModeArgument::from(arguments.mode).into()),
            environment: Some(arguments.environment),
            id: arguments.id,
            set: set.collect(),
        };
        let request = draft(&claims, &list, &Summary::default(), &source, &Origin::find())?;
        let text = request.to_json();
        let document = serde_json::from_str(&text)?;
        Ok((text, document))
    }

    /// Explains a code.
    pub fn explain(&self, arguments: &Explain) -> anyhow::Result<(String, Value)> {
        let text = explain::page(&self.policies(), arguments.code.as_deref())?.text();
        let document = json!({ "code": arguments.code, "text": text });
        Ok((text, document))
    }

    /// Reports a recorded decision.
    pub fn report(&self, arguments: &Report) -> anyhow::Result<(String, Value)> {
        let (page, document) = report::report(&LedgerArguments::of_policies(self.policies()), &arguments.decision)?;
        Ok((page.text(), document))
    }
}
