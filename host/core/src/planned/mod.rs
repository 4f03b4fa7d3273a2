//! A batch whose list does not fit one machine, and is read by several processes: by tasks of Spark, or by commands. The
//! decision is the one that one machine makes, with the same findings, faults, counts and fuel.
//!
//! ```text
//! plan ─▶ count (each section) ─▶ duplicates (each bucket of ids) ─▶ facts ─▶ observe (each section) ─▶ decide
//! ```
//!
//! A section is a run of files of the list. It is read twice: once for the counts, because the policies receive the facts of
//! the whole batch, and once for the policies. The targets never leave the process that reads them. What is sent are bytes
//! that are authenticated with the key in the plan: what another plan, another set or another version made is refused, and so
//! is what was altered, is missing, or comes twice.
//!
//! After an allow, the processes can delete the sections as well: each with a token for its section, which the ledger accepts
//! once ([`PlannedBatch::redeem`]).

mod batch;
mod envelope;
mod plan;
mod section;

pub use batch::{BUCKETS, PlannedBatch, SectionResult};
pub use plan::{Plan, PlanError};
pub use reprieve_batch::{BatchPlan, SectionError};
pub use section::{SectionPermit, SectionPermitError};
