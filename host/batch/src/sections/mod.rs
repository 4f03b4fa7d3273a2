//! A batch whose list several processes read, because it does not fit one machine. Each process counts some sections; the
//! counts are merged, and the result is the batch that one process would have read.

mod merge;
mod origin;
mod part;
mod plan;
mod reader;
#[cfg(test)]
mod tests;

pub use merge::{MergedBatch, merge_sections};
pub use plan::BatchPlan;
pub use reader::{CountedSection, SectionCounts, SectionReader, SectionTargets};
