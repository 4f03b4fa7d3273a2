//! `reprieve explain`: explains a code.

use crate::error::fail;
use crate::render::wrap;
use crate::setup::PolicyArguments;
use crate::status::Status;
use clap::Args;
use reprieve::Gate;
use reprieve::model::{FaultCause, Nature, did_you_mean};
use reprieve::policy::{Descriptor, RuleInfo};
use serde_json::Value;
use std::io::Write;

/// Explain a code: what the rule means, why it exists, its settings and their defaults
#[derive(Args, Debug)]
pub struct Arguments {
    /// A rule (`identity/kind-mismatch`), all rules of a policy (`identity`), or the cause of a fault (`fuel`). Without it,
    /// list every code
    code: Option<String>,
    #[command(flatten)]
    policies: PolicyArguments,
}

/// A finding of the gate itself.
struct GateFinding {
    code: &'static str,
    summary: &'static str,
    explanation: &'static str,
    nature: Nature,
    /// Why an override does not lift it.
    not_lifted: &'static str,
}

const GATE_FINDINGS: [GateFinding; 3] = [
    GateFinding {
        code: "gate/halted",
        summary: "Denies every batch while a halt is in force.",
        explanation: "Someone pressed the stop button, `reprieve halt`. Nothing is allowed until `reprieve resume` lifts the halt.",
        nature: Nature::Wrong,
        not_lifted: "never lifted: no override lifts it",
    },
    GateFinding {
        code: "gate/override",
        summary: "Warns that the override which came with the batch is not valid, so it lifts nothing.",
        explanation: "The override is for another request or list, has expired, or was used before. Have two people sign a new one for this request and list.",
        nature: Nature::Wrong,
        not_lifted: "never lifted: it only warns, so there is nothing to lift",
    },
    GateFinding {
        code: "gate/bad-ids",
        summary: "Excludes targets whose id is blank or duplicated from the parts of `reprieve split`.",
        explanation: "It is used if no policy of the set has a rule about ids. Such targets are written to `excluded.ndjson`, so that no part contains a target that cannot be named, or contains one twice.",
        nature: Nature::Wrong,
        not_lifted: "never lifted: it is a reason of `split`, and not a finding of a decision",
    },
];

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let gate = arguments.policies.builder_without_ledger()?.build()?;
    let texts = match &arguments.code {
        None => list(&gate),
        Some(code) => {
            let texts = explanations(&gate, code);
            if texts.is_empty() {
                return Err(fail(format!("there is no code `{code}`"), suggestion(&gate, code)));
            }
            vec![texts.join("\n")]
        }
    };
    let mut out = anstream::stdout().lock();
    texts.iter().try_for_each(|text| writeln!(out, "{}", text.trim_end()))?;
    Ok(Status::Success)
}

fn descriptors(gate: &Gate) -> impl Iterator<Item = &Descriptor> {
    gate.policies().map(|info| info.descriptor)
}

/// The code of a fault as a report shows it: the gate's own causes have its name.
fn fault_code(cause: FaultCause) -> String {
    if cause.is_gate() { format!("gate/{cause}") } else { cause.as_str().to_owned() }
}

/// Every code with its summary: rules, findings of the gate, causes of faults.
fn codes(gate: &Gate) -> Vec<(String, &str)> {
    let rules = descriptors(gate).flat_map(|descriptor| {
        let code = |rule: &RuleInfo| format!("{}/{}", descriptor.name, rule.code);
        descriptor.rules.iter().map(move |rule| (code(rule), rule.summary.as_str()))
    });
    let findings = GATE_FINDINGS.iter().map(|finding| (finding.code.to_owned(), finding.summary));
    let faults = FaultCause::ALL.iter().map(|cause| (fault_code(*cause), cause.summary()));
    rules.chain(findings).chain(faults).collect()
}

fn list(gate: &Gate) -> Vec<String> {
    codes(gate).into_iter().map(|(code, summary)| format!("{code}: {summary}")).collect()
}

/// Explains everything that a code names: a rule, a policy, or causes of faults.
fn explanations(gate: &Gate, code: &str) -> Vec<String> {
    let (policy, rule) = match code.split_once('/') {
        Some((policy, rule)) => (policy, Some(rule)),
        None => (code, None),
    };
    let named = descriptors(gate).filter(|descriptor| descriptor.name == policy);
    let rules = named.flat_map(|descriptor| {
        let rules = descriptor.rules.iter().filter(|known| rule.is_none_or(|rule| rule == known.code));
        rules.map(move |rule| explain_rule(descriptor, rule))
    });
    let mut texts: Vec<String> = rules.collect();
    if policy == "gate" {
        let findings = GATE_FINDINGS.iter().filter(|finding| rule.is_none() || finding.code == code);
        texts.extend(findings.map(explain_gate_finding));
    }
    if texts.is_empty() || code == "gate" {
        texts.extend(
            FaultCause::ALL.iter().filter(|cause| names_cause(gate, code, **cause)).map(|c| explain_cause(*c)),
        );
    }
    texts
}

