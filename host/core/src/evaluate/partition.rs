//! Evaluates every policy over a batch. A large batch is cut into partitions by its rows and their size alone. Each partition is observed
//! by its own instance, on any free thread, and the states are merged in order. So neither the findings nor the fuel
//! depend on the number of threads.

use super::context::EvaluationContext;
use super::evaluator::Evaluator;
use super::view::views;
use crate::policies::LoadedPolicy;
use reprieve_batch::{Batch, LookupError, in_order};
use reprieve_sandbox::{Run, Saved};
use std::ops::Range;

/// A partition ends with the chunk in which it reaches this number of rows.
const PARTITION_ROWS: u64 = 1 << 18;
/// It ends earlier if its columns take this many bytes, because a partition is held in memory while it is observed.
const PARTITION_BYTES: u64 = 64 << 20;
/// Below this number of rows, starting threads costs more than it saves.
const MIN_ROWS_FOR_THREADS: u64 = 1 << 14;

/// The partitions of a batch: ranges of its chunks. `chunks` has the number of rows and of bytes of each chunk.
fn partitions(chunks: impl Iterator<Item = (u32, u64)>) -> Vec<Range<usize>> {
    let (mut partitions, mut rows, mut bytes, mut start, mut end) = (Vec::new(), 0, 0, 0, 0);
    for (chunk_rows, chunk_bytes) in chunks {
        end += 1;
        rows += u64::from(chunk_rows);
        bytes += chunk_bytes;
        if rows >= PARTITION_ROWS || bytes >= PARTITION_BYTES {
            partitions.push(start..end);
            (start, rows, bytes) = (end, 0, 0);
        }
    }
    if start < end {
        partitions.push(start..end);
    }
    partitions
}

/// Evaluates every policy whose scope covers the batch; `None` for the others. The order is that of the policies.
pub(crate) fn evaluate(
    evaluator: &Evaluator,
    batch: &Batch,
    context: &EvaluationContext,
) -> Result<Vec<Option<Run>>, LookupError> {
    let Evaluator { sandbox, policies, .. } = evaluator;
    let covers = |loaded: &&LoadedPolicy| loaded.scope.covers(batch.claims(), &context.facts);
    let observes = |loaded: &&LoadedPolicy| covers(loaded) && loaded.observes();
    let threads = if batch.len() < MIN_ROWS_FOR_THREADS { 1 } else { evaluator.threads };
    let partitions = partitions(batch.chunk_rows().zip(batch.chunk_bytes()));
    let load = |partition: &Range<usize>| {
        partition.clone().map(|i| context.chunk(batch, i)).collect::<Result<Vec<_>, LookupError>>()
    };

    // With at most one partition there is nothing to merge.
    if let [] | [_] = partitions.as_slice() {
        let any_observes = policies.iter().any(|loaded| observes(&loaded));
        let chunks = partitions.iter().filter(|_| any_observes).map(load).next().transpose()?.unwrap_or_default();
        let views = views(&chunks);
        let run = |loaded: &LoadedPolicy| {
            let input = loaded.input(&context.review, &views, batch.len());
            covers(&loaded).then(|| sandbox.run(&loaded.policy, input))
        };
        return collect(threads, policies, run);
    }

    let observers: Vec<&LoadedPolicy> = policies.iter().filter(observes).collect();
    let observe = |partition: &Range<usize>| -> Result<Vec<Saved>, LookupError> {
        let chunks = load(partition)?;
        let views = views(&chunks);
        let saved = |loaded: &&LoadedPolicy| {
            sandbox.observe(&loaded.policy, loaded.input(&context.review, &views, batch.len()))
        };
        Ok(observers.iter().map(saved).collect())
    };
    let mut states: Vec<Vec<Saved>> = vec![Vec::with_capacity(partitions.len()); observers.len()];
    let observed = if observers.is_empty() { &[] } else { partitions.as_slice() };
    in_order(threads, observed, observe, |saved| -> Result<(), LookupError> {
        states.iter_mut().zip(saved?).for_each(|(states, saved)| states.push(saved));
        Ok(())
    })?;

    let mut states = states.into_iter();
    let with_states: Vec<(&LoadedPolicy, Option<Vec<Saved>>)> =
        policies.iter().map(|loaded| (loaded, if observes(&loaded) { states.next() } else { None })).collect();
    collect(threads, &with_states, |(loaded, states)| {
        let input = loaded.input(&context.review, &[], batch.len());
        match states {
            Some(states) => Some(sandbox.merge(&loaded.policy, input, states.iter().cloned())),
            None => covers(loaded).then(|| sandbox.run(&loaded.policy, input)),
        }
    })
}

fn collect<T: Sync>(
    threads: usize,
    items: &[T],
    run: impl Fn(&T) -> Option<Run> + Sync,
) -> Result<Vec<Option<Run>>, LookupError> {
    let mut runs = Vec::with_capacity(items.len());
    in_order(threads, items, run, |run| -> Result<(), LookupError> {
        runs.push(run);
        Ok(())
    })?;
    Ok(runs)
}
