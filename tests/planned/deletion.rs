//! Deleting the sections of a batch that was allowed, each in a process of its own and once.

use super::lists::{SECTION_BYTES, write};
use super::{MEMORY, allowed, part, recording};
use reprieve::ledger::{Ledger, LedgerError, Outcome, RedeemError};
use reprieve::model::{Duration, LedgerEntry};
use reprieve::planned::{BatchPlan, Plan, SectionPermit, SectionPermitError};
use reprieve::signed::{Key, KeySet, PermitClaims, PermitError};
use reprieve::{Batch, Decision, Gate, Permit, ReadOptions};
use reprieve_tests::stores::Store;
use std::path::{Path, PathBuf};

const LIFETIME: Duration = Duration::from_seconds(900);

/// A batch of three sections that a gate allowed, and the key of its permits.
struct Allowed {
    folder: tempfile::TempDir,
    request: PathBuf,
    store: Store,
    gate: Gate,
    plan: Plan,
    key: Key,
    keys: KeySet,
}

fn permit_of(gate: &Gate, request: &Path) -> Permit {
    match gate.vet(Batch::open(request).unwrap()) {
        Decision::Allow(permit) => permit,
        other => panic!("{:?}", other.document()),
    }
}

impl Allowed {
    fn new(store: Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let request = allowed(folder.path());
        let gate = recording(&store, 10);
        let plan = gate.plan(BatchPlan::open(&request, ReadOptions::default()).unwrap()).unwrap();
        let (key, mut keys) = (Key::generate("permits").unwrap(), KeySet::default());
        keys.add(&key).unwrap();
        Self { folder, request, store, gate, plan, key, keys }
    }

    /// Vets the batch. Returns its entry, and the token of each section.
    fn tokens(&self) -> (LedgerEntry, Vec<String>) {
        let permit = permit_of(&self.gate, &self.request);
        let tokens = PermitClaims::issue_sections(&permit, &self.key, LIFETIME).unwrap();
        (permit.hand_over().unwrap(), tokens)
    }

    /// Uses a token in a process with its own gate.
    fn redeem(&self, token: &str) -> Result<SectionPermit, SectionPermitError> {
        part(&recording(&self.store, 10), self.plan.clone()).redeem(token, &self.keys)
    }

    fn redeem_whole(&self, token: &str) -> Result<(), RedeemError> {
        let claims = PermitClaims::open(token, &self.keys).unwrap();
        self.store.open().redeem(&claims.reference()).map(drop)
    }
}

fn ids(permit: &SectionPermit) -> Vec<String> {
    let mut ids = Vec::new();
    let each = |id: &str| {
        ids.push(id.to_owned());
        Ok::<(), reprieve::LookupError>(())
    };
    permit.each_id(each).unwrap();
    ids
}

#[track_caller]
fn refused<T>(result: Result<T, SectionPermitError>, what: &str) {
    let error = result.map(|_| "a permit").unwrap_err();
    assert!(error.to_string().starts_with(what), "{error}");
}

#[test]
fn each_section_is_deleted_once_as_it_was_vetted() {
    for store in Store::each() {
        let batch = Allowed::new(store);
        let (entry, tokens) = batch.tokens();
        let mut all = Vec::new();
        for (number, token) in (0_u32..3).zip(&tokens).rev() {
            let permit = batch.redeem(token).unwrap();
            assert_eq!((permit.section(), permit.claims().targets), (number, 3));
            all.splice(0..0, ids(&permit));
            refused(batch.redeem(token), "replayed: it was used at");
        }
        assert_eq!(all, (0..9).map(|i| format!("app-{i}")).collect::<Vec<_>>());
        let ledger = batch.store.open();
        ledger.record_outcome(entry.entry, &Outcome::succeeded(9)).unwrap();
        assert_eq!(ledger.verify(None).unwrap().unwrap().entries, 1 + 3 + 1);
    }
}

