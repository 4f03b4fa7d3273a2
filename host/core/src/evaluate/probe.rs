//! Measures policies instead of deciding: what they cost, and whether their findings depend on how a batch is cut.

use super::context::unreadable;
use super::evaluator::Evaluator;
use super::outcome::PolicyOutcome;
use super::view::{ResolvedChunk, view, views};
use crate::policies::LoadedPolicy;
use reprieve_batch::{Batch, Chunk, Column};
use reprieve_model::{Fault, Finding};
use reprieve_sandbox::{Probe, Step, View};
use std::ops::Range;
use std::time::{Duration, Instant};

/// The findings of a policy, or its fault.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The policy.
    pub policy: String,
    /// What it found.
    pub findings: Vec<Finding>,
    /// Why it could not answer, if it could not.
    pub fault: Option<Fault>,
    /// The fuel of all its instances.
    pub fuel: u64,
}

/// What an evaluation cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Creating an instance.
    pub instantiate: Duration,
    /// Reading review, settings and data.
    pub begin: Duration,
    /// Reading the targets.
    pub observe: Duration,
    /// Returning the findings.
    pub finish: Duration,
    /// Fuel.
    pub fuel: u64,
    /// Bytes of memory of the instance at the end.
    pub memory: u64,
}

/// Evaluates every policy over a batch that is cut into these partitions, each a list of ranges of rows.
pub(crate) fn evaluate_partitions(
    evaluator: &Evaluator,
    batch: &Batch,
    partitions: &[Vec<Range<u64>>],
) -> Result<Vec<Evaluation>, Fault> {
    let Evaluator { sandbox, policies, sources, .. } = evaluator;
    let context = sources.context_or_fault(batch)?;
    let chunks = context.chunks(batch).map_err(|error| unreadable(&error))?;
    let pieces: Vec<Vec<(Chunk, Vec<Column>)>> =
        partitions.iter().map(|ranges| ranges.iter().flat_map(|rows| cut(&chunks, rows)).collect()).collect();
    let partitions: Vec<Vec<View<'_>>> =
        pieces.iter().map(|pieces| pieces.iter().map(|(chunk, resolved)| view(chunk, resolved)).collect()).collect();
    let evaluate = |loaded: &LoadedPolicy| {
        let input = |views| loaded.input(&context.review, views, batch.len());
        let run = match partitions.as_slice() {
            [only] => sandbox.run(&loaded.policy, input(only)),
            several => {
                let saved = several.iter().map(|views| sandbox.observe(&loaded.policy, input(views)));
                sandbox.merge(&loaded.policy, input(&[]), saved)
            }
        };
        let PolicyOutcome { run, findings, fault } = PolicyOutcome::new(loaded, batch, Some(run));
        Evaluation { policy: run.name, findings, fault, fuel: run.fuel }
    };
    Ok(policies.iter().map(evaluate).collect())
}

/// The cost of each policy on a batch, in the order of the policies.
pub(crate) fn measure(evaluator: &Evaluator, batch: &Batch) -> Result<Vec<Cost>, Fault> {
    let context = evaluator.sources.context_or_fault(batch)?;
    let chunks = context.chunks(batch).map_err(|error| unreadable(&error))?;
    let views = views(&chunks);
    let measure = |loaded: &LoadedPolicy| {
        let mut stopwatch = Stopwatch::start();
        let input = loaded.input(&context.review, &views, batch.len());
        let run = evaluator.sandbox.run_with(&loaded.policy, input, &mut stopwatch);
        stopwatch.cost.fuel = run.fuel;
        PolicyOutcome::new(loaded, batch, Some(run)).fault.map_or(Ok(stopwatch.cost), Err)
    };
    evaluator.policies.iter().map(measure).collect()
}

/// The rows of a range that each chunk holds.
fn cut(chunks: &[ResolvedChunk<'_>], rows: &Range<u64>) -> Vec<(Chunk, Vec<Column>)> {
    let part = |resolved: &ResolvedChunk<'_>| {
        let chunk = &resolved.chunk;
        let first = chunk.first_row;
        let (start, end) = (rows.start.max(first), rows.end.min(first + u64::from(chunk.rows)));
        if start >= end {
            return None;
        }
        let range = (start - first) as usize..(end - first) as usize;
        let columns = resolved.resolved().iter().map(|column| column.slice(range.clone())).collect();
        Some((chunk.slice(range), columns))
    };
    chunks.iter().filter_map(part).collect()
}

/// A stopwatch for the steps of an evaluation. No decision depends on it.
struct Stopwatch {
    last: Instant,
    cost: Cost,
}

#[allow(clippy::disallowed_methods)] // measuring time is its purpose
impl Stopwatch {
    fn start() -> Self {
        Self { last: Instant::now(), cost: Cost::default() }
    }
}

#[allow(clippy::disallowed_methods)]
impl Probe for Stopwatch {
    fn step_finished(&mut self, step: Step) {
        let now = Instant::now();
        let took = now - self.last;
        self.last = now;
        match step {
            Step::Instantiate => self.cost.instantiate = took,
            Step::Begin => self.cost.begin = took,
            Step::Observe => self.cost.observe = took,
            Step::Finish => self.cost.finish = took,
        }
    }

    fn memory_used(&mut self, bytes: u64) {
        self.cost.memory = bytes;
    }
}
