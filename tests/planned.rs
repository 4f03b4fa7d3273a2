//! A batch that several processes read gets the decision that one machine makes, byte for byte; and what is not of the plan is
//! refused.

mod deletion;
mod lists;

use lists::{SECTION_BYTES, bytes, file, write};
use proptest::prelude::*;
use reprieve::history::PastBatches;
use reprieve::inventory::open_inventory;
use reprieve::ledger::LedgerError;
use reprieve::model::{FaultCause, Timestamp, Verdict};
use reprieve::planned::{BUCKETS, BatchPlan, Plan, PlanError, PlannedBatch, SectionResult};
use reprieve::{Batch, Decision, Gate, GateBuilder, ReadOptions, VetOptions};
use reprieve_tests::stores::Store;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const MEMORY: u64 = 1 << 30;

/// Everything that the processes send.
#[derive(Clone)]
struct Sent {
    counts: Vec<Vec<u8>>,
    duplicates: Vec<Vec<u8>>,
    facts: Vec<u8>,
    states: Vec<Vec<u8>>,
}

fn slices(all: &[Vec<u8>]) -> Vec<&[u8]> {
    all.iter().map(Vec::as_slice).collect()
}

/// Takes part in a plan with a gate, as each process does.
fn part(gate: &Gate, plan: Plan) -> PlannedBatch<'_> {
    gate.planned(Plan::read(plan.to_text().unwrap().as_bytes()).unwrap(), MEMORY, 2).unwrap()
}

/// Runs every step but the last, each in the opposite order of the sections, by processes with much memory and with little.
fn send(gate: &Gate, plan: &Plan) -> Sent {
    let batch = part(gate, plan.clone());
    let small = gate.planned(plan.clone(), 1 << 20, 1).unwrap();
    let process = |section: usize| if section.is_multiple_of(2) { &batch } else { &small };
    let sections = || (0..plan.sections()).rev();
    let found: Vec<SectionResult> = sections().map(|section| process(section).count(section).unwrap()).collect();
    let ids = |bucket: usize| found.iter().map(|found| found.ids[bucket].as_slice()).collect::<Vec<_>>();
    let duplicates: Vec<Vec<u8>> =
        (0..BUCKETS).rev().map(|bucket| batch.duplicates(bucket, &ids(bucket)).unwrap()).collect();
    let counts: Vec<Vec<u8>> = found.into_iter().map(|found| found.counts).collect();
    let facts = batch.facts(&slices(&counts), &slices(&duplicates)).unwrap();
    let states = sections().map(|section| process(section + 1).observe(&facts, section).unwrap()).collect();
    Sent { counts, duplicates, facts, states }
}

fn decide(gate: &Gate, plan: &Plan, sent: &Sent) -> Result<Decision, PlanError> {
    let Sent { counts, duplicates, facts, states } = sent;
    part(gate, plan.clone()).decide(
        &slices(counts),
        &slices(duplicates),
        facts,
        &slices(states),
        VetOptions::default(),
    )
}

const AT: i64 = 1_772_452_800;

fn plan(gate: &Gate, request: &Path) -> Plan {
    let batch = BatchPlan::open(request, ReadOptions::default()).unwrap();
    gate.plan(batch.at(Timestamp::from_seconds(AT))).unwrap()
}

/// A decision as a document.
fn document(decision: &Decision) -> Value {
    serde_json::to_value(decision.document()).unwrap()
}

/// Decides about a request both ways.
fn both(gate: &Gate, request: &Path) -> [Value; 2] {
    let plan = plan(gate, request);
    let whole = gate.vet(Batch::open(request).unwrap().at(Timestamp::from_seconds(AT)));
    [document(&decide(gate, &plan, &send(gate, &plan)).unwrap()), document(&whole)]
}

/// Every policy, with an inventory that contradicts some ids, knows shared things, and has dependents.
fn builder() -> GateBuilder {
    static INVENTORY: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.ndjson");
        let ids = ["a", "b", "ab", "ba", "c", "cc", "ac", "bc", "e", "x", "t"];
        let line = |(i, id): (usize, &&str)| {
            let kind = if i % 4 == 3 { "site" } else { "app" };
            let dependents = if i % 3 == 0 { json!(["b", "x", "disk-1"]) } else { json!([]) };
            let record = json!({
                "id": id, "kind": kind, "tenant": (i % 2 == 0).then_some("t"), "state": "live", "pool": (i % 5 == 1).then_some("p"),
                "dependents": (i % 4 != 2).then_some(dependents), "owner": (i == 10).then_some("ann"),
            });
            let known = record.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null());
            format!("{}\n", Value::from(known.collect::<serde_json::Map<_, _>>()))
        };
        std::fs::write(&path, ids.iter().enumerate().map(line).collect::<String>()).unwrap();
        (folder, path)
    });
    Gate::builder().inventory(open_inventory(&INVENTORY.1).unwrap())
}

