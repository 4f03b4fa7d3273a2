//! The decision, and the permit that only an allow carries. This is the only module that makes a permit.

use crate::ledger::{LedgerError, Outcome, Reservation};
use crate::verdict::verdict;
use reprieve_batch::{Batch, Breakdown, ListSection, LookupError, ReadError, Resolution};
use reprieve_model::{Claims, DecisionDocument, LedgerEntry, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// The decision about a batch. Each variant carries the batch and the whole explanation.
#[derive(Debug)]
pub enum Decision {
    /// The batch may run.
    Allow(Permit),
    /// A policy objects.
    Deny(Withheld),
    /// It cannot be decided, so the batch must not run.
    Undecided(Withheld),
}

/// Proof that a batch may run, bound to exactly that batch: it owns it. A destructive function takes a permit and
/// deletes what is in it. Only this module can make one.
///
/// With a ledger, a permit holds a reservation there, which [`commit`](Self::commit) or [`abort`](Self::abort) closes. A
/// permit that is dropped before its [`batch`](Self::batch) was read aborts the reservation. Dropped later, it leaves the
/// reservation open: deleting may have begun, so the batch counts.
///
/// ```compile_fail
/// use reprieve::{Batch, Permit};
///
/// fn delete(permit: Permit) {}
///
/// fn pipeline(batch: Batch) {
///     delete(batch); // a batch is not a permit
/// }
/// ```
///
/// ```compile_fail
/// use reprieve::{Batch, Permit};
///
/// fn forge(batch: Batch) -> Permit {
///     Permit { batch } // and cannot be made into one
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit is what the destructive call takes"]
pub struct Permit {
    examined: Examined,
    document: Box<DecisionDocument>,
    reservation: Option<Reservation>,
}

/// A batch that must not run, with the reasons.
#[derive(Debug)]
pub struct Withheld {
    examined: Examined,
    document: Box<DecisionDocument>,
}

/// A batch, and what the inventory answered about it.
#[derive(Debug)]
pub(crate) struct Examined {
    pub batch: Batch,
    pub resolution: Option<Arc<Resolution>>,
}

/// A decision with what its batch consists of, as `--format json` prints it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "DecisionDocument")]
pub struct DecisionReport {
    /// The decision.
    #[serde(flatten)]
    pub decision: DecisionDocument,
    /// What the batch consists of.
    pub breakdown: Breakdown,
}

impl Permit {
    /// The batch that may run. From this call on, deleting may have begun.
    pub fn batch(&self) -> &Batch {
        self.reservation.iter().for_each(Reservation::take);
        &self.examined.batch
    }

    /// The sections of the list. This does not count as reading the batch.
    pub(crate) fn sections(&self) -> Vec<ListSection> {
        self.examined.batch.sections()
    }

    /// Checks that the list can be handed on. This does not count as reading the batch.
    pub(crate) fn check_format(&self) -> Result<(), ReadError> {
        self.examined.batch.check_format()
    }

    /// What the request claims.
    pub fn claims(&self) -> &Claims {
        self.examined.batch.claims()
    }

    /// Records the outcome of the batch. Without a ledger this does nothing.
    ///
    /// # Errors
    /// [`LedgerError`] if it cannot be recorded. The reservation then stays open and counts in full.
    pub fn commit(self, outcome: &Outcome) -> Result<(), LedgerError> {
        self.reservation.map_or(Ok(()), |reservation| reservation.record_outcome(outcome))
    }

    /// Records that the batch did not run and nothing was deleted.
    ///
    /// # Errors
    /// [`LedgerError`] if it cannot be recorded, or if a token of this permit was used, because its bearer may have begun
    /// to delete. The reservation then stays open and counts in full.
    pub fn abort(self, reason: &str) -> Result<(), LedgerError> {
        self.commit(&Outcome::Aborted { reason: reason.to_owned() })
    }

    /// Leaves the reservation open for the bearer of a token or of the entry's number.
    pub fn hand_over(self) -> Option<LedgerEntry> {
        self.reservation.iter().for_each(Reservation::take);
        self.document.ledger
    }

    /// The whole decision.
    pub fn document(&self) -> &DecisionDocument {
        &self.document
    }
}

impl Withheld {
    /// The batch that must not run.
    pub fn batch(&self) -> &Batch {
        &self.examined.batch
    }

    /// The whole decision.
    pub fn document(&self) -> &DecisionDocument {
        &self.document
    }
}

impl Decision {
    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.document().decision
    }

    /// What the request claims.
    pub fn claims(&self) -> &Claims {
        match self {
            Self::Allow(permit) => permit.claims(),
            Self::Deny(withheld) | Self::Undecided(withheld) => withheld.examined.batch.claims(),
        }
    }

    /// Counts the targets by kind, by tenant and by age. This does not count as reading the batch.
    ///
    /// # Errors
    /// [`LookupError`] if targets cannot be read from disk.
    pub fn breakdown(&self) -> Result<Breakdown, LookupError> {
        let Examined { batch, resolution } = match self {
            Self::Allow(permit) => &permit.examined,
            Self::Deny(withheld) | Self::Undecided(withheld) => &withheld.examined,
        };
        batch.breakdown(resolution.as_deref())
    }

    /// The whole decision.
    pub fn document(&self) -> &DecisionDocument {
        match self {
            Self::Allow(permit) => &permit.document,
            Self::Deny(withheld) | Self::Undecided(withheld) => &withheld.document,
        }
    }
}

/// A decision whose verdict follows from its findings and faults. [`seal`] is the only way to make one.
#[derive(Clone, Debug)]
pub(crate) struct Sealed(DecisionDocument);

/// Computes the verdict of a decision.
pub(crate) fn seal(mut document: DecisionDocument) -> Sealed {
    document.decision = verdict(&document.findings, &document.faults, &document.policies);
    Sealed(document)
}

impl Sealed {
    /// The decision as a document.
    pub fn document(&self) -> &DecisionDocument {
        &self.0
    }

    /// The decision as a document, to be changed and sealed again.
    pub fn into_document(self) -> DecisionDocument {
        self.0
    }

    /// Notes the entry that records the decision.
    pub fn recorded_as(self, entry: LedgerEntry) -> Self {
        Self(DecisionDocument { ledger: Some(entry), ..self.0 })
    }

    /// Hands the batch over: to a permit if the verdict is an allow.
    pub fn decide(self, examined: Examined, reservation: Option<Reservation>) -> Decision {
        let document = Box::new(self.0);
        match document.decision {
            Verdict::Allow => Decision::Allow(Permit { examined, document, reservation }),
            Verdict::Deny => Decision::Deny(Withheld { examined, document }),
            Verdict::Undecided => Decision::Undecided(Withheld { examined, document }),
        }
    }
}
