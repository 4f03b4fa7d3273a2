//! The ledger: an append-only record of every decision, and of what became of the batches that were allowed. It is an
//! SQLite file (one machine) or a PostgreSQL database (a fleet), and the history of later decisions comes from it.
//!
//! - An allow reserves its targets and tenants in the same transaction that records it. What it was decided on cannot
//!   have changed in between, so any number of checks side by side allow exactly what fits.
//! - Entries are chained by hashes. [`SqlLedger::verify`] finds any that was altered, removed or moved, and names it.
//! - What a decision was made from is kept with it, so it can be made again: [`Recorded::replay`].
//!
//! ```no_run
//! use reprieve::{Batch, Decision, Gate, Outcome};
//! use reprieve_ledger::SqlLedger;
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ledger = SqlLedger::open_sqlite(Path::new("reprieve.db"))?;
//! let gate = Gate::builder().ledger(ledger).build()?;
//! if let Decision::Allow(permit) = gate.vet(Batch::open(Path::new("request.json"))?) {
//!     let mut deleted = 0;
//!     permit.batch().each_id(|_id| {
//!         deleted += 1; // … delete it …
//!         Ok::<(), reprieve::Unavailable>(())
//!     })?;
//!     permit.commit(&Outcome::succeeded(deleted))?;
//! }
//! # Ok(()) }
//! ```

mod append;
mod database;
mod entry;
mod postgres;
mod read;
mod schema;
mod sqlite;
mod standing;
mod verify;

pub use entry::{Closed, Entry, Halted, Resumed, Used};
pub use read::{Filter, Recorded, State, Summary};
pub use verify::{Anchor, Damage, Verified};

use append::{Head, append, head, keep, missing, now};
use database::{Database, Value};
use reprieve::model::{LedgerEntry, Timestamp};
use reprieve::{
    Blob, DecisionRecord, Folder, Halt, Ledger, Outcome, PermitClaims, Question, Refused, Standing, Unavailable,
};
use standing::standing;
use std::path::Path;
use std::sync::Arc;

fn is_url(name: &str) -> bool {
    name.starts_with("postgres://") || name.starts_with("postgresql://")
}

fn missing_file(error: &dyn std::fmt::Display) -> Unavailable {
    Unavailable(format!(
        "the ledger: {error}\nhelp: `reprieve ledger new` makes one; if there was one, find out where it went"
    ))
}

/// Says which halts stand, so that one of them is named.
fn which(all: &[Halted]) -> String {
    let one = |Halted { entry, halt }: &Halted| format!("entry {entry} by {}: {}", halt.by, halt.reason);
    let all: Vec<String> = all.iter().map(one).collect();
    format!("the halts that stand are {}\nhelp: say which is lifted, with `--entry`", all.join("; "))
}

/// How much the columns of a batch are compressed: little, for it is done while somebody waits.
const COMPRESSION: i32 = 1;

/// A ledger in an SQL database. Cheap to clone, and usable from many threads at once.
#[derive(Clone)]
pub struct SqlLedger(Arc<dyn Database>);

impl SqlLedger {
    /// Opens the ledger that an operator named: `postgres://…`, or an SQLite file. With a folder, the file has to be
    /// below it. `password` is for a URL without one.
    ///
    /// # Errors
    /// [`Unavailable`] where there is no ledger, for one that is gone must not pass for an empty one.
    pub fn open(name: &str, folder: Option<&Folder>, password: Option<&str>) -> Result<Self, Unavailable> {
        match folder {
            _ if is_url(name) => Self::open_postgres(name, password),
            Some(folder) => Self::open_sqlite(&folder.real_path(name).map_err(|error| missing_file(&error))?),
            None => Self::open_sqlite(Path::new(name)),
        }
    }

    /// Makes a ledger under the name that an operator gave it; see [`open`](Self::open).
    ///
    /// # Errors
    /// [`Unavailable`] where there is one already, or none can be made.
    pub fn create(name: &str, folder: Option<&Folder>, password: Option<&str>) -> Result<Self, Unavailable> {
        match folder {
            _ if is_url(name) => {
                let database = postgres::Postgres::open(name, password)?;
                schema::create(&database)?;
                Ok(Self(Arc::new(database)))
            }
            Some(folder) => {
                Self::create_sqlite(&folder.place(name).map_err(|error| Unavailable(format!("the ledger: {error}")))?)
            }
            None => Self::create_sqlite(Path::new(name)),
        }
    }

