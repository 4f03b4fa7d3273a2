//! Compiles modules.

use crate::admission::{check_contract, validate};
use crate::refusal::{AdmissionError, Form};
use std::borrow::Cow;
use wasmtime::Engine;

/// Where a module comes from, and so whether this process compiles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was built together with the host, with its code.
    BuiltIn,
    /// The operator named its digest, or this program has just built it from source.
    Pinned,
    /// Anything else. A worker compiles it, within limits on memory and time.
    Unknown,
}

/// Validates, wraps and compiles a module that was admitted. Returns its code.
pub(crate) fn compile(engine: &Engine, module: &[u8], form: Form) -> Result<Vec<u8>, AdmissionError> {
    validate(module, form)?;
    let component = match form {
        Form::Component => Cow::Borrowed(module),
        Form::Module => Cow::Owned(wrap(module)?),
    };
    check_contract(&component)?;
    precompile(engine, &component)
}

/// Compiles a component. Returns its code.
pub(crate) fn precompile(engine: &Engine, component: &[u8]) -> Result<Vec<u8>, AdmissionError> {
    engine.precompile_component(component).map_err(|error| AdmissionError::Invalid(format!("{error:#}")))
}

fn wrap(module: &[u8]) -> Result<Vec<u8>, AdmissionError> {
    let encoded = wit_component::ComponentEncoder::default()
        .validate(false) // `compile` has validated it
        .module(module)
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| AdmissionError::World(format!("{error:#}")))
}
