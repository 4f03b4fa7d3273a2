//! The records of a CSV text with quotes, which one thread reads.

use super::blocks::BLANK_LINE;
use super::quotes::{Quotes, Violation};
use crate::error::{Place, ReadError, describe};
use csv::{ErrorKind, ReaderBuilder, StringRecord};
use std::collections::VecDeque;
use std::io::Read;

/// The maximum length of a record in bytes.
const MAX_RECORD_BYTES: usize = 1 << 20;
/// The number of bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// A reader that limits and locates the records of the parser behind it. It fails in the middle of a record that is too
/// long, so a quote that is never closed cannot fill the memory. It counts quotes, so such a quote cannot hide the rest
/// of a list. And it knows the line on which a record begins; the parser does not if lines are blank or end in two
/// characters.
struct Watched<R> {
    reader: R,
    /// Bytes that may still be read before the record ends.
    left: usize,
    read: u64,
    quotes: u64,
    form: Quotes,
    line_ends: VecDeque<LineEnd>,
    /// The line after the last of the line ends that were removed.
    line: u64,
}

/// A carriage return or a line feed.
#[derive(Clone, Copy)]
struct LineEnd {
    offset: u64,
    is_line_feed: bool,
}

impl<R> Watched<R> {
    /// Returns the line on which the next record after an offset begins, and removes the line ends before it.
    fn line(&mut self, mut offset: u64) -> u64 {
        while let Some(end) = self.line_ends.front().copied().filter(|end| end.offset <= offset) {
            self.line_ends.pop_front();
            self.line += u64::from(end.is_line_feed);
            offset += u64::from(end.offset == offset);
        }
        self.line
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        self.form.read(bytes).map_err(std::io::Error::other)?;
        self.quotes += memchr::memchr_iter(b'"', bytes).count() as u64;
        let ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
        self.line_ends.extend(
            ends.map(|at| LineEnd { offset: self.read + at as u64, is_line_feed: bytes.get(at) == Some(&b'\n') }),
        );
        self.read += count as u64;
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => {
                return Err(std::io::Error::other(format!("a row is longer than {} KiB", MAX_RECORD_BYTES >> 10)));
            }
        }
        Ok(count)
    }
}

pub(super) const QUOTES_HELP: &str = "enclose a field that contains a quote in quotes, and double the quotes in it: `\"5\"\" disk\"`; end lines in LF or CR LF";

/// Calls `each` with the line and every record of a text, which has `columns` columns. `lines` lines were read before.
pub(super) fn each_record(
    reader: &mut impl Read,
    shown: &str,
    lines: u64,
    columns: usize,
    delimiter: u8,
    mut each: impl FnMut(u64, &StringRecord) -> Result<(), String>,
) -> Result<(), ReadError> {
    let left = MAX_RECORD_BYTES + BUFFER_BYTES;
    let watched = Watched {
        reader,
        left,
        read: 0,
        quotes: 0,
        form: Quotes::new(lines + 1, delimiter),
        line_ends: VecDeque::new(),
        line: lines + 1,
    };
    let mut csv = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(watched);
    let mut record = StringRecord::new();
    // Reads a record, and returns its line; `None` at the end of the text.
    let mut next = |record: &mut StringRecord| -> Result<Option<u64>, ReadError> {
        let start = csv.position().byte();
        let found = csv.read_record(record);
        let watched = csv.get_mut();
        watched.left = MAX_RECORD_BYTES + BUFFER_BYTES;
        let line = watched.line(start);
        match found {
            Ok(true) => Ok(Some(line)),
            Ok(false) if watched.quotes.is_multiple_of(2) => Ok(None),
            Ok(false) => Err(ReadError::of_file(shown, "a quote is never closed").with_help(QUOTES_HELP)),
            Err(error) => Err(explain(shown, line, &error)),
        }
    };
    while let Some(line) = next(&mut record)? {
        let checked = if record.len() == columns {
            each(line, &record)
        } else {
            Err(wrong_length(record.len() as u64, columns as u64))
        };
        checked.map_err(|message| ReadError::new(shown, Place::Line(line), message))?;
    }
    Ok(())
}

/// Describes a row with too few or too many fields.
pub(super) fn wrong_length(row: u64, header: u64) -> String {
    format!("the row has {row} fields, but the header has {header}")
}

fn explain(shown: &str, line: u64, error: &csv::Error) -> ReadError {
    match error.kind() {
        ErrorKind::Utf8 { err, .. } => {
            ReadError::new(shown, Place::Line(line), format!("field {} is not UTF-8", err.field() + 1))
        }
        ErrorKind::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Violation>()) {
            Some(Violation { line, message: BLANK_LINE }) => {
                ReadError::new(shown, Place::Line(*line), BLANK_LINE).with_help("remove the line")
            }
            Some(Violation { line, message }) => {
                ReadError::new(shown, Place::Line(*line), *message).with_help(QUOTES_HELP)
            }
            None => ReadError::of_file(shown, describe(error)),
        },
        _ => ReadError::new(shown, Place::Line(line), error.to_string()),
    }
}