    /// Opens a ledger in an SQLite file.
    ///
    /// # Errors
    /// [`Unavailable`] where there is none.
    pub fn open_sqlite(path: &Path) -> Result<Self, Unavailable> {
        Self::open_sqlite_with_clock(path, sqlite::system_clock)
    }

    /// Opens a ledger in an SQLite file that goes by another clock than this machine's: seconds since 1970.
    ///
    /// # Errors
    /// [`Unavailable`] where there is none.
    pub fn open_sqlite_with_clock(path: &Path, clock: fn() -> i64) -> Result<Self, Unavailable> {
        if !path.exists() {
            return Err(missing_file(&format!("{}: there is no such file", path.display())));
        }
        let database = sqlite::Sqlite::open(path, clock)?;
        schema::open(&database)?;
        Ok(Self(Arc::new(database)))
    }

    /// Makes a ledger in an SQLite file, which only its owner can read: it holds the ids of what was to be deleted.
    ///
    /// # Errors
    /// [`Unavailable`] where there is one already, or none can be made.
    pub fn create_sqlite(path: &Path) -> Result<Self, Unavailable> {
        sqlite::make(path)?;
        let database = sqlite::Sqlite::open(path, sqlite::system_clock)?;
        schema::create(&database)?;
        Ok(Self(Arc::new(database)))
    }

    /// Opens a ledger in a PostgreSQL database; `password` is for a URL without one.
    ///
    /// # Errors
    /// [`Unavailable`] where there is none.
    pub fn open_postgres(url: &str, password: Option<&str>) -> Result<Self, Unavailable> {
        let database = postgres::Postgres::open(url, password)?;
        schema::open(&database)?;
        Ok(Self(Arc::new(database)))
    }

    /// Halts everything: from the next decision on, every gate on this ledger denies.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be recorded. Then nothing is halted.
    pub fn halt(&self, reason: &str, by: &str) -> Result<LedgerEntry, Unavailable> {
        self.append(|_| Ok(Entry::Halted(Halt { reason: reason.to_owned(), by: by.to_owned() })))
    }

    /// Lifts a halt: that of the entry, or the only one there is.
    ///
    /// # Errors
    /// [`Unavailable`] where it does not stand, where there are several and none is named, or where it cannot be
    /// recorded.
    pub fn resume(&self, entry: Option<u64>, reason: &str, by: &str) -> Result<LedgerEntry, Unavailable> {
        self.append(|head| {
            let lifts = match (entry, head.halted.as_slice()) {
                (_, []) => return Err(Unavailable("nothing is halted".to_owned())),
                (None, [one]) => one.entry,
                (Some(entry), all) if all.iter().any(|halted| halted.entry == entry) => entry,
                (_, all) => return Err(Unavailable(which(all))),
            };
            Ok(Entry::Resumed(Resumed { lifts, reason: reason.to_owned(), by: by.to_owned() }))
        })
    }

    /// The halts that nobody has lifted.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn halted(&self) -> Result<Vec<Halted>, Unavailable> {
        Ok(head(&mut *self.0.read()?)?.halted)
    }

    /// Appends what is to be said of the ledger as it is now.
    fn append(&self, entry: impl Fn(&Head) -> Result<Entry, Unavailable>) -> Result<LedgerEntry, Unavailable> {
        let mut transaction = self.0.write()?;
        let head = head(&mut *transaction)?;
        let written = append(&mut *transaction, &head, &entry(&head)?)?;
        transaction.commit()?;
        Ok(written)
    }

    /// Compresses those of the blobs that are not there yet.
    fn compress<'b>(&self, blobs: &'b [Blob<'_>]) -> Result<Vec<(&'b str, Vec<u8>)>, Unavailable> {
        let mut transaction = self.0.read()?;
        let missing = missing(&mut *transaction, blobs)?;
        drop(transaction);
        let compress = |blob: &'b Blob<'_>| {
            let compressed = zstd::bulk::compress(&blob.bytes, COMPRESSION);
            let compressed =
                compressed.map_err(|error| Unavailable(format!("a batch cannot be compressed: {error}")))?;
            Ok((blob.sha256.as_str(), compressed))
        };
        missing.into_iter().map(compress).collect()
    }
}

impl Ledger for SqlLedger {
    fn standing(&self, question: &Question<'_>) -> Result<Standing, Unavailable> {
        Ok(standing(&mut *self.0.read()?, question)?.1)
    }

