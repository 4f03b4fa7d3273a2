//! Faults: why a policy could not answer. A fault is not a verdict, and never an allow.

use reprieve_model::FaultCause;
use serde::{Deserialize, Serialize};
use std::fmt;
use wasmtime::{Error, Trap, WasmBacktrace};

/// A policy that could not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Why.
    pub cause: FaultCause,
    /// What happened, and what to do about it.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(cause: FaultCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into() }
    }

    /// The fault of a failed call, determined from the type of its error.
    pub(crate) fn of_call(error: &Error) -> Self {
        if let Some(Exceeded(cause)) = error.downcast_ref() {
            return Self::new(*cause, Exceeded(*cause).to_string());
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return match trap {
                Trap::OutOfFuel => Self::new(
                    FaultCause::Fuel,
                    "it used up its fuel; it does more work than a batch of this size allows",
                ),
                Trap::Interrupt => Self::new(FaultCause::WallClock, "it ran past the wall-clock limit"),
                Trap::StackOverflow => Self::new(FaultCause::Stack, "it used up its stack"),
                Trap::UnreachableCodeReached => Self::new(
                    FaultCause::Trap,
                    format!(
                        "it gave up{}: in Rust by a panic (an `unwrap`, an index out of range, a column it did not \
                         request), in other languages by asking for a clock, random numbers or files",
                        place(error)
                    ),
                ),
                other => Self::new(FaultCause::Trap, format!("it trapped{}: {other}", place(error))),
            };
        }
        // The runtime reports an invalid return value (a pointer outside of memory, an unknown variant) as plain text or
        // as a UTF-8 error. The only other error here is the limit on returned bytes, whose type is private.
        let malformed = error.is::<&'static str>() || error.is::<String>() || error.is::<std::str::Utf8Error>();
        if malformed {
            Self::new(
                FaultCause::InvalidOutput,
                format!("it returned something that the contract does not allow: {error:#}"),
            )
        } else {
            Self::new(FaultCause::ReturnedBytes, "it returned more bytes than one call may")
        }
    }

    /// The fault of an instance that could not be created.
    pub(crate) fn of_instantiation(error: &Error) -> Self {
        if error.is::<Exceeded>() || error.is::<Trap>() {
            return Self::of_call(error);
        }
        Self::new(FaultCause::Instantiation, format!("it cannot be instantiated: {error:#}"))
    }
}

/// Where in the source a policy trapped, as ` at src/lib.rs, line 7`; empty if its module has no line tables. Absolute
/// paths and hidden folders belong to dependencies and are skipped.
fn place(error: &Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let place = frames.iter().flat_map(|frame| frame.symbols()).find_map(|symbol| {
        let file = symbol.file().filter(|file| !file.starts_with(['/', '.']))?;
        Some(format!(" at {file}, line {}", symbol.line()?))
    });
    place.unwrap_or_default()
}

/// A limit that the meter enforced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exceeded(pub FaultCause);

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            FaultCause::Memory => f.write_str("it asked for more memory than an instance may have"),
            FaultCause::Table => f.write_str("it asked for more table elements than an instance may have"),
            other => f.write_str(other.as_str()),
        }
    }
}

impl std::error::Error for Exceeded {}
