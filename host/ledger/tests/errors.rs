//! Each failure has the variant of `LedgerError` that tells the caller what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::ledger::{Ledger, LedgerError, Outcome};
use reprieve_ledger::{Anchor, AnchorError, Filter, SqlLedger};
use std::path::PathBuf;

struct Fixture {
    _folder: tempfile::TempDir,
    path: PathBuf,
    ledger: SqlLedger,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reprieve.db");
        let ledger = SqlLedger::create_sqlite(&path).unwrap();
        Self { _folder: folder, path, ledger }
    }

    fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    /// Adds a row to the derived table of decisions, in this state.
    fn add_decision(&self, state: &str, used: &str) {
        self.tamper(&format!(
            "INSERT INTO decisions (entry, at, request, decision, mode, environment, kind, targets, tenants, \
             targets_sha256, state, used) VALUES (1, 0, 'r', 'allow', 'soft', 'test', 'app', 2, 1, '', '{state}', {used})"
        ));
    }
}

#[test]
fn missing_things_are_not_found() {
    let fixture = Fixture::new();
    let missing = SqlLedger::open_sqlite(&fixture.path.with_extension("other")).unwrap_err();
    let ledger = &fixture.ledger;
    for error in [
        missing,
        ledger.decision(9).unwrap_err(),
        ledger.last_decision("r").unwrap_err(),
        ledger.blob("f00").unwrap_err(),
        ledger.resume(None, "over", "ann").unwrap_err(),
        ledger.record_outcome(9, &Outcome::succeeded(1)).unwrap_err(),
    ] {
        assert!(matches!(error, LedgerError::NotFound { .. }), "{error:?}");
    }
}

#[test]
fn contradicting_records_are_conflicts() {
    let fixture = Fixture::new();
    let existing = SqlLedger::create_sqlite(&fixture.path).unwrap_err();
    assert!(matches!(existing, LedgerError::Conflict { .. }), "{existing:?}");
    let outcome = |state, used, outcome| {
        let fixture = Fixture::new();
        fixture.add_decision(state, used);
        fixture.ledger.record_outcome(1, &outcome).unwrap_err()
    };
    for (error, message) in [
        (outcome("none", "NULL", Outcome::succeeded(1)), "the batch of entry 1 was not allowed"),
        (outcome("committed", "NULL", Outcome::succeeded(1)), "the batch of entry 1 is already committed"),
        (
            outcome("open", "NULL", Outcome::succeeded(3)),
            "the batch of entry 1 has 2 targets, but 3 were deleted, so it did not succeed",
        ),
        (
            outcome("open", "2", Outcome::Aborted { reason: "late".into() }),
            "the permit of entry 1 was used (entry 2), so its bearer may have begun to delete",
        ),
    ] {
        assert!(matches!(error, LedgerError::Conflict { .. }), "{error:?}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn calls_that_no_ledger_answers_are_misuse() {
    let fixture = Fixture::new();
    fixture.ledger.halt("a wrong list", "ann").unwrap();
    fixture.ledger.halt("and the wrong mode", "bob").unwrap();
    for error in [
        fixture.ledger.decision(1).unwrap_err(),
        fixture.ledger.resume(None, "over", "ann").unwrap_err(),
        SqlLedger::open("postgres://u:secret@:::", None, None).unwrap_err(),
    ] {
        assert!(matches!(error, LedgerError::Misuse { .. }), "{error:?}");
        assert!(error.help().is_some() && !format!("{error:?}").contains("secret"), "{error:?}");
    }
    let unknown = fixture.ledger.resume(Some(9), "over", "ann").unwrap_err();
    assert!(matches!(unknown, LedgerError::NotFound { .. }), "{unknown:?}");
}

#[test]
fn unknown_words_and_other_tables_are_damage() {
    let fixture = Fixture::new();
    fixture.add_decision("paused", "NULL");
    let errors = [
        fixture.ledger.decisions(&Filter::default()).unwrap_err(),
        fixture.ledger.record_outcome(1, &Outcome::succeeded(1)).unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains("`paused`"), "{error}");
        assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    }
    fixture.tamper("ALTER TABLE decisions RENAME COLUMN state TO status");
    let error = fixture.ledger.decisions(&Filter::default()).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    fixture.tamper("UPDATE ledger_version SET version = 99");
    let error = SqlLedger::open_sqlite(&fixture.path).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    assert_eq!(error.help(), Some("upgrade Reprieve"));
    std::fs::write(&fixture.path, "not a database, but some text that is longer than the header of one").unwrap();
    let error = SqlLedger::open_sqlite(&fixture.path).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
}

#[test]
fn anchors_reject_other_texts() {
    let digest = "a".repeat(64);
    let anchor: Anchor = format!("17:{digest}").parse().unwrap();
    assert_eq!(anchor.to_string(), format!("17:{digest}"));
    let rejected = |text: &str| text.parse::<Anchor>().unwrap_err();
    assert_eq!(rejected("17"), AnchorError::Form("17".into()));
    assert_eq!(rejected(&format!("0:{digest}")), AnchorError::Entry("0".into()));
    assert_eq!(rejected("17:5f"), AnchorError::Digest("5f".into()));
}
