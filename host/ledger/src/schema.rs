//! The tables, and the migrations from one version of them to the next.
//!
//! `entries` is the ground state: the only table that has to be kept. Every other table is derived from it and can be
//! rebuilt, and `verify` compares them. `decisions` and `sums` answer the queries that every decision makes, `head` is the
//! end of the chain, and `blobs` holds the bytes (compressed with Zstandard) of the digests in the entries. Times are
//! seconds since 1970.

use crate::database::{Database, Transaction, Value, damaged, execute_one};
use reprieve::ledger::LedgerError;
use std::collections::BTreeSet;

/// The version of the tables that this program reads and writes.
const CURRENT_VERSION: i64 = MIGRATIONS.len() as i64;

/// The SQL that leads from each version to the next. A migration that was released never changes.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE entries (
    entry INT PRIMARY KEY NOT NULL,  -- 1, 2, 3, …
    at INT NOT NULL,
    kind TEXT NOT NULL,              -- decision, closed, used, halted, resumed
    body TEXT NOT NULL,              -- JSON
    sha256 TEXT NOT NULL             -- over the hash of the previous entry and every other column
);
CREATE TABLE head (
    one INT PRIMARY KEY NOT NULL CHECK (one = 1),
    ledger TEXT NOT NULL,            -- the random id of the ledger: the hash before the first entry
    entry INT NOT NULL,              -- the last entry
    sha256 TEXT NOT NULL,
    at INT NOT NULL,
    version INT NOT NULL,            -- the last entry that later decisions depend on
    halted TEXT NOT NULL             -- JSON: the halts in force
);
CREATE TABLE decisions (
    entry INT PRIMARY KEY NOT NULL,
    at INT NOT NULL,
    request TEXT NOT NULL,
    decision TEXT NOT NULL,          -- allow, deny, undecided
    mode TEXT NOT NULL,
    environment TEXT NOT NULL,       -- environment, kind and actor are trimmed and in lower case
    kind TEXT NOT NULL,
    actor TEXT,
    campaign TEXT,
    targets INT NOT NULL,
    tenants INT NOT NULL,
    targets_sha256 TEXT NOT NULL,
    whole_sha256 TEXT,               -- of a wave: the list that it is a part of
    override_id TEXT,
    counts_at INT,                   -- when the batch ended, which is when it counts in the limits. Open:
                                     -- 9223372036854775807, it counts at every time. Not allowed or aborted: null, it
                                     -- never counts
    state TEXT NOT NULL,             -- none, open, committed, aborted
    used INT,                        -- the entry in which its permit was used
    closed INT,                      -- the entry of its outcome
    closed_at INT,
    succeeded INT,
    deleted INT                      -- the number of targets that were deleted, if it is known
);
CREATE INDEX decisions_mode ON decisions (environment, mode, counts_at, closed, entry, targets, tenants)
    WHERE counts_at IS NOT NULL;
CREATE INDEX decisions_kind ON decisions (environment, kind, counts_at, entry, targets, tenants)
    WHERE counts_at IS NOT NULL;
CREATE INDEX decisions_actor ON decisions (actor, counts_at, entry, targets, tenants) WHERE counts_at IS NOT NULL;
CREATE INDEX decisions_campaign ON decisions (campaign, counts_at, closed, entry) WHERE counts_at IS NOT NULL;
CREATE INDEX decisions_failed ON decisions (campaign, counts_at, closed) WHERE succeeded = 0;
CREATE INDEX decisions_open ON decisions (entry) WHERE state = 'open';
CREATE INDEX decisions_request ON decisions (request);
CREATE INDEX decisions_whole ON decisions (whole_sha256) WHERE counts_at IS NOT NULL;
CREATE UNIQUE INDEX decisions_override ON decisions (override_id);
CREATE TABLE sums (
    key TEXT NOT NULL,               -- what is summed: a mode, a kind, an actor, a campaign
    hour INT NOT NULL,               -- of counts_at: seconds since 1970, divided by 3,600
    batches INT NOT NULL,
    targets INT NOT NULL,
    tenants INT NOT NULL,
    PRIMARY KEY (key, hour)
);
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY NOT NULL, -- of the bytes before compression
    bytes BYTES NOT NULL
);
",
    "
UPDATE decisions SET override_id = NULL WHERE state = 'aborted';
",
    // Decisions of before had no sizes.
    "
ALTER TABLE decisions ADD COLUMN bytes INT NOT NULL DEFAULT 0;
ALTER TABLE sums ADD COLUMN bytes INT NOT NULL DEFAULT 0;
DROP INDEX decisions_mode;
DROP INDEX decisions_kind;
DROP INDEX decisions_actor;
CREATE INDEX decisions_mode ON decisions (environment, mode, counts_at, closed, entry, targets, tenants, bytes)
    WHERE counts_at IS NOT NULL;
CREATE INDEX decisions_kind ON decisions (environment, kind, counts_at, entry, targets, tenants, bytes)
    WHERE counts_at IS NOT NULL;
CREATE INDEX decisions_actor ON decisions (actor, counts_at, entry, targets, tenants, bytes)
    WHERE counts_at IS NOT NULL;
",
    // What a service needs: one decision for repeated calls, and the approvals of a list.
    "
ALTER TABLE decisions ADD COLUMN idempotency_sha256 TEXT;
CREATE UNIQUE INDEX decisions_idempotency ON decisions (idempotency_sha256);
CREATE TABLE approvals (
    entry INT PRIMARY KEY NOT NULL,
    targets_sha256 TEXT NOT NULL
);
CREATE INDEX approvals_list ON approvals (targets_sha256);
",
    // What controllers delete after an allowed deletion, because it goes with it.
    "
