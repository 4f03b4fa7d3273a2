//! Silence is unknown: whichever field a hard delete leaves out, a denial never becomes an allow.
//!
//! The batches have all evidence in order, so only the field that is left out, or the value that is wrong, can deny.
//! `docs/rules.md` has the table of what each rule makes of a field that is left out; [`table`] makes it.

use reprieve::history::PastBatches;
use reprieve::inventory::Record;
use reprieve::model::{DecisionDocument, Severity, Verdict};
use reprieve_tests::in_order::{Case, decide, gate, inventory, is_allowed, record, usual_gate};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Fields that a hard delete may leave out, and why no rule needs them.
const OPTIONAL: &[(&str, &str)] = &[
    ("/annotations", "It is for an operator's own policies; no built-in rule reads it."),
    ("/annotations/note", "It is for an operator's own policies; no built-in rule reads it."),
    ("/campaign", "Without a campaign, the batch counts as the first of one, which has the lowest limits."),
    ("/dry_run/sample", "It helps people; the digest is of every row."),
    ("/id", "It is a name that the submitter chooses; the digests identify request and list."),
    ("/notice/owners_notified_at", "Optional only if the owners asked for the deletion, or their data was moved."),
    ("/operation/cascade", "The inventory says what goes along with the targets."),
    ("/operation/verb", "A hard delete is permanent, whatever its verb."),
    ("/provenance/id_kind", "The inventory says what each id is, and a hard delete has no id that it does not know."),
    ("/provenance/program_sha256", "The digest of the list says what the program made."),
    ("/provenance/query", "The ticket replaces it."),
    ("/reason/text", "It helps people."),
    ("/reason/ticket", "The query replaces it."),
    ("/recovery/restore/parallel_batches", "Restores then count as run one after another, which takes longest."),
    ("/recovery/soft_delete_days", "It is about soft deletes."),
    ("/schedule/expires_at", "The evidence expires by its own age."),
    ("/schedule/not_before", "It can only narrow when the batch runs."),
];

/// The JSON pointers of every field of a request but its targets.
pub fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => return,
    };
    for (key, value) in children.into_iter().filter(|(key, _)| key != "targets") {
        let pointer = format!("{at}/{key}");
        found.push(pointer.clone());
        pointers(value, &pointer, found);
    }
}

/// All of them.
fn fields(request: &Value) -> Vec<String> {
    let mut found = Vec::new();
    pointers(request, "", &mut found);
    found
}

/// A pointer without the positions in lists: `/approvals/by`.
pub fn name(pointer: &str) -> String {
    let steps = pointer.split('/').filter(|step| !step.is_empty() && step.parse::<usize>().is_err());
    steps.fold(String::new(), |name, step| name + "/" + step)
}

fn without(request: &Value, pointer: &str) -> Value {
    let mut request = request.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match request.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.remove(key)),
        Value::Array(values) => drop(values.remove(key.parse().unwrap())),
        _ => panic!("{pointer}"),
    }
    request
}

fn with(request: &Value, pointer: &str, value: Value) -> Value {
    let mut request = request.clone();
    *request.pointer_mut(pointer).unwrap() = value;
    request
}

/// The request without a field, and with each of the values that say nothing in its place.
fn silent(request: &Value, pointer: &str) -> Vec<Value> {
    let nothing = [Value::Null, json!(""), json!("unknown"), json!([]), json!({})];
    let mut silent = vec![without(request, pointer)];
    silent.extend(nothing.map(|nothing| with(request, pointer, nothing)));
    silent
}

#[test]
fn every_case_is_allowed_in_both_modes_without_a_warning() {
    let gate = usual_gate();
    for case in Case::ALL {
        for mode in ["soft", "hard"] {
            let document = decide(&gate, &case.request(mode, &case.targets())).unwrap();
            assert_eq!(document.decision, Verdict::Allow, "{case:?} {mode}: {:#?}", document.findings);
            assert!(document.findings.is_empty(), "{case:?} {mode}: {:#?}", document.findings);
        }
    }
}

