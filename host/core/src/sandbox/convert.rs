//! Between the generated types and those of this crate. Nothing else sees the generated ones.

use super::bindings::types;
use super::descriptor::Descriptor;
use super::fault::{Cause, Fault};
use super::{Limits, bindings};
use crate::columns::{Chunk, Column, Strings, Values};
use reprieve_model::Severity;

/// A chunk as a policy may ask for it: the list's columns and those of the inventory side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub chunk: &'a Chunk,
    pub resolved: &'a [Column],
}

/// An objection, checked against the contract. Rows are row numbers still.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Objection {
    pub rule: String,
    pub severity: Severity,
    pub message: String,
    pub help: String,
    pub field: Option<String>,
    pub setting: Option<String>,
    pub rows: u64,
    pub examples: Vec<u64>,
}

/// The columns that a policy wants, borrowed.
pub(super) fn chunk<'a>(view: View<'a>, wanted: &[String]) -> Vec<types::Column<'a>> {
    let all = || view.chunk.columns.iter().chain(view.resolved);
    wanted.iter().filter_map(|name| all().find(|column| column.name == *name)).map(column).collect()
}

fn column(column: &Column) -> types::Column<'_> {
    let values = match &column.values {
        Values::Strings(texts) => types::Values::Strings(strings(texts)),
        Values::Codes(codes) => {
            types::Values::Codes(types::Codes { dictionary: strings(&codes.dictionary), values: &codes.values })
        }
        Values::U64s(values) => types::Values::U64s(values),
        Values::I64s(values) => types::Values::I64s(values),
        Values::Bools(bits) => types::Values::Bools(bits),
    };
    types::Column { name: &column.name, values, validity: column.validity.as_deref() }
}

fn strings(strings: &Strings) -> types::Strings<'_> {
    types::Strings { offsets: &strings.offsets, bytes: &strings.bytes }
}

/// Checks what a policy found against what it may find.
pub(super) fn objections(
    found: Vec<bindings::types::Finding>,
    descriptor: &Descriptor,
    rows: u64,
    limits: &Limits,
) -> Result<Vec<Objection>, Fault> {
    if found.len() as u64 > limits.findings {
        let message = format!("it returned {} findings, and {} are allowed", found.len(), limits.findings);
        return Err(Fault::new(Cause::Findings, message));
    }
    found.into_iter().map(|finding| objection(finding, descriptor, rows, limits)).collect()
}

fn objection(
    finding: bindings::types::Finding,
    descriptor: &Descriptor,
    rows: u64,
    limits: &Limits,
) -> Result<Objection, Fault> {
    let wrong = |message: String| Err(Fault::new(Cause::InvalidOutput, message));
    let bindings::types::Finding { rule, severity, message, help, field, setting, rows: count, examples } = finding;
    let texts = [("message", Some(&message)), ("help", Some(&help)), ("field", field.as_ref())];
    for (name, text) in texts {
        if text.is_some_and(|text| text.len() as u64 > limits.text_bytes) {
            let message = format!("the {name} of a finding is longer than {} bytes", limits.text_bytes);
            return Err(Fault::new(Cause::Text, message));
        }
    }
    if !descriptor.rules.iter().any(|known| known.code == rule) {
        return wrong(format!("it reports the rule `{rule}`, which it does not declare"));
    }
    if let Some(setting) =
        setting.as_ref().filter(|name| descriptor.settings_schema["properties"].get(name).is_none())
    {
        return wrong(format!("it names the setting `{setting}`, which it does not declare"));
    }
    if field.as_ref().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
        return wrong("the field of a finding is not a JSON pointer".to_owned());
    }
    if count > rows || examples.iter().any(|row| *row >= rows) || examples.len() as u64 > count {
        return wrong(format!("it names rows that do not exist; the batch has {rows}"));
    }
    Ok(Objection { rule, severity: severity.into(), message, help, field, setting, rows: count, examples })
}
