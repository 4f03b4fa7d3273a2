//! The result of a run task: a status, a line, and an outcome for each finding.

use crate::problem::Problem;
use reprieve::model::{DecisionDocument, Finding, Nature, Severity, Verdict};
use reprieve_report::output::plain;
use reprieve_report::render::{markdown, plural};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The maximum number of outcomes. The message says how many findings there are.
const MAX_OUTCOMES: usize = 50;
/// The maximum number of characters in the message.
const MAX_MESSAGE_CHARS: usize = 400;
/// The number of codes that the message has.
const SHOWN: usize = 3;

/// What is sent back.
pub(super) struct TaskResult {
    passed: bool,
    message: String,
    decision: Option<DecisionDocument>,
}

impl TaskResult {
    /// The result of what could not be decided.
    pub fn failed(problem: &Problem) -> Self {
        let (_, detail, help) = problem.words();
        let help = help.map_or_else(String::new, |help| format!(". What to do: {help}"));
        Self { passed: false, message: format!("not decided: {detail}{help}"), decision: None }
    }

    /// The result of a plan that deletes nothing.
    pub fn nothing(notes: &[String]) -> Self {
        let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
        Self { passed: true, message: format!("the plan deletes nothing{notes}"), decision: None }
    }

    /// The result of a decision. Nothing but a recorded allow passes.
    pub fn decided(decision: DecisionDocument) -> Self {
        let passed = decision.decision == Verdict::Allow && decision.ledger.is_some();
        let mut message =
            format!("{}: {}", decision.decision.as_str(), plural(decision.targets, "deletion", "deletions"));
        if let Some(entry) = &decision.ledger {
            message += &format!(", entry {}", entry.entry);
        }
        let denials: Vec<&str> = decision
            .findings
            .iter()
            .filter(|finding| finding.denies())
            .map(|finding| finding.code.as_str())
            .collect();
        let faults = decision.faults.iter().filter(|fault| fault.enforced).map(|fault| fault.cause.as_str());
        let codes: Vec<&str> = denials.into_iter().chain(faults).collect();
        for (i, code) in codes.iter().take(SHOWN).enumerate() {
            message += if i == 0 { ": " } else { ", " };
            message += code;
        }
        if codes.len() > SHOWN {
            message += &format!(" and {} more", codes.len() - SHOWN);
        }
        Self { passed, message, decision: Some(decision) }
    }

    /// The word of the status.
    pub const fn status(&self) -> &'static str {
        if self.passed { "passed" } else { "failed" }
    }

    /// The document. `url` is that of the service for people; `is_advisory` says that the run goes on in any case.
    pub fn document(&self, url: Option<&str>, is_advisory: bool) -> String {
        let mut message = plain(&self.message).into_owned();
        if message.chars().count() > MAX_MESSAGE_CHARS {
            message = message.chars().take(MAX_MESSAGE_CHARS - 1).chain(['…']).collect();
        }
        if is_advisory && !self.passed {
            message += " (advisory: this does not stop the run)";
        }
        let entry = self.decision.as_ref().and_then(|decision| decision.ledger.as_ref());
        let page =
            url.zip(entry).map(|(url, entry)| format!("{}/decisions/{}", url.trim_end_matches('/'), entry.entry));
        let mut attributes = json!({ "status": self.status(), "message": message });
        if let Some(page) = &page {
            attributes["url"] = page.as_str().into();
        }
        let outcomes = self.outcomes(page.as_deref());
        let data = json!({
            "type": "task-results",
            "attributes": attributes,
            "relationships": { "outcomes": { "data": outcomes } },
        });
        json!({ "data": data }).to_string()
    }

    fn outcomes(&self, page: Option<&str>) -> Vec<Value> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let findings = self.decision.iter().flat_map(|decision| &decision.findings);
        let mut id = |code| {
            let count = seen.entry(code).or_default();
            *count += 1;
            if *count == 1 { code.to_owned() } else { format!("{code}-{count}") }
        };
        findings
            .take(MAX_OUTCOMES)
            .map(|finding| {
                let mut attributes = json!({
                    "outcome-id": id(finding.code.as_str()),
                    "description": plain(&finding.message),
                    "body": body(finding),
                    "tags": tags(finding),
                });
                if let Some(page) = page {
                    attributes["url"] = page.into();
                }
                json!({ "type": "task-result-outcomes", "attributes": attributes })
            })
            .collect()
    }
}

fn tags(finding: &Finding) -> Value {
    let (status, level) = match (finding.denies(), finding.severity) {
        (true, _) => ("Denied", "error"),
        (false, Severity::Deny) if finding.lifted => ("Lifted", "info"),
        (false, Severity::Deny) => ("Reported", "info"),
        (false, Severity::Warn) => ("Warned", "warning"),
    };
    let nature = match finding.nature {
        Nature::Wrong => "Wrong",
        Nature::Missing => "Missing",
    };
    json!({
        "Status": [{ "label": status, "level": level }],
        "Severity": [{ "label": nature, "level": level }],
    })
}

/// What a finding says, as Markdown. Text of others is escaped.
fn body(finding: &Finding) -> String {
    let mut text = format!("{}\n\n**What to do:** {}\n", markdown(&finding.message), markdown(&finding.help));
    let lines = [("Field", &finding.field), ("Setting", &finding.setting)];
    for (name, value) in lines.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        text += &format!("\n{name}: {}\n", markdown(value));
    }
    if !finding.examples.is_empty() {
        text += &format!("\n{}, for example:\n\n", plural(finding.rows, "resource", "resources"));
        text.extend(finding.examples.iter().map(|id| format!("- {}\n", markdown(id))));
    }
    text += &format!("\n`reprieve explain {}`\n", finding.code);
    text
}