#[test]
fn only_declared_fields_may_be_left_out_of_a_hard_delete() {
    let gate = usual_gate();
    let mut allowed = BTreeSet::new();
    for case in Case::ALL {
        let request = case.request("hard", &case.targets());
        for pointer in fields(&request) {
            if silent(&request, &pointer).iter().any(|silent| is_allowed(&gate, silent)) {
                allowed.insert(name(&pointer));
            }
        }
    }
    let declared: BTreeSet<String> = OPTIONAL.iter().map(|(field, _)| (*field).to_owned()).collect();
    assert_eq!(allowed, declared);
}

/// A value that is wrong in a hard delete, and whether its field may be left out: because the field is what is wrong, and
/// without it nothing is.
struct Wrong {
    case: Case,
    pointer: &'static str,
    value: Value,
    /// Why the request is right without the field. None: it stays denied.
    corrected: Option<&'static str>,
}

fn wrong() -> Vec<Wrong> {
    use Case::{Erased, Moved, Requested, Unused};
    let of = |case, pointer, value| Wrong { case, pointer, value, corrected: None };
    let corrected = |case, pointer, value, why| Wrong { case, pointer, value, corrected: Some(why) };
    vec![
        of(Requested, "/environment", json!("staging")),
        of(Requested, "/target_kind", json!("site")),
        corrected(
            Requested,
            "/operation/selector",
            json!("*"),
            "without a selector, the call goes by the listed ids",
        ),
        corrected(
            Requested,
            "/operation/selector",
            json!("env = 'x'"),
            "without a selector, the call goes by the listed ids",
        ),
        of(Requested, "/reason/basis", json!("cleanup")),
        of(Requested, "/reason/trigger_source", json!("default")),
        of(Unused, "/reason/trigger_source", json!("default")),
        of(Requested, "/reason/trigger", json!("migration")),
        of(Requested, "/actor/id", json!("alice")),
        of(Requested, "/actor/on_behalf_of", json!("alice")),
        of(Requested, "/actor/type", json!("ai-agent")),
        of(Requested, "/actor/type", json!("unknown")),
        of(Requested, "/actor/credential/purpose", json!("testing")),
        of(Requested, "/actor/credential/environment", json!("test")),
        of(Requested, "/provenance/selection", json!("all")),
        of(Requested, "/provenance/selection", json!("complement")),
        of(Requested, "/provenance/complete", json!(false)),
        of(Requested, "/provenance/row_count", json!(2)),
        of(Requested, "/provenance/source_total", json!(2)),
        of(Unused, "/provenance/source_total", json!(9)),
        of(Requested, "/provenance/sha256", json!("f00")),
        of(Requested, "/provenance/extracted_at", json!("2026-03-01T12:00:00Z")),
        of(Requested, "/provenance/extracted_by", json!("alice")),
        corrected(Requested, "/provenance/query", json!("select id from apps"), "the ticket replaces the query"),
        corrected(Requested, "/provenance/id_kind", json!("site"), "the inventory says what each id is"),
        of(Unused, "/provenance/keep_set/count", json!(0)),
        of(Unused, "/provenance/keep_set/count", json!(400)),
        of(Unused, "/provenance/page_size", json!(27)),
        of(Unused, "/provenance/keep_set/previous_count", json!(900)),
        of(Unused, "/provenance/keep_set/observed_at", json!("2026-03-01T12:00:00Z")),
        of(Unused, "/provenance/lookups/failed", json!(3)),
        of(Unused, "/provenance/lookups/answered", json!(299)),
        of(Unused, "/provenance/lookups/asked", json!(2)),
        of(Requested, "/operation/program_sha256", json!("1a")),
        of(Requested, "/dry_run/program_sha256", json!("1a")),
        of(Requested, "/approvals/0/program_sha256", json!("1a")),
        of(Erased, "/reason/trigger_source", json!("default")),
        of(Requested, "/dry_run/at", json!("2026-02-01T12:00:00Z")),
        of(Requested, "/dry_run/targets_sha256", json!("f00")),
        of(Requested, "/dry_run/environment", json!("staging")),
        of(Requested, "/dry_run/count", json!(2)),
        of(Requested, "/dry_run/by_kind", json!({ "site": 3 })),
        of(Requested, "/recovery/checkpoints/0/id", json!("app-1")),
        of(Requested, "/recovery/checkpoints/0/location", json!("app-1")),
        of(Requested, "/recovery/checkpoints/0/verified", json!(false)),
        of(Requested, "/recovery/checkpoints/0/completed_at", json!("2026-02-01T12:00:00Z")),
        of(Requested, "/recovery/checkpoints/0/covers_sha256", json!("f00")),
        of(Requested, "/recovery/checkpoints/0/immutable_until", json!("2026-03-03T12:00:00Z")),
        of(Requested, "/recovery/restore/granularity", json!("all")),
        of(Requested, "/recovery/restore/tested_at", json!("2024-01-01T00:00:00Z")),
        of(Requested, "/recovery/restore/tested_scale", json!(0)),
        of(Requested, "/recovery/restore/tested_scale", json!(9)),
        of(Requested, "/recovery/restore/tenants_per_batch", json!(99)),
        of(Requested, "/recovery/restore/batch_duration", json!("P3D")),
        of(Requested, "/approvals/0/by", json!("carol")),
        of(Requested, "/approvals/0/by", json!("dave")),
        of(Requested, "/approvals/0/by", json!("bob")),
        of(Requested, "/approvals/0/type", json!("automation")),
        of(Requested, "/approvals/0/at", json!("2026-02-01T12:00:00Z")),
        of(Requested, "/approvals/0/targets_sha256", json!("f00")),
        of(Requested, "/approvals/0/mode", json!("soft")),
        of(Requested, "/approvals/0/kinds", json!({ "app": 2 })),
        of(Requested, "/approvals/0/tenants", json!(2)),
        of(Moved, "/migration/copy", json!("app-1")),
        of(Moved, "/migration/verified_fraction", json!(0.66)),
        of(Moved, "/migration/verified_fraction", json!(66)),
        of(Moved, "/migration/verified_at", json!("2026-01-01T12:00:00Z")),
        of(Moved, "/migration/source_hold_until", json!("2026-03-09T12:00:00Z")),
        of(Requested, "/schedule/freeze", json!(true)),
        of(Unused, "/notice/owners_notified_at", json!("2026-03-01T12:00:00Z")),
        of(Requested, "/notice/opt_outs", json!(1)),
        of(Unused, "/notice/opt_outs", json!(1)),
        of(Erased, "/notice/opt_outs", json!(1)),
    ]
}

