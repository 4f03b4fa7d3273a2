//! CSV with a header: target lists and inventories.

use super::blocks::{BLANK_LINE, LineError, each_line};
use super::mapping::{Mapping, check_distinct};
use super::quotes::{Quotes, Violation};
use crate::columns::{Field, OwnValue, Row, Slot};
use crate::error::{Place, ReadError, describe};
use crate::text::{control_character, describe_control, is_unknown, known, number, time};
use csv::{ErrorKind, ReaderBuilder, StringRecord};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Read;

/// A header.
#[derive(Debug)]
pub(super) struct Header(Vec<HeaderColumn>);

/// A column, and the field of a target that it holds.
#[derive(Debug)]
struct HeaderColumn {
    name: String,
    field: Field,
}

/// A header that was read off the beginning of a text.
#[derive(Debug)]
pub(super) struct HeaderLines {
    pub header: Header,
    /// The number of bytes that it takes.
    pub bytes: usize,
    /// The number of lines that it takes, with the blank ones before it.
    pub lines: u64,
}

impl Header {
    fn of<'a>(names: impl Iterator<Item = &'a str>, mapping: &Mapping) -> Result<Self, String> {
        let field = |name: &str| match mapping.require_field(name) {
            Err(_) if name.contains([';', '\t', '|']) => {
                Err(format!("expected commas between columns, found the single column `{name}`"))
            }
            field => field,
        };
        let header = names.map(|name| Ok(HeaderColumn { name: name.to_owned(), field: field(name)? }));
        let header = header.collect::<Result<Vec<_>, String>>()?;
        check_names(header.iter().map(|column| column.name.as_str()), mapping.column(Field::ID))?;
        Ok(Self(header))
    }

    fn row<'a>(&'a self, fields: impl Iterator<Item = &'a str>) -> Result<Row<'a>, String> {
        let mut row = Row::default();
        for (column, value) in self.0.iter().zip(fields) {
            match column.field.slot {
                Slot::Id => row.id = Some(Cow::Borrowed(value)),
                Slot::Text(i) => row.texts[i] = known(Cow::Borrowed(value)),
                Slot::Time(_) | Slot::Number(_) | Slot::Own
                    if control_character(value).is_some_and(|c| c != '\t') =>
                {
                    let flaw = control_character(value).map(describe_control).unwrap_or_default();
                    return Err(format!("`{}`: {flaw}, which CSV cannot escape", column.name));
                }
                Slot::Time(i) => row.times[i] = time(value)?,
                Slot::Number(i) => row.numbers[i] = number(value)?,
                Slot::Own if is_unknown(value) => {}
                Slot::Own => {
                    row.own.push(OwnValue { name: Cow::Borrowed(&column.name), text: Cow::Borrowed(value) });
                }
            }
        }
        Ok(row)
    }

    /// Reads the rows of a block without quotes, in which every line is a row. Returns the number of lines.
    pub fn read_plain(&self, block: &[u8], mut each: impl FnMut(&Row<'_>)) -> Result<u64, LineError> {
        each_line(block, |line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                return Err(BLANK_LINE.to_owned());
            }
            let count = 1 + memchr::memchr_iter(b',', line.as_bytes()).count();
            if count != self.0.len() {
                return Err(wrong_length(count as u64, self.0.len() as u64));
            }
            each(&self.row(line.split(','))?);
            Ok(())
        })
    }
}

impl HeaderLines {
    /// Reads the header off the beginning of a text without quotes.
    pub fn read(text: &[u8], shown: &str, mapping: &Mapping) -> Result<Self, ReadError> {
        let Some(bytes) = text.split_inclusive(|byte| *byte == b'\n').next() else {
            return Err(in_header(shown, 1, &no_id(mapping.column(Field::ID))));
        };
        let wrong = |message: &str| ReadError::new(shown, Place::Line(1), message);
        let names = str::from_utf8(bytes).map_err(|_| wrong("the header is not UTF-8"))?;
        let names = names.trim_end_matches(['\r', '\n']);
        if names.is_empty() {
            return Err(in_header(shown, 1, BLANK_LINE));
        }
        let header = Header::of(names.split(','), mapping).map_err(|message| in_header(shown, 1, &message))?;
        Ok(Self { header, bytes: bytes.len(), lines: 1 })
    }
}

