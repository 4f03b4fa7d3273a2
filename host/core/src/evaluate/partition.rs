//! Evaluates every policy over a batch. A large batch is cut into partitions by its rows and their size alone. Each partition is observed
//! by its own instance, on any free thread, and the states are merged in order. So neither the findings nor the fuel
//! depend on the number of threads.

use super::context::EvaluationContext;
use super::evaluator::Evaluator;
use super::view::{ResolvedChunk, views};
use crate::policies::LoadedPolicy;
use reprieve_batch::{Batch, LookupError, in_order};
use reprieve_model::{Claims, Facts};
use reprieve_sandbox::{Run, Sandbox, Saved};
use std::ops::Range;

/// A partition ends with the chunk in which it reaches this number of rows.
const PARTITION_ROWS: u64 = 1 << 18;
/// It ends earlier if its columns take this many bytes, because a partition is held in memory while it is observed.
const PARTITION_BYTES: u64 = 64 << 20;
/// Below this number of rows, starting threads costs more than it saves.
const MIN_ROWS_FOR_THREADS: u64 = 1 << 14;

/// The partitions of a batch: ranges of its chunks. `chunks` has the number of rows and of bytes of each chunk. A partition
/// ends where a section ends, and `ends` are the numbers of chunks at which that is.
pub(crate) fn partitions(chunks: impl Iterator<Item = (u32, u64)>, ends: &[usize]) -> Vec<Range<usize>> {
    let (mut partitions, mut rows, mut bytes, mut start, mut end) = (Vec::new(), 0, 0, 0, 0);
    for (chunk_rows, chunk_bytes) in chunks {
        end += 1;
        rows += u64::from(chunk_rows);
        bytes += chunk_bytes;
        if rows >= PARTITION_ROWS || bytes >= PARTITION_BYTES || ends.binary_search(&end).is_ok() {
            partitions.push(start..end);
            (start, rows, bytes) = (end, 0, 0);
        }
    }
    if start < end {
        partitions.push(start..end);
    }
    partitions
}

/// The policies that read the targets of a batch, and what they receive besides.
pub(crate) struct Observers<'a> {
    sandbox: &'a Sandbox,
    policies: Vec<&'a LoadedPolicy>,
    review: &'a str,
    rows: u64,
}

impl<'a> Observers<'a> {
    /// Those of the set whose scope covers a batch of `rows` rows. `review` is the text of claims and facts.
    pub fn new(evaluator: &'a Evaluator, claims: &Claims, facts: &Facts, review: &'a str) -> Self {
        let observes = |loaded: &&LoadedPolicy| loaded.observes() && loaded.scope.covers(claims, facts);
        let policies = evaluator.policies.iter().filter(observes).collect();
        Self { sandbox: &evaluator.sandbox, policies, review, rows: facts.targets }
    }

    /// Their number.
    pub const fn len(&self) -> usize {
        self.policies.len()
    }

    /// Returns the state of each policy after it has read the chunks of a partition.
    pub fn observe(&self, chunks: &[ResolvedChunk<'_>]) -> Vec<Saved> {
        let views = views(chunks);
        let input = |loaded: &'a LoadedPolicy| loaded.input(self.review, &views, self.rows);
        self.policies.iter().map(|loaded| self.sandbox.observe(&loaded.policy, input(loaded))).collect()
    }
}

/// Evaluates every policy whose scope covers the batch; `None` for the others. The order is that of the policies.
/// `observed` are the states of the observers after each partition, if another process has observed them.
pub(crate) fn evaluate(
    evaluator: &Evaluator,
    batch: &Batch,
    context: &EvaluationContext,
    observed: Option<&[Vec<Saved>]>,
) -> Result<Vec<Option<Run>>, LookupError> {
    let Evaluator { sandbox, policies, .. } = evaluator;
    let covers = |loaded: &LoadedPolicy| loaded.scope.covers(batch.claims(), &context.facts);
    let threads = if batch.len() < MIN_ROWS_FOR_THREADS { 1 } else { evaluator.threads };
    let partitions = partitions(batch.chunk_rows().zip(batch.chunk_bytes()), batch.section_ends());
    let observers = Observers::new(evaluator, batch.claims(), &context.facts, &context.review);
    let load = |partition: &Range<usize>| {
        partition.clone().map(|i| context.chunk(batch, i)).collect::<Result<Vec<_>, LookupError>>()
    };

    // With at most one partition there is nothing to merge.
    if let [] | [_] = partitions.as_slice() {
        let any_observes = !observers.policies.is_empty();
        let chunks = partitions.iter().filter(|_| any_observes).map(load).next().transpose()?.unwrap_or_default();
        let views = views(&chunks);
        let run = |loaded: &LoadedPolicy| {
            let input = loaded.input(&context.review, &views, batch.len());
            covers(loaded).then(|| sandbox.run(&loaded.policy, input))
        };
        return collect(threads, policies, run);
    }

    let mut states: Vec<Vec<Saved>> = vec![Vec::with_capacity(partitions.len()); observers.policies.len()];
    let mut keep = |saved: Vec<Saved>| states.iter_mut().zip(saved).for_each(|(states, saved)| states.push(saved));
    match observed {
        Some(observed) => observed.iter().cloned().for_each(keep),
        None if observers.policies.is_empty() => {}
        None => {
            let observe = |partition: &Range<usize>| Ok(observers.observe(&load(partition)?));
            in_order(threads, &partitions, observe, |saved: Result<_, LookupError>| {
                keep(saved?);
                Ok::<_, LookupError>(())
            })?;
        }
    }

    let mut states = states.into_iter();
    let with_states: Vec<(&LoadedPolicy, Option<Vec<Saved>>)> = policies
        .iter()
        .map(|loaded| (loaded, if loaded.observes() && covers(loaded) { states.next() } else { None }))
        .collect();
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
