//! Verification finds every change that was made to the database without going through the ledger.

use reprieve::Decision;
use reprieve::ledger::{Ledger, Outcome, PermitReference};
use reprieve::model::{Approval, Timestamp};
use reprieve_ledger::{Anchor, Damage, FollowUp, RecordedApproval, Reload, SqlLedger};
use reprieve_tests::stores::{Store, gate, request};

/// Fills a ledger with an entry of every kind: decisions 1, 3, 5 and 7, outcomes 2 and 4, a halt 6, a resume 8,
/// an approval 9, a reload 10, a follow-up 11, uses of the permits of two sections 12 and 13.
fn fill(store: &Store) {
    let ledger = store.open();
    let gate = gate(store.open(), 10);
    let vet = |id| match gate.vet(request(id, 2)) {
        Decision::Allow(permit) => permit,
        other => panic!("{:?}", other.document()),
    };
    vet("one").commit(&Outcome::succeeded(2)).unwrap();
    vet("two").abort("not today").unwrap();
    let three = vet("three").hand_over().unwrap();
    ledger.halt("a test", "ann").unwrap();
    drop(gate.vet(request("four", 2)));
    ledger.resume(None, "it is over", "ann").unwrap();
    let approval = RecordedApproval {
        decision: 7,
        request: "four".to_owned(),
        targets_sha256: "f0".to_owned(),
        sent_by: "bob".to_owned(),
        approval: Approval { by: Some("bob".to_owned()), ..Approval::default() },
    };
    ledger.approve(&approval).unwrap();
    let reload = Reload { from: "a".to_owned(), to: "b".to_owned(), by: "SIGHUP".to_owned() };
    ledger.reload(&reload).unwrap();
    assert_eq!(ledger.approvals("four", "f0").unwrap(), [(9, approval)]);
    assert_eq!(ledger.approvals("another", "f0").unwrap(), []);
    let follow_up = FollowUp { decision: 5, object: "a child".to_owned() };
    ledger.follow(&follow_up).unwrap();
    assert_eq!(ledger.followed("a child").unwrap(), Some(follow_up));
    assert_eq!(ledger.followed("another").unwrap(), None);
    for section in [Some(0), Some(1)] {
        let (valid_from, expires_at) = (Timestamp::from_seconds(0), Timestamp::from_seconds(i64::MAX));
        let permit = PermitReference { entry: three.entry, id: &three.sha256, section, valid_from, expires_at };
        ledger.redeem(&permit).unwrap();
    }
    assert_eq!(ledger.verify(None).unwrap().unwrap().entries, 13);
}

fn damage(ledger: &SqlLedger, anchor: Option<&Anchor>) -> Damage {
    ledger.verify(anchor).unwrap().expect_err("the ledger is damaged")
}

