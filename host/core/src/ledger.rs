//! The ledger as the gate sees it: it says how things stand, and an allow is one only when it is written there.

use crate::history::Question;
use crate::signed::{PermitClaims, Refused};
use crate::unavailable::Unavailable;
use reprieve_model::{HistoryFacts, LedgerEntry, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where decisions are recorded, and where the history of later ones comes from. An error is a fault of the decision.
pub trait Ledger: Send + Sync {
    /// How things stand for a batch now.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn standing(&self, question: &Question<'_>) -> Result<Standing, Unavailable>;

    /// Has a decision made and records it, both in one: nothing that bears on the decision is recorded between what
    /// `decide` was told and what it answered. Where something was, it is asked again. `blobs` is what the answer refers
    /// to by digest.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked or written. Then nobody may take the answer for recorded.
    fn decide(
        &self,
        question: &Question<'_>,
        blobs: &[Blob<'_>],
        decide: &mut dyn FnMut(&Standing) -> DecisionRecord,
    ) -> Result<LedgerEntry, Unavailable>;

    /// Closes a reservation.
    ///
    /// # Errors
    /// [`Unavailable`] where it is not open, where it is to be aborted and its permit was used, or where the ledger
    /// cannot be written.
    fn close(&self, entry: u64, outcome: &Outcome) -> Result<(), Unavailable>;

    /// Uses a permit that was checked, once. Gives the time of it.
    ///
    /// # Errors
    /// [`Refused`] where it has expired, was used before, is not of this ledger, or everything is halted.
    fn redeem(&self, permit: &PermitClaims) -> Result<Timestamp, Refused>;
}

/// How things stand in the ledger.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The time by the ledger's clock, which decides.
    pub at: Timestamp,
    /// What was deleted before, and what is reserved.
    pub history: HistoryFacts,
    /// The halts that nobody has lifted. Where there is one, everything is halted.
    pub halted: Vec<Halt>,
    /// The decision in which the override asked about was used, if it was.
    pub override_used: Option<u64>,
}

/// The stop button, pressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
}

/// Bytes under their digest: SHA-256, lower-case hex.
#[derive(Clone, Debug)]
pub struct Blob<'a> {
    /// The digest.
    pub sha256: String,
    /// The bytes.
    pub bytes: Cow<'a, [u8]>,
}

/// What is recorded of a decision: all that is needed to make it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The version of Reprieve that decided.
    pub reprieve: String,
    /// The decision.
    pub decision: reprieve_model::DecisionDocument,
    /// Claims and facts as the policies were handed them.
    pub review: reprieve_model::Review,
    /// The digest of the targets and of what the inventory said of each, in columns.
    pub columns_sha256: String,
    /// The digest of who is affected.
    pub affected_sha256: String,
}

/// What became of a batch that was allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran.
    Committed {
        /// Whether it went well.
        succeeded: bool,
        /// How many targets were really deleted. `None`: nobody knows, so all count.
        deleted: Option<u64>,
        /// What there is to say about it.
        note: Option<String>,
    },
    /// It did not run, and nothing was deleted.
    Aborted {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Everything was deleted as planned.
    pub const fn succeeded(deleted: u64) -> Self {
        Self::Committed { succeeded: true, deleted: Some(deleted), note: None }
    }

    /// It went wrong, and nobody knows how much was deleted.
    pub fn failed(note: impl Into<String>) -> Self {
        Self::Committed { succeeded: false, deleted: None, note: Some(note.into()) }
    }
}

/// The place in the ledger that an allow holds until it is closed. It counts in every limit from the moment of the
/// decision on.
pub(crate) struct Reservation {
    ledger: Arc<dyn Ledger>,
    entry: u64,
    /// Whether somebody may have begun to delete.
    taken: AtomicBool,
}

impl Reservation {
    pub fn new(ledger: Arc<dyn Ledger>, entry: u64) -> Self {
        Self { ledger, entry, taken: AtomicBool::new(false) }
    }

    /// Notes that from now on targets may be deleted.
    pub fn take(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    pub fn close(self, outcome: &Outcome) -> Result<(), Unavailable> {
        self.take();
        self.ledger.close(self.entry, outcome)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.taken.load(Ordering::Relaxed) {
            let outcome = Outcome::Aborted { reason: "the permit was dropped unused".to_owned() };
            // If this cannot be written either, the reservation stays open, and counts.
            drop(self.ledger.close(self.entry, &outcome));
        }
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("entry", &self.entry).finish_non_exhaustive()
    }
}
