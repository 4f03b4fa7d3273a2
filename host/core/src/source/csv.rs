//! CSV with a header: target lists and inventories.

use super::row::{FIELDS, known, unknown_field};
use super::{Place, Unreadable};
use crate::columns::Row;
use csv::{ErrorKind, ReaderBuilder, StringRecord};
use reprieve_model::Timestamp;
use std::borrow::Cow;
use std::cell::Cell;
use std::io::Read;

pub(super) fn read(reader: &mut impl Read, shown: &str, mut each: impl FnMut(&Row<'_>)) -> Result<(), Unreadable> {
    each_record(
        reader,
        shown,
        |name| if FIELDS.contains(&name) || name.starts_with("x_") { Ok(()) } else { Err(unknown_field(name)) },
        |header, record| {
            let mut row = Row::default();
            for (name, value) in header.iter().zip(record) {
                let text = || known(Cow::Borrowed(value));
                match name {
                    "id" => row.id = Some(Cow::Borrowed(value)),
                    "kind" => row.kind = text(),
                    "tenant" => row.tenant = text(),
                    "environment" => row.environment = text(),
                    "state" => row.state = text(),
                    "created_at" => row.created_at = time(value)?,
                    "last_used_at" => row.last_used_at = time(value)?,
                    "size_bytes" => row.size_bytes = number(value)?,
                    _ => row.extra.extend(text().map(|text| (Cow::Borrowed(name), text))),
                }
            }
            each(&row);
            Ok(())
        },
    )
}

/// The longest record that is taken for one, and how much is read at once.
const MOST_BYTES: usize = 1 << 20;
const BUFFER: usize = 1 << 18;

/// A reader that gives up where a record does not end: a quote that is never closed must not fill the memory.
struct Bounded<'a, R> {
    reader: R,
    left: &'a Cell<usize>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        match self.left.get().checked_sub(count) {
            Some(left) => self.left.set(left),
            None => return Err(std::io::Error::other(format!("a row is longer than {} KiB", MOST_BYTES >> 10))),
        }
        Ok(count)
    }
}

/// Calls `each` with the header and every record. `allow` says which columns there may be.
pub(super) fn each_record(
    reader: &mut impl Read,
    shown: &str,
    allow: impl Fn(&str) -> Result<(), String>,
    mut each: impl FnMut(&StringRecord, &StringRecord) -> Result<(), String>,
) -> Result<(), Unreadable> {
    let left = Cell::new(MOST_BYTES + BUFFER);
    let mut csv = ReaderBuilder::new().buffer_capacity(BUFFER).from_reader(Bounded { reader, left: &left });
    let header = csv.headers().map_err(|error| explain(shown, &error))?.clone();
    let in_header = |message: String| Unreadable::new(shown, Place::Line(1), message);
    for (i, name) in header.iter().enumerate() {
        allow(name).map_err(in_header)?;
        if header.iter().take(i).any(|other| other == name) {
            return Err(in_header(format!("the column `{name}` stands there twice")));
        }
    }
    if !header.iter().any(|name| name == "id") {
        return Err(
            in_header("there is no column `id`".into()).help("the first line of a CSV file names its columns")
        );
    }
    let mut record = StringRecord::new();
    while csv.read_record(&mut record).map_err(|error| explain(shown, &error))? {
        each(&header, &record).map_err(|message| {
            let line = record.position().map_or(0, csv::Position::line);
            Unreadable::new(shown, Place::Line(line), message)
        })?;
        left.set(MOST_BYTES + BUFFER);
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

fn explain(shown: &str, error: &csv::Error) -> Unreadable {
    let line = error.position().map(csv::Position::line);
    let place = line.map_or(Place::Whole, Place::Line);
    let message = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields, and the header {expected_len}")
        }
        ErrorKind::Utf8 { err, .. } => format!("field {} is not UTF-8", err.field() + 1),
        ErrorKind::Io(error) => super::folder::describe(error),
        _ => error.to_string(),
    };
    Unreadable::new(shown, place, message)
}
