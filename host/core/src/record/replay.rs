//! Makes recorded decisions again.

use crate::evaluate::{Evaluator, decide_in};
use crate::ledger::DecisionRecord;
use crate::policies::data_digests;
use reprieve_batch::{Batch, Breakdown, Chunk, LookupError};
use reprieve_model::{DecisionDocument, Fault, FaultCause};

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The recorded targets cannot be read.
    #[error("the recorded targets cannot be read: {0}")]
    Columns(String),
    /// The recorded review cannot be passed to policies.
    #[error("the recorded review cannot be used: {0}")]
    Review(String),
    /// The recorded targets cannot be stored.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// A recorded decision that is to be made again.
pub struct Replay<'a> {
    /// The record.
    pub record: &'a DecisionRecord,
    /// The bytes that its `columns_sha256` stands for.
    pub columns: &'a [u8],
}

impl std::fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { record, columns } = self;
        f.debug_struct("Replay").field("record", record).field("column_bytes", &columns.len()).finish()
    }
}

/// The digests of the reference data and the keys in a recorded policy set; `text` is what the digest of the set stands for.
///
/// # Errors
/// The JSON error.
pub fn reference_data(text: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    data_digests(text)
}

impl Replay<'_> {
    /// The ids of its targets.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn ids(&self) -> Result<Vec<String>, RecordError> {
        Ok(self.batch()?.ids()?.into_iter().flatten().collect())
    }

    /// Counts its targets by kind, by tenant and by age.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn breakdown(&self) -> Result<Breakdown, RecordError> {
        // The recorded columns include the resolved ones.
        Ok(self.batch()?.breakdown(None)?)
    }

    fn batch(&self) -> Result<Batch, RecordError> {
        let chunks: Vec<Chunk> =
            postcard::from_bytes(self.columns).map_err(|error| RecordError::Columns(error.to_string()))?;
        Ok(Batch::from_record(&self.record.review, chunks, &self.record.section_ends)?)
    }

    /// Decides again, with the policies of an evaluator and what was known then.
    pub(crate) fn decide(&self, evaluator: &Evaluator) -> Result<DecisionDocument, RecordError> {
        let recorded = &self.record.decision;
        let batch = self.batch()?;
        let mut review_faults = Vec::new();
        // Another set may have other keys and environments. What the inventory and the history answered is as recorded.
        let facts = evaluator.sources.environments.classify(batch.claims(), self.record.review.facts.clone());
        let context = evaluator.sources.context_of(&batch, facts, None, &mut review_faults);
        if let Some(fault) = review_faults.into_iter().next() {
            return Err(RecordError::Review(fault.message));
        }
        // What the gate itself found does not depend on the policies, except that none covered the batch.
        let of_gate = |fault: &&Fault| fault.policy == "gate" && fault.cause != FaultCause::NoPolicy;
        let faults = recorded.faults.iter().filter(of_gate).cloned().collect();
        let findings = recorded.findings.iter().filter(|finding| finding.policy == "gate").cloned().collect();
        let terms = recorded.override_terms.as_ref();
        Ok(decide_in(evaluator, &batch, &context, None, findings, faults, terms).into_document())
    }
}
