//! The host's types and the generated types of the contract: every conversion between them is here.

use crate::bindings::types;
use crate::descriptor::{BatchLimit, Descriptor, Measure, RuleInfo, Subject};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::schema::MAX_SCHEMA_BYTES;
use reprieve_model::{FaultCause, Nature, Severity};

pub use types::{Codes, Column, Strings, Values};

/// A run of consecutive targets with all their columns: those of the list and those of the inventory.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The row number of the first target in the whole batch.
    pub first_row: u64,
    /// The number of targets.
    pub rows: u32,
    /// The columns, borrowed.
    pub columns: Vec<Column<'a>>,
}

/// A finding that was checked against the contract. Examples are still row numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Objection {
    /// The code of the rule.
    pub rule: String,
    /// Whether it denies.
    pub severity: Severity,
    /// Whether something contradicts or is missing.
    pub nature: Nature,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The JSON pointer of the request field it is about.
    pub field: Option<String>,
    /// The setting it was compared with.
    pub setting: Option<String>,
    /// The number of offending targets.
    pub rows: u64,
    /// A few of their row numbers.
    pub examples: Vec<u64>,
}

/// The columns of a view that a policy requests, in its order.
pub(crate) fn requested<'a>(view: &View<'a>, names: &[String]) -> Vec<Column<'a>> {
    names.iter().filter_map(|name| view.columns.iter().find(|column| column.name == name)).cloned().collect()
}

/// Converts a descriptor. Only its schema is parsed; the rest is not checked.
pub(crate) fn descriptor(descriptor: types::Descriptor) -> Result<Descriptor, String> {
    let types::Descriptor { name, version, summary, rules, settings_schema, columns, limits } = descriptor;
    if settings_schema.len() > MAX_SCHEMA_BYTES {
        let bytes = settings_schema.len();
        return Err(format!("the settings schema has {bytes} bytes; at most {MAX_SCHEMA_BYTES} are allowed"));
    }
    let settings_schema = serde_json::from_str(&settings_schema)
        .map_err(|error| format!("the settings schema is not JSON: {error}"))?;
    Ok(Descriptor {
        name,
        version,
        summary,
        rules: rules.into_iter().map(rule).collect(),
        settings_schema,
        columns,
        limits: limits.into_iter().map(limit).collect(),
    })
}

fn rule(rule: types::Rule) -> RuleInfo {
    let types::Rule { code, summary, explanation, settings, nature: of, subject, never_lifted } = rule;
    let subject = match subject {
        types::Subject::Request => Subject::Request,
        types::Subject::Size => Subject::Size,
        types::Subject::Ids => Subject::Ids,
        types::Subject::Targets => Subject::Targets,
    };
    RuleInfo { code, summary, explanation, settings, nature: nature(of), subject, never_lifted }
}

fn limit(limit: types::Limit) -> BatchLimit {
    let measure = match limit.measure {
        types::Measure::TenantsHard => Measure::TenantsHard,
        types::Measure::TenantsSoft => Measure::TenantsSoft,
        types::Measure::CanaryShare => Measure::CanaryShare,
        types::Measure::CanaryTenants => Measure::CanaryTenants,
        types::Measure::Growth => Measure::Growth,
    };
    BatchLimit { measure, setting: limit.setting }
}

fn nature(nature: types::Nature) -> Nature {
    match nature {
        types::Nature::Wrong => Nature::Wrong,
        types::Nature::Missing => Nature::Missing,
    }
}

fn severity(severity: types::Severity) -> Severity {
    match severity {
        types::Severity::Deny => Severity::Deny,
        types::Severity::Warn => Severity::Warn,
    }
}

/// Checks the findings of a policy against its descriptor and the limits.
pub(crate) fn objections(
    findings: Vec<types::Finding>,
    descriptor: &Descriptor,
    rows: u64,
    limits: &Limits,
) -> Result<Vec<Objection>, Fault> {
    if findings.len() as u64 > limits.findings {
        let message = format!("it returned {} findings; at most {} are allowed", findings.len(), limits.findings);
        return Err(Fault::new(FaultCause::Findings, message));
    }
    findings.into_iter().map(|finding| objection(finding, descriptor, rows, limits)).collect()
}

fn objection(
    finding: types::Finding,
    descriptor: &Descriptor,
    rows: u64,
    limits: &Limits,
) -> Result<Objection, Fault> {
    let invalid = |message: String| Err(Fault::new(FaultCause::InvalidOutput, message));
    let types::Finding { rule, severity: of, nature: kind, message, help, field, setting, rows: count, examples } =
        finding;
    let texts = [("message", Some(&message)), ("help", Some(&help)), ("field", field.as_ref())];
    for (name, text) in texts {
        if text.is_some_and(|text| text.len() as u64 > limits.text_bytes) {
            let message = format!("the {name} of a finding is longer than {} bytes", limits.text_bytes);
            return Err(Fault::new(FaultCause::Text, message));
        }
    }
    if descriptor.rule(&rule).is_none() {
        return invalid(format!("it reported the rule `{rule}`, which its descriptor does not declare"));
    }
    if let Some(setting) = setting.as_ref().filter(|name| !descriptor.has_setting(name)) {
        return invalid(format!("it named the setting `{setting}`, which its descriptor does not declare"));
    }
    if field.as_ref().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
        return invalid("the field of a finding is not a JSON pointer".to_owned());
    }
    if count > rows || examples.iter().any(|row| *row >= rows) || examples.len() as u64 > count {
        return invalid(format!("it named rows that do not exist; the batch has {rows}"));
    }
    Ok(Objection {
        rule,
        severity: severity(of),
        nature: nature(kind),
        message,
        help,
        field,
        setting,
        rows: count,
        examples,
    })
}
