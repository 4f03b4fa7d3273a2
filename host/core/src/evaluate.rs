//! Looking at policies rather than at batches: how they answer when a batch is cut into parts, and what they cost.

use crate::batch::Batch;
use crate::columns::{Chunk, Column};
use crate::gate::{Gate, Part};
use crate::known::{Rows, unreadable};
use crate::sandbox::{Clock, Input, Run, Step, View};
use crate::set::Loaded;
use reprieve_model::{Fault, Finding};
use std::ops::Range;
use std::time::{Duration, Instant};

/// What a policy answered.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The policy.
    pub policy: String,
    /// What it found.
    pub findings: Vec<Finding>,
    /// Why it could not answer, if it could not.
    pub fault: Option<Fault>,
    /// Fuel of all its instances together.
    pub fuel: u64,
}

/// What an evaluation cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Making an instance.
    pub instantiate: Duration,
    /// Reading review, settings and data.
    pub open: Duration,
    /// Looking at the targets.
    pub observe: Duration,
    /// Answering.
    pub finish: Duration,
    /// Fuel.
    pub fuel: u64,
    /// Bytes of memory the instance had in the end.
    pub memory: u64,
}

impl Gate {
    /// Lets every policy look at a batch in parts, each a list of runs of rows: with one part, an instance observes the
    /// runs in that order; with several, each part has an instance of its own, and what they save is merged. What a
    /// policy answers must not depend on any of that.
    ///
    /// # Errors
    /// The fault of the gate, where inventory or history cannot be asked.
    pub fn evaluate_parts(&self, batch: &Batch, parts: &[Vec<Range<u64>>]) -> Result<Vec<Evaluation>, Fault> {
        let known = self.sources().look_up_all(batch)?;
        let rows = known.all_rows(batch).map_err(|error| unreadable(&error))?;
        let whole: Vec<View<'_>> = rows.iter().map(Rows::view).collect();
        let cut: Vec<Vec<(Chunk, Vec<Column>)>> =
            parts.iter().map(|part| part.iter().flat_map(|rows| cut(&whole, rows)).collect()).collect();
        let views: Vec<Vec<View<'_>>> =
            cut.iter().map(|part| part.iter().map(|(chunk, resolved)| View { chunk, resolved }).collect()).collect();
        let evaluate = |loaded: &Loaded| {
            let whole = loaded.input(&known.review, &[], batch.len());
            let run: Run = match views.as_slice() {
                [only] => self.sandbox().run(&loaded.policy, Input { views: only, ..whole }),
                several => {
                    let part = |views| self.sandbox().part(&loaded.policy, Input { views, ..whole });
                    self.sandbox().merged(&loaded.policy, whole, several.iter().map(Vec::as_slice).map(part))
                }
            };
            let mut part = Part::new(loaded);
            self.complete(&mut part, loaded, batch, run);
            let policy = loaded.policy.descriptor.name.clone();
            Evaluation { policy, findings: part.findings, fault: part.fault, fuel: part.run.fuel }
        };
        Ok(self.loaded().iter().map(evaluate).collect())
    }

    /// What each policy costs on a batch, in the order of [`policies`](Self::policies).
    ///
    /// # Errors
    /// The fault of a policy, or of the gate.
    pub fn measure(&self, batch: &Batch) -> Result<Vec<Cost>, Fault> {
        let known = self.sources().look_up_all(batch)?;
        let rows = known.all_rows(batch).map_err(|error| unreadable(&error))?;
        let views: Vec<View<'_>> = rows.iter().map(Rows::view).collect();
        let measure = |loaded: &Loaded| {
            let mut watch = Watch::start();
            let run =
                self.sandbox().timed(&loaded.policy, loaded.input(&known.review, &views, batch.len()), &mut watch);
            watch.cost.fuel = run.fuel;
            let mut part = Part::new(loaded);
            self.complete(&mut part, loaded, batch, run);
            part.fault.map_or(Ok(watch.cost), Err)
        };
        self.loaded().iter().map(measure).collect()
    }
}

/// The rows of a run that each view holds.
fn cut(views: &[View<'_>], rows: &Range<u64>) -> Vec<(Chunk, Vec<Column>)> {
    let part = |view: &View<'_>| {
        let first = view.chunk.first_row;
        let (start, end) = (rows.start.max(first), rows.end.min(first + u64::from(view.chunk.rows)));
        if start >= end {
            return None;
        }
        let range = (start - first) as usize..(end - first) as usize;
        let resolved = view.resolved.iter().map(|column| column.slice(range.clone())).collect();
        Some((view.chunk.slice(range), resolved))
    };
    views.iter().filter_map(part).collect()
}

/// A stopwatch. Nothing is decided by what it shows.
struct Watch {
    last: Instant,
    cost: Cost,
}

#[allow(clippy::disallowed_methods)] // measuring is what this is for
impl Watch {
    fn start() -> Self {
        Self { last: Instant::now(), cost: Cost::default() }
    }
}

#[allow(clippy::disallowed_methods)]
impl Clock for Watch {
    fn done(&mut self, step: Step) {
        let now = Instant::now();
        let took = now - self.last;
        self.last = now;
        match step {
            Step::Instantiate => self.cost.instantiate = took,
            Step::Open => self.cost.open = took,
            Step::Observe => self.cost.observe = took,
            Step::Finish => self.cost.finish = took,
        }
    }

    fn memory(&mut self, bytes: u64) {
        self.cost.memory = bytes;
    }
}