CREATE TABLE follow_ups (
    entry INT PRIMARY KEY NOT NULL,
    object TEXT NOT NULL
);
CREATE INDEX follow_ups_object ON follow_ups (object);
",
    // Permits for sections: each is used once. The first use is in `decisions.used`, too.
    "
CREATE TABLE section_uses (
    entry INT PRIMARY KEY NOT NULL,
    decision INT NOT NULL,
    section INT NOT NULL
);
CREATE UNIQUE INDEX section_uses_once ON section_uses (decision, section);
",
];

/// Creates a ledger in a database that does not have one.
pub(crate) fn create(database: &dyn Database) -> Result<(), LedgerError> {
    let mut transaction = database.write()?;
    if transaction.has_table("ledger_version")? {
        return Err(LedgerError::conflict("the ledger already exists")
            .with_help("open it, or name another file or database for a new one"));
    }
    let (int, _) = database.column_types();
    transaction.define(&format!("CREATE TABLE ledger_version (version {int} NOT NULL)"))?;
    migrate(database, transaction, 0)
}

/// Checks that the database has a ledger, and migrates one of an older version.
pub(crate) fn open(database: &dyn Database) -> Result<(), LedgerError> {
    let missing = || no_ledger("the database does not contain a ledger");
    let found = version(&mut *database.read()?)?.ok_or_else(missing)?;
    if found >= CURRENT_VERSION {
        check_version(found)?;
        return check_objects(database, &mut *database.read()?);
    }
    // Another process may have migrated it since.
    let mut transaction = database.write()?;
    let found = version(&mut *transaction)?.ok_or_else(missing)?;
    migrate(database, transaction, found)
}

/// The version of the tables, if there are any.
fn version(transaction: &mut dyn Transaction) -> Result<Option<i64>, LedgerError> {
    if !transaction.has_table("ledger_version")? {
        return Ok(None);
    }
    let rows = transaction.query("SELECT version FROM ledger_version", &[])?;
    match rows.as_slice() {
        [row] if row.int(0)? >= 1 => row.int(0).map(Some),
        [row] => Err(damaged(format!("its tables have version {}, and versions begin with 1", row.int(0)?))),
        rows => Err(damaged(format!("it has {} versions of its tables", rows.len()))),
    }
}

/// Checks that the database has exactly the objects of a ledger of this version. A trigger, a rule, a view, a row policy, a
/// generated column or a lost constraint could change what is recorded, and no row would show it.
pub(crate) fn check_objects(database: &dyn Database, transaction: &mut dyn Transaction) -> Result<(), LedgerError> {
    if transaction.objects_are_as_checked()? {
        return Ok(());
    }
    match foreign_object(database, transaction)? {
        Some(difference) => Err(damaged(difference)),
        None => transaction.objects_are_checked(),
    }
}

/// Describes the first object that is missing, or is not one of a ledger.
pub(crate) fn foreign_object(
    database: &dyn Database,
    transaction: &mut dyn Transaction,
) -> Result<Option<String>, LedgerError> {
    let found: BTreeSet<String> = transaction.objects()?.into_iter().collect();
    let expected: BTreeSet<String> = database.expected_objects().lines().map(str::to_owned).collect();
    let foreign = found.difference(&expected).next().map(|object| {
        format!("the database has an object that a ledger does not have, or not in this form: {object}")
    });
    let missing = || {
        expected.difference(&found).next().map(|object| format!("the database lacks an object of a ledger: {object}"))
    };
    Ok(foreign.or_else(missing))
}

fn migrate(
    database: &dyn Database,
    mut transaction: Box<dyn Transaction + '_>,
    version: i64,
) -> Result<(), LedgerError> {
    check_version(version)?;
    let (int, bytes) = database.column_types();
    for sql in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or_default()) {
        let sql = sql.replace(" INT ", &format!(" {int} ")).replace(" INT,", &format!(" {int},"));
        transaction.define(&sql.replace("BYTES", bytes))?;
    }
    if version == 0 {
        let mut id = [0; 32];
        getrandom::fill(&mut id).map_err(|error| {
            LedgerError::unavailable(format!("the system has no random numbers for the id of the ledger: {error}"))
        })?;
        execute_one(
            &mut *transaction,
            "INSERT INTO head (one, ledger, entry, sha256, at, version, halted) VALUES (1, $1, 0, $1, 0, 0, '[]')",
            &[Value::Text(hex::encode(id))],
        )?;
    }
    transaction.execute("DELETE FROM ledger_version", &[])?;
    execute_one(&mut *transaction, "INSERT INTO ledger_version VALUES ($1)", &[CURRENT_VERSION.into()])?;
    if version > 0 {
        check_objects(database, &mut *transaction)?;
    }
    transaction.commit()
}

fn check_version(version: i64) -> Result<(), LedgerError> {
    if version <= CURRENT_VERSION {
        return Ok(());
    }
    let message = format!(
        "the ledger was written by a newer version of Reprieve: its tables have version {version}, and this program \
         supports up to {CURRENT_VERSION}"
    );
    Err(LedgerError::damaged(message).with_help("upgrade Reprieve"))
}

/// An error about a ledger that does not exist.
pub(crate) fn no_ledger(message: &str) -> LedgerError {
    LedgerError::not_found(message).with_help("create the ledger; if there was one, find out where it went")
}
