//! CSV with a header: target lists and inventories.

use super::blocks::{Wrong, each_line};
use super::fields::{Field, Mapping};
use super::row::{known, says_something};
use super::{Place, Unreadable};
use crate::columns::Row;
use csv::{ErrorKind, ReaderBuilder, StringRecord};
use reprieve_model::Timestamp;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Read;

/// A header: the columns, with the fields of a target that they hold.
#[derive(Debug)]
pub(super) struct Header(Vec<(String, Field)>);

impl Header {
    fn of<'a>(names: impl Iterator<Item = &'a str>, mapping: &Mapping) -> Result<Self, String> {
        let field = |name: &str| match mapping.field_of(name) {
            Err(_) if name.contains([';', '\t', '|']) => {
                Err(format!("columns are separated by commas, and `{name}` is none"))
            }
            field => field,
        };
        let header = names.map(|name| Ok((name.to_owned(), field(name)?)));
        let header = header.collect::<Result<Vec<_>, String>>()?;
        check(header.iter().map(|(name, _)| name.as_str()), mapping.column(Field::Id))?;
        Ok(Self(header))
    }

    /// Reads the header off the beginning of a text without quotes. Gives how many bytes and lines it takes.
    pub fn read(text: &[u8], shown: &str, mapping: &Mapping) -> Result<(Self, usize, u64), Unreadable> {
        let mut start = 0;
        for (line, bytes) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
            start += bytes.len();
            let wrong = |message: &str| Unreadable::new(shown, Place::Line(line), message);
            let names = str::from_utf8(bytes).map_err(|_| wrong("the header is not UTF-8"))?;
            let names = names.trim_end_matches(['\r', '\n']);
            if !names.is_empty() {
                let header =
                    Self::of(names.split(','), mapping).map_err(|message| in_header(shown, line, &message))?;
                return Ok((header, start, line));
            }
        }
        Err(in_header(shown, 1, &no_id(mapping.column(Field::Id))))
    }

    fn row<'a>(&'a self, fields: impl Iterator<Item = &'a str>) -> Result<Row<'a>, String> {
        let mut row = Row::default();
        for ((name, field), value) in self.0.iter().zip(fields) {
            let text = || known(Cow::Borrowed(value));
            match field {
                Field::Id => row.id = Some(Cow::Borrowed(value)),
                Field::Kind => row.kind = text(),
                Field::Tenant => row.tenant = text(),
                Field::Environment => row.environment = text(),
                Field::State => row.state = text(),
                Field::CreatedAt => row.created_at = time(value)?,
                Field::LastUsedAt => row.last_used_at = time(value)?,
                Field::SizeBytes => row.size_bytes = number(value)?,
                Field::Own if says_something(value) => {
                    row.extra.push((Cow::Borrowed(name), Cow::Borrowed(value)));
                }
                Field::Own => {}
            }
        }
        Ok(row)
    }

    /// Reads the rows of a block without quotes, in which every line is a row. Gives how many lines they are.
    pub fn read_plain(&self, block: &[u8], mut each: impl FnMut(&Row<'_>)) -> Result<u64, Wrong> {
        each_line(block, |line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                return Ok(());
            }
            let count = 1 + memchr::memchr_iter(b',', line.as_bytes()).count();
            if count != self.0.len() {
                return Err(lengths(count as u64, self.0.len() as u64));
            }
            each(&self.row(line.split(','))?);
            Ok(())
        })
    }
}

/// Whether every line of a text is a row, and every comma between two fields. Quotes say otherwise, and so do lines
/// that end in a carriage return alone.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let ends_line = |at: usize| matches!(text.get(at + 1), Some(b'\n'));
    memchr::memchr(b'"', text).is_none() && memchr::memchr_iter(b'\r', text).all(ends_line)
}

/// Reads the rows of a text with quotes. Without `header` they come after one.
pub(super) fn read(
    reader: &mut impl Read,
    shown: &str,
    header: Option<Header>,
    lines: u64,
    mapping: &Mapping,
    mut each: impl FnMut(&Row<'_>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
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

/// The longest record that is taken for one, and how much is read at once.
const MOST_BYTES: usize = 1 << 20;
const BUFFER: usize = 1 << 18;

/// A reader that watches what is read. It gives up where a record does not end: a quote that is never closed must not
/// fill the memory. Nor may such a quote swallow the rest of a list, so quotes are counted. And it knows on which line
/// a record begins, which the parser does not where lines are blank or end in two characters.
struct Watched<R> {
    reader: R,
    /// Bytes that may still be read before the record ends.
    left: usize,
    read: u64,
    quotes: u64,
    /// Where the characters at the end of lines are, and whether each begins a new one.
    ends: VecDeque<(u64, bool)>,
    line: u64,
}

impl<R> Watched<R> {
    /// The line on which the record begins that comes next after a place, with everything before it out of mind.
    fn line(&mut self, mut place: u64) -> u64 {
        while let Some((at, begins)) = self.ends.front().copied().filter(|(at, _)| *at <= place) {
            self.ends.pop_front();
            self.line += u64::from(begins);
            place += u64::from(at == place);
        }
        self.line
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        self.quotes += memchr::memchr_iter(b'"', bytes).count() as u64;
        let ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
        self.ends.extend(ends.map(|at| (self.read + at as u64, bytes.get(at) == Some(&b'\n'))));
        self.read += count as u64;
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => return Err(std::io::Error::other(format!("a row is longer than {} KiB", MOST_BYTES >> 10))),
        }
        Ok(count)
    }
}

fn no_id(id: &str) -> String {
    format!("there is no column `{id}`")
}

/// Looks whether the columns of a header can be told apart, and whether the id is among them.
fn check<'a>(names: impl Iterator<Item = &'a str> + Clone, id: &str) -> Result<(), String> {
    for (i, name) in names.clone().enumerate() {
        if names.clone().take(i).any(|other| other == name) {
            return Err(format!("the column `{name}` stands there twice"));
        }
    }
    if names.clone().any(|name| name == id) { Ok(()) } else { Err(no_id(id)) }
}

