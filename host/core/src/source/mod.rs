//! Where bytes come in: the only part of this crate that touches files, and only through a [`Folder`].

mod blocks;
mod canonical;
mod columnar;
mod csv;
mod fields;
mod filling;
mod folder;
mod hashing;
mod history;
mod inventory;
mod ndjson;
mod reading;
mod request;
mod row;
mod targets;
mod text;

pub(crate) use canonical::{read_inline as read_inline_targets, select, write_ndjson};
pub(crate) use filling::List;

pub use columnar::hush_decoders;
pub use folder::Folder;
pub(crate) use folder::create_private;
pub(crate) use history::read as read_history;
pub(crate) use inventory::{allow as allow_inventory_column, line as inventory_line, read as read_inventory_file};
pub use reading::{Progress, Reading};
pub(crate) use request::{Document, Where, read as read_request};
pub use targets::list_sha256;
pub(crate) use targets::{copy as copy_list, read_file as read_target_file};

use crate::unavailable::Unavailable;
use std::fmt;

/// Something that was handed in cannot be read: what, where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file, or `<stdin>`.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The whole of it.
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

impl Unreadable {
    pub(crate) fn new(file: &str, place: Place, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Whole => write!(f, "{}: ", self.file)?,
            Place::Line(line) => write!(f, "{}:{line}: ", self.file)?,
            Place::Pointer { pointer, line } if pointer.is_empty() => write!(f, "{}:{line}: ", self.file)?,
            Place::Pointer { pointer, line } => write!(f, "{}:{line}: `{pointer}`: ", self.file)?,
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Unreadable {}

impl From<Unavailable> for Unreadable {
    fn from(Unavailable(message): Unavailable) -> Self {
        Self::new("the list", Place::Whole, message)
    }
}

/// The known name nearest to a mistyped one, if any is near.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|name| (strsim::damerau_levenshtein(typed, name), name));
    scored.min().filter(|(distance, name)| *distance <= 1 + name.len() / 4).map(|(_, name)| name)
}
