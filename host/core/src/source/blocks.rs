//! A text in blocks of whole lines. Where it is cut depends on the text alone, not on how it is read or on how many
//! threads look at the blocks.

use super::folder::describe;
use super::{Place, Unreadable};
use std::io::Read;

/// The longest line that is taken for one.
const MOST_BYTES: usize = 1 << 20;
/// Bytes that a block has at most.
const BLOCK: usize = 2 * MOST_BYTES;

/// Whole lines of a text.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub bytes: Vec<u8>,
    /// Where they begin: after a byte order mark, or a header that was read.
    pub start: usize,
}

impl Block {
    /// Its lines.
    pub fn lines(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// The blocks of a text.
pub(super) struct Blocks<R> {
    reader: R,
    /// The beginning of a line that goes on in the next block.
    rest: Vec<u8>,
    first: bool,
    end: bool,
}

impl<R: Read> Blocks<R> {
    pub const fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), first: true, end: false }
    }

    /// What the text is read from, and what was read of it beyond the last block.
    pub fn into_rest(self) -> (Vec<u8>, R) {
        (self.rest, self.reader)
    }

    /// What the text is read from.
    pub const fn reader(&self) -> &R {
        &self.reader
    }

    /// The next block, in a buffer that was used before; none at the end of the text.
    pub fn next(&mut self, mut bytes: Vec<u8>) -> std::io::Result<Option<Block>> {
        if self.end {
            return Ok(None);
        }
        bytes.clear();
        bytes.append(&mut self.rest);
        bytes.reserve(BLOCK);
        let wanted = (BLOCK - bytes.len()) as u64;
        self.end = (self.reader.by_ref().take(wanted).read_to_end(&mut bytes)? as u64) < wanted;
        match memchr::memrchr(b'\n', &bytes) {
            _ if self.end => {}
            Some(end) => {
                self.rest.extend_from_slice(bytes.get(end + 1..).unwrap_or_default());
                bytes.truncate(end + 1);
            }
            // No line may be as long as a block, so this is where it ends, and where that is said.
            None => self.end = true,
        }
        let first = std::mem::take(&mut self.first);
        let start = if first && bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Ok(Some(Block { bytes, start }))
    }
}

/// What is wrong in a block, and in which of its lines, counted from 1.
#[derive(Debug)]
pub(super) struct Wrong {
    pub line: u64,
    pub message: String,
}

/// Calls `each` with every line of a block. Gives the number of lines.
pub(super) fn each_line<'a>(
    block: &'a [u8],
    mut each: impl FnMut(&'a str) -> Result<(), String>,
) -> Result<u64, Wrong> {
    // What comes before the first byte that is not UTF-8 is looked at first: the first mistake is the one to report.
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
        if text.len() > MOST_BYTES {
            return Err(Wrong { line, message: too_long() });
        }
        each(text).map_err(|message| Wrong { line, message })?;
    }
    valid.map_err(|message| Wrong { line: line + 1, message })?;
    Ok(line)
}

fn too_long() -> String {
    format!("the line is longer than {} KiB; write one target a line", MOST_BYTES >> 10)
}

/// Calls `each` with every line of a text that is not blank.
pub(super) fn each_line_of(
    reader: &mut impl Read,
    shown: &str,
    mut each: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), Unreadable> {
    let mut blocks = Blocks::new(reader);
    let (mut buffer, mut lines) = (Vec::new(), 0);
    loop {
        let block = blocks.next(buffer).map_err(|error| Unreadable::new(shown, Place::Whole, describe(&error)))?;
        let Some(block) = block else { return Ok(()) };
        let each = |text: &str| if text.trim_ascii().is_empty() { Ok(()) } else { each(text) };
        lines += each_line(block.lines(), each).map_err(|wrong| wrong.at(shown, lines))?;
        buffer = block.bytes;
    }
}

impl Wrong {
    /// In the file, where so many lines come before the block.
    pub fn at(self, shown: &str, lines: u64) -> Unreadable {
        Unreadable::new(shown, Place::Line(lines + self.line), self.message)
    }
}