    fn decide(
        &self,
        question: &Question<'_>,
        blobs: &[Blob<'_>],
        decide: &mut dyn FnMut(&Standing) -> DecisionRecord,
    ) -> Result<LedgerEntry, Unavailable> {
        let kept = self.compress(blobs)?;
        // Decided first without keeping anybody waiting. If meanwhile something was recorded that bears on it, it is
        // decided again while nobody else can write; so twice is always enough.
        let (version, standing_then) = standing(&mut *self.0.read()?, question)?;
        let mut record = decide(&standing_then);
        let mut transaction = self.0.write()?;
        let mut head = head(&mut *transaction)?;
        if head.version != version {
            record = decide(&standing(&mut *transaction, question)?.1);
        }
        // The entry is not dated before the decision.
        head.at = head.at.max(record.decision.evaluated_at.seconds());
        for (sha256, compressed) in kept {
            keep(&mut *transaction, sha256, compressed)?;
        }
        let written = append(&mut *transaction, &head, &Entry::Decision(Box::new(record)))?;
        transaction.commit()?;
        Ok(written)
    }

    fn close(&self, entry: u64, outcome: &Outcome) -> Result<(), Unavailable> {
        let mut transaction = self.0.write()?;
        let head = head(&mut *transaction)?;
        let rows = transaction
            .query("SELECT state, used, targets FROM decisions WHERE entry = $1", &[Value::from(entry)])?;
        let row = rows.first().ok_or_else(|| Unavailable(format!("there is no decision under entry {entry}")))?;
        match row.text(0)? {
            "open" => {}
            "none" => return Err(Unavailable(format!("the batch of entry {entry} was not allowed"))),
            state => return Err(Unavailable(format!("the batch of entry {entry} is {state} already"))),
        }
        if let (Outcome::Aborted { .. }, Some(used)) = (outcome, row.int_or_null(1)?) {
            return Err(Unavailable(format!(
                "the permit of entry {entry} was used (entry {used}), and who used it may have begun to delete\nhelp: say how much was deleted, with `reprieve commit {entry} --failed --deleted COUNT`"
            )));
        }
        let targets = row.count(2)?;
        if let Outcome::Committed { succeeded: true, deleted: Some(deleted), .. } = outcome
            && *deleted > targets
        {
            return Err(Unavailable(format!(
                "the batch of entry {entry} has {targets} targets, and {deleted} were deleted: that did not go well\nhelp: find out what else is gone, and say so with `--failed`"
            )));
        }
        append(&mut *transaction, &head, &Entry::Closed(Closed { decision: entry, outcome: outcome.clone() }))?;
        transaction.commit()
    }

    fn redeem(&self, permit: &PermitClaims) -> Result<Timestamp, Refused> {
        let mut transaction = self.0.write()?;
        let head = head(&mut *transaction)?;
        let now = Timestamp::from_seconds(now(&mut *transaction, &head)?);
        let rows = transaction.query(
            "SELECT d.state, d.used, u.at FROM decisions d JOIN entries e ON e.entry = d.entry \
             LEFT JOIN entries u ON u.entry = d.used WHERE d.entry = $1 AND e.sha256 = $2",
            &[permit.entry.into(), permit.jti.as_str().into()],
        )?;
        let row = rows.first().ok_or(Refused::Unknown(permit.entry))?;
        if let (Some(entry), Some(at)) = (row.int_or_null(1)?, row.int_or_null(2)?) {
            return Err(Refused::Replayed { at: Timestamp::from_seconds(at), entry: entry.unsigned_abs() });
        }
        match row.text(0)? {
            "open" => {}
            "none" => return Err(Refused::Unknown(permit.entry)),
            state => return Err(Refused::Closed(state.to_owned())),
        }
        let until = Timestamp::from_seconds(permit.exp);
        if now > until {
            return Err(Refused::Expired { until, now });
        }
        if let Some(Halted { halt, .. }) = head.halted.first() {
            return Err(Refused::Halted(format!("{} (by {})", halt.reason, halt.by)));
        }
        append(&mut *transaction, &head, &Entry::Used(Used { decision: permit.entry }))?;
        transaction.commit()?;
        Ok(now)
    }
}

impl std::fmt::Debug for SqlLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlLedger").finish_non_exhaustive()
    }
}
