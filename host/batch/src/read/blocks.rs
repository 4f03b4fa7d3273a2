//! A text in blocks of whole lines. The cuts depend on the text alone, not on how it is read or on the number of threads
//! that parse the blocks.

use crate::error::{Place, ReadError};
use std::io::Read;

/// The maximum length of a line in bytes.
pub(super) const MAX_LINE_BYTES: usize = 1 << 20;
/// The maximum length of a block in bytes.
pub(super) const MAX_BLOCK_BYTES: usize = 2 * MAX_LINE_BYTES;

/// What is wrong with a blank line: a reader of lines takes it for a target without an id.
pub(super) const BLANK_LINE: &str = "the line is blank";

/// Whole lines of a text.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub bytes: Vec<u8>,
    /// The offset of the first line: after a byte order mark, or a header that was read.
    pub start: usize,
}

impl Block {
    /// Returns its lines.
    pub fn lines(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// The blocks of a text.
pub(super) struct Blocks<R> {
    reader: R,
    /// The beginning of a line that continues in the next block.
    rest: Vec<u8>,
    first: bool,
    end: bool,
    /// Whether the text goes on after the last block, because a line is too long.
    is_cut: bool,
}

impl<R: Read> Blocks<R> {
    pub const fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), first: true, end: false, is_cut: false }
    }

    /// Returns the bytes that were read after the last block, and the reader of the bytes after them.
    pub fn into_rest(self) -> (Vec<u8>, R) {
        (self.rest, self.reader)
    }

    /// Returns the reader of the text.
    pub const fn reader(&self) -> &R {
        &self.reader
    }

    /// Whether the text ends with the last block.
    pub const fn is_at_end(&self) -> bool {
        self.end && !self.is_cut
    }

    /// Reads the next block into a used buffer. Returns `None` at the end of the text.
    pub fn next(&mut self, mut bytes: Vec<u8>) -> std::io::Result<Option<Block>> {
        if self.end {
            return Ok(None);
        }
        bytes.clear();
        bytes.append(&mut self.rest);
        bytes.reserve(MAX_BLOCK_BYTES);
        let wanted = (MAX_BLOCK_BYTES - bytes.len()) as u64;
        self.end = (self.reader.by_ref().take(wanted).read_to_end(&mut bytes)? as u64) < wanted;
        match memchr::memrchr(b'\n', &bytes) {
            _ if self.end => {}
            Some(end) => {
                self.rest.extend_from_slice(bytes.get(end + 1..).unwrap_or_default());
                bytes.truncate(end + 1);
            }
            // A line as long as a block is too long, so nothing after it is read.
            None => (self.end, self.is_cut) = (true, true),
        }
        let first = std::mem::take(&mut self.first);
        let start = if first && bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Ok(Some(Block { bytes, start }))
    }
}

/// An error in a line of a block.
#[derive(Debug)]
pub(super) struct LineError {
    /// The line of the block, counted from 1.
    pub line: u64,
    pub message: String,
}

/// Calls `each` with every line of a block. Returns the number of lines.
pub(super) fn each_line<'a>(
    block: &'a [u8],
    mut each: impl FnMut(&'a str) -> Result<(), String>,
) -> Result<u64, LineError> {
    // The lines before the first byte that is not UTF-8 are read first, because the first error is reported.
    let (text, valid) = match str::from_utf8(block) {
        Ok(text) => (text, Ok(())),
        Err(error) => {
            let valid = block.get(..error.valid_up_to()).unwrap_or_default();
            let start = memchr::memrchr(b'\n', valid).map_or(0, |end| end + 1);
            let text = str::from_utf8(valid.get(..start).unwrap_or_default()).unwrap_or_default();
            (text, Err(format!("byte {} of the line is not UTF-8", valid.len() - start)))
        }
    };
    let mut line = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        line += 1;
        if text.len() > MAX_LINE_BYTES {
            return Err(LineError { line, message: too_long() });
        }
        each(text).map_err(|message| LineError { line, message })?;
    }
    valid.map_err(|message| LineError { line: line + 1, message })?;
    Ok(line)
}

fn too_long() -> String {
    format!("the line is longer than {} KiB; write one target per line", MAX_LINE_BYTES >> 10)
}

impl LineError {
    /// Returns the error at its line of the file. `lines` is the number of lines before the block.
    pub fn after(self, shown: &str, lines: u64) -> ReadError {
        ReadError::new(shown, Place::Line(lines + self.line), self.message)
    }
}
