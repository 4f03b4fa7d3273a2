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
}

/// What an evaluation came to.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Fuel it burnt: the same on every machine.
    pub fuel: u64,
    /// What it found, or why it could not answer.
    pub outcome: Result<Vec<Objection>, Fault>,
}

impl Sandbox {
    /// A store for one instance, with its fuel, deadline and meter.
    pub(super) fn store(&self, rows: u64, bytes: u64) -> Store<Meter> {
        let mut store = Store::new(&self.engine, Meter::new(&self.limits));
        store.limiter(|meter| meter);
        // Fuel is on in every engine of this crate; were it not, there would be none and the run would end at once.
        drop(store.set_fuel(self.limits.fuel_for(rows, bytes)));
        store.set_epoch_deadline(self.limits.wall_ms_for(rows).div_ceil(TICK_MS) + 1);
        store.set_hostcall_fuel(self.limits.returned_bytes as usize);
        store
    }

    /// Runs a policy over a batch.
    pub fn run(&self, policy: &Policy, input: Input<'_>) -> Run {
        let _slot = self.slots.take();
        let _running = self.ticker.run();
        let bytes =
            input.review.len() + input.settings.len() + input.data.iter().map(|(_, data)| data.len()).sum::<usize>();
        let looks_at_rows = !policy.descriptor.columns.is_empty();
        let rows = if looks_at_rows { input.rows } else { 0 };
        let mut store = self.store(rows, bytes as u64);
        let given = self.limits.fuel_for(rows, bytes as u64);
        let outcome = self.pass(policy, input, &mut store);
        let fuel = given.saturating_sub(store.get_fuel().unwrap_or_default());
        Run { fuel, outcome }
    }

    fn pass(&self, policy: &Policy, input: Input<'_>, store: &mut Store<Meter>) -> Result<Vec<Objection>, Fault> {
        let guest = policy.pre.instantiate(&mut *store).map_err(|error| Fault::of_instantiation(&error))?;
        let data: Vec<_> = input.data.iter().map(|(name, bytes)| bindings::types::Blob { name, bytes }).collect();
        let opened = guest.call_open(
            &mut *store,
            bindings::types::Input { review: input.review, settings: input.settings, data: &data },
        );
        self.answered(opened)?;
        let wanted = &policy.descriptor.columns;
        if !wanted.is_empty() {
            for view in input.views {
                let columns = chunk(*view, wanted);
                let observed = guest.call_observe(
                    &mut *store,
                    bindings::types::Chunk {
                        first_row: view.chunk.first_row,
                        rows: view.chunk.rows,
                        columns: &columns,
                    },
                );
                self.answered(observed)?;
            }
        }
        let found = self.answered(guest.call_finish(&mut *store))?;
        objections(found, &policy.descriptor, input.rows, &self.limits)
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
