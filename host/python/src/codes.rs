//! What a code means.

use pyo3::prelude::*;
use reprieve::Gate;
use reprieve::model::FaultCause;
use serde_json::{Value, json};

use crate::errors::Error;
use crate::work::run;

/// Explains a code of the built-in policies, or every code, as JSON.
#[pyfunction]
#[pyo3(signature = (code))]
pub fn explain(py: Python<'_>, code: Option<String>) -> PyResult<String> {
    let built = move || Ok::<_, Error>(explained(&Gate::builder().build()?, code.as_deref()).to_string());
    Ok(run(py, None, built)??)
}

/// Explains what a code names: a rule (`policy/rule`), every rule of a policy, or the cause of a fault. Without a code,
/// everything.
pub fn explained(gate: &Gate, code: Option<&str>) -> Value {
    let mut all = Vec::new();
    for policy in gate.policies() {
        let name = &policy.descriptor.name;
        for rule in &policy.descriptor.rules {
            let of_rule = format!("{name}/{}", rule.code);
            if code.is_some_and(|code| code != of_rule && code != name) {
                continue;
            }
            let settings: serde_json::Map<String, Value> = rule
                .settings
                .iter()
                .map(|name| (name.clone(), policy.descriptor.settings_schema["properties"][name].clone()))
                .collect();
            all.push(json!({
                "code": of_rule,
                "summary": rule.summary,
                "explanation": rule.explanation,
                "nature": rule.nature,
                "never_lifted": rule.never_lifted,
                "settings": settings,
            }));
        }
    }
    for finding in reprieve::policy::GATE_FINDINGS {
        if code.is_none_or(|code| code == finding.code || code == "gate") {
            all.push(json!({
                "code": finding.code,
                "summary": finding.summary,
                "explanation": finding.explanation,
                "nature": finding.nature,
                "never_lifted": true,
                "settings": {},
            }));
        }
    }
    for cause in FaultCause::ALL {
        let word = if cause.is_gate() { format!("gate/{cause}") } else { cause.as_str().to_owned() };
        let names = |code: &str| {
            code == word
                || code == cause.as_str()
                || (code == "gate" && cause.is_gate())
                || (!cause.is_gate() && code.ends_with(&format!("/{word}")) && is_policy(gate, code))
        };
        if code.is_none_or(names) {
            all.push(json!({
                "code": word,
                "summary": cause.summary(),
                "explanation": cause.help(),
                "nature": "fault",
                "never_lifted": true,
                "settings": {},
            }));
        }
    }
    Value::Array(all)
}

/// Whether the first half of a code is a policy of the gate.
fn is_policy(gate: &Gate, code: &str) -> bool {
    let policy = code.split('/').next().unwrap_or_default();
    gate.policies().any(|known| known.descriptor.name == policy)
}
