//! Target lists in CSV. Columns are separated by commas, semicolons, tabs or bars, which the header shows.

use super::blocks::{BLANK_LINE, LineError, each_line};
use super::csv_records::{each_record, wrong_length};
use super::dialect::{Expected, Opening};
use super::mapping::{Mapping, Role, check_distinct, join_parts};
use super::read_as::ReadAs;
use crate::columns::{Field, OwnValue, Row, Slot};
use crate::error::{Place, ReadError};
use crate::text::{control_character, describe_control, is_unknown, known, number};
use crate::times::time;
use reprieve_model::NumericTimes;
use std::borrow::Cow;
use std::io::Read;

/// A header.
#[derive(Debug)]
pub(super) struct Header {
    columns: Vec<HeaderColumn>,
    delimiter: u8,
    /// The number of columns that the id is joined from; 0 if it is read from one.
    parts: usize,
    times: Option<NumericTimes>,
}

/// A column, and what it holds; `None` if it is left alone.
#[derive(Debug)]
struct HeaderColumn {
    name: String,
    role: Option<Role>,
}

const MISSPELLED_HELP: &str = "rename the column, or map the field to its column: `\"columns\": {\"tenant\": \"…\"}`";

impl Header {
    /// Reads the beginning of a list off its first block. `tabs` if its columns are separated by tabs.
    pub fn read(
        text: &[u8],
        is_whole: bool,
        tabs: bool,
        shown: &str,
        mapping: &Mapping,
    ) -> Result<(Self, Opening), ReadError> {
        let mut columns: Vec<(Field, &str)> = mapping.required().collect();
        columns.sort_by_key(|(field, _)| field.position());
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        let numbered = mapping.no_header.then(|| mapping.max_number());
        let expected = Expected { tabs, skip_lines: mapping.skip_lines, columns, is_list: true, numbered };
        let opening = expected.read(text, is_whole, shown)?;
        let header = Self::of(&opening, mapping).map_err(|message| {
            let error = ReadError::new(shown, Place::Line(opening.header_line.unwrap_or(1)), message);
            if error.message.contains("did you mean") { error.with_help(MISSPELLED_HELP) } else { error }
        })?;
        Ok((header, opening))
    }

    fn of(opening: &Opening, mapping: &Mapping) -> Result<Self, String> {
        let names = || opening.names.iter().map(String::as_str);
        let columns = names().map(|name| Ok(HeaderColumn { name: name.to_owned(), role: mapping.role(name)? }));
        let columns = columns.collect::<Result<Vec<_>, String>>()?;
        check_distinct(names(), |name| mapping.known(name).is_some())?;
        Ok(Self { columns, delimiter: opening.delimiter, parts: mapping.parts(), times: mapping.times })
    }

    /// The number of columns.
    pub const fn len(&self) -> usize {
        self.columns.len()
    }

    /// What separates the columns.
    pub const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Adds how the list is read.
    pub fn describe(&self, opening: &Opening, mapping: &Mapping, read_as: &mut ReadAs) {
        read_as.delimiter = Some(char::from(self.delimiter));
        read_as.header_line = opening.header_line;
        read_as.use_columns(mapping, |name| self.columns.iter().any(|column| column.name == name));
        let left_alone = self.columns.iter().filter(|column| column.role.is_none());
        read_as.leave_alone(left_alone.map(|column| column.name.clone()));
    }

    /// Reads the fields of a row.
    pub fn row<'a>(&'a self, fields: impl Iterator<Item = &'a str>) -> Result<Row<'a>, String> {
        let mut row = Row::default();
        // It stays empty, which costs nothing, unless the id is joined.
        let mut parts: Vec<Option<Cow<'a, str>>> = Vec::new();
        parts.resize(self.parts, None);
        for (column, value) in self.columns.iter().zip(fields) {
            let Some(Role { field, part }) = column.role else {
                // It is left alone, but a program that reads lines must see the same rows.
                check_escapable(column, value)?;
                continue;
            };
            match field.slot {
                Slot::Id => match part {
                    None => row.id = Some(Cow::Borrowed(value)),
                    Some(part) => {
                        let part = parts.get_mut(usize::from(part));
                        part.into_iter().for_each(|part| *part = Some(Cow::Borrowed(value)));
                    }
                },
                Slot::Text(i) => row.texts[i] = known(Cow::Borrowed(value)),
                Slot::Time(i) => {
                    check_escapable(column, value)?;
                    row.times[i] = time(field.name(), value, self.times)?;
                }
                Slot::Number(i) => {
                    check_escapable(column, value)?;
                    row.numbers[i] = number(value)?;
                }
                Slot::Own => {
                    check_escapable(column, value)?;
                    if !is_unknown(value) {
                        row.own.push(OwnValue { name: Cow::Borrowed(&column.name), text: Cow::Borrowed(value) });
                    }
                }
            }
        }
        if self.parts > 0 {
            row.id = join_parts(parts).map(Cow::Owned);
        }
        Ok(row)
    }

    /// Reads the rows of a block without quotes, in which every line is a row. Returns the number of lines.
    pub fn read_plain(&self, block: &[u8], mut each: impl FnMut(&Row<'_>)) -> Result<u64, LineError> {
        let delimiter = char::from(self.delimiter);
        each_line(block, |line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                return Err(BLANK_LINE.to_owned());
            }
            let count = 1 + memchr::memchr_iter(self.delimiter, line.as_bytes()).count();
            if count != self.len() {
                return Err(wrong_length(count as u64, self.len() as u64));
            }
            each(&self.row(line.split(delimiter))?);
            Ok(())
        })
    }
}

/// Checks that a value has no control character but a tab, because CSV cannot escape it.
fn check_escapable(column: &HeaderColumn, value: &str) -> Result<(), String> {
    match control_character(value) {
        Some(c) if c != '\t' => {
            Err(format!("`{}`: {}, which CSV cannot escape", column.name.escape_debug(), describe_control(c)))
        }
        _ => Ok(()),
    }
}

/// Whether every line of a text is a row and every delimiter separates two fields. This is not so if the text has quotes,
/// or lines that end in a carriage return alone.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let ends_line = |at: usize| matches!(text.get(at + 1), Some(b'\n'));
    memchr::memchr(b'"', text).is_none() && memchr::memchr_iter(b'\r', text).all(ends_line)
}

/// Reads the rows of a text with quotes. `lines` lines were read before, with the header.
pub(super) fn read_quoted_rows(
    reader: &mut impl Read,
    shown: &str,
    header: &Header,
    lines: u64,
    mut each: impl FnMut(&Row<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut failed = None;
    let done = each_record(reader, shown, lines, header.len(), header.delimiter(), |_, record| {
        let row = header.row(record.iter())?;
        each(&row).map_err(|error| {
            let message = error.message.clone();
            failed = Some(error);
            message
        })
    });
    failed.map_or(done, Err)
}
