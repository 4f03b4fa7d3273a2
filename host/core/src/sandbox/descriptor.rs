//! What a policy says of itself, and whether it can be so.

use super::bindings;
use crate::columns;
use crate::source::nearest;
use std::collections::HashSet;

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
        if let Some(setting) = rule.settings.iter().find(|name| settings_schema["properties"].get(name).is_none()) {
            return Err(format!(
                "the rule `{}` names the setting `{setting}`, which the schema does not have",
                rule.code
            ));
        }
        let bindings::types::Rule { code, summary, explanation, settings } = rule;
        rules.push(RuleInfo { code, summary, explanation, settings });
    }
    if let Some(code) = repeated(rules.iter().map(|rule| &rule.code)) {
        return Err(format!("the rule `{code}` is there twice"));
    }
    if let Some(column) = repeated(said.columns.iter()) {
        return Err(format!("the column `{column}` is there twice"));
    }
    for column in &said.columns {
        if !columns::NAMES.contains(&column.as_str()) && !column.starts_with("x_") {
            return Err(match nearest(column, columns::NAMES) {
                Some(near) => format!("there is no column `{column}`; did you mean `{near}`?"),
                None => format!("there is no column `{column}`; a list's own begin with `x_`"),
            });
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

/// The first of some names that stood there before.
fn repeated<'a>(mut names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = HashSet::new();
    names.find(|name| !seen.insert(*name))
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

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::types;

    fn rule(code: &str, setting: Option<&str>) -> types::Rule {
        let settings = setting.map(str::to_owned).into_iter().collect();
        types::Rule { code: code.to_owned(), summary: String::new(), explanation: String::new(), settings }
    }

    fn said(rules: Vec<types::Rule>, columns: &[&str], settings_schema: &str) -> types::Descriptor {
        types::Descriptor {
            name: "a-policy".to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            rules,
            settings_schema: settings_schema.to_owned(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn what_cannot_be_so_is_named() {
        let schema = r#"{"properties":{"most":{}}}"#;
        for (said, error) in [
            (said(vec![], &[], "{"), "the schema of its settings is not JSON"),
            (
                said(vec![rule("a", None), rule("b", None), rule("a", None)], &[], schema),
                "the rule `a` is there twice",
            ),
            (said(vec![rule("A", None)], &[], schema), "the rule `A` is not kebab-case"),
            (said(vec![rule("a", Some("least"))], &[], schema), "the rule `a` names the setting `least`"),
            (said(vec![], &["x_own", "id", "x_own"], schema), "the column `x_own` is there twice"),
            (said(vec![], &["own"], schema), "there is no column `own`; a list's own begin with `x_`"),
        ] {
            let refused = check_descriptor(said).unwrap_err();
            assert!(refused.starts_with(error), "{refused}");
        }
        let columns: Vec<&str> = columns::NAMES.into_iter().chain(["x_own"]).collect();
        let rules = vec![rule("a", Some("most")), rule("b-2", None)];
        assert_eq!(check_descriptor(said(rules, &columns, schema)).unwrap().columns, columns);
    }
}
