//! The tables of a page: undoing, tenants, reading, evidence, digests and policies.

use super::{Tenants, Text};
use reprieve::ReadAs;
use reprieve::model::{Claims, DecisionDocument, Estimate};
use serde_json::Value;
use std::fmt::{self, Write};

/// The maximum number of values of the evidence that are shown.
const MAX_VALUES: usize = 200;

/// Adds a heading and a table of names and values.
fn facts(out: &mut String, title: &str, caption: &str, rows: &[(String, String)]) -> fmt::Result {
    writeln!(out, "<h2>{title}</h2>\n<table class=\"facts\"><caption>{caption}</caption><tbody>")?;
    for (name, value) in rows {
        writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Text(name), Text(value))?;
    }
    writeln!(out, "</tbody></table>")
}

/// Adds a table with a heading for each column.
fn wide<'a>(
    out: &mut String,
    caption: &str,
    titles: &[&str],
    rows: impl Iterator<Item = Vec<&'a str>>,
) -> fmt::Result {
    write!(out, "<table class=\"wide\"><caption>{caption}</caption><thead><tr>")?;
    titles.iter().try_for_each(|title| write!(out, "<th scope=\"col\">{title}</th>"))?;
    writeln!(out, "</tr></thead><tbody>")?;
    for row in rows {
        write!(out, "<tr>")?;
        for (i, cell) in row.iter().enumerate() {
            match i {
                0 => write!(out, "<th scope=\"row\">{}</th>", Text(cell))?,
                _ => write!(out, "<td>{}</td>", Text(cell))?,
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table>")
}

pub(super) fn restore(out: &mut String, estimate: &Estimate) -> fmt::Result {
    let source = |measured| if measured { "measured" } else { "assumed" };
    let Estimate { tenants_per_batch, batch_duration, parallel_batches, .. } = estimate;
    let rows = [
        ("in total", estimate.in_words()),
        ("tenants", estimate.tenants.to_string()),
        ("tenants a batch", format!("{} ({})", tenants_per_batch.value, source(tenants_per_batch.measured))),
        ("duration of a batch", format!("{} ({})", batch_duration.value, source(batch_duration.measured))),
        ("batches in parallel", format!("{} ({})", parallel_batches.value, source(parallel_batches.measured))),
    ];
    facts(out, "Undoing this", "estimate of a restore", &rows.map(|(name, value)| (name.to_owned(), value)))
}

pub(super) fn tenants(out: &mut String, tenants: Tenants<'_>) -> fmt::Result {
    writeln!(out, "<h2>Tenants</h2>")?;
    let rows = tenants.rows.iter().map(|row| row.iter().map(String::as_str).collect());
    wide(out, "in the order of a restore", tenants.titles, rows)
}

/// Adds how the list was read: one table for each way, if its files differ.
pub(super) fn reading(out: &mut String, ways: &[ReadAs]) -> fmt::Result {
    ways.iter().try_for_each(|read| way(out, read, ways.len() > 1))
}

fn way(out: &mut String, read: &ReadAs, names_file: bool) -> fmt::Result {
    let mut rows = Vec::new();
    if names_file {
        rows.push(("file".to_owned(), format!("{}, and others that were read like it", read.file())));
    }
    rows.push(("format".to_owned(), read.format().to_owned()));
    let mut add = |name: &str, value: Option<String>| rows.extend(value.map(|value| (name.to_owned(), value)));
    add("encoding", Some(read.encoding().to_owned()).filter(|encoding| !encoding.is_empty()));
    add("separator", read.delimiter().map(|delimiter| delimiter.escape_default().to_string()));
    add("header in line", read.header_line().map(|line| line.to_string()));
    add("array", read.array().map(str::to_owned));
    for used in read.columns() {
        add(used.field, Some(format!("column {}", used.columns.join(", "))));
    }
    add("left alone", Some(read.left_alone().join(", ")).filter(|names| !names.is_empty()));
    facts(out, "Reading", "how the list was read", &rows)
}

/// Adds what the request states, value by value.
pub(super) fn evidence(out: &mut String, claims: &Claims) -> fmt::Result {
    let mut rows = Vec::new();
    let claims = serde_json::to_value(claims).map_err(|_| fmt::Error)?;
    add_values(String::new(), &claims, &mut rows);
    let more = rows.len().saturating_sub(MAX_VALUES);
    rows.truncate(MAX_VALUES);
    if more > 0 {
        rows.push(("…".to_owned(), format!("{more} more")));
    }
    facts(out, "Evidence", "what the request states", &rows)
}

fn add_values(name: String, value: &Value, rows: &mut Vec<(String, String)>) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Null => {}
        Value::Object(members) => members.iter().for_each(|(part, value)| add_values(below(part), value, rows)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| add_values(below(&i.to_string()), item, rows));
        }
        Value::String(text) => rows.push((name, text.clone())),
        Value::Bool(_) | Value::Number(_) => rows.push((name, value.to_string())),
    }
}

pub(super) fn digests(out: &mut String, decision: &DecisionDocument) -> fmt::Result {
    let entry = decision.ledger.as_ref().map(|entry| format!("{}, {}", entry.entry, entry.sha256));
    let digests = [
        ("list", Some(decision.targets_sha256.clone())),
        ("request", Some(decision.request_sha256.clone())),
        ("inventory", decision.inventory_sha256.clone()),
        ("policy set", Some(decision.policy_set_sha256.clone())),
        ("ledger entry", entry),
        ("permit", decision.permit.clone()),
    ];
    let rows = digests.into_iter().filter_map(|(name, digest)| Some((name.to_owned(), digest?)));
    facts(out, "Digests", "SHA-256 of everything that was read", &rows.collect::<Vec<_>>())
}

pub(super) fn policies(out: &mut String, decision: &DecisionDocument) -> fmt::Result {
    writeln!(out, "<h2>Policies</h2>")?;
    let cells = |policy: &'_ reprieve::model::PolicyRun| {
        let result = format!("{}{}", policy.result.as_str(), if policy.enforced { "" } else { " (report only)" });
        vec![policy.name.clone(), policy.version.clone(), result, policy.sha256.clone()]
    };
    let rows: Vec<Vec<String>> = decision.policies.iter().map(cells).collect();
    let rows = rows.iter().map(|row| row.iter().map(String::as_str).collect());
    wide(out, "every policy of the set", &["policy", "version", "result", "SHA-256"], rows)
}
