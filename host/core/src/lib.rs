//! Reprieve vets deletion batches before anything is deleted. This is the library that a pipeline embeds.
//!
//! # A whole program
//!
//! ```no_run
//! use reprieve::{Batch, Decision, Gate, LookupError, Permit};
//!
//! // The destructive function takes a permit, and only the gate makes one.
//! fn delete(permit: Permit) -> Result<(), LookupError> {
//!     permit.batch().each_id(|id| {
//!         println!("deleting {id}");
//!         Ok(())
//!     })
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let gate = Gate::builder().config("reprieve.toml".as_ref())?.build()?;
//!     match gate.vet(Batch::open("request.json".as_ref())?) {
//!         Decision::Allow(permit) => delete(permit)?,
//!         Decision::Deny(withheld) | Decision::Undecided(withheld) => {
//!             for finding in &withheld.document().findings {
//!                 eprintln!("{}: {}", finding.code, finding.message);
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # How a batch becomes a decision
//!
//! ```text
//! Batch ── facts, inventory, history ──▶ context ──▶ partitions ──▶ sandbox, once per policy ──▶ objections
//!                                                                                                   │
//!      Permit, or Withheld ◀── Decision ◀── ledger entry ◀── seal (the verdict, a pure function) ◀──┘
//! ```
//!
//! - [`Batch`] is a request with its targets in [`columns`], read and counted.
//! - [`Gate`] evaluates every [`policy`] over it and combines the outcomes.
//! - [`Decision`] is an allow with a [`Permit`], or a [`Withheld`] batch, each with the whole explanation.
//! - A [`ledger`] records decisions. Open one with the crate `reprieve-ledger`.
//!
//! # What to replace
//!
//! Implement [`inventory::Inventory`] for your own record of what each id is, [`history::History`] for past deletions,
//! or [`ledger::Ledger`] for another store.
//!
//! # Errors
//!
//! Every error has a message without advice, and `help` beside it. A decision has no error: whatever fails while deciding
//! is a fault of the decision, and a fault is never an allow.

mod decision;
mod error;
mod evaluate;
mod gate;
mod gate_findings;
mod policies;
mod verdict;

pub mod ledger;
pub mod planned;
pub mod record;
pub mod schema;
pub mod signed;
pub mod split;

/// The inventory: what each id is.
pub mod inventory {
    pub use reprieve_batch::{
        Inventory, PoolRecord, Record, Sharers, Snapshot, Sqlite, Table, in_order, open_inventory,
        open_inventory_within, threads,
    };
}

/// The history: what was deleted before.
pub mod history {
    pub use reprieve_batch::{History, PastBatches, Question, SPANS, kind_label, normalize_name};
}

/// The targets of a batch in columns.
pub mod columns {
    pub use reprieve_batch::{CHUNK_ROWS, Chunk, Codes, Column, Strings, ValueCounts, Values};
}

/// Policies: the set of them, what they describe, and what they may use.
pub mod policy {
    pub use crate::evaluate::{Cost, Evaluation};
    pub use crate::gate::PolicyInfo;
    pub use crate::gate_findings::{GATE_FINDINGS, GateFinding};
    pub use crate::policies::{
        CallerSettings, EnvironmentSettings, HookSettings, HookTool, KubernetesSettings, Missing, OneOrMore,
        OverrideSettings, PermitSettings, PolicyEntry, PolicySet, Role, Scope, ServeSettings, SignatureSettings,
        TerraformSettings, TlsSettings, TokenSettings, builtin_component, builtin_names,
    };
    pub use reprieve_sandbox::{
        AdmissionError, BatchLimit, Descriptor, LoadError, Measure, ModuleCache, RuleInfo, Subject, Worker,
        WorkerError, run_worker,
    };
}

pub use decision::{Decision, DecisionReport, Permit, Withheld};
pub use error::BuildError;
pub use gate::{Gate, GateBuilder};
pub use policy::PolicySet;
pub use record::VetOptions;
pub use reprieve_batch::{
    Batch, BatchPlan, Breakdown, Distribution, Environments, Folder, ListSection, LookupError, Manifest,
    ManifestFile, NamedCount, Place, Progress, ReadAs, ReadError, ReadOptions, TableStream, check_database,
    create_private, join_id, list_sha256, read_file, silence_decoder_panics,
};
pub use reprieve_model as model;
pub use reprieve_sandbox::Limits;
