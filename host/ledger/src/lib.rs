//! The ledger: an append-only record of every decision and of the outcome of every allowed batch. It is an SQLite file
//! (for one machine) or a PostgreSQL database (for a fleet), and later decisions take their history from it.
//!
//! # Ground state and derived state
//!
//! The ground state is the table `entries`: decisions, outcomes, uses of permits, halts and their ends, each chained to
//! the previous entry by a SHA-256 hash. Nothing ever changes or deletes an entry. All other tables are derived: `head`
//! is the end of the chain, `decisions` and `sums` are indexes for the queries that every decision makes, and `blobs`
//! holds the bytes whose digests are in the entries. The same transaction writes an entry and updates the derived tables.
//! [`SqlLedger::verify`] recomputes the chain and every derived table, and names the first entry that was altered,
//! removed or moved.
//!
//! # Guarantees
//!
//! - An allow reserves its targets and tenants in the transaction that records it. What the decision depended on cannot
//!   change in between, so any number of concurrent checks together allow no more than the limits do.
//! - An open reservation counts in every limit until its outcome is recorded.
//! - The inputs of a decision are stored with it, so it can be made again: [`RecordedDecision::replay`].
//!
//! # A whole program
//!
//! ```no_run
//! use reprieve::ledger::Outcome;
//! use reprieve::{Batch, Decision, Gate, LookupError};
//! use reprieve_ledger::with_named_ledger;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = with_named_ledger(Gate::builder().config("reprieve.toml".as_ref())?, None)?.build()?;
//! if let Decision::Allow(permit) = gate.vet(Batch::open("request.json".as_ref())?) {
//!     let mut deleted = 0;
//!     permit.batch().each_id(|_id| {
//!         deleted += 1; // … delete it …
//!         Ok::<(), LookupError>(())
//!     })?;
//!     permit.commit(&Outcome::succeeded(deleted))?;
//! }
//! # Ok(()) }
//! ```
//!
//! # Errors
//!
//! Every error is a [`LedgerError`]. Its variant tells whether to retry
//! ([`Unavailable`](LedgerError::Unavailable)), to restore a backup ([`Damaged`](LedgerError::Damaged)), or to change the
//! call.

/// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

mod append;
mod approvals;
mod blobs;
mod database;
mod entry;
mod follow_ups;
mod group;
mod open;
mod postgres;
mod read;
mod schema;
mod server;
mod sql_ledger;
mod sqlite;
mod sums;
mod verify;
mod view;

pub use entry::{ActiveHalt, FollowUp, RecordedApproval, Reload};
pub use open::with_named_ledger;
pub use read::{Filter, RecordedDecision, RestoredTenant, Summary};
pub use server::{Server, ServerError};
pub use sql_ledger::SqlLedger;
pub use verify::{Anchor, AnchorError, Damage, Verified};

use append::{Head, append, head, now};
use database::{Transaction, Value};
use entry::{Entry, PermitUse, RecordedOutcome, Resume};
use group::Work;
use reprieve::history::Question;
use reprieve::ledger::{
    Blob, DecisionRecord, Halt, Ledger, LedgerError, LedgerView, MAX_CLOCK_SKEW, Outcome, PermitReference,
    RedeemError,
};
use reprieve::model::{BatchState, LedgerEntry, Timestamp};
use std::time::{Duration, Instant};
use view::view;

/// How long the first decision may take so that, if it has to be made again, other writers share its transaction.
const MAX_SHORT_DECISION: Duration = Duration::from_millis(20);

/// The length of compressed blobs, in bytes, up to which other writers share the transaction that stores them.
const MAX_SHORT_BLOBS: u64 = 1 << 20;

impl SqlLedger {
    /// Halts everything: from the next decision on, every gate with this ledger denies.
    ///
    /// # Errors
    /// [`LedgerError`] if the halt cannot be recorded. It is then not in force.
    pub fn halt(&self, reason: &str, by: &str) -> Result<LedgerEntry, LedgerError> {
        self.append(|_| Ok(Entry::Halt(Halt { reason: reason.to_owned(), by: by.to_owned() })))
    }

    /// Lifts the halt that an entry records, or the only halt in force.
    ///
    /// # Errors
    /// [`LedgerError`] if the halt is not in force, if several are in force and none is named, or if the end of the halt
    /// cannot be recorded.
    pub fn resume(&self, entry: Option<u64>, reason: &str, by: &str) -> Result<LedgerEntry, LedgerError> {
        self.append(|head| {
            let lifts = halt_to_lift(&head.halts, entry)?;
            Ok(Entry::Resume(Resume { lifts, reason: reason.to_owned(), by: by.to_owned() }))
        })
    }