fn in_header(shown: &str, line: u64, message: &str) -> Unreadable {
    let unreadable = Unreadable::new(shown, Place::Line(line), message);
    if message.starts_with("there is no column") {
        unreadable.help("the first line of a CSV file names its columns")
    } else {
        unreadable
    }
}

/// Calls `each` with every record of an inventory: its fields by the names of their columns. `allow` says which
/// columns there may be.
pub(super) fn each_named_record(
    reader: &mut impl Read,
    shown: &str,
    allow: impl Fn(&str) -> Result<(), String>,
    mut each: impl for<'a> FnMut(&mut dyn Iterator<Item = (&'a str, &'a str)>) -> Result<(), String>,
) -> Result<(), Unreadable> {
    let header = |names: csv::StringRecordIter<'_>| {
        names.clone().try_for_each(&allow)?;
        check(names.clone(), "id")?;
        Ok(Header(names.map(|name| (name.to_owned(), Field::Own)).collect()))
    };
    each_record(reader, shown, 0, None, header, |header, record| {
        each(&mut header.0.iter().map(|(name, _)| name.as_str()).zip(record))
    })
}

/// Calls `each` with the header and every record of a text of which so many lines were read already, and perhaps the
/// header. `of` makes a header of the first record.
fn each_record(
    reader: &mut impl Read,
    shown: &str,
    lines: u64,
    header: Option<Header>,
    of: impl Fn(csv::StringRecordIter<'_>) -> Result<Header, String>,
    mut each: impl FnMut(&Header, &StringRecord) -> Result<(), String>,
) -> Result<(), Unreadable> {
    let watched =
        Watched { reader, left: MOST_BYTES + BUFFER, read: 0, quotes: 0, ends: VecDeque::new(), line: lines + 1 };
    let mut csv = ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(BUFFER).from_reader(watched);
    let mut record = StringRecord::new();
    // Reads a record, and gives its line unless there is none.
    let mut next = |record: &mut StringRecord| -> Result<Option<u64>, Unreadable> {
        let start = csv.position().byte();
        let found = csv.read_record(record);
        let watched = csv.get_mut();
        watched.left = MOST_BYTES + BUFFER;
        let line = watched.line(start);
        match found {
            Ok(true) => Ok(Some(line)),
            Ok(false) if watched.quotes.is_multiple_of(2) => Ok(None),
            Ok(false) => Err(Unreadable::new(shown, Place::Whole, "a quote is opened and never closed").help(
                "put a field with a quote in it into quotes, and write its own quotes twice: `\"5\"\" disk\"`",
            )),
            Err(error) => Err(explain(shown, line, &error)),
        }
    };
    let header = match header {
        Some(header) => header,
        None => {
            let line = next(&mut record)?.unwrap_or(1);
            of(record.iter()).map_err(|message| in_header(shown, line, &message))?
        }
    };
    while let Some(line) = next(&mut record)? {
        let checked = if record.len() == header.0.len() {
            each(&header, &record)
        } else {
            Err(lengths(record.len() as u64, header.0.len() as u64))
        };
        checked.map_err(|message| Unreadable::new(shown, Place::Line(line), message))?;
    }
    Ok(())
}

/// A time, where the field is not blank.
pub(super) fn time(text: &str) -> Result<Option<i64>, String> {
    if text.trim().is_empty() { Ok(None) } else { Timestamp::parse(text.trim()).map(|at| Some(at.seconds())) }
}

/// A count, where the field is not blank.
pub(super) fn number(text: &str) -> Result<Option<u64>, String> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| format!("`{text}` is not a whole number")),
    }
}

fn lengths(row: u64, header: u64) -> String {
    format!("the row has {row} fields, and the header {header}")
}

fn explain(shown: &str, line: u64, error: &csv::Error) -> Unreadable {
    match error.kind() {
        ErrorKind::Utf8 { err, .. } => {
            Unreadable::new(shown, Place::Line(line), format!("field {} is not UTF-8", err.field() + 1))
        }
        ErrorKind::Io(error) => Unreadable::new(shown, Place::Whole, super::folder::describe(error)),
        _ => Unreadable::new(shown, Place::Line(line), error.to_string()),
    }
}
