//! A ledger's database has the objects that its migrations make, and no other one. Whoever owns the database can add a
//! trigger, a rule, a view or a row policy that changes what is recorded, and no row would show it.

use reprieve::Decision;
use reprieve::ledger::{LedgerError, Outcome};
use reprieve_ledger::SqlLedger;
use reprieve_tests::stores::{Store, gate, request};
use std::path::Path;

/// The objects of a ledger, as the crate has them.
#[test]
fn the_objects_of_a_ledger_are_up_to_date() {
    for (store, name) in Store::each().iter().zip(["sqlite", "postgres"]) {
        let mut objects = store.open_to_verify().objects().unwrap();
        objects.sort_unstable();
        let text = objects.join("\n") + "\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../host/ledger/src/schema/{name}.txt"));
        if std::env::var_os("REPRIEVE_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}; set REPRIEVE_BLESS=1", path.display());
    }
}

/// What an owner of an SQLite file may add to it.
const SQLITE: &[&str] = &[
    "CREATE TRIGGER t AFTER UPDATE OF used ON decisions BEGIN UPDATE decisions SET used = NULL WHERE entry = NEW.entry; END",
    "CREATE TRIGGER t BEFORE UPDATE OF halted ON head BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER t BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER t AFTER INSERT ON sums BEGIN DELETE FROM sums; END",
    "ALTER TABLE sums RENAME TO kept; CREATE VIEW sums AS SELECT key, hour, 0 AS batches, 0 AS targets, 0 AS tenants FROM kept",
    "ALTER TABLE decisions RENAME TO kept; CREATE TABLE decisions AS SELECT * FROM kept; DROP TABLE kept",
    "DROP INDEX decisions_override",
    "DROP INDEX decisions_mode; CREATE INDEX decisions_mode ON decisions (entry)",
    "CREATE INDEX another ON decisions (entry)",
    "ALTER TABLE sums ADD COLUMN extra INTEGER DEFAULT 0",
    "ALTER TABLE head ADD COLUMN seen TEXT GENERATED ALWAYS AS (halted) VIRTUAL",
    "CREATE TABLE another (id INTEGER)",
    "CREATE VIEW another AS SELECT 1",
    "CREATE VIRTUAL TABLE another USING fts5(text)",
    "CREATE TABLE two (one INTEGER, ledger TEXT, entry INTEGER, sha256 TEXT, at INTEGER, version INTEGER, halted TEXT); \
     INSERT INTO two SELECT * FROM head; DROP TABLE head; ALTER TABLE two RENAME TO head",
];

/// What an owner of tables in PostgreSQL may add to them.
const POSTGRES: &[&str] = &[
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
     CREATE TRIGGER t BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.used := NULL; RETURN NEW; END $$; \
     CREATE TRIGGER t BEFORE UPDATE ON decisions FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE decisions DISABLE TRIGGER t",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM entries; RETURN NULL; END $$; \
     CREATE CONSTRAINT TRIGGER t AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE RULE r AS ON UPDATE TO head DO INSTEAD NOTHING",
    "CREATE RULE r AS ON INSERT TO sums DO ALSO DELETE FROM sums",
    "ALTER TABLE decisions ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE decisions ENABLE ROW LEVEL SECURITY; ALTER TABLE decisions FORCE ROW LEVEL SECURITY; \
     CREATE POLICY p ON decisions USING (current_query() NOT LIKE '%counts_at%')",
    "CREATE POLICY p ON sums USING (false)",
    "ALTER TABLE sums RENAME TO kept; CREATE VIEW sums AS SELECT * FROM kept",
    "ALTER TABLE head DROP CONSTRAINT head_pkey",
    "ALTER TABLE head DROP CONSTRAINT head_one_check",
    "ALTER TABLE entries DROP CONSTRAINT entries_pkey",
    "DROP INDEX decisions_override",
    "DROP INDEX decisions_override; CREATE UNIQUE INDEX decisions_override ON decisions (override_id) WHERE entry < 0",
    "CREATE INDEX another ON decisions (entry)",
    "ALTER TABLE sums ADD COLUMN extra BIGINT DEFAULT 0",
    "ALTER TABLE head ADD COLUMN seen TEXT GENERATED ALWAYS AS (halted) STORED",
    "ALTER TABLE decisions ALTER COLUMN used SET DEFAULT 0",
    "ALTER TABLE entries ALTER COLUMN body DROP NOT NULL",
    "ALTER TABLE entries ALTER COLUMN body TYPE VARCHAR",
    "ALTER TABLE sums ADD CONSTRAINT c CHECK (tenants < 1000000)",
    "CREATE TABLE another () INHERITS (sums)",
    "ALTER TABLE blobs SET UNLOGGED",
];

