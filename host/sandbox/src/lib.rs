//! Runs policies: from a component and columns to objections. This is the only crate that uses wasmtime.
//!
//! [`Sandbox::load`] admits a module, compiles it, and reads its descriptor. Each evaluation uses a fresh instance, within
//! [`Limits`]. Each limit has its own [`FaultCause`].
//!
//! - A policy imports only types, so it can call nothing of the host.
//! - Fuel ends an evaluation, and is the same on every machine. The wall clock is only a backstop.
//! - An instance is used for one evaluation and then dropped, whatever its result.
//! - A module of unknown origin is compiled, and its settings schema checked, by a [`Worker`]: a process with limits on
//!   memory and processor time.
//! - The built-in policies have their machine code with them, so they need no compiler.
//! - A module may hold several policies. They share its code; an instance serves one of them.
//! - Only `code.rs` has unsafe code, because compiled code is run without a check.
//! - Only the folders of the cache are opened, and only for a policy that is not built in.

mod admission;
mod bindings;
mod cache;
mod child;
mod code;
mod compile;
mod config;
mod convert;
mod descriptor;
mod engine;
mod error;
mod evaluate;
mod fault;
mod guest;
mod limits;
mod linked;
mod measure;
mod policy;
mod private;
mod refusal;
mod schema;
mod slots;
mod ticker;
mod worker;

pub use cache::ModuleCache;
pub use child::run_worker;
pub use compile::Origin;
pub use convert::{Codes, Column, Objection, Strings, Values, View};
pub use descriptor::{BatchLimit, Descriptor, Measure, RuleInfo, Subject};
pub use engine::{EngineError, Sandbox};
pub use error::LoadError;
pub use evaluate::{Input, Probe, Run, Saved, Step};
pub use fault::Fault;
pub use limits::Limits;
pub use policy::{Data, Policy};
pub use refusal::AdmissionError;
pub use reprieve_model::FaultCause;
pub use worker::{Worker, WorkerError};
