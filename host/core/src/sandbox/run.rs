//! One evaluation: a fresh instance, one pass over the batch, and what it came to.

use super::convert::{Objection, View, chunk, objections};
use super::fault::{Cause, Fault};
use super::limits::Meter;
use super::policy::{Data, Policy};
use super::ticker::TICK_MS;
use super::{Sandbox, bindings};
use wasmtime::Store;

/// What a policy is handed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    /// Claims and facts as JSON.
    pub review: &'a str,
    /// Settings as JSON.
    pub settings: &'a str,
    /// Reference data.
    pub data: &'a Data,
    /// The batch.
    pub views: &'a [View<'a>],
    /// How many rows it has.
    pub rows: u64,
    /// Bytes of memory it may have, where that is fewer than the sandbox allows.
    pub memory: Option<u64>,
}

/// What an evaluation came to.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Fuel it burnt: the same on every machine.
    pub fuel: u64,
    /// What it found, or why it could not answer.
    pub outcome: Result<Vec<Objection>, Fault>,
}

/// What a policy keeps of a part of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    fuel: u64,
    state: Result<Vec<u8>, Fault>,
}

/// What an evaluation does, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Instantiate,
    Open,
    Observe,
    Finish,
}

/// Somebody who looks on; `()` does not.
pub(crate) trait Clock {
    /// A step is done.
    fn done(&mut self, _: Step) {}
    /// So many bytes of memory an instance had at the end.
    fn memory(&mut self, _: u64) {}
}

impl Clock for () {}

/// An open instance.
struct Pass<'a> {
    sandbox: &'a Sandbox,
    policy: &'a Policy,
    rows: u64,
    guest: bindings::Policy,
    store: &'a mut Store<Meter>,
}

