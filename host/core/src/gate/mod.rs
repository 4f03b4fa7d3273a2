//! The gate: a set of policies that is ready to vet batches.

mod builder;

pub use builder::GateBuilder;

use crate::decision::Decision;
use crate::evaluate::{Cost, Evaluation, Evaluator, evaluate_partitions, measure, panicked};
use crate::ledger::Ledger;
use crate::planned::{Plan, PlanError, PlannedBatch};
use crate::record::{RecordError, Replay, VetOptions, conclude, decide_only, decide_resolved};
use crate::split::{Split, SplitError, split, waves};
use reprieve_batch::{Batch, BatchPlan, Environments};
use reprieve_model::{Approval, DecisionDocument, Facts, Fault, Review, Timestamp};
use reprieve_sandbox::Descriptor;
use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A set of policies, loaded and ready. Cheap to clone, and usable from many threads at once.
#[derive(Clone)]
pub struct Gate(Arc<Evaluator>);

/// A policy of the set.
#[derive(Clone, Debug)]
pub struct PolicyInfo<'a> {
    /// Its description.
    pub descriptor: &'a Descriptor,
    /// SHA-256 of its component, lower-case hex.
    pub sha256: &'a str,
    /// The size of its component in bytes.
    pub bytes: u64,
    /// Whether it counts towards the decision.
    pub enforced: bool,
    /// The settings that the set has for it, as JSON. Others have the defaults of its schema.
    pub settings: &'a str,
    /// Whether a worker compiled it when the gate was built, because it is not pinned and was not in the cache.
    pub compiled_by_worker: bool,
    /// Why the next start compiles it again, if it does.
    pub uncached: Option<&'a str>,
    /// Why the machine code that it was built with could not be used, if it is built in.
    pub unfit: Option<&'a str>,
}

