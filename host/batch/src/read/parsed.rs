//! Blocks of a list in text: before they are parsed, after that, and added to the list in their order.

use super::blocks::LineError;
use super::chunker::FinishedChunk;
use super::json_row::{MAX_LEFT_ALONE, RowReader, Seen, too_many_names};
use super::list_builder::ListBuilder;
use super::mapping::{Mapping, Role};
use crate::error::ReadError;
use crate::near::looks_like;
use hashbrown::HashSet;

/// A block to be parsed.
pub(super) struct Unparsed<B> {
    pub block: B,
    /// The number of bytes of the file up to its end.
    pub bytes_read: u64,
    /// Whether it is the first block of the file.
    pub is_first: bool,
}

/// A block that was parsed.
pub(super) struct ParsedBlock {
    pub chunks: Vec<FinishedChunk>,
    pub lines: u64,
    /// The number of bytes of the file up to its end.
    pub bytes_read: u64,
    /// The members of its rows, in JSON.
    pub members: Members,
}

/// Adds blocks to a list, in their order.
pub(super) struct Collector<'a> {
    shown: &'a str,
    /// The size of the file in bytes.
    size: u64,
    /// The number of lines so far.
    pub lines: u64,
    /// The members of all rows so far, in JSON.
    pub members: Members,
}

impl<'a> Collector<'a> {
    /// Begins after these lines of a file.
    pub fn new(shown: &'a str, size: u64, lines: u64) -> Self {
        Self { shown, size, lines, members: Members::default() }
    }

    /// Adds the next block.
    pub fn add(
        &mut self,
        parsed: Result<ParsedBlock, LineError>,
        list: &mut ListBuilder<'_, '_>,
    ) -> Result<(), ReadError> {
        let parsed = parsed.map_err(|error| error.after(self.shown, self.lines))?;
        self.lines += parsed.lines;
        self.members.add(parsed.members).map_err(|message| ReadError::of_file(self.shown, message))?;
        parsed.chunks.into_iter().try_for_each(|chunk| list.add(chunk))?;
        list.progress(parsed.bytes_read, self.size);
        Ok(())
    }
}

/// The maximum number of names in a message.
const MAX_SHOWN: usize = 12;

/// What was found in the rows of a list in JSON.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The names of members that were left alone.
    left_alone: HashSet<String>,
    /// The members that any row had.
    seen: Seen,
}

impl Members {
    /// What a reader of rows found.
    pub fn of(reader: RowReader<'_>) -> Self {
        let (left_alone, seen) = reader.found();
        Self { left_alone, seen }
    }

    /// Adds what was found in other rows.
    ///
    /// # Errors
    /// There are too many names.
    pub fn add(&mut self, other: Self) -> Result<(), String> {
        self.left_alone.extend(other.left_alone);
        self.seen.add(other.seen);
        if self.left_alone.len() > MAX_LEFT_ALONE { Err(too_many_names()) } else { Ok(()) }
    }

    /// Adds how the list was read. A list of which no row has a member that is read, but others, is an error: its id or
    /// a field that is mapped is probably in one of those.
    pub fn describe(self, mapping: &Mapping, list: &mut ListBuilder<'_, '_>, shown: &str) -> Result<(), ReadError> {
        let Self { left_alone, seen } = self;
        let has = |role: Role| seen.has(role);
        let missing = mapping.required().find(|(_, column)| !mapping.known(column).is_some_and(has));
        if let Some((_, column)) = missing.filter(|_| list.rows() > 0 && !left_alone.is_empty()) {
            let mut names: Vec<&str> = left_alone.iter().map(String::as_str).collect();
            names.sort_unstable();
            let near = names.iter().find(|name| looks_like(name, std::iter::once(column)).is_some());
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            names.truncate(MAX_SHOWN);
            let message =
                format!("no target has a member `{column}`{near} (other members: `{}`)", names.join("`, `"));
            return Err(ReadError::of_file(shown, message)
                .with_help("map the field to the member that holds it: `\"columns\": {\"id\": \"…\"}`"));
        }
        list.read_as.use_columns(mapping, |column| mapping.known(column).is_some_and(has));
        list.read_as.leave_alone(left_alone);
        Ok(())
    }
}