/// Changes, and the entry that verification names.
const CHANGES: &[(&str, Option<u64>)] = &[
    ("UPDATE entries SET at = at - 60 WHERE entry = 3", Some(3)),
    ("UPDATE entries SET kind = 'used' WHERE entry = 4", Some(4)),
    ("UPDATE entries SET body = replace(body, 'deny', 'allow') WHERE entry = 7", Some(7)),
    ("UPDATE entries SET body = body || ' ' WHERE entry = 1", Some(1)),
    ("UPDATE entries SET sha256 = (SELECT sha256 FROM entries WHERE entry = 2) WHERE entry = 5", Some(5)),
    ("UPDATE entries SET entry = 14 WHERE entry = 8", Some(8)),
    ("UPDATE entries SET entry = 0 WHERE entry = 1", None),
    ("DELETE FROM entries WHERE entry = 1", Some(1)),
    ("DELETE FROM entries WHERE entry = 4", Some(4)),
    // Delete the tail.
    ("DELETE FROM entries WHERE entry = 13", Some(13)),
    ("DELETE FROM entries WHERE entry > 5", Some(6)),
    ("DELETE FROM entries", Some(1)),
    // Swap two entries.
    (
        "UPDATE entries SET entry = -1 WHERE entry = 3; UPDATE entries SET entry = 3 WHERE entry = 5; \
         UPDATE entries SET entry = 5 WHERE entry = -1",
        Some(3),
    ),
    // Insert an entry.
    ("INSERT INTO entries SELECT 14, at, kind, body, sha256 FROM entries WHERE entry = 13", Some(14)),
    ("UPDATE head SET ledger = 'f00'", Some(1)),
    ("UPDATE head SET entry = 7", Some(8)),
    ("UPDATE head SET sha256 = 'f00'", Some(14)),
    ("UPDATE head SET at = at + 1", None),
    ("UPDATE head SET version = 1", None),
    ("UPDATE decisions SET bytes = bytes + 1 WHERE entry = 1", Some(1)),
    ("UPDATE sums SET bytes = bytes + 1", None),
    ("UPDATE head SET halted = '[{\"entry\":6,\"reason\":\"x\",\"by\":\"y\"}]'", None),
    ("UPDATE decisions SET entry = 17 WHERE entry = 1", Some(17)),
    // Insert a success that never happened.
    (
        "INSERT INTO decisions SELECT -1, at, request, decision, mode, environment, kind, actor, campaign, targets, \
         tenants, targets_sha256, whole_sha256, override_id, counts_at, state, used, closed, closed_at, succeeded, deleted, bytes, \
         idempotency_sha256 FROM decisions WHERE entry = 1",
        None,
    ),
    ("UPDATE decisions SET at = at - 86400 WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET request = 'another' WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET decision = 'allow' WHERE entry = 7", Some(7)),
    ("UPDATE decisions SET mode = 'hard' WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET environment = 'staging' WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET kind = 'site' WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET actor = NULL WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET campaign = NULL WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET targets = 1 WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET tenants = 1 WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET targets_sha256 = 'f00' WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET whole_sha256 = 'f00' WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET override_id = 'f00' WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET idempotency_sha256 = 'f00' WHERE entry = 1", Some(1)),
    ("INSERT INTO approvals VALUES (3, 'f00')", Some(3)),
    ("UPDATE approvals SET targets_sha256 = 'f00'", Some(9)),
    ("UPDATE approvals SET entry = 2", Some(2)),
    ("DELETE FROM approvals", Some(9)),
    ("INSERT INTO follow_ups VALUES (3, 'another')", Some(3)),
    ("UPDATE follow_ups SET object = 'another'", Some(11)),
    ("DELETE FROM follow_ups", Some(11)),
    ("INSERT INTO section_uses VALUES (3, 5, 7)", Some(3)),
    ("UPDATE section_uses SET section = 9 WHERE entry = 13", Some(13)),
    ("UPDATE section_uses SET decision = 1 WHERE entry = 13", Some(13)),
    ("UPDATE section_uses SET entry = 2 WHERE entry = 12", Some(2)),
    ("DELETE FROM section_uses", Some(12)),
    ("UPDATE decisions SET used = 13 WHERE entry = 5", Some(5)),
    ("UPDATE decisions SET used = NULL WHERE entry = 5", Some(5)),
    ("UPDATE decisions SET counts_at = NULL WHERE entry = 5", Some(5)),
    ("UPDATE decisions SET counts_at = 0 WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET state = 'aborted' WHERE entry = 5", Some(5)),
    ("UPDATE decisions SET used = 2 WHERE entry = 5", Some(5)),
    ("UPDATE decisions SET closed = 4 WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET closed_at = 0 WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET succeeded = 0 WHERE entry = 1", Some(1)),
    ("UPDATE decisions SET deleted = 1 WHERE entry = 1", Some(1)),
    ("DELETE FROM decisions WHERE entry = 7", None),
    ("UPDATE sums SET batches = 0", None),
    ("UPDATE sums SET targets = 0", None),
    ("UPDATE sums SET tenants = 0", None),
    ("UPDATE sums SET hour = hour - 1", None),
    ("UPDATE sums SET key = key || 'x'", None),
    ("DELETE FROM sums", None),
    ("UPDATE blobs SET sha256 = 'f00' WHERE sha256 = (SELECT min(sha256) FROM blobs)", None),
    ("DELETE FROM blobs WHERE sha256 = (SELECT max(sha256) FROM blobs)", None),
];

#[test]
fn every_change_is_found() {
    for store in Store::each() {
        fill(&store);
        let ledger = store.open();
        for (change, entry) in CHANGES {
            // Restore each table afterwards, so that every change starts from an intact ledger.
            let tables = ["entries", "head", "decisions", "sums", "blobs", "approvals", "follow_ups", "section_uses"];
            // The copies are in another file, because an SQLite ledger has no other tables.
            let (attach, kept) = match &store {
                Store::Sqlite(_) => (format!("ATTACH '{}.kept' AS kept;", store.name()), "kept."),
                Store::Postgres(..) => (String::new(), "kept_"),
            };
            let all = |sql: &dyn Fn(&str) -> String| {
                attach.clone() + &tables.iter().map(|table| sql(table)).collect::<String>()
            };
            store.tamper(&all(&|table| format!("CREATE TABLE {kept}{table} AS SELECT * FROM {table};")));
            store.tamper(change);
            let found = damage(&ledger, None);
            assert_eq!(found.entry, *entry, "{change}: {found}");
            store.tamper(&all(&|table| {
                format!(
                    "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {kept}{table}; DROP TABLE {kept}{table};"
                )
            }));
            ledger.verify(None).unwrap().unwrap();
        }
    }
}

