//! What other processes found in the sections of a planned batch, and whether it still holds.

use crate::ledger::LedgerView;
use reprieve_model::{Fault, FaultCause, HistoryFacts, Timestamp};
use reprieve_sandbox::Saved;

/// How long the facts of a planned batch hold by the ledger's clock, in seconds: a day.
const MAX_AGE: i64 = 86_400;

/// What other processes found.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    /// The time that the facts were computed for, and the decision is made for.
    pub at: Timestamp,
    /// What was deleted before.
    pub history: Option<HistoryFacts>,
    /// The states of the policies that read targets, after each partition.
    pub states: &'a [Vec<Saved>],
}

impl Observed<'_> {
    /// Returns a fault if the ledger knows something now that it did not know when the facts were computed. Halts and the use
    /// of an override are looked up when the decision is made, so they do not matter.
    pub fn outdated(&self, view: &LedgerView) -> Option<Fault> {
        let outdated = |message: &str| Some(Fault::of_gate(FaultCause::Outdated, message));
        if view.at.since(self.at) > MAX_AGE {
            return outdated("the facts of the batch are older than a day");
        }
        let known =
            self.history.as_ref().map(|known| HistoryFacts { sha256: view.history.sha256.clone(), ..known.clone() });
        if known.as_ref() == Some(&view.history) {
            return None;
        }
        outdated("the history of the batch changed after its facts were computed")
    }
}
