//! The description of a policy, and the checks that it must pass.

use reprieve_model::{COLUMNS, Nature, OWN_COLUMN_PREFIX, did_you_mean};
use std::collections::HashSet;

/// The description of a policy.
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
    /// The columns it reads; empty if it reads claims and facts only.
    pub columns: Vec<String>,
    /// The settings that limit the size of a batch.
    pub limits: Vec<BatchLimit>,
}

/// The description of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Kebab-case; the second half of the code.
    pub code: String,
    /// One sentence.
    pub summary: String,
    /// Why it exists and where its default comes from.
    pub explanation: String,
    /// The settings that control it.
    pub settings: Vec<String>,
    /// The nature of its findings, unless a finding has another.
    pub nature: Nature,
    /// What its findings are about.
    pub subject: Subject,
    /// Whether no override may lift its findings.
    pub never_lifted: bool,
}

/// What a finding is about, and so what clears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The request as a whole.
    Request,
    /// The size of the batch; a smaller batch may pass.
    Size,
    /// Ids that are blank or duplicated.
    Ids,
    /// Single targets, whatever else is in the batch.
    Targets,
}

/// A setting that limits the size of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchLimit {
    /// What it limits.
    pub measure: Measure,
    /// Its top-level name in the settings.
    pub setting: String,
}

/// What a setting limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// The number of tenants that a hard delete may reach.
    TenantsHard,
    /// The number of tenants that a soft delete may reach.
    TenantsSoft,
    /// The share of all tenants that the first batch of a campaign may reach, in percent.
    CanaryShare,
    /// The number of tenants that the first batch of a campaign may reach.
    CanaryTenants,
    /// How many times as many tenants as the batch before a batch may reach.
    Growth,
}

impl Descriptor {
    /// The rule of this code.
    pub fn rule(&self, code: &str) -> Option<&RuleInfo> {
        self.rules.iter().find(|rule| rule.code == code)
    }

    /// Whether it has a setting of this name.
    pub fn has_setting(&self, name: &str) -> bool {
        self.settings_schema["properties"].get(name).is_some()
    }
}

/// Checks a descriptor. A mistake that is not found here would go unnoticed later: two rules of one code, or a column that
/// no list has.
pub(crate) fn check_descriptor(descriptor: &Descriptor) -> Result<(), String> {
    if !is_kebab_case(&descriptor.name) {
        return Err(format!("the name `{}` is not kebab-case", descriptor.name));
    }
    if descriptor.name == "gate" {
        return Err("the name `gate` is reserved for the gate itself".to_owned());
    }
    for rule in &descriptor.rules {
        if !is_kebab_case(&rule.code) {
            return Err(format!("the rule `{}` is not kebab-case", rule.code));
        }
        if let Some(setting) = rule.settings.iter().find(|name| !descriptor.has_setting(name)) {
            return Err(format!(
                "the rule `{}` names the setting `{setting}`, which the settings schema does not have",
                rule.code
            ));
        }
    }
    if let Some(code) = duplicated(descriptor.rules.iter().map(|rule| &rule.code)) {
        return Err(format!("the rule `{code}` is duplicated"));
    }
    check_columns(&descriptor.columns)?;
    check_limits(descriptor)
}

fn is_kebab_case(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 64 && text.split('-').all(is_part)
}

fn check_columns(columns: &[String]) -> Result<(), String> {
    if let Some(column) = duplicated(columns.iter()) {
        return Err(format!("the column `{column}` is duplicated"));
    }
    let names = || COLUMNS.iter().map(|column| column.name);
    match columns
        .iter()
        .find(|column| !names().any(|name| name == **column) && !column.starts_with(OWN_COLUMN_PREFIX))
    {
        None => Ok(()),
        Some(column) => Err(match did_you_mean(column, names()) {
            Some(near) => format!("there is no column `{column}`; did you mean `{near}`?"),
            None => format!("there is no column `{column}`; a list's own columns begin with `x_`"),
        }),
    }
}

fn check_limits(descriptor: &Descriptor) -> Result<(), String> {
    for (i, limit) in descriptor.limits.iter().enumerate() {
        if descriptor.limits.iter().take(i).any(|other| other.measure == limit.measure) {
            return Err(format!("the setting `{}` limits what another setting limits already", limit.setting));
        }
        let kind = &descriptor.settings_schema["properties"][&limit.setting]["type"];
        if kind != "integer" && kind != "number" {
            return Err(format!("the limit `{}` is not a setting that is a number", limit.setting));
        }
    }
    Ok(())
}

/// The first name that is duplicated.
fn duplicated<'a>(mut names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = HashSet::new();
    names.find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(code: &str, setting: Option<&str>) -> RuleInfo {
        RuleInfo {
            code: code.to_owned(),
            summary: String::new(),
            explanation: String::new(),
            settings: setting.map(str::to_owned).into_iter().collect(),
            nature: Nature::Wrong,
            subject: Subject::Request,
            never_lifted: false,
        }
    }

    fn described(rules: Vec<RuleInfo>, columns: &[&str], settings_schema: &str) -> Descriptor {
        Descriptor {
            name: "a-policy".to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            rules,
            settings_schema: serde_json::from_str(settings_schema).unwrap(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            limits: Vec::new(),
        }
    }

    fn limited(limits: &[(Measure, &str)], schema: &str) -> Descriptor {
        let limit =
            |(measure, setting): &(Measure, &str)| BatchLimit { measure: *measure, setting: (*setting).to_owned() };
        Descriptor { limits: limits.iter().map(limit).collect(), ..described(vec![], &[], schema) }
    }

    #[test]
    fn names_what_is_invalid() {
        let schema = r#"{"properties":{"max":{"type":"integer"},"zone":{"type":"string"}}}"#;
        let measure = Measure::TenantsHard;
        for (descriptor, error) in [
            (
                described(vec![rule("a", None), rule("b", None), rule("a", None)], &[], schema),
                "the rule `a` is duplicated",
            ),
            (described(vec![rule("A", None)], &[], schema), "the rule `A` is not kebab-case"),
            (described(vec![rule("a", Some("min"))], &[], schema), "the rule `a` names the setting `min`"),
            (described(vec![], &["x_own", "id", "x_own"], schema), "the column `x_own` is duplicated"),
            (described(vec![], &["own"], schema), "there is no column `own`; a list's own columns begin with `x_`"),
            (limited(&[(measure, "zone")], schema), "the limit `zone` is not a setting that is a number"),
            (limited(&[(measure, "least")], schema), "the limit `least` is not a setting that is a number"),
            (limited(&[(measure, "max"), (measure, "max")], schema), "the setting `max` limits what another setting"),
        ] {
            let refused = check_descriptor(&descriptor).unwrap_err();
            assert!(refused.starts_with(error), "{refused}");
        }
        let columns: Vec<&str> = COLUMNS.iter().map(|column| column.name).chain(["x_own"]).collect();
        let rules = vec![rule("a", Some("max")), rule("b-2", None)];
        check_descriptor(&described(rules, &columns, schema)).unwrap();
    }
}