impl Gate {
    /// Starts to build a gate.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// The policies of the set, in alphabetical order.
    pub fn policies(&self) -> impl Iterator<Item = PolicyInfo<'_>> {
        self.0.policies.iter().map(|loaded| PolicyInfo {
            descriptor: &loaded.policy.descriptor,
            sha256: &loaded.policy.sha256,
            bytes: loaded.policy.bytes,
            enforced: loaded.enforced,
            settings: &loaded.settings,
            compiled_by_worker: loaded.policy.compiled_by_worker,
            uncached: loaded.policy.uncached.as_deref(),
            unfit: loaded.policy.unfit.as_deref(),
        })
    }

    /// The ledger that records the decisions of this gate.
    pub fn ledger(&self) -> Option<&Arc<dyn Ledger>> {
        self.0.sources.ledger()
    }

    /// Which environments are production, by the policy set.
    pub fn environments(&self) -> &Environments {
        &self.0.sources.environments
    }

    /// SHA-256 of the policy set, lower-case hex, as decisions name it.
    pub fn set_sha256(&self) -> &str {
        &self.0.set.sha256
    }

    /// Reads a signed approval of a request that was recorded, and checks what it was signed for.
    ///
    /// # Errors
    /// Why the token does not approve this request.
    pub fn read_approval(&self, review: &Review, token: &str, at: Timestamp) -> Result<Approval, String> {
        self.0.sources.signers.read_approval(review, token, at)
    }

    /// Whether no override may lift this code (`policy/rule`).
    pub fn is_never_lifted(&self, code: &str) -> bool {
        self.0.is_never_lifted(code)
    }

    /// Vets a batch: every policy evaluates it, and the outcomes are combined. Any failure on the way, including a panic
    /// of the host, results in [`Decision::Undecided`]. With a ledger, an allow is returned only after it is recorded.
    pub fn vet(&self, batch: Batch) -> Decision {
        self.vet_with(batch, VetOptions::default())
    }

    /// Vets a batch as [`vet`](Self::vet) does, with options.
    pub fn vet_with(&self, batch: Batch, options: VetOptions<'_>) -> Decision {
        conclude(&self.0, batch, |evaluator, batch| {
            let mut faults = Vec::new();
            let resolution = evaluator.sources.resolve(batch, &mut faults);
            (decide_resolved(evaluator, batch, resolution.clone(), faults, options, None), resolution)
        })
    }

    /// Plans a batch whose list several processes read; see [`planned`](crate::planned).
    ///
    /// # Errors
    /// [`PlanError`] if the inventory of the gate cannot be used by several processes.
    pub fn plan(&self, batch: BatchPlan) -> Result<Plan, PlanError> {
        Plan::of(&self.0, batch)
    }

    /// Takes part in a planned batch, with as many bytes of memory and threads.
    ///
    /// # Errors
    /// [`PlanError`] if this gate is not the one that made the plan: of another version, with another set or inventory.
    pub fn planned(&self, plan: Plan, memory: u64, threads: usize) -> Result<PlannedBatch<'_>, PlanError> {
        PlannedBatch::new(&self.0, plan, memory, threads)
    }

    /// Decides about a batch as [`vet`](Self::vet) would now, and records nothing. It returns the document alone, because
    /// nothing may be deleted by a decision that is not recorded.
    pub fn rehearse(&self, batch: &Batch) -> DecisionDocument {
        let evaluator = &*self.0;
        let decided = catch_unwind(AssertUnwindSafe(|| decide_only(evaluator, batch)));
        decided.unwrap_or_else(|_| panicked(evaluator, batch)).into_document()
    }

    /// Returns what policies receive about a batch beside its claims, without deciding about it.
    ///
    /// # Errors
    /// The fault of the gate, if the inventory or the history has no answer.
    pub fn facts(&self, batch: &Batch) -> Result<Facts, Fault> {
        self.0.sources.context_or_fault(batch).map(|context| context.facts)
    }

    /// Makes a recorded decision again, with the policies of this gate and what was known then.
    ///
    /// # Errors
    /// [`RecordError`] if the record cannot be read.
    pub fn replay(&self, replay: &Replay<'_>) -> Result<DecisionDocument, RecordError> {
        replay.decide(&self.0)
    }

    /// Splits a batch into parts that no rule about the size of a batch denies. Each reaches at most as many times the
    /// tenants of the part before as the policies allow to grow; the first is a canary. `max_tenants` lowers the number
    /// of tenants that a part may reach.
    ///
    /// # Errors
    /// [`SplitError`].
    pub fn split(&self, batch: &Batch, max_tenants: Option<u64>) -> Result<Split, SplitError> {
        split(&self.0, batch, max_tenants)
    }

    /// Cuts a batch into waves as [`split`](Self::split) does; the evidence for the batch covers each of them. Targets
    /// whose id is in `done` are in none of them. A list in which any target offends by itself is wrong and is not run in
    /// part.
    ///
    /// # Errors
    /// [`SplitError`].
    pub fn waves(&self, batch: &Batch, done: &HashSet<String>) -> Result<Vec<Batch>, SplitError> {
        waves(&self.0, batch, done)
    }

    /// Evaluates every policy over a batch that is cut into partitions, each a list of ranges of rows. With one
    /// partition, an instance observes its ranges in that order. With several, each has its own instance, and their
    /// states are merged. The findings of a policy must not depend on how the batch is cut.
    ///
    /// # Errors
    /// The fault of the gate, if the inventory or the history has no answer.
    pub fn evaluate_partitions(
        &self,
        batch: &Batch,
        partitions: &[Vec<Range<u64>>],
    ) -> Result<Vec<Evaluation>, Fault> {
        evaluate_partitions(&self.0, batch, partitions)
    }

    /// Measures the cost of each policy on a batch, in the order of [`policies`](Self::policies).
    ///
    /// # Errors
    /// The fault of a policy, or of the gate.
    pub fn measure(&self, batch: &Batch) -> Result<Vec<Cost>, Fault> {
        measure(&self.0, batch)
    }

    /// Drops a gate at the end of its process: closes the ledger, and leaves the rest to the operating system, because
    /// unmapping the sandbox takes as long as a decision.
    pub fn leak_on_exit(self) {
        if let Some(Evaluator { sandbox, policies, sources, .. }) = Arc::into_inner(self.0) {
            drop(sources);
            std::mem::forget((sandbox, policies));
        }
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.policies().map(|policy| &policy.descriptor.name)).finish()
    }
}
