//! From a batch to a decision: looks facts up, evaluates every policy, and combines the outcomes.

mod context;
mod decide;
mod evaluator;
mod observed;
mod outcome;
mod partition;
mod probe;
mod view;
mod zones;

pub(crate) use context::{EvaluationContext, HistorySource, Sources, no_answer};
pub(crate) use decide::{Decided, Moment, decide, decide_in, panicked};
pub(crate) use evaluator::Evaluator;
pub(crate) use observed::Observed;
pub(crate) use partition::{Observers, partitions};
pub use probe::{Cost, Evaluation};
pub(crate) use probe::{evaluate_partitions, measure};
pub(crate) use view::{ResolvedChunk, view};
pub(crate) use zones::Zones;
