//! Everything that is looked up about a batch before a policy evaluates it.

use super::view::ResolvedChunk;
use super::zones::Zones;
use crate::ledger::{Ledger, LedgerError};
use crate::signed::EvidenceSigners;
use reprieve_batch::{Batch, Environments, History, Inventory, LookupError, Question, Resolution};
use reprieve_model::{Facts, Fault, FaultCause, HistoryFacts, Review, Timestamp};
use std::sync::Arc;

/// Where facts are looked up.
pub(crate) struct Sources {
    pub inventory: Option<Arc<dyn Inventory>>,
    pub environments: Environments,
    pub history: HistorySource,
    pub signers: EvidenceSigners,
    pub zones: Zones,
}

/// Where past deletions are looked up.
pub(crate) enum HistorySource {
    /// There is no history: what was deleted before is unknown.
    Unknown,
    History(Arc<dyn History>),
    Ledger(Arc<dyn Ledger>),
}

/// Everything that is known about a batch, which is what policies receive.
pub(crate) struct EvaluationContext {
    resolution: Option<Arc<Resolution>>,
    pub facts: Facts,
    /// Claims and facts as JSON.
    pub review: String,
}

impl Sources {
    /// The ledger, if decisions are recorded.
    pub fn ledger(&self) -> Option<&Arc<dyn Ledger>> {
        match &self.history {
            HistorySource::Ledger(ledger) => Some(ledger),
            HistorySource::Unknown | HistorySource::History(_) => None,
        }
    }

    /// Resolves the batch with the inventory. An inventory without an answer is a fault, and the targets stay unresolved.
    pub fn resolve(&self, batch: &Batch, faults: &mut Vec<Fault>) -> Option<Arc<Resolution>> {
        let inventory = self.inventory.as_deref()?;
        let contacts = self.ledger().is_some();
        let resolved = batch.resolve(inventory, contacts).map(Arc::new);
        resolved.map_err(|error| faults.push(no_answer(FaultCause::Inventory, &error))).ok()
    }

    /// Looks up the history of a batch outside of a decision that is being recorded. A history without an answer is a
    /// fault, and past deletions stay unknown.
    pub fn history(&self, batch: &Batch, faults: &mut Vec<Fault>) -> Option<HistoryFacts> {
        let question = Question::about(batch, &self.environments, None);
        let history = match &self.history {
            HistorySource::Unknown => return None,
            HistorySource::History(history) => {
                let facts = history.facts(&question, batch.evaluated_at());
                facts.map_err(|error: LookupError| no_answer(FaultCause::History, &error))
            }
            HistorySource::Ledger(ledger) => {
                let view = ledger.view(&question);
                view.map(|view| view.history).map_err(|error: LedgerError| no_answer(FaultCause::History, &error))
            }
        };
        history.map_err(|fault| faults.push(fault)).ok()
    }

    /// Builds what policies receive.
    pub fn context(
        &self,
        batch: &Batch,
        at: Timestamp,
        resolution: Option<Arc<Resolution>>,
        history: Option<HistoryFacts>,
        faults: &mut Vec<Fault>,
    ) -> EvaluationContext {
        let inventory = resolution.as_ref().map(|resolution| &resolution.facts);
        let facts = batch.facts(&self.environments, inventory, history, at);
        self.context_of(batch, facts, resolution, faults)
    }

    /// Builds what policies receive from facts that are known. What keys and settings of the set affect is looked up.
    pub fn context_of(
        &self,
        batch: &Batch,
        facts: Facts,
        resolution: Option<Arc<Resolution>>,
        faults: &mut Vec<Fault>,
    ) -> EvaluationContext {
        let signatures = self.signers.facts(batch.claims(), &facts);
        let facts = Facts { signatures, zones: self.zones.offsets(facts.evaluated_at), ..facts };
        let review = Review::to_json(batch.claims(), &facts).unwrap_or_else(|error| {
            // Policies decline an empty review, so they fail as well.
            faults.push(Fault::of_gate(FaultCause::Review, format!("the review cannot be written: {error}")));
            String::new()
        });
        EvaluationContext { resolution, facts, review }
    }

    /// Looks up everything, or returns the first fault.
    pub fn context_or_fault(&self, batch: &Batch) -> Result<EvaluationContext, Fault> {
        let mut faults = Vec::new();
        let resolution = self.resolve(batch, &mut faults);
        let history = self.history(batch, &mut faults);
        let context = self.context(batch, batch.evaluated_at(), resolution, history, &mut faults);
        faults.into_iter().next().map_or(Ok(context), Err)
    }
}

/// The fault of an inventory or a history without an answer.
pub(crate) fn no_answer(cause: FaultCause, error: &dyn std::error::Error) -> Fault {
    Fault::of_gate(cause, format!("the {cause} has no answer: {error}"))
}

/// The fault of targets that cannot be read a second time.
pub(crate) fn unreadable(error: &LookupError) -> Fault {
    Fault::of_gate(FaultCause::Batch, error.to_string())
}

impl EvaluationContext {
    /// Chunk `i` of the batch, with its resolved columns.
    pub fn chunk<'a>(&'a self, batch: &'a Batch, i: usize) -> Result<ResolvedChunk<'a>, LookupError> {
        let resolved = self.resolution.as_ref().map(|resolution| resolution.columns.get(i)).transpose()?;
        Ok(ResolvedChunk { chunk: batch.chunk(i)?, resolved })
    }

    /// The whole batch in memory, however large it is.
    pub fn chunks<'a>(&'a self, batch: &'a Batch) -> Result<Vec<ResolvedChunk<'a>>, LookupError> {
        (0..batch.chunk_rows().len()).map(|i| self.chunk(batch, i)).collect()
    }

    /// The number of tenants in all; 0 if it is unknown.
    pub fn population(&self) -> u64 {
        self.facts.inventory.as_ref().map_or(0, |inventory| inventory.population_tenants)
    }
}