/// Whether every line of a text is a row and every comma separates two fields. This is not so if the text has quotes, or
/// lines that end in a carriage return alone.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let ends_line = |at: usize| matches!(text.get(at + 1), Some(b'\n'));
    memchr::memchr(b'"', text).is_none() && memchr::memchr_iter(b'\r', text).all(ends_line)
}

/// Reads the rows of a text with quotes. `lines` lines were read before, and perhaps the header; without `header`, the
/// text begins with one.
pub(super) fn read_quoted_rows(
    reader: &mut impl Read,
    shown: &str,
    header: Option<Header>,
    lines: u64,
    mapping: &Mapping,
    mut each: impl FnMut(&Row<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut failed = None;
    let done = each_record(
        reader,
        shown,
        lines,
        header,
        |names| Header::of(names, mapping),
        |header, record| {
            let row = header.row(record.iter())?;
            each(&row).map_err(|error| {
                let message = error.message.clone();
                failed = Some(error);
                message
            })
        },
    );
    failed.map_or(done, Err)
}

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

const QUOTES_HELP: &str = "enclose a field that contains a quote in quotes, and double the quotes in it: `\"5\"\" disk\"`; end lines in LF or CR LF";

fn no_id(id: &str) -> String {
    format!("there is no column `{id}`")
}

/// Checks that the names of columns are distinct, and that the id is among them.
fn check_names<'a>(names: impl Iterator<Item = &'a str> + Clone, id: &str) -> Result<(), String> {
    check_distinct(names.clone(), |_| true)?;
    if names.clone().any(|name| name == id) { Ok(()) } else { Err(no_id(id)) }
}

fn in_header(shown: &str, line: u64, message: &str) -> ReadError {
    let error = ReadError::new(shown, Place::Line(line), message);
    if message.starts_with("there is no column") {
        error.with_help("the first line of a CSV file names its columns")
    } else {
        error
    }
}

/// Calls `each` with every record of an inventory: the names of its columns with their fields. `allow` checks the name of
/// each column.
pub(super) fn each_named_record(
    reader: &mut impl Read,
    shown: &str,
    allow: impl Fn(&str) -> Result<(), String>,
    mut each: impl for<'a> FnMut(&mut dyn Iterator<Item = (&'a str, &'a str)>) -> Result<(), String>,
) -> Result<(), ReadError> {
    let header = |names: csv::StringRecordIter<'_>| {
        names.clone().try_for_each(&allow)?;
        check_names(names.clone(), "id")?;
        Ok(Header(names.map(|name| HeaderColumn { name: name.to_owned(), field: Field::OWN }).collect()))
    };
    each_record(reader, shown, 0, None, header, |header, record| {
        each(&mut header.0.iter().map(|column| column.name.as_str()).zip(record))
    })
}

/// Calls `each` with the header and every record of a text. `lines` lines were read before, and perhaps the header;
/// without `header`, `read_header` makes one of the first record.
fn each_record(
    reader: &mut impl Read,
    shown: &str,
    lines: u64,
    header: Option<Header>,
    read_header: impl Fn(csv::StringRecordIter<'_>) -> Result<Header, String>,
    mut each: impl FnMut(&Header, &StringRecord) -> Result<(), String>,
) -> Result<(), ReadError> {
    let left = MAX_RECORD_BYTES + BUFFER_BYTES;
    let watched = Watched {
        reader,
        left,
        read: 0,
        quotes: 0,
        form: Quotes::new(lines + 1),
        line_ends: VecDeque::new(),
        line: lines + 1,
    };
    let mut csv =
        ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(BUFFER_BYTES).from_reader(watched);
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
    let header = match header {
        Some(header) => header,
        None => {
            let line = next(&mut record)?.unwrap_or(1);
            read_header(record.iter()).map_err(|message| in_header(shown, line, &message))?
        }
    };
    while let Some(line) = next(&mut record)? {
        let checked = if record.len() == header.0.len() {
            each(&header, &record)
        } else {
            Err(wrong_length(record.len() as u64, header.0.len() as u64))
        };
        checked.map_err(|message| ReadError::new(shown, Place::Line(line), message))?;
    }
    Ok(())
}

fn wrong_length(row: u64, header: u64) -> String {
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
