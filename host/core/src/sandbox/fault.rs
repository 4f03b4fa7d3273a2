//! Faults: what keeps a policy from answering. Never a verdict, never an allow.

use std::fmt;
use wasmtime::{Error, Trap, WasmBacktrace};

/// What kept a policy from answering. Each limit has a cause of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It used up its fuel.
    Fuel,
    /// It ran past the wall-clock backstop.
    WallClock,
    /// It asked for more memory than allowed.
    Memory,
    /// It asked for more table elements than allowed.
    Table,
    /// It used up its stack.
    Stack,
    /// It trapped: a panic, a division by zero, an access outside its memory.
    Trap,
    /// It could not be instantiated.
    Instantiation,
    /// It returned more bytes than allowed.
    ReturnedBytes,
    /// It returned more findings than allowed.
    Findings,
    /// It returned a text longer than allowed.
    Text,
    /// It returned something that the contract does not allow.
    InvalidOutput,
    /// It says itself that it cannot answer.
    Declined,
}

impl Cause {
    /// The stable word that decisions use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::WallClock => "wall-clock",
            Self::Memory => "memory",
            Self::Table => "table",
            Self::Stack => "stack",
            Self::Trap => "trap",
            Self::Instantiation => "instantiation",
            Self::ReturnedBytes => "returned-bytes",
            Self::Findings => "findings",
            Self::Text => "text",
            Self::InvalidOutput => "invalid-output",
            Self::Declined => "declined",
        }
    }
}

/// A policy that could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub cause: Cause,
    /// What happened, and the way out.
    pub message: String,
}

impl Fault {
    pub(super) fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into() }
    }

    /// Tells what went wrong in a call by the type of the error.
    pub(super) fn of_call(error: &Error) -> Self {
        if let Some(Exceeded(cause)) = error.downcast_ref() {
            return Self::new(*cause, Exceeded(*cause).to_string());
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return match trap {
                Trap::OutOfFuel => {
                    Self::new(Cause::Fuel, "it used up its fuel; it does more work than the batch warrants")
                }
                Trap::Interrupt => Self::new(Cause::WallClock, "it ran past the wall-clock limit"),
                Trap::StackOverflow => Self::new(Cause::Stack, "it used up its stack"),
                Trap::UnreachableCodeReached => Self::new(
                    Cause::Trap,
                    format!(
                        "it gave up{}: in Rust by a panic (an `unwrap`, an index out of range, a column it does not ask for), in others by asking for \
                         a clock, random numbers or files",
                        place(error)
                    ),
                ),
                other => Self::new(Cause::Trap, format!("it trapped{}: {other}", place(error))),
            };
        }
        // What the runtime says in plain words is about the value that was returned: a pointer outside the memory,
        // an unknown variant. The one refusal it has a type for, besides UTF-8, is the bound on returned bytes.
        let malformed = error.is::<&'static str>() || error.is::<String>() || error.is::<std::str::Utf8Error>();
        if malformed {
            Self::new(
                Cause::InvalidOutput,
                format!("it returned something that the contract does not allow: {error:#}"),
            )
        } else {
            Self::new(Cause::ReturnedBytes, "it returned more bytes than one call may")
        }
    }

    /// Tells what went wrong while an instance was made.
    pub(super) fn of_instantiation(error: &Error) -> Self {
        if error.is::<Exceeded>() || error.is::<Trap>() {
            return Self::of_call(error);
        }
        Self::new(Cause::Instantiation, format!("it cannot be instantiated: {error:#}"))
    }
}

/// Where in its author's source a policy was, as ` at src/lib.rs, line 7`, as far as its module and the engine tell.
/// What others wrote has paths from the root, for those of the machine are kept out.
fn place(error: &Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let place = frames.iter().flat_map(|frame| frame.symbols()).find_map(|symbol| {
        let file = symbol.file().filter(|file| !file.starts_with('/'))?;
        Some(format!(" at {file}, line {}", symbol.line()?))
    });
    place.unwrap_or_default()
}

/// A limit that the meter held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exceeded(pub Cause);

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::Memory => f.write_str("it asked for more memory than an instance may have"),
            Cause::Table => f.write_str("it asked for more table elements than an instance may have"),
            other => f.write_str(other.as_str()),
        }
    }
}

impl std::error::Error for Exceeded {}
