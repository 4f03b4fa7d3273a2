//! `reprieve explain`: what a code means.

use crate::Status;
use crate::report::wrap;
use crate::setup::PolicyArguments;
use anyhow::bail;
use clap::Args;
use reprieve::Gate;
use std::io::Write;

/// Explain a code: what the rule means, why it exists, its settings and their defaults
#[derive(Args, Debug)]
pub struct Arguments {
    /// For example `identity/kind-mismatch`, or `identity` for all of its rules
    code: String,
    #[command(flatten)]
    policies: PolicyArguments,
}

/// What the gate itself finds, where there is a ledger.
const OWN: [(&str, &str); 2] = [
    (
        "gate/halted",
        "Somebody pressed the stop button: `reprieve halt`. Nothing is allowed until `reprieve resume`, and no override lifts it.",
    ),
    (
        "gate/override",
        "The override that came with the batch does not hold: it is for another request or list, has expired, or was used before.",
    ),
];

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    if let Some((code, meaning)) = OWN.iter().find(|(code, _)| *code == arguments.code) {
        writeln!(anstream::stdout().lock(), "{code}\n{}", wrap(meaning, "  "))?;
        return Ok(Status::Allow);
    }
    let gate = arguments.policies.builder()?.build()?;
    let (policy, rule) = match arguments.code.split_once('/') {
        Some((policy, rule)) => (policy, Some(rule)),
        None => (arguments.code.as_str(), None),
    };
    let mut out = anstream::stdout().lock();
    let mut found = false;
    for info in gate.policies().filter(|info| info.descriptor.name == policy) {
        let descriptor = info.descriptor;
        for known in descriptor.rules.iter().filter(|known| rule.is_none_or(|rule| rule == known.code)) {
            if found {
                writeln!(out)?;
            }
            found = true;
            writeln!(out, "{}/{}", descriptor.name, known.code)?;
            writeln!(out, "{}", wrap(&known.summary, "  "))?;
            for paragraph in known.explanation.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
                writeln!(out, "\n{}", wrap(paragraph, "  "))?;
            }
            for name in &known.settings {
                writeln!(out, "\n{}", setting(name, &descriptor.settings_schema["properties"][name]))?;
            }
        }
    }
    if !found {
        bail!("there is no code `{}`\nhelp: {}", arguments.code, known(&gate, policy));
    }
    Ok(Status::Allow)
}

/// What there is to explain: the codes of the policy, if there is one of that name, or else the policies.
fn known(gate: &Gate, policy: &str) -> String {
    let descriptors = || gate.policies().map(|info| info.descriptor);
    match descriptors().find(|descriptor| descriptor.name == policy) {
        Some(descriptor) => {
            let codes: Vec<&str> = descriptor.rules.iter().map(|rule| rule.code.as_str()).collect();
            format!("the codes of `{policy}` are {}", codes.join(", "))
        }
        None => {
            let names: Vec<&str> = descriptors().map(|descriptor| descriptor.name.as_str()).collect();
            format!("the policies are {}; `reprieve policies` shows their codes", names.join(", "))
        }
    }
}

/// A setting with its default, unit and bounds.
fn setting(name: &str, schema: &serde_json::Value) -> String {
    let value = |key: &str| schema.get(key).filter(|value| !value.is_null());
    let default = match value("default") {
        Some(serde_json::Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        Some(value) => value.to_string(),
        None => "none".to_owned(),
    };
    let unit = value("x-unit").and_then(|unit| unit.as_str()).map(|unit| format!(" {unit}")).unwrap_or_default();
    let bounds = match (value("minimum"), value("maximum")) {
        (Some(least), Some(most)) => format!(" ({least} to {most})"),
        _ => String::new(),
    };
    let description = value("description").and_then(|text| text.as_str()).unwrap_or_default();
    format!("  setting {name} = {default}{unit}{bounds}\n{}", wrap(description, "    "))
}