#[test]
fn foreign_objects_are_damage_for_opening_writing_and_verifying() {
    for (kind, changes) in [("sqlite", SQLITE), ("postgres", POSTGRES)] {
        for change in changes {
            let store = if kind == "sqlite" { Store::sqlite() } else { Store::postgres() };
            let ledger = store.open();
            let gate = gate(store.open(), 10);
            let Decision::Allow(permit) = gate.vet(request("one", 2)) else { panic!("the first batch is allowed") };
            permit.commit(&Outcome::succeeded(2)).unwrap();
            assert_eq!(ledger.verify(None).unwrap().unwrap().entries, 2);
            store.tamper(change);

            let opened = SqlLedger::open(&store.name(), None, None).map(drop);
            assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{change}: {opened:?}");
            // A ledger that was open before does not write any more.
            let halted = ledger.halt("a test", "ann");
            assert!(halted.is_err(), "{change}: a halt was recorded");
            let decision = gate.vet(request("two", 2));
            assert!(!matches!(decision, Decision::Allow(_)), "{change}: {:?}", decision.document());
            let verified = store.open_to_verify().verify(None);
            assert!(!matches!(verified, Ok(Ok(_))), "{change}: {verified:?}");
        }
    }
}

/// A ledger that is open compares its objects again when the version of the schema has changed. Setting the version back
/// changes nothing for it, because SQLite, too, reads the objects again only then.
#[test]
fn an_object_behind_the_version_of_before_has_no_effect_on_a_ledger_that_is_open() {
    let store = Store::sqlite();
    let gate = gate(store.open(), 10);
    let Decision::Allow(permit) = gate.vet(request("one", 2)) else { panic!("the first batch is allowed") };
    permit.commit(&Outcome::succeeded(2)).unwrap();
    let connection = rusqlite::Connection::open(store.name()).unwrap();
    let version: i64 = connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).unwrap();
    store.tamper("CREATE TRIGGER t AFTER INSERT ON sums BEGIN DELETE FROM sums; END");
    store.tamper(&format!("PRAGMA schema_version = {version}"));

    assert!(matches!(gate.vet(request("two", 2)), Decision::Allow(_)));
    let opened = SqlLedger::open(&store.name(), None, None).map(drop);
    assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{opened:?}");
    let verified = store.open_to_verify().verify(None);
    assert!(!matches!(verified, Ok(Ok(_))), "{verified:?}");
    // Without the trigger the ledger is whole, so the trigger changed nothing: two decisions, an outcome, and an abort, because
    // the second permit was dropped.
    store.tamper("DROP TRIGGER t");
    assert_eq!(store.open().verify(None).unwrap().unwrap().entries, 4);
}

#[test]
fn two_heads_and_no_head_are_damage() {
    let store = Store::sqlite();
    store.tamper("DELETE FROM head");
    assert!(store.open().halts().unwrap_err().to_string().contains("no head"));
    for version in ["0", "-1", "99", "'x'"] {
        let store = Store::sqlite();
        store.tamper(&format!("UPDATE ledger_version SET version = {version}"));
        let opened = SqlLedger::open(&store.name(), None, None).map(drop);
        assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{version}: {opened:?}");
    }
    let store = Store::sqlite();
    store.tamper("INSERT INTO ledger_version VALUES (1)");
    assert!(SqlLedger::open(&store.name(), None, None).is_err());
}

/// A ledger of the first version has the same tables, and an aborted decision that keeps its override.
#[test]
fn a_ledger_of_the_first_version_is_migrated_when_it_is_opened() {
    for store in Store::each() {
        let gate = gate(store.open(), 10);
        // Without a size, as all batches of that version.
        let Decision::Allow(permit) = gate.vet(request("one", 1)) else { panic!("the batch is allowed") };
        permit.abort("not today").unwrap();
        store.tamper(
            "DROP INDEX decisions_mode; DROP INDEX decisions_kind; DROP INDEX decisions_actor; \
             DROP INDEX decisions_idempotency; ALTER TABLE decisions DROP COLUMN idempotency_sha256; \
             DROP TABLE approvals; DROP TABLE follow_ups; DROP TABLE section_uses; ALTER TABLE decisions DROP COLUMN bytes; ALTER TABLE sums DROP COLUMN bytes; \
             CREATE INDEX decisions_mode ON decisions (entry); CREATE INDEX decisions_kind ON decisions (entry); \
             CREATE INDEX decisions_actor ON decisions (entry); UPDATE ledger_version SET version = 1",
        );
        let ledger = store.open();
        let verified = ledger.verify(None).unwrap().unwrap();
        assert_eq!((verified.entries, verified.open), (2, 0));
        assert!(matches!(gate.vet(request("two", 2)), Decision::Allow(_)));
    }
}
