//! Recorded decisions: made again, and what follows from them for those affected.

use crate::batch::Batch;
use crate::columns::Chunk;
use crate::gate::Gate;
use crate::ledger::DecisionRecord;
use crate::record::{Affected, lift};
use crate::{GateBuilder, set};
use reprieve_model::{DecisionDocument, Estimate, Fault};

/// Who is affected by a recorded decision, from the bytes that its `affected_sha256` stands for.
///
/// # Errors
/// What is wrong with them.
pub fn affected(bytes: &[u8]) -> Result<Vec<Affected>, serde_json::Error> {
    serde_json::Deserializer::from_slice(bytes).into_iter().collect()
}

/// The restore batch that each of so many tenants is in, counted from 1, and the seconds after which it is done.
pub fn restore_plan(estimate: &Estimate, tenants: u64) -> impl Iterator<Item = (u64, u64)> {
    let (size, side) = (estimate.tenants_per_batch.value.max(1), estimate.parallel_batches.value.max(1));
    let seconds = estimate.batch_duration.value.seconds();
    (0..tenants).map(move |i| (i / size + 1, (i / size / side + 1).saturating_mul(seconds)))
}

/// A recorded decision, to be made again.
pub struct Replay<'a> {
    /// What is recorded.
    pub record: &'a DecisionRecord,
    /// The bytes that its `columns_sha256` stands for.
    pub columns: &'a [u8],
}

impl Replay<'_> {
    /// Begins the gate of a recorded set: `text` is what its digest stands for, and `blob` gives what other digests
    /// stand for.
    ///
    /// # Errors
    /// What `blob` says, or what is wrong with the text.
    pub fn builder<E: From<serde_json::Error>>(
        text: &str,
        blob: impl FnMut(&str) -> Result<Vec<u8>, E>,
    ) -> Result<GateBuilder, E> {
        set::builder(text, blob).map_err(|error| error.unwrap_or_else(E::from))
    }

    /// The digests of the reference data in a recorded set, of which `text` is what its digest stands for.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn data(text: &[u8]) -> Result<Vec<String>, serde_json::Error> {
        set::data(text)
    }

    /// The ids of its targets.
    ///
    /// # Errors
    /// What is wrong with the record.
    pub fn ids(&self) -> Result<Vec<String>, String> {
        let ids = self.batch()?.ids().map_err(|error| error.to_string())?;
        Ok(ids.into_iter().flatten().collect())
    }

    fn batch(&self) -> Result<Batch, String> {
        let chunks: Vec<Chunk> = postcard::from_bytes(self.columns).map_err(|error| error.to_string())?;
        Batch::recorded(&self.record.review, chunks).map_err(|error| error.to_string())
    }

    /// Decides again, with the policies of `gate` and what was known then.
    ///
    /// # Errors
    /// What is wrong with the record.
    pub fn decide(&self, gate: &Gate) -> Result<DecisionDocument, String> {
        let recorded = &self.record.decision;
        let batch = self.batch()?;
        let known = gate.sources().known_then(&batch, self.record.review.facts.clone())?;
        // What the gate itself objected to does not depend on the set, except for having nobody to ask.
        let of_gate = |fault: &&Fault| fault.policy == "gate" && fault.cause != "no-policy";
        let faults = recorded.faults.iter().filter(of_gate).cloned().collect();
        let findings = recorded.findings.iter().filter(|finding| finding.policy == "gate").cloned().collect();
        let document = gate.decide(&batch, &known, findings, faults);
        Ok(match &recorded.break_glass {
            Some(glass) => lift(glass, document),
            None => document,
        })
    }
}