#[test]
fn changed_bytes_of_blobs_are_found() {
    let store = Store::sqlite();
    fill(&store);
    store.tamper("UPDATE blobs SET bytes = (SELECT bytes FROM blobs ORDER BY sha256 DESC LIMIT 1)");
    assert!(damage(&store.open(), None).message.contains("was altered"));
    store.tamper("UPDATE blobs SET bytes = x'00'");
    assert!(damage(&store.open(), None).message.starts_with("the blob "));
}

/// A row that is missing from an index is hidden from queries that use it, for example whether an override was used.
#[test]
fn missing_rows_of_an_index_are_found() {
    let store = Store::sqlite();
    fill(&store);
    store.tamper(
        "CREATE TABLE kept AS SELECT * FROM decisions WHERE entry = 1; DELETE FROM decisions WHERE entry = 1; \
         CREATE TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = 'decisions_override'; \
         PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'decisions_override'",
    );
    store.tamper("INSERT INTO decisions SELECT * FROM kept; DROP TABLE kept");
    store.tamper("PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM hidden");
    store.tamper("DROP TABLE hidden");
    let found = damage(&store.open(), None).message;
    assert!(found.starts_with("the database is damaged: ") && found.contains("decisions_override"), "{found}");
}

/// A truncation with all its traces in the other tables can only be found with an anchor that was kept elsewhere.
#[test]
fn complete_truncation_is_found_with_an_anchor() {
    for store in Store::each() {
        fill(&store);
        let ledger = store.open();
        let anchor = ledger.verify(None).unwrap().unwrap().last.unwrap();
        assert_eq!(anchor.to_string().parse(), Ok(anchor.clone()));
        store.tamper(
            "DELETE FROM approvals; DELETE FROM follow_ups; DELETE FROM section_uses; UPDATE decisions SET used = NULL; \
             DELETE FROM entries WHERE entry > 7; UPDATE head SET entry = 7, \
             sha256 = (SELECT sha256 FROM entries WHERE entry = 7), at = (SELECT at FROM entries WHERE entry = 7), \
             version = 6, halted = '[{\"entry\":6,\"reason\":\"a test\",\"by\":\"ann\"}]'",
        );
        ledger.verify(None).unwrap().expect("it cannot be found without an anchor");
        assert_eq!(damage(&ledger, Some(&anchor)).entry, Some(8));
    }
}

#[test]
fn nothing_is_appended_to_a_damaged_end() {
    for store in Store::each() {
        fill(&store);
        store.tamper("DELETE FROM entries WHERE entry = 13");
        let decision = gate(store.open(), 100).vet(request("five", 1));
        let fault = &decision.document().faults[0];
        assert_eq!(decision.verdict().as_str(), "undecided");
        assert!(fault.message.contains("its last entry is not entry 13"), "{fault}");
    }
}

/// The rows of every table, as SQLite reads them.
fn rows(path: &std::path::Path) -> Option<Vec<String>> {
    let database = rusqlite::Connection::open(path).ok()?;
    let mut all = Vec::new();
    let tables = [
        "ledger_version",
        "entries",
        "head",
        "decisions",
        "sums",
        "blobs",
        "approvals",
        "follow_ups",
        "section_uses",
    ];
    for table in tables {
        let mut statement = database.prepare(&format!("SELECT * FROM {table} ORDER BY 1")).ok()?;
        let width = statement.column_count();
        let mut rows = statement.query([]).ok()?;
        while let Some(row) = rows.next().ok()? {
            all.push(format!("{table}: {:?}", (0..width).map(|i| row.get_ref(i)).collect::<Vec<_>>()));
        }
    }
    Some(all)
}

/// One bit of an SQLite file is flipped. Whatever it changes, verification finds it, and says where.
#[test]
fn flipped_bits_are_found() {
    let store = Store::sqlite();
    fill(&store);
    let path = std::path::PathBuf::from(store.name());
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let (bytes, intact) = (std::fs::read(&path).unwrap(), rows(&path).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let (mut state, mut changed) = (42_u64, 0);
    for _ in 0..400 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut flipped = bytes.clone();
        let at = (state >> 24) as usize % flipped.len();
        flipped[at] ^= 1 << (state >> 20 & 7);
        drop(std::fs::remove_file(folder.path().join("copy.db-wal")));
        drop(std::fs::remove_file(folder.path().join("copy.db-shm")));
        std::fs::write(&copy, &flipped).unwrap();
        let verified =
            SqlLedger::open_to_verify(copy.to_str().unwrap(), None, None).and_then(|ledger| ledger.verify(None));
        std::fs::write(&copy, &flipped).unwrap();
        if rows(&copy).as_ref() == Some(&intact) {
            continue;
        }
        changed += 1;
        match verified {
            Ok(Ok(sound)) => panic!("byte {at}: {sound:?}"),
            Ok(Err(damage)) => assert!(!damage.message.is_empty()),
            Err(error) => assert!(!error.to_string().contains("UTF-8"), "byte {at}: {error}"),
        }
    }
    assert!(changed > 50, "{changed} of the flips changed a row");
}
