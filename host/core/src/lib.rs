//! Reprieve vets deletion batches before anything is deleted. This is the library that a pipeline embeds.
//!
//! ```no_run
//! use reprieve::{Batch, Decision, Gate, Permit, Unavailable};
//! use std::path::Path;
//!
//! // The destructive call takes a permit, and there is no way to make one but the gate.
//! fn delete(permit: Permit) -> Result<(), Unavailable> {
//!     permit.batch().each_id(|id| {
//!         println!("deleting {id}");
//!         Ok(())
//!     })
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::builder().config(Path::new("reprieve.toml"))?.build()?;
//! match gate.vet(Batch::open(Path::new("request.json"))?) {
//!     Decision::Allow(permit) => delete(permit)?,
//!     Decision::Deny(withheld) | Decision::Undecided(withheld) => {
//!         for finding in &withheld.document().findings {
//!             eprintln!("{}: {}", finding.code, finding.message);
//!         }
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! The way of a batch: [`source`](Folder) reads the request and puts its targets into [`columns`](Chunk); facts are
//! counted on the way, and the [`Inventory`] says what each id is; every policy looks at both in the sandbox; their
//! answers are combined in one pure function, and out comes a [`Decision`], with a [`Permit`] if it is an allow.

mod batch;
mod builder;
mod builtin;
mod clock;
mod columns;
mod config;
mod decision;
mod evaluate;
mod facts;
mod gate;
mod history;
mod inventory;
mod known;
mod ledger;
mod load;
mod parallel;
mod passes;
mod record;
mod replay;
mod sandbox;
/// JSON Schemas of the documents.
pub mod schema;
mod scope;
mod set;
mod signed;
mod source;
mod spill;
mod split;
mod unavailable;
mod zones;

pub use batch::Batch;
pub use builder::{GateBuilder, Setup, describe};
pub use columns::{CHUNK_ROWS, Chunk, Codes, Column, Strings, Values};
pub use config::{Overrides, Permits, PolicyEntry, PolicySet};
pub use decision::{Decision, Permit, Withheld};
pub use evaluate::{Cost, Evaluation};
pub use gate::{Gate, PolicyInfo};
pub use history::{History, PastBatches, Question, SPANS, counted_as};
pub use inventory::{Inventory, PoolRecord, Record, Snapshot, Sqlite, Table, open_inventory};
pub use ledger::{Blob, DecisionRecord, Halt, Ledger, Outcome, Standing};
pub use record::Affected;
pub use replay::{Replay, affected, restore_plan};
pub use reprieve_model as model;
pub use sandbox::{Cache, Cause, Descriptor, Fault, Limits, Refusal, RuleInfo};
pub use scope::{OneOrMore, Scope};
pub use signed::{Draft, Expected, Key, KeySet, NotVouched, Override, PermitClaims, Refused, Unlawful};
pub use source::{Folder, Place, Progress, Reading, Unreadable, hush_decoders, list_sha256};
pub use split::{Failure as SplitFailure, Part, SetAside, Split};
pub use unavailable::Unavailable;

/// The built-in policies.
pub mod builtins {
    pub use crate::builtin::{component, names};
}
