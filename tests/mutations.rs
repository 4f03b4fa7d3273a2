//! Mutations: a denied request stays denied whichever of its fields is weakened, and an allowed request is no longer
//! allowed without evidence that the default policies require.

use reprieve::model::Verdict;
use reprieve_tests::incident::{Incident, incidents};
use serde_json::{Value, json};

/// The JSON pointers of every value in a document except the targets, outermost first.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut each = |key: String, value: &Value| {
        let pointer = format!("{at}/{key}");
        found.push(pointer.clone());
        pointers(value, &pointer, found);
    };
    match value {
        Value::Object(fields) => {
            fields.iter().filter(|(key, _)| *key != "targets").for_each(|(key, value)| each(key.clone(), value))
        }
        Value::Array(values) => values.iter().enumerate().for_each(|(i, value)| each(i.to_string(), value)),
        _ => {}
    }
}

/// Replacements for a value that might weaken it.
fn weaker(value: &Value) -> Vec<Value> {
    let mut weaker =
        vec![Value::Null, json!(""), json!(0), json!(false), json!(true), json!([]), json!({}), json!(u64::MAX)];
    if let Some(text) = value.as_str() {
        let look_alike: String = text
            .chars()
            .map(|c| match c {
                'a' => 'а',
                'e' => 'е',
                'o' => 'о',
                'p' => 'р',
                'i' => 'і',
                c => c,
            })
            .collect();
        let mut title = text.to_owned();
        title.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        let more = [
            text.to_uppercase(),
            text.to_lowercase(),
            title,
            look_alike,
            format!(" {text} "),
            "9998-12-31T23:59:59Z".into(),
            "P0D".into(),
            "soft".into(),
            "explicit".into(),
            "human".into(),
        ];
        weaker.extend(more.into_iter().map(Value::String));
    }
    if let Some(number) = value.as_u64() {
        weaker.extend([json!(number + 1), json!(number.saturating_sub(1)), json!(1)]);
    }
    weaker.retain(|other| other != value);
    weaker
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.remove(key)),
        Value::Array(values) => drop(values.remove(key.parse().unwrap())),
        _ => panic!("{pointer}"),
    }
}

fn is_allowed(case: &Incident, request: &Value) -> bool {
    case.vet(&request.to_string()).is_ok_and(|document| document.decision == Verdict::Allow)
}

#[test]
fn weakening_a_field_never_turns_a_denial_into_an_allow() {
    let mut tried = 0;
    for path in incidents() {
        let case = Incident::open(&path);
        let request: Value = serde_json::from_str(&case.case.request).unwrap();
        let mut fields = Vec::new();
        pointers(&request, "", &mut fields);
        // A list of a hundred thousand rows is read for each mutation, so its fields are only removed.
        let large = case.case.generated;
        fields.retain(|pointer| !large || pointer.matches('/').count() == 1);
        for pointer in fields {
            let mut without = request.clone();
            remove(&mut without, &pointer);
            assert!(!is_allowed(&case, &without), "{} without {pointer}", case.name());
            tried += 1;
            let values = if large { Vec::new() } else { weaker(request.pointer(&pointer).unwrap()) };
            for value in values {
                let mut other = request.clone();
                *other.pointer_mut(&pointer).unwrap() = value.clone();
                assert!(!is_allowed(&case, &other), "{} with {pointer} as {value}", case.name());
                tried += 1;
            }
        }
    }
    assert!(tried > 5_000, "only {tried} mutations");
}

/// Evidence that the default policies require of every batch.
const REQUIRED: &[&str] = &[
    "/provenance",
    "/provenance/source",
    "/provenance/extracted_at",
    "/provenance/extracted_by",
    "/provenance/row_count",
    "/provenance/sha256",
    "/dry_run",
    "/dry_run/at",
    "/dry_run/targets_sha256",
    "/dry_run/environment",
    "/dry_run/count",
    "/dry_run/by_kind",
    "/approvals",
];

/// Fields without which an approval does not count.
const BINDING: &[&str] = &["by", "type", "at", "targets_sha256", "mode", "kinds", "tenants"];

#[test]
fn missing_or_weakened_evidence_prevents_an_allow() {
    for path in incidents() {
        let twin = Incident::open(&path.join("corrected"));
        let request: Value = serde_json::from_str(&twin.case.request).unwrap();
        assert!(is_allowed(&twin, &request), "{}", twin.name());
        for pointer in REQUIRED {
            let mut without = request.clone();
            remove(&mut without, pointer);
            assert!(!is_allowed(&twin, &without), "{} without {pointer}", twin.name());
            for value in weaker(request.pointer(pointer).unwrap()) {
                // The source and the author of a list are required but cannot be verified. A time in lower case is the
                // same time.
                let free = ["/provenance/source", "/provenance/extracted_by"].contains(pointer);
                let same_time = pointer.ends_with("at")
                    && value
                        .as_str()
                        .zip(request.pointer(pointer).unwrap().as_str())
                        .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
                if same_time {
                    continue;
                }
                if !free || value.as_str().is_none_or(|text| text.trim().is_empty()) {
                    let mut other = request.clone();
                    *other.pointer_mut(pointer).unwrap() = value.clone();
                    assert!(!is_allowed(&twin, &other), "{} with {pointer} as {value}", twin.name());
                }
            }
        }
        for field in BINDING {
            let mut without = request.clone();
            for approval in without["approvals"].as_array_mut().unwrap() {
                approval.as_object_mut().unwrap().remove(*field);
            }
            assert!(!is_allowed(&twin, &without), "{} with approvals without {field}", twin.name());
        }
    }
}

#[test]
fn changing_one_id_invalidates_all_evidence() {
    for path in incidents() {
        let twin = Incident::open(&path.join("corrected"));
        let mut request: Value = serde_json::from_str(&twin.case.request).unwrap();
        let Some(id) = request.pointer_mut("/targets/0/id") else { continue };
        *id = format!("{}x", id.as_str().unwrap()).into();
        let document = twin.vet(&request.to_string()).unwrap();
        let found = reprieve_cases::denials(&document);
        for code in ["provenance/digest-mismatch", "rehearsal/dry-run-differs", "authority/approval-differs"] {
            assert!(found.contains(code), "{}: no {code} among {found:?}", twin.name());
        }
    }
}