/// Sets a field, which may be new.
pub fn set(request: &Value, pointer: &str, value: Value) -> Value {
    let mut request = request.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    request.pointer_mut(parent).unwrap()[key] = value;
    request
}

#[test]
fn silence_never_turns_the_denial_of_a_hard_delete_into_an_allow() {
    let gate = usual_gate();
    for Wrong { case, pointer, value, corrected } in wrong() {
        let right = case.request("hard", &case.targets());
        let request = match right.pointer(pointer) {
            Some(_) => with(&right, pointer, value.clone()),
            None => set(&right, pointer, value.clone()),
        };
        let document = decide(&gate, &request).unwrap();
        assert_eq!(document.decision, Verdict::Deny, "{case:?} with {pointer} as {value}");
        for field in fields(&request) {
            let silent = silent(&request, &field);
            let allowed = silent.iter().any(|silent| is_allowed(&gate, silent));
            // Leaving out the wrong field, or one that holds it, may correct the request.
            let corrects = corrected.is_some() && format!("{pointer}/").starts_with(&format!("{field}/"));
            assert!(!allowed || corrects, "{case:?} with {pointer} as {value}: allowed without {field}");
        }
        let without = is_allowed(&gate, &without(&request, pointer));
        assert_eq!(without, corrected.is_some(), "{case:?} with {pointer} as {value}, without it: {corrected:?}");
    }
}

/// What a rule makes of silence: what it does to a hard delete and to a soft one.
type Effects = BTreeMap<(String, String), [Option<Severity>; 2]>;

