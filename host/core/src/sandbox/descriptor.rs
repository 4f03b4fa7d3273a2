//! What a policy says of itself, and whether it can be so.

use super::bindings;
use crate::columns;
use crate::source::nearest;

/// What a policy says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// Kebab-case; the first half of every code.
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Every rule it may report.
    pub rules: Vec<RuleInfo>,
    /// JSON Schema of its settings.
    pub settings_schema: serde_json::Value,
    /// The columns it looks at; none if it looks at claims and facts alone.
    pub columns: Vec<String>,
}

/// What a policy says of one of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Kebab-case; the second half of the code.
    pub code: String,
    /// One sentence.
    pub summary: String,
    /// Why it exists and where its default comes from.
    pub explanation: String,
    /// The settings that steer it.
    pub settings: Vec<String>,
}

/// Checks what a policy said. What is not looked up here would be taken for silence later: a rule that cannot be told
/// from another, a column that nobody hands over.
pub(super) fn check_descriptor(said: bindings::types::Descriptor) -> Result<Descriptor, String> {
    let is_kebab = |text: &str| {
        let part =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        text.len() <= 64 && text.split('-').all(part)
    };
    if !is_kebab(&said.name) {
        return Err(format!("the name `{}` is not kebab-case", said.name));
    }
    if said.name == "gate" {
        return Err("the name `gate` is the gate's own".to_owned());
    }
    let settings_schema: serde_json::Value = serde_json::from_str(&said.settings_schema)
        .map_err(|error| format!("the schema of its settings is not JSON: {error}"))?;
    let mut rules: Vec<RuleInfo> = Vec::new();
    for rule in said.rules {
        if !is_kebab(&rule.code) {
            return Err(format!("the rule `{}` is not kebab-case", rule.code));
        }
        if rules.iter().any(|other| other.code == rule.code) {
            return Err(format!("the rule `{}` is there twice", rule.code));
        }
        if let Some(setting) = rule.settings.iter().find(|name| settings_schema["properties"].get(name).is_none()) {
            return Err(format!(
                "the rule `{}` names the setting `{setting}`, which the schema does not have",
                rule.code
            ));
        }
        let bindings::types::Rule { code, summary, explanation, settings } = rule;
        rules.push(RuleInfo { code, summary, explanation, settings });
    }
    for (i, column) in said.columns.iter().enumerate() {
        if !columns::NAMES.contains(&column.as_str()) && !column.starts_with("x_") {
            return Err(match nearest(column, columns::NAMES) {
                Some(near) => format!("there is no column `{column}`; did you mean `{near}`?"),
                None => format!("there is no column `{column}`; a list's own begin with `x_`"),
            });
        }
        if said.columns.iter().take(i).any(|other| other == column) {
            return Err(format!("the column `{column}` is there twice"));
        }
    }
    Ok(Descriptor {
        name: said.name,
        version: said.version,
        summary: said.summary,
        rules,
        settings_schema,
        columns: said.columns,
    })
}

/// A schema has to be one, and to accept the policy's own defaults.
pub(super) fn check_schema(schema: &serde_json::Value) -> Result<(), String> {
    let validator = jsonschema::validator_for(schema)
        .map_err(|error| format!("the schema of its settings is none: at `{}`, {error}", error.instance_path()))?;
    let settings = schema["properties"].as_object().into_iter().flatten();
    let defaults = settings.filter_map(|(name, schema)| Some((name.clone(), schema.get("default")?.clone())));
    let defaults = serde_json::Value::Object(defaults.collect());
    // What is wrong with all of them together is a setting without a default, which an operator has to give.
    match validator.iter_errors(&defaults).find(|error| !error.instance_path().as_str().is_empty()) {
        Some(error) => Err(format!("the default of the setting `{}`: {error}", error.instance_path())),
        None => Ok(()),
    }
}