/// Whether a code names a cause: `fuel`, `identity/fuel`, `expired`, `gate/expired`, or `gate` for all of the gate.
fn names_cause(gate: &Gate, code: &str, cause: FaultCause) -> bool {
    let is_policy = |name: &str| descriptors(gate).any(|descriptor| descriptor.name == name);
    match code.split_once('/') {
        Some(("gate", word)) => cause.is_gate() && cause.as_str() == word,
        Some((policy, word)) => !cause.is_gate() && is_policy(policy) && cause.as_str() == word,
        None => cause.as_str() == code || (code == "gate" && cause.is_gate()),
    }
}

const fn nature(nature: Nature) -> &'static str {
    match nature {
        Nature::Wrong => "nature: wrong (something contradicts)",
        Nature::Missing => "nature: missing (something that the rule asks for was not shown)",
    }
}

fn explain_rule(descriptor: &Descriptor, rule: &RuleInfo) -> String {
    let mut text =
        format!("{}/{}\n{}\n\n  {}\n", descriptor.name, rule.code, wrap(&rule.summary, "  "), nature(rule.nature));
    if rule.never_lifted {
        text += "  never lifted: no override lifts it\n";
    }
    for paragraph in rule.explanation.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        text += &format!("\n{}\n", wrap(paragraph, "  "));
    }
    for name in &rule.settings {
        text += &format!("\n{}\n", setting(name, &descriptor.settings_schema["properties"][name]));
    }
    text
}

fn explain_gate_finding(finding: &GateFinding) -> String {
    let GateFinding { code, summary, explanation, not_lifted, .. } = finding;
    let nature = nature(finding.nature);
    format!("{code}\n{}\n\n  {nature}\n  {not_lifted}\n\n{}\n", wrap(summary, "  "), wrap(explanation, "  "))
}

fn explain_cause(cause: FaultCause) -> String {
    let kind = if cause.is_gate() { "a fault of the gate" } else { "a fault of a policy" };
    let help = wrap(&format!("help: {}", cause.help()), "  ");
    format!(
        "{}\n{}\n\n  {kind}: the batch is undecided\n  never lifted: no override lifts a fault\n\n{help}\n",
        fault_code(cause),
        wrap(cause.summary(), "  "),
    )
}

/// Suggests a code that was meant, or lists what can be explained.
fn suggestion(gate: &Gate, code: &str) -> String {
    let all = codes(gate);
    let policies: Vec<&str> = descriptors(gate).map(|descriptor| descriptor.name.as_str()).collect();
    let candidates = all.iter().map(|(code, _)| code.as_str()).chain(policies.iter().copied());
    if let Some(known) = did_you_mean(code, candidates) {
        return format!("did you mean `{known}`?");
    }
    let policy = code.split('/').next().unwrap_or_default();
    let prefix = format!("{policy}/");
    let rules: Vec<&str> = all.iter().filter_map(|(code, _)| code.strip_prefix(&prefix)).collect();
    if rules.is_empty() {
        format!("the policies are {}; `reprieve explain` lists every code", policies.join(", "))
    } else {
        format!("the codes of `{policy}` are {}", rules.join(", "))
    }
}

/// Renders a setting with its default, unit and bounds.
fn setting(name: &str, schema: &Value) -> String {
    let value = |key: &str| schema.get(key).filter(|value| !value.is_null());
    let default = match value("default") {
        Some(Value::Array(values)) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            values.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Some(value) => value.to_string(),
        None => "none".to_owned(),
    };
    let unit = value("x-unit").and_then(|unit| unit.as_str()).map(|unit| format!(" {unit}")).unwrap_or_default();
    let bounds = match (value("minimum"), value("maximum")) {
        (Some(min), Some(max)) => format!(" ({min} to {max})"),
        _ => String::new(),
    };
    let description = value("description").and_then(|text| text.as_str()).unwrap_or_default();
    format!("  setting {name} = {default}{unit}{bounds}\n{}", wrap(description, "    "))
}