fn add(effects: &mut Effects, field: &str, mode: usize, document: Option<&DecisionDocument>) {
    let Some(document) = document else { return };
    for finding in &document.findings {
        let known = &mut effects.entry((finding.code.clone(), field.to_owned())).or_default()[mode];
        if *known != Some(Severity::Deny) {
            *known = Some(finding.severity);
        }
    }
}

/// What the inventory may leave out of a record.
fn unknown_values() -> Vec<(&'static str, Record)> {
    let unknown = |name, forget: fn(&mut Record)| {
        let mut record = record();
        forget(&mut record);
        (name, record)
    };
    vec![
        unknown("kind", |record| record.kind = None),
        unknown("tenant", |record| record.tenant = None),
        unknown("environment", |record| record.environment = None),
        unknown("state", |record| record.state = None),
        unknown("state_since", |record| record.state_since = None),
        unknown("created_at", |record| record.created_at = None),
        unknown("last_used_at", |record| record.last_used_at = None),
        unknown("size_bytes", |record| record.size_bytes = None),
        unknown("dependents", |record| record.dependents = None),
        unknown("legal_hold", |record| record.legal_hold = None),
        unknown("retain_until", |record| record.retain_until = None),
        unknown("pool", |record| record.pool = None),
    ]
}

fn effects() -> Effects {
    let mut effects = Effects::new();
    let usual = usual_gate();
    for case in Case::ALL {
        for (i, mode) in ["hard", "soft"].into_iter().enumerate() {
            let request = case.request(mode, &case.targets());
            for pointer in fields(&request) {
                let field = name(&pointer).replacen('/', "", 1).replace('/', ".");
                add(&mut effects, &format!("`{field}`"), i, decide(&usual, &without(&request, &pointer)).as_ref());
            }
            for column in ["kind", "tenant", "x_identifier"] {
                let mut targets = case.targets();
                for target in targets.as_array_mut().unwrap() {
                    target.as_object_mut().unwrap().remove(column);
                }
                let request = case.request(mode, &targets);
                add(&mut effects, &format!("`{column}` of the list"), i, decide(&usual, &request).as_ref());
            }
        }
    }
    let mut of_gate = |gate: &reprieve::Gate, what: &str| {
        for case in Case::ALL {
            for (i, mode) in ["hard", "soft"].into_iter().enumerate() {
                add(&mut effects, what, i, decide(gate, &case.request(mode, &case.targets())).as_ref());
            }
        }
    };
    let history = || Some(PastBatches::new(Vec::new()));
    for (column, record) in unknown_values() {
        of_gate(&gate(Some(inventory(&record)), history()), &format!("`{column}` of the inventory"));
    }
    of_gate(&gate(None, history()), "the inventory");
    of_gate(&gate(Some(inventory(&record())), None), "the history");
    effects
}

/// The table of what each rule makes of a field that is left out, as a part of `docs/rules.md`.
pub fn table() -> String {
    let mut out = String::from(
        "\n## What is left out\n\n\
         What a request, a list or an inventory does not say is unknown, which is never the same as \"no\". The table has \
         what each\nrule makes of a field that a request in order leaves out. It is the result of vetting such requests: \
         deletions that the owners\nrequested, of unused targets outside a keep-set, of moved data, and of a person's data. A \
         test compares it.\n\n| rule | left out | hard | soft |\n|---|---|---|---|\n",
    );
    let word = |severity: Option<Severity>| match severity {
        Some(Severity::Deny) => "denies",
        Some(Severity::Warn) => "warns",
        None => "",
    };
    let mut rows: BTreeMap<(String, [Option<Severity>; 2]), Vec<String>> = BTreeMap::new();
    for ((code, field), effect) in effects() {
        rows.entry((code, effect)).or_default().push(field);
    }
    for ((code, [hard, soft]), fields) in rows {
        writeln!(out, "| `{code}` | {} | {} | {} |", fields.join(", "), word(hard), word(soft)).unwrap();
    }
    out.push_str("\nA hard delete may leave out these fields:\n\n| field | why no rule needs it |\n|---|---|\n");
    for (field, why) in OPTIONAL {
        writeln!(out, "| `{}` | {why} |", field.replacen('/', "", 1).replace('/', ".")).unwrap();
    }
    out
}