impl Pass<'_> {
    fn observe(&mut self, views: &[View<'_>]) -> Result<(), Fault> {
        let wanted = &self.policy.descriptor.columns;
        if wanted.is_empty() {
            return Ok(());
        }
        for view in views {
            let columns = chunk(*view, wanted);
            let chunk =
                bindings::types::Chunk { first_row: view.chunk.first_row, rows: view.chunk.rows, columns: &columns };
            let observed = self.guest.call_observe(&mut *self.store, chunk);
            self.sandbox.answered(observed)?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, Fault> {
        self.guest.call_save(&mut *self.store).map_err(|error| Fault::of_call(&error))
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), Fault> {
        let merged = self.guest.call_merge(&mut *self.store, state);
        self.sandbox.answered(merged)
    }

    fn finish(&mut self) -> Result<Vec<Objection>, Fault> {
        let found = self.guest.call_finish(&mut *self.store);
        objections(self.sandbox.answered(found)?, &self.policy.descriptor, self.rows, &self.sandbox.limits)
    }
}

impl Sandbox {
    /// The bytes of memory that an instance may have.
    pub fn memory(&self, own: Option<u64>) -> u64 {
        own.unwrap_or(u64::MAX).min(self.limits.memory_bytes)
    }

    /// A store for one instance, with its fuel, deadline and meter.
    pub(super) fn store(&self, memory: Option<u64>, rows: u64, bytes: u64) -> Store<Meter> {
        let mut store = Store::new(&self.engine, Meter::new(&self.limits, self.memory(memory)));
        store.limiter(|meter| meter);
        // Fuel is on in every engine of this crate; were it not, there would be none and the run would end at once.
        drop(store.set_fuel(self.limits.fuel_for(rows, bytes)));
        store.set_epoch_deadline(self.limits.wall_ms_for(rows).div_ceil(TICK_MS) + 1);
        store.set_hostcall_fuel(self.limits.returned_bytes as usize);
        store
    }

    /// Runs a policy over a batch.
    pub fn run(&self, policy: &Policy, input: Input<'_>) -> Run {
        self.timed(policy, input, &mut ())
    }

    /// Runs a policy over a batch, and tells `clock` when each step is done.
    pub fn timed(&self, policy: &Policy, input: Input<'_>, clock: &mut impl Clock) -> Run {
        let (fuel, outcome) = self.instance(policy, input, input.rows, clock, |pass, clock| {
            pass.observe(input.views)?;
            clock.done(Step::Observe);
            let found = pass.finish();
            clock.done(Step::Finish);
            found
        });
        Run { fuel, outcome }
    }

    /// Runs a policy over a part of a batch, of which the input holds the views.
    pub fn part(&self, policy: &Policy, input: Input<'_>) -> Saved {
        let rows = input.views.iter().map(|view| u64::from(view.chunk.rows)).sum();
        let (fuel, state) = self.instance(policy, input, rows, &mut (), |pass, ()| {
            pass.observe(input.views)?;
            pass.save()
        });
        Saved { fuel, state }
    }

    /// Merges what a policy saved of every part of a batch, in their order, and has it answer. Fuel is that of all
    /// instances together.
    pub fn merged(&self, policy: &Policy, input: Input<'_>, parts: impl IntoIterator<Item = Saved>) -> Run {
        let (mut before, mut states) = (0, Ok(Vec::new()));
        for Saved { fuel, state } in parts {
            before += fuel;
            match (&mut states, state) {
                (Ok(states), Ok(state)) => states.push(state),
                (Ok(_), Err(fault)) => states = Err(fault),
                (Err(_), _) => {}
            }
        }
        let states = match states {
            Ok(states) => states,
            Err(fault) => return Run { fuel: before, outcome: Err(fault) },
        };
        let (fuel, outcome) = self.instance(policy, input, input.rows, &mut (), |pass, ()| {
            states.iter().try_for_each(|state| pass.merge(state))?;
            pass.finish()
        });
        Run { fuel: before + fuel, outcome }
    }

    /// Opens a fresh instance, with fuel for so many rows, and lets `with` use it. Gives the fuel that took.
    fn instance<T, C: Clock>(
        &self,
        policy: &Policy,
        input: Input<'_>,
        rows: u64,
        clock: &mut C,
        with: impl FnOnce(&mut Pass<'_>, &mut C) -> Result<T, Fault>,
    ) -> (u64, Result<T, Fault>) {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let bytes =
            input.review.len() + input.settings.len() + input.data.iter().map(|(_, data)| data.len()).sum::<usize>();
        let looks_at_rows = !policy.descriptor.columns.is_empty();
        let rows = if looks_at_rows { rows } else { 0 };
        let mut store = self.store(input.memory, rows, bytes as u64);
        let given = self.limits.fuel_for(rows, bytes as u64);
        let opened = || {
            let guest = policy.pre.instantiate(&mut store).map_err(|error| Fault::of_instantiation(&error))?;
            clock.done(Step::Instantiate);
            let data: Vec<_> = input.data.iter().map(|(name, bytes)| bindings::types::Blob { name, bytes }).collect();
            let opened = guest.call_open(
                &mut store,
                bindings::types::Input { review: input.review, settings: input.settings, data: &data },
            );
            self.answered(opened)?;
            clock.done(Step::Open);
            let mut pass = Pass { sandbox: self, policy, rows: input.rows, guest, store: &mut store };
            with(&mut pass, clock)
        };
        let outcome = opened();
        clock.memory(self.memory(input.memory).saturating_sub(store.data().memory_left()));
        (given.saturating_sub(store.get_fuel().unwrap_or_default()), outcome)
    }

    /// The answer of a call, or the fault in it.
    pub(super) fn answered<T>(&self, result: wasmtime::Result<Result<T, String>>) -> Result<T, Fault> {
        match result {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(message)) => {
                let most = usize::try_from(self.limits.text_bytes).unwrap_or(usize::MAX);
                let end = message.floor_char_boundary(most);
                Err(Fault::new(Cause::Declined, message.get(..end).unwrap_or_default()))
            }
            Err(error) => Err(Fault::of_call(&error)),
        }
    }
}