#[test]
fn a_token_for_all_and_tokens_for_sections_exclude_each_other() {
    for store in Store::each() {
        let batch = Allowed::new(store);
        let permit = permit_of(&batch.gate, &batch.request);
        let sections = PermitClaims::issue_sections(&permit, &batch.key, LIFETIME).unwrap();
        let whole = PermitClaims::issue(&permit, &batch.key, LIFETIME).unwrap();
        refused(batch.redeem(&whole), "whole list: it is not for a section");
        drop(batch.redeem(&sections[1]).unwrap());
        assert!(matches!(batch.redeem_whole(&whole), Err(RedeemError::Replayed { entry: 2, .. })));
        let aborted = batch.store.open().record_outcome(1, &Outcome::Aborted { reason: "no".to_owned() });
        assert!(matches!(aborted, Err(LedgerError::Conflict { .. })), "{aborted:?}");
        drop(permit.hand_over());

        let permit = permit_of(&batch.gate, &batch.request);
        let sections = PermitClaims::issue_sections(&permit, &batch.key, LIFETIME).unwrap();
        let whole = PermitClaims::issue(&permit, &batch.key, LIFETIME).unwrap();
        batch.redeem_whole(&whole).unwrap();
        refused(batch.redeem(&sections[0]), "replayed: it was used at");
        drop(permit.hand_over());
        batch.store.open().verify(None).unwrap().unwrap();
    }
}

#[test]
fn one_of_many_processes_uses_a_token() {
    for store in Store::each() {
        let batch = Allowed::new(store);
        let (_, tokens) = batch.tokens();
        let uses = std::thread::scope(|scope| {
            let processes: Vec<_> = (0..6)
                .map(|i| {
                    let (batch, token) = (&batch, &tokens[i % 2]);
                    scope.spawn(move || batch.redeem(token).is_ok())
                })
                .collect();
            processes.into_iter().map(|process| process.join().unwrap()).filter(|used| *used).count()
        });
        assert_eq!(uses, 2);
        batch.store.open().verify(None).unwrap().unwrap();
    }
}

#[test]
fn a_section_that_changed_is_not_deleted_and_its_token_stays_unused() {
    let batch = Allowed::new(Store::sqlite());
    let (_, tokens) = batch.tokens();
    let path = batch.folder.path().join("part-1.json");
    let vetted = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, vetted.replacen("app-4", "app-9", 1)).unwrap();
    // The request names the digest of each file, so the file is not the one that it names.
    refused(batch.redeem(&tokens[1]), &format!("{}: its digest is", path.display()));
    drop(batch.redeem(&tokens[0]).unwrap());

    // Without digests in the request, the token alone knows what was vetted.
    let mut request: serde_json::Value = serde_json::from_slice(&std::fs::read(&batch.request).unwrap()).unwrap();
    for file in request["targets"]["files"].as_array_mut().unwrap() {
        file.as_object_mut().unwrap().remove("sha256");
    }
    std::fs::write(&batch.request, request.to_string()).unwrap();
    let plan = batch.gate.plan(BatchPlan::open(&batch.request, ReadOptions::default()).unwrap()).unwrap();
    let planned = batch.gate.planned(plan, MEMORY, 1).unwrap();
    refused(planned.redeem(&tokens[1], &batch.keys), "other list: it is for the list");
    std::fs::write(&path, vetted).unwrap();
    drop(planned.redeem(&tokens[1], &batch.keys).unwrap());
}

