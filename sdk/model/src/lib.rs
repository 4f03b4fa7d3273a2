//! The documents of Reprieve as types: what a pipeline submits ([`Request`]), what the host finds out ([`Facts`]), what
//! a policy receives ([`Review`]) and the result ([`DecisionDocument`]).
//!
//! Host and policies share only this crate and the contract in `sdk/wit`. The crate reads no file, no clock and no
//! environment variable.

mod columns;
mod decision;
mod evidence;
mod facts;
mod fault;
mod history;
mod inventory_facts;
mod json;
mod request;
#[cfg(feature = "host")]
mod suggest;
mod targets;
mod time;
mod words;

pub use columns::{COLUMNS, ColumnSource, ColumnSpec, ColumnType, OWN_COLUMN_PREFIX};
pub use decision::{
    DecisionDocument, Finding, LedgerEntry, Nature, OverrideTerms, PolicyResult, PolicyRun, Severity, Verdict,
};
pub use evidence::{
    Approval, Checkpoint, DryRun, KeepSet, Lookups, Migration, Notice, Provenance, Recovery, Restore, Selection,
};
pub use facts::{
    Estimate, Facts, Figure, IdFacts, NOT_PRODUCTION, Review, Signature, Signatures, Tally, TenantFacts, Whole,
};
pub use fault::{Fault, FaultCause};
pub use history::{BatchState, Deleted, HistoryFacts, PastBatch, Spans};
pub use inventory_facts::{Closure, EvidenceFacts, InventoryFacts, InventorySource, NearMiss, NearMisses, Pool};
pub use json::{Free, UniqueMap};
pub use request::{
    Actor, ActorType, By, Claims, Credential, Mode, Operation, Reason, Request, Schedule, Trigger, TriggerSource,
};
#[cfg(feature = "host")]
pub use suggest::{did_you_mean, shorten};
pub use targets::{ListedFile, NumericTimes, SourceColumns, Target, TargetFiles, Targets};
pub use time::{Duration, Timestamp};
pub use words::{KindName, OUT_OF_USE, is_out_of_use, same_kind, same_letters, same_name};
