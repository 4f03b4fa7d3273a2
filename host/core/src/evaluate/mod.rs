//! From a batch to a decision: looks facts up, evaluates every policy, and combines the outcomes.

mod context;
mod decide;
mod evaluator;
mod outcome;
mod partition;
mod probe;
mod view;
mod zones;

pub(crate) use context::{EvaluationContext, HistorySource, Sources};
pub(crate) use decide::{Decided, Moment, decide, decide_in, panicked};
pub(crate) use evaluator::Evaluator;
pub use probe::{Cost, Evaluation};
pub(crate) use probe::{evaluate_partitions, measure};
pub(crate) use view::view;
pub(crate) use zones::Zones;
