//! The tables, in the versions they went through.
//!
//! `entries` is the record, and the only table that has to be kept; every other can be made again from it, and
//! `verify` compares them. `decisions` and `sums` say what there is to ask for quickly, `head` where the record ends,
//! `blobs` what the digests in it stand for (compressed with Zstandard). Times are seconds since 1970.

use crate::database::{Database, Transaction, Value};
use reprieve::Unavailable;

/// The version that this program knows.
const KNOWN: i64 = VERSIONS.len() as i64;

/// What makes each version out of the one before. A version that was released is never changed.
const VERSIONS: &[&str] = &["
CREATE TABLE entries (
    entry INT PRIMARY KEY NOT NULL,  -- 1, 2, 3, …
    at INT NOT NULL,
    kind TEXT NOT NULL,              -- decision, closed, used, halted, resumed
    body TEXT NOT NULL,              -- JSON
    sha256 TEXT NOT NULL             -- over the hash of the entry before, and every other column
);
CREATE TABLE head (
    one INT PRIMARY KEY NOT NULL CHECK (one = 1),
    ledger TEXT NOT NULL,            -- its id, which is random: the hash before the first entry
    entry INT NOT NULL,              -- the last entry
    sha256 TEXT NOT NULL,
    at INT NOT NULL,
    version INT NOT NULL,            -- the last entry that bears on later decisions
    halted TEXT NOT NULL             -- JSON: the halts that nobody has lifted
);
CREATE TABLE decisions (
    entry INT PRIMARY KEY NOT NULL,
    at INT NOT NULL,
    request TEXT NOT NULL,
    decision TEXT NOT NULL,          -- allow, deny, undecided
    mode TEXT NOT NULL,
    environment TEXT NOT NULL,       -- this, kind and actor: without blanks around them, and in lower case
    kind TEXT NOT NULL,
    actor TEXT,
    campaign TEXT,
    targets INT NOT NULL,
    tenants INT NOT NULL,
    targets_sha256 TEXT NOT NULL,
    whole_sha256 TEXT,               -- of a wave: the list that it is a part of
    override_id TEXT,
    counts_at INT,                   -- when it ended, and so counts in the limits. Open: 9223372036854775807, it counts
                                     -- at every moment. Not allowed, or aborted: null, it counts at none
    state TEXT NOT NULL,             -- none, open, committed, aborted
    used INT,                        -- the entry in which its permit was used
    closed INT,                      -- the entry that closed it
    closed_at INT,
    succeeded INT,
    deleted INT                      -- targets that were really deleted, where somebody said so
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
    key TEXT NOT NULL,               -- what is added up: a mode, a kind, an actor, a campaign
    hour INT NOT NULL,               -- of counts_at: seconds since 1970, divided by 3,600
    batches INT NOT NULL,
    targets INT NOT NULL,
    tenants INT NOT NULL,
    PRIMARY KEY (key, hour)
);
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY NOT NULL, -- of the bytes before they are compressed
    bytes BYTES NOT NULL
);
"];

/// Makes a ledger where there is none.
pub(crate) fn create(database: &dyn Database) -> Result<(), Unavailable> {
    let mut transaction = database.write()?;
    if version(&mut *transaction)?.is_some() {
        return Err(Unavailable("there is a ledger already".to_owned()));
    }
    let (int, _) = database.types();
    transaction.define(&format!("CREATE TABLE ledger_version (version {int} NOT NULL)"))?;
    bring_up_to_date(database, transaction, 0)
}

/// Looks whether there is a ledger, and brings one that an older version left up to date.
pub(crate) fn open(database: &dyn Database) -> Result<(), Unavailable> {
    match version(&mut *database.read()?)? {
        Some(version) if version < KNOWN => {}
        Some(version) => return current(version),
        None => {
            return Err(Unavailable(
                "there is no ledger here\nhelp: `reprieve ledger new` makes one; if there was one, find out where it went".to_owned(),
            ));
        }
    }
    // Somebody else may have done it meanwhile.
    let mut transaction = database.write()?;
    match version(&mut *transaction)? {
        Some(version) => bring_up_to_date(database, transaction, version),
        None => Err(Unavailable("the ledger went away".to_owned())),
    }
}

/// The version of the tables, if there are any.
fn version(transaction: &mut dyn Transaction) -> Result<Option<i64>, Unavailable> {
    if !transaction.has_table("ledger_version")? {
        return Ok(None);
    }
    let rows = transaction.query("SELECT version FROM ledger_version", &[])?;
    rows.first().map(|row| row.int(0)).transpose()
}

fn bring_up_to_date(
    database: &dyn Database,
    mut transaction: Box<dyn Transaction + '_>,
    version: i64,
) -> Result<(), Unavailable> {
    current(version)?;
    let (int, bytes) = database.types();
    for sql in VERSIONS.iter().skip(usize::try_from(version).unwrap_or_default()) {
        let sql = sql.replace(" INT ", &format!(" {int} ")).replace(" INT,", &format!(" {int},"));
        transaction.define(&sql.replace("BYTES", bytes))?;
    }
    if version == 0 {
        let mut id = [0; 32];
        getrandom::fill(&mut id).map_err(|error| Unavailable(format!("no random numbers: {error}")))?;
        let id = Value::Text(hex::encode(id));
        transaction.execute(
            "INSERT INTO head (one, ledger, entry, sha256, at, version, halted) VALUES (1, $1, 0, $1, 0, 0, '[]')",
            &[id],
        )?;
    }
    transaction.execute("DELETE FROM ledger_version", &[])?;
    transaction.execute("INSERT INTO ledger_version VALUES ($1)", &[KNOWN.into()])?;
    transaction.commit()
}

fn current(version: i64) -> Result<(), Unavailable> {
    if version <= KNOWN {
        return Ok(());
    }
    Err(Unavailable(format!(
        "the ledger was written by a newer Reprieve: its tables have version {version}, and this one knows {KNOWN}"
    )))
}
