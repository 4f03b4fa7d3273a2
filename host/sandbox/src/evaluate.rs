//! One evaluation: a fresh instance, one pass over the batch or a partition of it, and its result.

use crate::bindings;
use crate::convert::{Objection, View, objections, requested};
use crate::engine::Sandbox;
use crate::fault::Fault;
use crate::guest::Guest;
use crate::limits::Meter;
use crate::policy::{Data, Policy};
use serde::{Deserialize, Serialize};
use wasmtime::Store;

/// What a policy receives.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Claims and facts as JSON.
    pub review: &'a str,
    /// Settings as JSON.
    pub settings: &'a str,
    /// Reference data.
    pub data: &'a Data,
    /// The targets in columns.
    pub views: &'a [View<'a>],
    /// The number of rows of the whole batch.
    pub rows: u64,
    /// Bytes of memory that an instance may use, if that is less than the sandbox allows.
    pub memory: Option<u64>,
}

/// The result of an evaluation.
#[derive(Clone, Debug)]
pub struct Run {
    /// The fuel it used: the same on every machine.
    pub fuel: u64,
    /// What it objects to, or why it could not answer.
    pub outcome: Result<Vec<Objection>, Fault>,
}

/// The state that a policy saved for a partition of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    fuel: u64,
    state: Result<Vec<u8>, Fault>,
}

/// The steps of an evaluation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An instance is created.
    Instantiate,
    /// The policy reads review, settings and data.
    Begin,
    /// The policy reads the targets.
    Observe,
    /// The policy returns its findings.
    Finish,
}

/// Watches the steps of an evaluation, for profiles. `()` ignores them.
pub trait Probe {
    /// A step has finished.
    fn step_finished(&mut self, _: Step) {}
    /// The instance used this many bytes of memory.
    fn memory_used(&mut self, _: u64) {}
}

impl Probe for () {}

/// An instance between `begin` and `finish` or `save`.
struct Pass<'a> {
    sandbox: &'a Sandbox,
    policy: &'a Policy,
    rows: u64,
    guest: Guest<'a>,
    store: &'a mut Store<Meter>,
}

impl Pass<'_> {
    fn observe(&mut self, views: &[View<'_>]) -> Result<(), Fault> {
        let columns = &self.policy.descriptor.columns;
        if columns.is_empty() {
            return Ok(());
        }
        for view in views {
            let columns = requested(view, columns);
            let chunk = bindings::types::Chunk { first_row: view.first_row, rows: view.rows, columns: &columns };
            let observed = self.guest.observe(self.store, chunk);
            self.sandbox.returned(observed)?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, Fault> {
        self.guest.save(self.store).map_err(|error| Fault::of_call(&error))
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), Fault> {
        let merged = self.guest.merge(self.store, state);
        self.sandbox.returned(merged)
    }

    fn finish(&mut self) -> Result<Vec<Objection>, Fault> {
        let findings = self.guest.finish(self.store);
        objections(self.sandbox.returned(findings)?, &self.policy.descriptor, self.rows, &self.sandbox.limits)
    }
}

impl Sandbox {
    /// Runs a policy over a batch.
    pub fn run(&self, policy: &Policy, input: Input<'_>) -> Run {
        self.run_with(policy, input, &mut ())
    }

    /// Runs a policy over a batch and tells `probe` when each step has finished.
    pub fn run_with(&self, policy: &Policy, input: Input<'_>, probe: &mut impl Probe) -> Run {
        let (fuel, outcome) = self.with_instance(policy, input, input.rows, probe, |pass, probe| {
            pass.observe(input.views)?;
            probe.step_finished(Step::Observe);
            let found = pass.finish();
            probe.step_finished(Step::Finish);
            found
        });
        Run { fuel, outcome }
    }

    /// Runs a policy over a partition of a batch; the views of the input are those of the partition.
    pub fn observe(&self, policy: &Policy, input: Input<'_>) -> Saved {
        let rows = input.views.iter().map(|view| u64::from(view.rows)).sum();
        let (fuel, state) = self.with_instance(policy, input, rows, &mut (), |pass, ()| {
            pass.observe(input.views)?;
            pass.save()
        });
        Saved { fuel, state }
    }

    /// Merges the states that a policy saved for every partition of a batch, in the order of the partitions, and returns
    /// its findings. The fuel is that of all instances together.
    pub fn merge(&self, policy: &Policy, input: Input<'_>, partitions: impl IntoIterator<Item = Saved>) -> Run {
        let (fuels, states): (Vec<u64>, Vec<_>) =
            partitions.into_iter().map(|saved| (saved.fuel, saved.state)).unzip();
        let observed = fuels.iter().sum::<u64>();
        let states: Vec<Vec<u8>> = match states.into_iter().collect() {
            Ok(states) => states,
            Err(fault) => return Run { fuel: observed, outcome: Err(fault) },
        };
        let (fuel, outcome) = self.with_instance(policy, input, input.rows, &mut (), |pass, ()| {
            states.iter().try_for_each(|state| pass.merge(state))?;
            pass.finish()
        });
        Run { fuel: observed + fuel, outcome }
    }

    /// Creates an instance with fuel for `rows` rows and passes it to `with` after `begin`. Returns the fuel used.
    fn with_instance<T, P: Probe>(
        &self,
        policy: &Policy,
        input: Input<'_>,
        rows: u64,
        probe: &mut P,
        with: impl FnOnce(&mut Pass<'_>, &mut P) -> Result<T, Fault>,
    ) -> (u64, Result<T, Fault>) {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let bytes =
            input.review.len() + input.settings.len() + input.data.iter().map(|(_, data)| data.len()).sum::<usize>();
        let rows = if policy.descriptor.columns.is_empty() { 0 } else { rows };
        let mut store = self.store(input.memory, rows, bytes as u64);
        let granted = self.limits.fuel_for(rows, bytes as u64);
        let pass = || {
            let guest = policy.linked.instantiate(&mut store)?;
            probe.step_finished(Step::Instantiate);
            let data: Vec<_> = input.data.iter().map(|(name, bytes)| bindings::types::Blob { name, bytes }).collect();
            let begun = guest.begin(
                &mut store,
                bindings::types::Input { review: input.review, settings: input.settings, data: &data },
            );
            self.returned(begun)?;
            probe.step_finished(Step::Begin);
            let mut pass = Pass { sandbox: self, policy, rows: input.rows, guest, store: &mut store };
            with(&mut pass, probe)
        };
        let outcome = pass();
        probe.memory_used(self.memory_limit(input.memory).saturating_sub(store.data().memory_left()));
        (granted.saturating_sub(store.get_fuel().unwrap_or_default()), outcome)
    }
}
