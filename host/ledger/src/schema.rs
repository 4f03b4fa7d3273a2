//! The tables, in the versions they went through.
//!
//! `entries` is the record, and the only table that has to be kept; every other can be made again from it, and
//! `verify` compares them. `decisions` and `sums` say what there is to ask for quickly, `head` where the record ends,
//! `blobs` what the digests in it stand for (compressed with Zstandard). Times are seconds since 1970.

use crate::database::{Database, Value};
use reprieve::Unavailable;

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
    entry INT NOT NULL,              -- the last entry
    sha256 TEXT NOT NULL,
    at INT NOT NULL,
    version INT NOT NULL,            -- the last entry that bears on later decisions
    halted TEXT                      -- JSON: why everything is halted, if it is
);
INSERT INTO head VALUES (1, 0, '', 0, 0, NULL);
CREATE TABLE decisions (
    entry INT PRIMARY KEY NOT NULL,
    at INT NOT NULL,
    request TEXT NOT NULL,
    decision TEXT NOT NULL,          -- allow, deny, undecided
    mode TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT,
    campaign TEXT,
    targets INT NOT NULL,
    tenants INT NOT NULL,
    targets_sha256 TEXT NOT NULL,
    whole_sha256 TEXT,               -- of a wave: the list that it is a part of
    override_id TEXT,
    counts INT NOT NULL,             -- 1: it was allowed and not aborted, so it counts in every limit
    state TEXT NOT NULL,             -- none, open, committed, aborted
    used INT,                        -- the entry in which its permit was used
    closed INT,                      -- the entry that closed it
    closed_at INT,
    succeeded INT,
    deleted INT                      -- targets that were really deleted, where somebody said so
);
CREATE INDEX decisions_mode ON decisions (environment, mode, at, targets, tenants) WHERE counts = 1;
CREATE INDEX decisions_kind ON decisions (environment, kind, at, targets, tenants) WHERE counts = 1;
CREATE INDEX decisions_actor ON decisions (actor, at, targets, tenants) WHERE counts = 1;
CREATE INDEX decisions_campaign ON decisions (campaign, at) WHERE counts = 1;
CREATE INDEX decisions_open ON decisions (entry) WHERE state = 'open';
CREATE INDEX decisions_request ON decisions (request);
CREATE INDEX decisions_whole ON decisions (whole_sha256) WHERE counts = 1;
CREATE UNIQUE INDEX decisions_override ON decisions (override_id);
CREATE TABLE sums (
    key TEXT NOT NULL,               -- what is added up: a mode, a kind, an actor, a campaign
    hour INT NOT NULL,               -- seconds since 1970, divided by 3,600
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

/// Makes the tables that there are not yet.
pub(crate) fn migrate(database: &dyn Database) -> Result<(), Unavailable> {
    let known = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
    let mut now = database.read()?;
    // Where there is no table of versions there is no ledger; asking for one that is there costs no lock.
    let there = now.query("SELECT version FROM ledger_version", &[]).ok();
    drop(now);
    if let Some(version) = there.as_deref().and_then(|rows| rows.first()).map(|row| row.int(0)).transpose()?
        && version >= known
    {
        return current(version, known);
    }
    let mut transaction = database.write()?;
    let (int, bytes) = database.types();
    transaction.define(&format!("CREATE TABLE IF NOT EXISTS ledger_version (version {int} NOT NULL)"))?;
    let version = transaction.query("SELECT version FROM ledger_version", &[])?;
    let version = version.first().map_or(Ok(0), |row| row.int(0))?;
    current(version, known)?;
    for sql in VERSIONS.iter().skip(usize::try_from(version).unwrap_or_default()) {
        transaction.define(
            &sql.replace(" INT ", &format!(" {int} ")).replace(" INT,", &format!(" {int},")).replace("BYTES", bytes),
        )?;
    }
    transaction.execute("DELETE FROM ledger_version", &[])?;
    transaction.execute("INSERT INTO ledger_version VALUES ($1)", &[Value::from(known)])?;
    transaction.commit()
}

fn current(version: i64, known: i64) -> Result<(), Unavailable> {
    if version <= known {
        return Ok(());
    }
    Err(Unavailable(format!(
        "the ledger was written by a newer Reprieve: its tables have version {version}, and this one knows {known}"
    )))
}
