//! The reservation that an allow holds.

use super::{Ledger, LedgerError, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The reservation that an allow holds in the ledger until its outcome is recorded. It counts in every limit from the
/// moment of the decision.
pub(crate) struct Reservation {
    ledger: Arc<dyn Ledger>,
    entry: u64,
    /// Whether deleting may have begun.
    taken: AtomicBool,
}

impl Reservation {
    pub fn new(ledger: Arc<dyn Ledger>, entry: u64) -> Self {
        Self { ledger, entry, taken: AtomicBool::new(false) }
    }

    /// Notes that targets may be deleted from now on.
    pub fn take(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    pub fn record_outcome(self, outcome: &Outcome) -> Result<(), LedgerError> {
        self.take();
        self.ledger.record_outcome(self.entry, outcome)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.taken.load(Ordering::Relaxed) {
            let outcome = Outcome::Aborted { reason: "the permit was dropped unused".to_owned() };
            // If this cannot be written either, the reservation stays open and counts.
            drop(self.ledger.record_outcome(self.entry, &outcome));
        }
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("entry", &self.entry).finish_non_exhaustive()
    }
}
