//! One field at a time: in a papered incident nothing but the cause denies, so a single field that is left out or set to
//! another value must not turn the denial into an allow. The exceptions are the claims that the cause is about,
//! corrected, and known holes of the rules.

mod changes;

use changes::{CORRECTIONS, Change, HOLES};
use reprieve::model::{Timestamp, Verdict};
use reprieve_tests::incident::{Incident, incidents};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

/// A change that was allowed: incident, field and value.
type Allowed = (String, String, String);

impl Change {
    fn includes(&self, (incident, field, value): &Allowed) -> bool {
        self.incident == incident && self.field == field && self.values.contains(&value.as_str())
    }
}

/// A field of a request, with the indices of arrays left out: `/approvals/by`.
fn field_of(pointer: &str) -> String {
    let steps = pointer.split('/').filter(|step| !step.is_empty() && step.parse::<usize>().is_err());
    steps.fold(String::new(), |field, step| field + "/" + step)
}

/// The JSON pointers of every value of a request but its targets. Of several approvals, the fields of the first only.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => return,
    };
    for (key, value) in children {
        let pointer = format!("{at}/{key}");
        found.push(pointer.clone());
        let again = at == "/approvals" && key != "0";
        if pointer != "/targets" && !again {
            pointers(value, &pointer, found);
        }
    }
}

/// The values that each field has in any request of the incidents.
fn vocabulary() -> BTreeMap<String, BTreeSet<String>> {
    let mut words: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let variants = ["", "papered", "corrected", "corrected-hard"];
    let paths =
        incidents().into_iter().flat_map(|path| variants.map(|variant| path.join(variant).join("request.json")));
    for path in paths.filter(|path| path.is_file()) {
        let request: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut fields = Vec::new();
        pointers(&request, "", &mut fields);
        for pointer in fields {
            if let Some(text) = request.pointer(&pointer).unwrap().as_str() {
                words.entry(field_of(&pointer)).or_default().insert(text.to_owned());
            }
        }
    }
    words
}

/// The words that a field may have where the contract lists them.
fn enumeration(field: &str) -> &'static [&'static str] {
    match field {
        "/mode" | "/approvals/mode" => &["soft", "hard"],
        "/operation/by" => &["ids", "selector"],
        "/reason/basis" => &["gdpr-17", "ccpa", "court-order", "contract-end", "retention-expired", "leaked-secret"],
        "/reason/trigger" => &["request", "expiry", "disuse", "retention", "migration"],
        "/reason/trigger_source" => &["explicit", "default"],
        "/actor/type" | "/approvals/type" => &["human", "automation", "ai-agent", "system", "unknown"],
        "/provenance/selection" => &["explicit", "filter", "complement", "all"],
        _ => &[],
    }
}

/// At most this many words of other requests are tried in a field.
const MAX_WORDS: usize = 8;

/// Other values for a field: none, blank, of other types; other words, numbers and times.
fn others(field: &str, value: &Value, at: Timestamp, words: &BTreeSet<String>) -> Vec<Value> {
    let mut others =
        vec![Value::Null, json!(""), json!([]), json!({}), json!(0), json!(1), json!(true), json!(false)];
    match value {
        Value::String(text) if Timestamp::parse(text).is_ok() => {
            const DAY: i64 = 86_400;
            let spans =
                [0, -1, 1, -600, 600, -7_200, 7_200, -DAY, DAY, -8 * DAY, 8 * DAY, -40 * DAY, 40 * DAY, -400 * DAY];
            others.extend(spans.map(|span| json!(at.plus(span).to_string())));
            others.extend(["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z"].map(Value::from));
        }
        Value::String(text) => {
            let fixed = [" ", "NULL", "none", "unknown", "x", "*", "P0D", "PT1S"].map(str::to_owned);
            // Every nth word, so that those tried are from the whole vocabulary.
            let step = words.len().div_ceil(MAX_WORDS).max(1);
            others.extend(fixed.into_iter().chain([text.to_uppercase(), format!("{text} ")]).map(Value::from));
            others.extend(words.iter().step_by(step).chain(words.last()).map(|word| json!(word)));
            others.extend(enumeration(field).iter().map(|word| json!(word)));
        }
        Value::Number(number) => {
            others.extend([
                json!(0.5),
                json!(1.0),
                json!(-1),
                json!(2),
                json!(10),
                json!(60),
                json!(400),
                json!(1_000),
            ]);
            others.extend([json!(u64::MAX), json!(i64::MIN), json!(number.to_string())]);
            if let Some(number) = number.as_u64() {
                others.extend([
                    json!(number + 1),
                    json!(number.saturating_sub(1)),
                    json!(number * 2),
                    json!(number * 10),
                ]);
            }
        }
        Value::Object(fields) if field.ends_with("kinds") || field.ends_with("by_kind") => {
            let named = |name: &str| fields.values().next().map(|count| json!({ name: count }));
            others.extend(["app", "site", "unknown", "NULL", ""].into_iter().filter_map(named));
        }
        _ => {}
    }
    let mut seen = BTreeSet::from([value.to_string()]);
    others.retain(|other| seen.insert(other.to_string()));
    others
}

