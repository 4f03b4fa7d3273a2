//! Fixtures for a policy's own unit tests: a valid batch that a test changes in one place.

use crate::{Chunk, Codes, Column, Policy, Session, Severity, Strings, Validity, Values};
use serde_json::{Value, json};

/// The digest of the batch in [`review`].
pub const DIGEST: &str = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// A review that every built-in policy passes: two retired `app` records of two tenants, soft-deleted, resolved,
/// rehearsed, approved and backed up. `claims` and `facts` are JSON merge patches (RFC 7396) to apply to it.
pub fn review(claims: Value, facts: Value) -> Value {
    let mut review = json!({
        "claims": {
            "id": "retire/1", "mode": "soft", "environment": "production", "target_kind": "app",
            "operation": { "verb": "delete", "cascade": false },
            "reason": { "ticket": "CHG-1", "text": "retired", "trigger": "request", "trigger_source": "explicit" },
            "actor": { "id": "svc-cleanup", "type": "automation", "on_behalf_of": "carol",
                       "credential": { "purpose": "deletion", "environment": "production" } },
            "provenance": { "source": "cmdb", "query": "select id from apps where retired", "selection": "explicit",
                            "complete": true, "id_kind": "app", "row_count": 2, "source_total": 2,
                            "sha256": DIGEST, "extracted_at": "2026-03-02T11:30:00Z", "extracted_by": "carol" },
            "dry_run": { "at": "2026-03-02T11:40:00Z", "targets_sha256": DIGEST, "environment": "production",
                         "count": 2, "by_kind": { "app": 2 }, "sample": ["a-1"] },
            "recovery": { "soft_delete_days": 30 },
            "schedule": { "freeze": false },
            "approvals": [ { "by": "alice", "type": "human", "at": "2026-03-02T11:50:00Z", "targets_sha256": DIGEST,
                             "mode": "soft", "kinds": { "app": 2 }, "tenants": 2 } ]
        },
        "facts": {
            "evaluated_at": "2026-03-02T12:00:00Z", "request_sha256": DIGEST, "targets_sha256": DIGEST, "targets": 2,
            "ids": { "null": 0, "empty": 0, "duplicate": 0, "examples": [] },
            "tenants": { "distinct": 2, "unknown": 0 }, "tenants_at_most": 2,
            "kinds": { "counts": { "app": 2 }, "others": 0, "unknown": 0 },
            "environments": { "counts": {}, "others": 0, "unknown": 2 },
            "production": true, "not_production": ["staging", "test"],
            "inventory": {
                "sha256": DIGEST, "resolved": 2, "unresolved": 0, "tenants": { "distinct": 2, "unknown": 0 },
                "kinds": { "counts": { "app": 2 }, "others": 0, "unknown": 0 },
                "environments": { "counts": { "production": 2 }, "others": 0, "unknown": 0 },
                "states": { "counts": { "soft-deleted": 2 }, "others": 0, "unknown": 0 },
                "population": { "app": 1000 }, "population_tenants": 900, "pools": [],
                "tenants_gone": 0, "near_misses": { "count": 0, "examples": [], "unchecked": 0 },
                "closure": { "things": 2, "undeclared": 0,
                             "undeclared_kinds": { "counts": {}, "others": 0, "unknown": 0 }, "examples": [],
                             "tenants": { "distinct": 2, "unknown": 0 },
                             "kinds": { "counts": { "app": 2 }, "others": 0, "unknown": 0 },
                             "parts": { "counts": {}, "others": 0, "unknown": 0 }, "unknown": 0, "evidence": [], "truncated": false }
            },
            "restore": { "tenants": 2, "batches": 1, "duration": "P5D",
                         "tenants_per_batch": { "value": 60, "measured": false },
                         "batch_duration": { "value": "P5D", "measured": false },
                         "parallel_batches": { "value": 1, "measured": false } }
        }
    });
    merge_patch(&mut review["claims"], claims);
    merge_patch(&mut review["facts"], facts);
    review
}

/// Facts of a batch that is a wave of a list with the digest `f00`: nine apps of 70 tenants. Pass them to [`review`].
pub fn wave() -> Value {
    json!({ "whole": { "targets_sha256": "f00", "targets": 9, "tenants": { "distinct": 70, "unknown": 0 },
        "kinds": { "counts": { "app": 9 }, "others": 0, "unknown": 0 } } })
}

/// Applies a JSON merge patch (RFC 7396): merges objects, removes a key whose value is null, replaces any other value.
pub fn merge_patch(document: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *document = patch;
        return;
    };
    if !document.is_object() {
        *document = json!({});
    }
    for (key, value) in patch {
        match document.as_object_mut() {
            Some(object) if value.is_null() => drop(object.remove(&key)),
            _ => merge_patch(&mut document[key], value),
        }
    }
}

/// Runs a policy over a review and returns its findings, for example `deny too-many` or `warn page-sized`.
///
/// # Panics
/// If the policy cannot read its input.
#[allow(clippy::panic)]
pub fn check<P: Policy>(review: &Value, settings: Value, chunks: &[Chunk]) -> Vec<String> {
    let mut session = match Session::<P>::begin(review.to_string(), &settings.to_string(), Vec::new()) {
        Ok(session) => session,
        Err(error) => panic!("{error}"),
    };
    chunks.iter().for_each(|chunk| session.observe(chunk.clone()));
    let word = |severity| if severity == Severity::Deny { "deny" } else { "warn" };
    session.finish().iter().map(|finding| format!("{} {}", word(finding.severity), finding.rule)).collect()
}

/// Builds a column of codes; `None` is unknown.
pub fn codes(name: &str, rows: &[Option<&str>]) -> Column {
    let mut codes = Codes { dictionary: Strings { offsets: vec![0], text: String::new() }, values: Vec::new() };
    for row in rows {
        codes.values.push(codes.dictionary.len() as u32);
        push(&mut codes.dictionary, row.unwrap_or_default());
    }
    Column { name: name.to_owned(), values: Values::Codes(codes), validity: validity(rows) }
}

/// Builds a column of strings; `None` is unknown.
pub fn strings(name: &str, rows: &[Option<&str>]) -> Column {
    let mut strings = Strings { offsets: vec![0], text: String::new() };
    rows.iter().for_each(|row| push(&mut strings, row.unwrap_or_default()));
    Column { name: name.to_owned(), values: Values::Strings(strings), validity: validity(rows) }
}

/// Builds a column of times in seconds since 1970; `None` is unknown.
pub fn times(name: &str, rows: &[Option<i64>]) -> Column {
    let values = rows.iter().map(|row| row.unwrap_or_default()).collect();
    Column { name: name.to_owned(), values: Values::I64s(values), validity: validity(rows) }
}

/// Builds the first chunk of a batch from columns.
pub fn chunk(rows: u32, columns: Vec<Column>) -> Chunk {
    Chunk { rows, columns, ..Chunk::default() }
}

fn push(strings: &mut Strings, text: &str) {
    strings.text.push_str(text);
    strings.offsets.push(strings.text.len() as u32);
}

fn validity<T>(rows: &[Option<T>]) -> Validity {
    let mut bits = vec![0; rows.len().div_ceil(8)];
    for (i, row) in rows.iter().enumerate() {
        bits[i / 8] |= u8::from(row.is_some()) << (i % 8);
    }
    Validity(Some(bits))
}
