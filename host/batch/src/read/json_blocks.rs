//! A JSON document in blocks of whole rows. The cuts depend on the text alone.

use super::blocks::{LineError, MAX_BLOCK_BYTES, MAX_LINE_BYTES};
use super::json_frames::Frames;
use super::json_lines::{check_control, may_have_control};
use super::json_shape::{Shape, message};
use std::io::Read;
use std::ops::Range;

/// Rows of a document.
#[derive(Debug, Default)]
pub(super) struct JsonBlock {
    pub bytes: Vec<u8>,
    /// Where the rows are in the bytes.
    rows: Vec<Range<usize>>,
}

/// The blocks of a document.
pub(super) struct JsonBlocks<R, F> {
    reader: R,
    frames: Frames<F>,
    /// The beginning of a row that continues in the next block.
    rest: Vec<u8>,
    first: bool,
    end: bool,
    /// The number of lines before the next block.
    lines: u64,
}

/// Why there is no next block.
pub(super) enum BlockError {
    Io(std::io::Error),
    /// The line is that of the document.
    Json(LineError),
}

impl<R: Read, F: Fn(&str) -> bool> JsonBlocks<R, F> {
    /// Begins a document. `is_id` tells which members are those of an id.
    pub const fn new(reader: R, is_id: F) -> Self {
        Self { reader, frames: Frames::new(is_id), rest: Vec::new(), first: true, end: false, lines: 0 }
    }

    /// Returns the reader of the document.
    pub const fn reader(&self) -> &R {
        &self.reader
    }

    /// Returns where the rows are, once that is known.
    pub const fn shape(&self) -> Option<&Shape> {
        self.frames.shape()
    }

    /// Reads the next block into a used buffer. Returns `None` at the end of the document.
    pub fn next(&mut self, mut bytes: Vec<u8>) -> Result<Option<JsonBlock>, BlockError> {
        if self.end {
            return Ok(None);
        }
        bytes.clear();
        bytes.append(&mut self.rest);
        bytes.reserve(MAX_BLOCK_BYTES);
        let wanted = (MAX_BLOCK_BYTES - bytes.len()) as u64;
        let read = self.reader.by_ref().take(wanted).read_to_end(&mut bytes).map_err(BlockError::Io)?;
        self.end = (read as u64) < wanted;
        if std::mem::take(&mut self.first) && bytes.starts_with(b"\xef\xbb\xbf") {
            // White space of the same length, so that the offsets stay.
            bytes[..3].fill(b' ');
        }
        let mut rows = Vec::new();
        let used = self.frames.read(&bytes, self.end, &mut rows).map_err(|error| {
            self.end = true;
            let line = self.lines + count_lines(&bytes[..error.offset.min(bytes.len())]) + 1;
            BlockError::Json(LineError { line, message: error.message })
        })?;
        self.rest.extend_from_slice(&bytes[used..]);
        bytes.truncate(used);
        self.lines += count_lines(&bytes);
        Ok(Some(JsonBlock { bytes, rows }))
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

impl JsonBlock {
    /// The line of the block that each row begins at.
    pub fn row_lines(&self) -> impl Iterator<Item = u64> {
        let (mut at, mut line) = (0, 1);
        self.rows.iter().map(move |row| {
            line += count_lines(self.bytes.get(at..row.start).unwrap_or_default());
            at = row.start;
            line
        })
    }

    /// Calls `each` with the text of every row. Returns the number of lines of the block.
    pub fn each_row<'a>(&'a self, mut each: impl FnMut(&'a str) -> Result<(), RowError>) -> Result<u64, LineError> {
        let bytes = self.bytes.as_slice();
        let at = |offset: usize, line: usize, message: String| LineError {
            line: count_lines(&bytes[..offset]) + line as u64,
            message,
        };
        let text = str::from_utf8(bytes)
            .map_err(|error| at(error.valid_up_to(), 1, "a byte of the line is not UTF-8".to_owned()))?;
        let may_have_control = may_have_control(bytes);
        for row in &self.rows {
            let json = text.get(row.clone());
            let json = json.ok_or_else(|| at(row.start, 1, "the row is not UTF-8".to_owned()))?;
            if json.len() > MAX_LINE_BYTES {
                let message = format!("a row is longer than {} KiB", MAX_LINE_BYTES >> 10);
                return Err(at(row.start, 1, message));
            }
            if may_have_control {
                check_control(json, |c| matches!(c, '\t' | '\n' | '\r'))
                    .map_err(|message| at(row.start, 1, message))?;
            }
            each(json).map_err(|error| match error {
                RowError::Json(error) => at(row.start, error.line().max(1), message(&error)),
                RowError::Row(message) => at(row.start, 1, message),
            })?;
        }
        Ok(count_lines(bytes))
    }
}

/// What is wrong with a row.
pub(super) enum RowError {
    Json(serde_json::Error),
    /// The row as a whole.
    Row(String),
}