fn without(request: &Value, pointer: &str) -> Value {
    let (mut request, (parent, key)) = (request.clone(), pointer.rsplit_once('/').unwrap());
    match request.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.remove(key)),
        Value::Array(values) => drop(values.remove(key.parse().unwrap())),
        _ => unreachable!("{pointer}"),
    }
    request
}

/// Tries every change of one papered incident. Returns the changes that are allowed as `field = value`, and how many it
/// tried.
fn allowed_changes(path: &Path, words: &BTreeMap<String, BTreeSet<String>>) -> (BTreeSet<(String, String)>, u64) {
    let case = Incident::open(&path.join("papered"));
    let request: Value = serde_json::from_str(&case.case.request).unwrap();
    let (mut allowed, mut tried, mut fields) = (BTreeSet::new(), 0, Vec::new());
    pointers(&request, "", &mut fields);
    let mut attempt = |field: &str, value: &str, request: &Value| {
        tried += 1;
        if case.vet(&request.to_string()).is_ok_and(|document| document.decision == Verdict::Allow) {
            allowed.insert((field.to_owned(), value.to_owned()));
        }
    };
    let no_words = BTreeSet::new();
    for pointer in &fields {
        let (field, value) = (field_of(pointer), request.pointer(pointer).unwrap());
        attempt(&field, "-", &without(&request, pointer));
        for other in others(&field, value, case.case.at, words.get(&field).unwrap_or(&no_words)) {
            let mut changed = request.clone();
            *changed.pointer_mut(pointer).unwrap() = other.clone();
            attempt(&field, &other.to_string(), &changed);
        }
    }
    (allowed, tried)
}

#[test]
fn changing_one_field_of_a_papered_incident_never_allows_it_but_by_correcting_the_claim() {
    let (words, paths) = (vocabulary(), Mutex::new(incidents()));
    let results = Mutex::new((BTreeSet::new(), 0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(path) = { paths.lock().unwrap().pop() } {
                    let (allowed, tried) = allowed_changes(&path, &words);
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    let mut results = results.lock().unwrap();
                    results.0.extend(allowed.into_iter().map(|(field, value)| (name.clone(), field, value)));
                    results.1 += tried;
                }
            });
        }
    });
    let (allowed, tried) = results.into_inner().unwrap();
    let listed = || CORRECTIONS.iter().chain(HOLES);
    let unexpected: Vec<&Allowed> =
        allowed.iter().filter(|change| !listed().any(|known| known.includes(change))).collect();
    assert!(
        unexpected.is_empty(),
        "{} of {tried} changes are allowed without a reason: {unexpected:#?}",
        unexpected.len()
    );
    // Which words are tried depends on all incidents, so a change counts as used if one of its values is allowed.
    let unused: Vec<_> = listed()
        .filter(|known| !allowed.iter().any(|change| known.includes(change)))
        .map(|known| (known.incident, known.field, known.why))
        .collect();
    assert!(unused.is_empty(), "listed and denied, so remove them from the lists: {unused:#?}");
    assert!(tried > 50_000, "only {tried} changes");
}
