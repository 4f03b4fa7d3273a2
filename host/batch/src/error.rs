//! The errors of this crate: input that cannot be read, and lookups without an answer.

use reprieve_model::shorten;
use std::fmt;

/// The maximum length of a message, and of a pointer in it, in characters. They quote what the input holds.
const MAX_MESSAGE_CHARS: usize = 500;

/// Input that cannot be read: what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{place}: {message}")]
pub struct ReadError {
    /// The file, or `<stdin>`.
    pub file: String,
    /// The place in the file.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do, if that is known.
    pub help: Option<String>,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole document.
    Whole,
    /// A line, counted from 1.
    Line(u64),
    /// A JSON pointer, and the line it is on.
    Pointer {
        /// The pointer; empty for the document itself.
        pointer: String,
        /// The line, counted from 1.
        line: u64,
    },
}

impl ReadError {
    /// Creates an error at a place of a file.
    pub fn new(file: &str, place: Place, message: impl Into<String>) -> Self {
        Self { file: one_line(file), place, message: one_line(&message.into()), help: None }
    }

    /// Creates an error of a file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self::new(file, Place::Whole, message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Formats the place as it follows the name of a file: `:7`, or ``:7: `/targets/3` ``.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(f, ":{line}"),
            Self::Pointer { pointer, line } if pointer.is_empty() => write!(f, ":{line}"),
            Self::Pointer { pointer, line } => write!(f, ":{line}: `{}`", one_line(pointer)),
        }
    }
}

/// Bounds text that quotes the input, and escapes the control characters in it: the message of an error is one line.
fn one_line(text: &str) -> String {
    let text = shorten(text, MAX_MESSAGE_CHARS);
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// A lookup without an answer that a decision depends on. It is a fault of the decision, never an empty answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The source cannot be reached. A retry may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// The source returned an invalid answer.
    #[error("{0}")]
    Invalid(String),
    /// Data that was spilled to a temporary file, or targets that are read again from their list, cannot be read.
    #[error("{0}")]
    Spilled(String),
}

/// A section of a planned batch that cannot be read, or a result of one that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The inventory, or a temporary file, has no answer.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A result is not what it should be.
    #[error("{0}")]
    Invalid(String),
}

impl From<LookupError> for ReadError {
    fn from(error: LookupError) -> Self {
        Self::of_file("the list", error.to_string())
    }
}

/// Describes an error of the operating system.
pub(crate) fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "this is a folder".to_owned(),
        std::io::ErrorKind::NotADirectory => "a part of the path is not a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// Returns the message of a JSON error without the position, which is reported in its own place.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or(&message).to_owned()
}
