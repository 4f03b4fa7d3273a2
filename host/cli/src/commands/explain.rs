//! `reprieve explain`: explains a code.

use crate::error::fail;
use crate::setup::{PolicyArguments, build};
use clap::Args;
use reprieve::Gate;
use reprieve::model::{FaultCause, Nature, did_you_mean};
use reprieve::policy::{Descriptor, GATE_FINDINGS, GateFinding, RuleInfo};
use reprieve_report::output::{Page, plain};
use reprieve_report::status::Status;
use serde_json::Value;

/// Explain a code: what the rule means, why it exists, its settings and their defaults
#[derive(Args, Debug)]
pub struct Arguments {
    /// A rule (`identity/kind-mismatch`), all rules of a policy (`identity`), or the cause of a fault (`fuel`). Without it,
    /// list every code
    code: Option<String>,
    #[command(flatten)]
    policies: PolicyArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    page(&arguments.policies, arguments.code.as_deref())?.print()?;
    Ok(Status::Success)
}

/// Explains a code, or lists all of them.
pub fn page(policies: &PolicyArguments, code: Option<&str>) -> anyhow::Result<Page> {
    let gate = build(policies.builder_without_ledger()?)?;
    let mut page = Page::default();
    match code {
        None => {
            for (code, summary) in codes(&gate) {
                line!(page, "{}: {}", plain(&code), plain(summary));
            }
        }
        Some(code) => {
            if explain(&mut page, &gate, code) == 0 {
                return Err(fail(format!("there is no code `{}`", plain(code)), suggestion(&gate, code)));
            }
        }
    }
    Ok(page)
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

/// Explains everything that a code names: a rule, a policy, or causes of faults. Returns the number of explanations.
fn explain(page: &mut Page, gate: &Gate, code: &str) -> usize {
    let (policy, rule) = match code.split_once('/') {
        Some((policy, rule)) => (policy, Some(rule)),
        None => (code, None),
    };
    let named = descriptors(gate).filter(|descriptor| descriptor.name == policy);
    let rules = named.flat_map(|descriptor| {
        let rules = descriptor.rules.iter().filter(|known| rule.is_none_or(|rule| rule == known.code));
        rules.map(move |rule| Explained::Rule(descriptor, rule))
    });
    let mut explained: Vec<Explained<'_>> = rules.collect();
    if policy == "gate" {
        let findings = GATE_FINDINGS.iter().filter(|finding| rule.is_none() || finding.code == code);
        explained.extend(findings.map(Explained::Finding));
    }
    if explained.is_empty() || code == "gate" {
        let causes = FaultCause::ALL.iter().filter(|cause| names_cause(gate, code, **cause));
        explained.extend(causes.map(|cause| Explained::Cause(*cause)));
    }
    for (i, explained) in explained.iter().enumerate() {
        if i > 0 {
            page.blank();
        }
        match explained {
            Explained::Rule(descriptor, rule) => explain_rule(page, descriptor, rule),
            Explained::Finding(finding) => explain_gate_finding(page, finding),
            Explained::Cause(cause) => explain_cause(page, *cause),
        }
    }
    explained.len()
}

/// What a code names.
enum Explained<'a> {
    Rule(&'a Descriptor, &'a RuleInfo),
    Finding(&'a GateFinding),
    Cause(FaultCause),
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

fn explain_rule(page: &mut Page, descriptor: &Descriptor, rule: &RuleInfo) {
    line!(page, "{}/{}", plain(&descriptor.name), plain(&rule.code));
    page.paragraph("  ", &rule.summary);
    page.blank();
    line!(page, "  {}", nature(rule.nature));
    if rule.never_lifted {
        line!(page, "  never lifted: no override lifts it");
    }
    for paragraph in rule.explanation.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        page.blank();
        page.paragraph("  ", paragraph);
    }
    for name in &rule.settings {
        page.blank();
        setting(page, name, &descriptor.settings_schema["properties"][name]);
    }
}

fn explain_gate_finding(page: &mut Page, finding: &GateFinding) {
    line!(page, "{}", finding.code);
    page.paragraph("  ", finding.summary);
    page.blank();
    line!(page, "  {}", nature(finding.nature));
    line!(page, "  {}", finding.not_lifted);
    page.blank();
    page.paragraph("  ", finding.explanation);
}

fn explain_cause(page: &mut Page, cause: FaultCause) {
    let kind = if cause.is_gate() { "a fault of the gate" } else { "a fault of a policy" };
    line!(page, "{}", fault_code(cause));
    page.paragraph("  ", cause.summary());
    page.blank();
    line!(page, "  {kind}: the batch is undecided");
    line!(page, "  never lifted: no override lifts a fault");
    page.blank();
    page.paragraph("  ", &format!("help: {}", cause.help()));
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
fn setting(page: &mut Page, name: &str, schema: &Value) {
    let value = |key: &str| schema.get(key).filter(|value| !value.is_null());
    let default = match value("default") {
        Some(Value::Array(values)) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            values.iter().map(|value| plain(&text(value)).into_owned()).collect::<Vec<_>>().join(", ")
        }
        Some(value) => plain(&value.to_string()).into_owned(),
        None => "none".to_owned(),
    };
    let unit = value("x-unit").and_then(|unit| unit.as_str()).map(|unit| format!(" {unit}")).unwrap_or_default();
    let bounds = match (value("minimum"), value("maximum")) {
        (Some(min), Some(max)) => format!(" ({min} to {max})"),
        _ => String::new(),
    };
    let description = value("description").and_then(|text| text.as_str()).unwrap_or_default();
    line!(page, "  setting {} = {}{}{}", plain(name), default, plain(&unit), plain(&bounds));
    page.paragraph("    ", description);
}
