//! The documents of Reprieve as types: what a pipeline submits ([`Request`]), what the host finds out
//! ([`Facts`]), what a policy is handed ([`Review`]) and what comes out ([`DecisionDocument`]).
//!
//! Host and policies share this crate and the contract in `sdk/wit`, and nothing else. It reads no file, no clock
//! and no environment.

mod decision;
mod evidence;
mod facts;
mod history;
mod json;
mod request;
mod time;

pub use decision::{BreakGlass, DecisionDocument, Fault, Finding, LedgerEntry, PolicyRun, Severity, Verdict};
pub use evidence::{
    Approval, Checkpoint, DryRun, KeepSet, Migration, Notice, Provenance, Recovery, Restore, Selection,
};
pub use facts::{Closure, Estimate, Facts, Figure, IdFacts, InventoryFacts, Pool, Review, Tally, TenantFacts, Whole};
pub use history::{Deleted, HistoryFacts, PastBatch, Spans};
pub use json::{Free, UniqueMap};
pub use request::{
    Actor, ActorType, Claims, Credential, Mode, Operation, Reason, Request, Schedule, Target, TargetFile, Targets,
    Trigger, TriggerSource,
};
pub use time::{Duration, Timestamp};
