//! Everything that decides about a batch: the policies, the sandbox they run in, and where facts are looked up.

use super::context::Sources;
use crate::policies::{LoadedPolicy, SetRecord};
use reprieve_batch::Batch;
use reprieve_model::Facts;
use reprieve_sandbox::{Measure, Sandbox};

/// A policy set that is ready to evaluate batches.
pub(crate) struct Evaluator {
    pub sandbox: Sandbox,
    /// The number of threads that one decision may use.
    pub threads: usize,
    /// The policies in alphabetical order.
    pub policies: Vec<LoadedPolicy>,
    pub sources: Sources,
    pub set: SetRecord,
}

impl Evaluator {
    /// The enforced policies whose scope covers a batch.
    pub fn enforced(&self, batch: &Batch, facts: &Facts) -> impl Iterator<Item = &LoadedPolicy> {
        let covers = |loaded: &&LoadedPolicy| loaded.enforced && loaded.scope.covers(batch.claims(), facts);
        self.policies.iter().filter(covers)
    }

    /// The value of the setting that limits `measure`; if several policies limit it, the smallest.
    pub fn limit(&self, measure: Measure) -> Option<f64> {
        self.policies.iter().filter_map(|loaded| loaded.limit(measure)).min_by(f64::total_cmp)
    }
}