static GATE: LazyLock<Gate> = LazyLock::new(|| builder().build().unwrap());
static WITHOUT_INVENTORY: LazyLock<Gate> = LazyLock::new(|| Gate::builder().build().unwrap());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn the_decision_is_that_of_one_machine(files in prop::collection::vec(file(), 1..9), with_inventory in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(format, rows)| (*format, bytes(format, rows))).collect();
        let request = write(folder.path(), &files);
        let [planned, whole] = both(if with_inventory { &GATE } else { &WITHOUT_INVENTORY }, &request);
        prop_assert_eq!(planned, whole);
    }
}

/// A list of three sections with several partitions in each, with ids that are duplicated across them.
fn long_list(folder: &Path) -> PathBuf {
    let part = |first: u64| {
        let line = |i: u64| format!("app-{},app,t-{},7\n", if i % 100_003 == 5 { i / 2 } else { i }, i % 997);
        format!("id,kind,tenant,size_bytes\n{}", (first..first + 300_000).map(line).collect::<String>()).into_bytes()
    };
    write(folder, &[("csv", part(0)), ("csv", part(300_000)), ("csv", part(600_000))])
}

#[test]
fn a_long_list_in_sections_of_several_partitions_gets_the_same_decision() {
    let folder = tempfile::tempdir().unwrap();
    let request = long_list(folder.path());
    assert_eq!(plan(&GATE, &request).sections(), 3);
    let [planned, whole] = both(&GATE, &request);
    assert_eq!(planned, whole);
    assert!(whole["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "provenance/bad-ids"));
    let one = json!({ "id": "one", "mode": "soft", "environment": "production", "target_kind": "app",
        "targets": { "path": "part-1.csv" } });
    let request = folder.path().join("one.json");
    std::fs::write(&request, one.to_string()).unwrap();
    assert_eq!(plan(&GATE, &request).sections(), 1);
    let [planned, whole] = both(&GATE, &request);
    assert_eq!(planned, whole);
}

/// A small batch of three sections that the policies allow.
fn allowed(folder: &Path) -> PathBuf {
    let part = |first: u64| {
        let rows: Vec<String> =
            (first..first + 3).map(|i| format!(r#"{{"id":"app-{i}","kind":"app","tenant":"t"}}"#)).collect();
        format!("[{}{}]", rows.join(","), " ".repeat(SECTION_BYTES)).into_bytes()
    };
    let request = write(folder, &[("json", part(0)), ("json", part(3)), ("json", part(6))]);
    let text = std::fs::read_to_string(&request).unwrap().replace("\"hard\"", "\"soft\"");
    std::fs::write(&request, text).unwrap();
    request
}

/// A gate on this ledger with one policy.
fn recording(store: &Store, tenants_a_day: u64) -> Gate {
    reprieve_tests::stores::gate(store.open(), tenants_a_day)
}

#[test]
fn a_planned_batch_is_recorded_and_its_record_is_replayed() {
    for store in Store::each() {
        let folder = tempfile::tempdir().unwrap();
        let request = allowed(folder.path());
        let gate = recording(&store, 2);
        let plan = gate.plan(BatchPlan::open(&request, ReadOptions::default()).unwrap()).unwrap();
        let sent = send(&gate, &plan);
        let Decision::Allow(permit) = decide(&gate, &plan, &sent).unwrap() else { panic!("it is allowed") };
        let ids: Vec<String> = permit.batch().ids().unwrap().into_iter().flatten().collect();
        assert_eq!(ids, (0..9).map(|i| format!("app-{i}")).collect::<Vec<_>>());

        // The ledger has changed, so the same results do not decide a second time.
        let again = decide(&gate, &plan, &sent).unwrap();
        assert_eq!(again.verdict(), Verdict::Undecided);
        assert_eq!(again.document().faults[0].cause, FaultCause::Outdated);
        drop(permit);

        let ledger = store.open();
        let mut replayed = 0;
        ledger
            .each_decision::<LedgerError>(None, |recorded| {
                if recorded.record.decision.decision == Verdict::Allow {
                    let gate = recorded.gate_builder()?.build().unwrap();
                    assert_eq!(recorded.replay(&gate)?, recorded.record.decision);
                    replayed += 1;
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(replayed, 1);
        ledger.verify(None).unwrap().unwrap();
    }
}

#[test]
fn a_halt_after_the_facts_denies() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::sqlite());
    let request = allowed(folder.path());
    let gate = recording(&store, 100);
    let plan = gate.plan(BatchPlan::open(&request, ReadOptions::default()).unwrap()).unwrap();
    let sent = send(&gate, &plan);
    store.open().halt("a wrong list", "ann").unwrap();
    let decision = decide(&gate, &plan, &sent).unwrap();
    assert_eq!(decision.verdict(), Verdict::Deny);
    assert_eq!(decision.document().findings[0].code, "gate/halted");
}

#[test]
fn what_is_altered_missing_doubled_or_of_another_plan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let request = allowed(folder.path());
    let gate: &Gate = &WITHOUT_INVENTORY;
    let plan_of = || plan(gate, &request);
    let this = plan_of();
    let (sent, other) = (send(gate, &this), send(gate, &plan_of()));
    let refused = |sent: &Sent, what: &str| {
        let error = decide(gate, &this, sent).map(|decision| document(&decision)).unwrap_err();
        assert!(error.to_string().contains(what) && error.help().is_some(), "{what}: {error}");
    };
    decide(gate, &this, &sent).unwrap();

    type Take = fn(&mut Sent) -> &mut Vec<Vec<u8>>;
    let parts: [(Take, &str); 3] = [
        (|sent| &mut sent.counts, "a result of `count`"),
        (|sent| &mut sent.duplicates, "a result of `duplicates`"),
        (|sent| &mut sent.states, "a result of `observe` with these facts"),
    ];
    for (take, what) in parts {
        let mut lost = sent.clone();
        take(&mut lost).pop();
        refused(&lost, &format!("{what} is missing: number 0"));
        let mut doubled = sent.clone();
        let again = take(&mut doubled)[1].clone();
        take(&mut doubled).push(again);
        refused(&doubled, &format!("{what} comes twice: number"));
        let mut foreign = sent.clone();
        take(&mut foreign)[1] = take(&mut other.clone())[1].clone();
        refused(&foreign, &format!("{what} is of another plan, or was altered"));
        let mut swapped = sent.clone();
        take(&mut swapped)[1] = sent.facts.clone();
        refused(&swapped, &format!("this is not {what}"));
        let whole = take(&mut sent.clone())[1].clone();
        for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
            let mut altered = sent.clone();
            take(&mut altered)[1][at] ^= 1;
            assert!(decide(gate, &this, &altered).is_err(), "byte {at} of {what}");
        }
    }
    refused(
        &Sent { facts: other.facts.clone(), ..sent.clone() },
        "the result of `facts` is of another plan, or was altered",
    );
    refused(&Sent { facts: sent.counts[0].clone(), ..sent.clone() }, "this is not the result of `facts`");

    // The facts of the same plan, computed again when more was known.
    let with_history = Gate::builder().history(PastBatches::new(Vec::new())).build().unwrap();
    let mixed = Sent { facts: send(&with_history, &this).facts, ..sent.clone() };
    let error = decide(&with_history, &this, &mixed).map(|decision| document(&decision)).unwrap_err();
    assert_eq!(error.to_string(), "this is not a result of `observe` with these facts");

    let error = GATE.planned(this.clone(), MEMORY, 1).unwrap_err();
    assert!(error.to_string().contains("and this gate has"), "{error}");
    let set = reprieve::PolicySet::of(vec![reprieve::policy::PolicyEntry::builtin("timing")]);
    let error = Gate::builder().policies(set, None).build().unwrap().planned(this.clone(), MEMORY, 1).unwrap_err();
    assert!(error.to_string().starts_with("the plan is of the policy set"), "{error}");
    let text = this.to_text().unwrap().replacen(env!("CARGO_PKG_VERSION"), "0.0.9", 1);
    let error = gate.planned(Plan::read(text.as_bytes()).unwrap(), MEMORY, 1).unwrap_err();
    assert!(error.to_string().starts_with("the plan is of Reprieve 0.0.9"), "{error}");

    let bucket = part(gate, this.clone()).count(0).unwrap().ids;
    let error = part(gate, this).duplicates(3, &[&bucket[3], &bucket[3]]).unwrap_err();
    assert_eq!(error.to_string(), "a result of `count` for bucket 3 comes twice: number 0");
}

#[test]
fn a_list_that_changes_between_the_steps_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let request = allowed(folder.path());
    let text = std::fs::read_to_string(&request).unwrap();
    // Without digests in the request, the plan alone knows what was read.
    let mut value: Value = serde_json::from_str(&text).unwrap();
    for file in value["targets"]["files"].as_array_mut().unwrap() {
        file.as_object_mut().unwrap().remove("sha256");
    }
    std::fs::write(&request, value.to_string()).unwrap();
    let plan = plan(&GATE, &request);
    let batch = part(&GATE, plan.clone());
    let sent = send(&GATE, &plan);
    let path = folder.path().join("part-1.json");
    let changed = std::fs::read_to_string(&path).unwrap().replacen("app-4", "app-9", 1);
    std::fs::write(&path, changed).unwrap();
    let error = batch.observe(&sent.facts, 1).unwrap_err();
    assert!(error.to_string().contains("part-1.json: the file changed after it was counted"), "{error}");
}

#[test]
fn an_inventory_that_changes_with_every_question_cannot_be_shared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inventory.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE inventory (id TEXT PRIMARY KEY, kind TEXT)").unwrap();
    let gate = Gate::builder().inventory(open_inventory(&path).unwrap()).build().unwrap();
    let batch = BatchPlan::open(&allowed(folder.path()), ReadOptions::default()).unwrap();
    let error = gate.plan(batch).unwrap_err();
    assert!(error.to_string().starts_with("several processes cannot use this inventory"), "{error}");
    assert_eq!(error.help(), Some("use an inventory in a Parquet, CSV or NDJSON file"));
}
