//! SARIF 2.1.0, as code scanning reads it: every result has a place in the file of the request.

use super::{Level, Printed, Remark};
use crate::status::Status;
use serde_json::{Value, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn render(printed: &Printed<'_>) -> anyhow::Result<String> {
    let remarks = printed.remarks();
    let mut rules: Vec<&str> = remarks.iter().map(|remark| remark.code.as_ref()).collect();
    rules.sort_unstable();
    rules.dedup();
    let index = |code: &str| rules.iter().position(|rule| *rule == code);
    let results: Vec<Value> = remarks.iter().map(|remark| result(printed, remark, index(&remark.code))).collect();
    let status = Status::from(printed.document.decision);
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "reprieve",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| json!({ "id": rule })).collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": status.code(),
                "exitCodeDescription": printed.document.decision.as_str(),
            }],
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

fn result(printed: &Printed<'_>, remark: &Remark<'_>, index: Option<usize>) -> Value {
    let field = remark.field.map(|field| json!([{ "fullyQualifiedName": field, "kind": "member" }]));
    json!({
        "ruleId": remark.code,
        "ruleIndex": index,
        "level": if remark.level == Level::Error { "error" } else { "warning" },
        "message": { "text": format!("{}\nhelp: {}", remark.message, remark.help) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&printed.request.name) },
                "region": { "startLine": 1 },
            },
            "logicalLocations": field.unwrap_or_else(|| json!([])),
        }],
    })
}

/// A path as a relative URI.
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