#[test]
fn a_halt_an_outcome_and_a_foreign_key_stop_the_sections_that_are_left() {
    let batch = Allowed::new(Store::sqlite());
    let (entry, tokens) = batch.tokens();
    drop(batch.redeem(&tokens[0]).unwrap());
    let ledger = batch.store.open();
    ledger.halt("a wrong list", "ann").unwrap();
    refused(batch.redeem(&tokens[1]), "halted: a wrong list (by ann)");
    ledger.resume(None, "it is over", "ann").unwrap();

    let other = Key::generate("permits").unwrap();
    let permit = permit_of(&batch.gate, &batch.request);
    let forged = PermitClaims::issue_sections(&permit, &other, LIFETIME).unwrap();
    refused(batch.redeem(&forged[1]), "foreign: ");
    let without = Gate::builder().build().unwrap();
    let plan = without.plan(BatchPlan::open(&batch.request, ReadOptions::default()).unwrap()).unwrap();
    refused(part(&without, plan).redeem(&tokens[1], &batch.keys), "a permit is used once, which only a ledger");

    drop(batch.redeem(&tokens[1]).unwrap());
    ledger.record_outcome(entry.entry, &Outcome::failed("a test")).unwrap();
    refused(batch.redeem(&tokens[2]), "closed: its batch is already committed");
}

#[test]
fn a_list_in_one_file_has_one_section_and_inline_targets_have_none() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::sqlite());
    let gate = recording(&store, 10);
    let (key, mut keys) = (Key::generate("permits").unwrap(), KeySet::default());
    keys.add(&key).unwrap();
    std::fs::write(folder.path().join("list.csv"), "id,kind,tenant\na,app,t\nb,app,t\n").unwrap();
    let request = folder.path().join("request.json");
    let about = |targets: &str| {
        let text = format!(
            r#"{{"id":"r","mode":"soft","environment":"production","target_kind":"app","targets":{targets}}}"#
        );
        std::fs::write(&request, text).unwrap();
    };
    about(r#"{"path":"list.csv"}"#);
    let permit = permit_of(&gate, &request);
    let tokens = PermitClaims::issue_sections(&permit, &key, LIFETIME).unwrap();
    let plan = gate.plan(BatchPlan::open(&request, ReadOptions::default()).unwrap()).unwrap();
    let [token] = tokens.as_slice() else { panic!("{tokens:?}") };
    assert_eq!(ids(&part(&gate, plan).redeem(token, &keys).unwrap()), ["a", "b"]);
    drop(permit.hand_over());

    about(r#"[{"id":"a","kind":"app","tenant":"t"}]"#);
    let permit = permit_of(&gate, &request);
    let error = PermitClaims::issue_sections(&permit, &key, LIFETIME).unwrap_err();
    assert_eq!(error, PermitError::NoSections);
    assert!(error.help().is_some());
}

/// A section without rows has a token, too, so that the numbers of sections are those of the plan.
#[test]
fn a_section_without_rows_keeps_its_number() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::sqlite());
    let row = |id: &str| format!(r#"{{"id":"{id}","kind":"app","tenant":"t"}}"#);
    let part_of = |rows: String| format!("[{rows}{}]", " ".repeat(SECTION_BYTES)).into_bytes();
    let files = [("json", part_of(row("a"))), ("json", part_of(String::new())), ("json", part_of(row("b")))];
    let request = write(folder.path(), &files);
    let text = std::fs::read_to_string(&request).unwrap().replace("\"hard\"", "\"soft\"");
    std::fs::write(&request, text).unwrap();
    let gate = recording(&store, 10);
    let (key, mut keys) = (Key::generate("permits").unwrap(), KeySet::default());
    keys.add(&key).unwrap();
    let permit = permit_of(&gate, &request);
    let tokens = PermitClaims::issue_sections(&permit, &key, LIFETIME).unwrap();
    let plan = gate.plan(BatchPlan::open(&request, ReadOptions::default()).unwrap()).unwrap();
    let planned = part(&gate, plan);
    let found: Vec<Vec<String>> = tokens.iter().map(|token| ids(&planned.redeem(token, &keys).unwrap())).collect();
    assert_eq!(found, [vec!["a".to_owned()], Vec::new(), vec!["b".to_owned()]]);
    drop(permit.hand_over());
}
