//! Every policy's pass over a batch. A large batch is cut into parts, by its rows alone: each part is observed by an
//! instance of its own, on whatever thread is free, and what the instances save is merged in order. So neither the
//! answer nor the fuel depends on how many threads there are.

use crate::batch::Batch;
use crate::gate::Gate;
use crate::known::{Known, Rows};
use crate::parallel::in_order;
use crate::sandbox::{Run, Saved, View};
use crate::set::Loaded;
use crate::unavailable::Unavailable;
use std::ops::Range;

/// A part ends with the chunk in which it comes to so many rows.
const PART_ROWS: u64 = 1 << 18;
/// For fewer rows than this, starting threads costs more than they save.
const FEW_ROWS: u64 = 1 << 14;

/// The parts of a batch: runs of its chunks, with the rows each chunk has.
fn parts(chunks: impl Iterator<Item = u32>) -> Vec<Range<usize>> {
    let (mut parts, mut rows, mut start, mut end) = (Vec::new(), 0, 0, 0);
    for chunk in chunks {
        end += 1;
        rows += u64::from(chunk);
        if rows >= PART_ROWS {
            parts.push(start..end);
            (start, rows) = (end, 0);
        }
    }
    if start < end {
        parts.push(start..end);
    }
    parts
}

impl Gate {
    /// Has every policy whose scope covers the batch look at it; `None` for the others. The order is that of the
    /// policies.
    pub(crate) fn passes(&self, batch: &Batch, known: &Known) -> Result<Vec<Option<Run>>, Unavailable> {
        let covers = |loaded: &&Loaded| loaded.scope.covers(&batch.claims, &known.facts);
        let observes = |loaded: &&Loaded| covers(loaded) && !loaded.policy.descriptor.columns.is_empty();
        let threads = if batch.len() < FEW_ROWS { 1 } else { self.threads() };
        let parts = parts(batch.chunks.rows().map(|(_, rows)| rows));
        let load = |part: &Range<usize>| part.clone().map(|i| known.rows(batch, i)).collect::<Result<Vec<_>, _>>();

        // With one part or none, there is nothing to merge.
        if let [] | [_] = parts.as_slice() {
            let any_observes = self.loaded().iter().any(|loaded| observes(&loaded));
            let rows = parts.iter().filter(|_| any_observes).map(load).next().transpose()?.unwrap_or_default();
            let views: Vec<View<'_>> = rows.iter().map(Rows::view).collect();
            let run = |loaded: &Loaded| {
                let input = loaded.input(&known.review, &views, batch.len());
                covers(&loaded).then(|| self.sandbox().run(&loaded.policy, input))
            };
            return collect(threads, self.loaded(), run);
        }

        let observers: Vec<&Loaded> = self.loaded().iter().filter(observes).collect();
        let observe = |part: &Range<usize>| -> Result<Vec<Saved>, Unavailable> {
            let rows = load(part)?;
            let views: Vec<View<'_>> = rows.iter().map(Rows::view).collect();
            let saved = |loaded: &&Loaded| {
                self.sandbox().part(&loaded.policy, loaded.input(&known.review, &views, batch.len()))
            };
            Ok(observers.iter().map(saved).collect())
        };
        let mut saved: Vec<Vec<Saved>> = vec![Vec::with_capacity(parts.len()); observers.len()];
        let looked_at = if observers.is_empty() { &[] } else { parts.as_slice() };
        in_order(threads, looked_at, observe, |part| -> Result<(), Unavailable> {
            saved.iter_mut().zip(part?).for_each(|(all, saved)| all.push(saved));
            Ok(())
        })?;

        let mut saved = saved.into_iter();
        let with_saved: Vec<(&Loaded, Option<Vec<Saved>>)> = self
            .loaded()
            .iter()
            .map(|loaded| (loaded, if observes(&loaded) { saved.next() } else { None }))
            .collect();
        collect(threads, &with_saved, |(loaded, saved)| {
            let input = loaded.input(&known.review, &[], batch.len());
            match saved {
                Some(saved) => Some(self.sandbox().merged(&loaded.policy, input, saved.iter().cloned())),
                None => covers(loaded).then(|| self.sandbox().run(&loaded.policy, input)),
            }
        })
    }
}

fn collect<T: Sync>(
    threads: usize,
    items: &[T],
    run: impl Fn(&T) -> Option<Run> + Sync,
) -> Result<Vec<Option<Run>>, Unavailable> {
    let mut runs = Vec::with_capacity(items.len());
    in_order(threads, items, run, |run| -> Result<(), Unavailable> {
        runs.push(run);
        Ok(())
    })?;
    Ok(runs)
}