    /// Records that a service replaced its policy set.
    ///
    /// # Errors
    /// [`LedgerError`] if it cannot be recorded.
    pub fn reload(&self, reload: &Reload) -> Result<LedgerEntry, LedgerError> {
        self.append(|_| Ok(Entry::Reload(reload.clone())))
    }

    /// Checks that the ledger can be written.
    ///
    /// # Errors
    /// [`LedgerError`] if it cannot.
    pub fn check_writable(&self) -> Result<(), LedgerError> {
        self.0.write(Work::Short, |transaction| head(transaction).map(drop))
    }

    /// Returns the halts in force.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read.
    pub fn halts(&self) -> Result<Vec<ActiveHalt>, LedgerError> {
        Ok(head(&mut *self.0.read()?)?.halts)
    }

    /// Appends the entry that `entry` returns for the current end of the ledger.
    fn append(&self, entry: impl Fn(&Head) -> Result<Entry, LedgerError>) -> Result<LedgerEntry, LedgerError> {
        self.0.write(Work::Short, |transaction| {
            let head = head(transaction)?;
            append(transaction, &head, &entry(&head)?)
        })
    }
}

/// Selects the halt to lift.
fn halt_to_lift(halts: &[ActiveHalt], entry: Option<u64>) -> Result<u64, LedgerError> {
    let list = || {
        let one = |ActiveHalt { entry, halt }: &ActiveHalt| format!("entry {entry} by {}: {}", halt.by, halt.reason);
        halts.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    match (entry, halts) {
        (_, []) => Err(LedgerError::not_found("nothing is halted")),
        (None, [one]) => Ok(one.entry),
        (None, _) => Err(LedgerError::misuse(format!("several halts are in force: {}", list()))
            .with_help("name the entry of the halt to lift")),
        (Some(entry), all) if all.iter().any(|halt| halt.entry == entry) => Ok(entry),
        (Some(entry), _) => Err(LedgerError::not_found(format!("entry {entry} is not a halt in force"))
            .with_help(format!("name the entry of a halt in force: {}", list()))),
    }
}

impl Ledger for SqlLedger {
    fn view(&self, question: &Question<'_>) -> Result<LedgerView, LedgerError> {
        Ok(view(&mut *self.0.read()?, question)?.1)
    }

    fn decide(
        &self,
        question: &Question<'_>,
        blobs: &[Blob<'_>],
        decide: &mut dyn FnMut(&LedgerView) -> DecisionRecord,
    ) -> Result<LedgerEntry, LedgerError> {
        let compressed = self.compress_missing(blobs)?;
        // The first decision is made without a write transaction, so that other writers do not wait. If an entry that it
        // depends on was recorded since, it is made again inside the write transaction. So two decisions always suffice.
        let (version, first_view) = view(&mut *self.0.read()?, question)?;
        let begun = Instant::now();
        let mut record = decide(&first_view);
        let is_long = begun.elapsed() > MAX_SHORT_DECISION
            || compressed.iter().map(|blob| blob.length).sum::<u64>() > MAX_SHORT_BLOBS;
        self.0.write(if is_long { Work::Long } else { Work::Short }, |transaction| {
            let mut head = head(transaction)?;
            if head.version != version {
                record = decide(&view(transaction, question)?.1);
            }
            // The entry must not be dated before the decision.
            head.at = head.at.max(record.decision.evaluated_at.seconds());
            for mut blob in compressed {
                transaction.store_blob(blob.sha256, &mut blob.content, blob.length)?;
            }
            append(transaction, &head, &Entry::Decision(Box::new(record)))
        })
    }

    fn record_outcome(&self, entry: u64, outcome: &Outcome) -> Result<(), LedgerError> {
        self.0.write(Work::Short, |transaction| Self::record_outcome_in(transaction, entry, outcome))
    }

    fn redeem(&self, permit: &PermitReference<'_>) -> Result<Timestamp, RedeemError> {
        self.0.write(Work::Short, |transaction| Self::redeem_in(transaction, permit))
    }
}

/// The work of those who write, in their transaction.
impl SqlLedger {
    fn record_outcome_in(
        transaction: &mut dyn Transaction,
        entry: u64,
        outcome: &Outcome,
    ) -> Result<(), LedgerError> {
        let head = head(&mut *transaction)?;
        let rows = transaction
            .query("SELECT state, used, targets FROM decisions WHERE entry = $1", &[Value::from(entry)])?;
        let row =
            rows.first().ok_or_else(|| LedgerError::not_found(format!("there is no decision in entry {entry}")))?;
        match row.word(0)? {
            BatchState::Open => {}
            BatchState::NotAllowed => {
                return Err(LedgerError::conflict(format!("the batch of entry {entry} was not allowed")));
            }
            state @ (BatchState::Committed | BatchState::Aborted) => {
                return Err(LedgerError::conflict(format!(
                    "the batch of entry {entry} is already {}",
                    state.as_str()
                )));
            }
        }
        if let (Outcome::Aborted { .. }, Some(used)) = (outcome, row.int_or_null(1)?) {
            return Err(LedgerError::conflict(format!(
                "the permit of entry {entry} was used (entry {used}), so its bearer may have begun to delete"
            ))
            .with_help("record a failed outcome with the number of deleted targets instead"));
        }
        let targets = row.count(2)?;
        if let Outcome::Committed { succeeded: true, deleted: Some(deleted), .. } = outcome
            && *deleted > targets
        {
            return Err(LedgerError::conflict(format!(
                "the batch of entry {entry} has {targets} targets, but {deleted} were deleted, so it did not succeed"
            ))
            .with_help("find out what else was deleted, and record a failed outcome"));
        }
        let recorded = RecordedOutcome { decision: entry, outcome: outcome.clone() };
        append(&mut *transaction, &head, &Entry::Outcome(recorded))?;
        Ok(())
    }

    fn redeem_in(transaction: &mut dyn Transaction, permit: &PermitReference<'_>) -> Result<Timestamp, RedeemError> {
        let head = head(&mut *transaction)?;
        let now = Timestamp::from_seconds(now(&mut *transaction, &head)?);
        let rows = transaction.query(
            "SELECT d.state, d.used, u.at, s.section FROM decisions d JOIN entries e ON e.entry = d.entry \
             LEFT JOIN entries u ON u.entry = d.used LEFT JOIN section_uses s ON s.entry = d.used \
             WHERE d.entry = $1 AND e.sha256 = $2",
            &[permit.entry.into(), permit.id.into()],
        )?;
        let row = rows.first().ok_or(RedeemError::Unknown(permit.entry))?;
        let replayed =
            |entry: i64, at| RedeemError::Replayed { at: Timestamp::from_seconds(at), entry: entry.unsigned_abs() };
        if let (Some(entry), Some(at)) = (row.int_or_null(1)?, row.int_or_null(2)?) {
            // The first use. If that was of a section, another section is still free.
            let (Some(section), Some(_)) = (permit.section, row.int_or_null(3)?) else {
                return Err(replayed(entry, at));
            };
            let uses = transaction.query(
                "SELECT u.entry, u.at FROM section_uses s JOIN entries u ON u.entry = s.entry \
                 WHERE s.decision = $1 AND s.section = $2",
                &[permit.entry.into(), u64::from(section).into()],
            )?;
            if let Some(usage) = uses.first() {
                return Err(replayed(usage.int(0)?, usage.int(1)?));
            }
        }
        match row.word(0)? {
            BatchState::Open => {}
            BatchState::NotAllowed => return Err(RedeemError::Unknown(permit.entry)),
            state @ (BatchState::Committed | BatchState::Aborted) => {
                return Err(RedeemError::Closed(state.as_str().to_owned()));
            }
        }
        if permit.valid_from > now.plus(MAX_CLOCK_SKEW) {
            return Err(RedeemError::NotYetValid { from: permit.valid_from, now });
        }
        if now > permit.expires_at {
            return Err(RedeemError::Expired { until: permit.expires_at, now });
        }
        if let Some(ActiveHalt { halt, .. }) = head.halts.first() {
            return Err(RedeemError::Halted(format!("{} (by {})", halt.reason, halt.by)));
        }
        let usage = PermitUse { decision: permit.entry, section: permit.section };
        append(&mut *transaction, &head, &Entry::PermitUse(usage))?;
        Ok(now)
    }
}

impl std::fmt::Debug for SqlLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlLedger").finish_non_exhaustive()
    }
}
