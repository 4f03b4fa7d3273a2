//! Compares the decision of a case with the expected result.

use crate::{Expected, ExpectedFinding, denials};
use reprieve::model::DecisionDocument;
use std::fmt;

/// A difference between the actual and the expected result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Expected, but absent.
    Missing(String),
    /// Present, but not expected.
    Unexpected(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "- {what}"),
            Self::Unexpected(what) => write!(f, "+ {what}"),
        }
    }
}

/// Returns the findings of a decision in the form of expected findings, sorted by rule.
pub fn actual_findings(document: &DecisionDocument) -> Vec<ExpectedFinding> {
    let mut found: Vec<ExpectedFinding> = document
        .findings
        .iter()
        .map(|finding| ExpectedFinding {
            rule: finding.rule.clone(),
            severity: finding.severity,
            rows: finding.rows,
            examples: finding.examples.clone(),
        })
        .collect();
    found.sort_by(|a, b| (&a.rule, a.severity).cmp(&(&b.rule, b.severity)));
    found
}

/// Returns the differences between a decision and the expected result.
pub fn differences(expected: &Expected, document: &DecisionDocument) -> Vec<Difference> {
    let mut differences = Vec::new();
    if document.decision != expected.decision {
        differences.push(Difference::Missing(format!("decision {}", expected.decision.as_str())));
        differences.push(Difference::Unexpected(format!("decision {}", document.decision.as_str())));
        let faults = document.faults.iter().map(|fault| format!("fault {}: {}", fault.cause, fault.message));
        differences.extend(faults.map(Difference::Unexpected));
    }
    let denials = denials(document);
    let missing = expected.codes.iter().filter(|code| !denials.contains(code.as_str()));
    differences.extend(missing.map(|code| Difference::Missing(format!("deny {code}"))));
    if let Some(findings) = &expected.findings {
        let found = actual_findings(document);
        let without = |all: &[ExpectedFinding], others: &[ExpectedFinding]| -> Vec<String> {
            let mut others = others.to_vec();
            let mut rest = Vec::new();
            for finding in all {
                match others.iter().position(|other| other == finding) {
                    Some(at) => drop(others.remove(at)),
                    None => rest.push(line(finding)),
                }
            }
            rest
        };
        differences.extend(without(findings, &found).into_iter().map(Difference::Missing));
        differences.extend(without(&found, findings).into_iter().map(Difference::Unexpected));
    }
    differences
}

fn line(finding: &ExpectedFinding) -> String {
    let severity = if finding.severity == reprieve::model::Severity::Deny { "deny" } else { "warn" };
    let rows = match finding.rows {
        0 => String::new(),
        rows => format!(", {rows} rows: {}", finding.examples.join(", ")),
    };
    format!("{severity} {}{rows}", finding.rule)
}
