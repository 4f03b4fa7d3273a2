//! CSV and TSV by the rules of PostgreSQL's COPY. Unlike in a library for CSV, a quoted field differs from one without
//! quotes: `""` is an empty text, and nothing at all is NULL.

use crate::Input;
use reprieve_batch::{Place, ReadError};
use std::borrow::Cow;

/// What is between two fields.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Delimiter {
    Comma,
    Tab,
}

/// A field of a row.
pub(super) struct Field<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) quoted: bool,
}

/// A row with its first line.
pub(super) struct Row<'a> {
    pub(super) line: u64,
    pub(super) fields: Vec<Field<'a>>,
    /// Whether a line end follows it.
    pub(super) is_ended: bool,
}

/// Reads rows one after the other.
pub(super) struct Rows<'a> {
    input: Input<'a>,
    rest: &'a str,
    line: u64,
    delimiter: Delimiter,
}

impl<'a> Rows<'a> {
    pub(super) fn new(input: &Input<'a>, text: &'a str, delimiter: Delimiter) -> Self {
        Self { input: *input, rest: text, line: 1, delimiter }
    }

    /// Returns the next row, or `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Row<'a>>, ReadError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut row = Row { line: self.line, fields: Vec::new(), is_ended: false };
        let delimiter = if self.delimiter == Delimiter::Comma { ',' } else { '\t' };
        loop {
            row.fields.push(if self.rest.starts_with('"') { self.quoted()? } else { self.plain(delimiter)? });
            if let Some(rest) = self.rest.strip_prefix(delimiter) {
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n')) {
                self.rest = rest;
                self.line = self.line.saturating_add(1);
                row.is_ended = true;
                return Ok(Some(row));
            } else if self.rest.is_empty() {
                return Ok(Some(row));
            } else {
                return Err(self.error("there is text after the closing quote of a field"));
            }
        }
    }

    fn plain(&mut self, delimiter: char) -> Result<Field<'a>, ReadError> {
        let end = self.rest.find([delimiter, '\n']).unwrap_or(self.rest.len());
        let (mut text, mut rest) = self.rest.split_at(end);
        if let Some(line) = text.strip_suffix('\r').filter(|_| rest.starts_with('\n')) {
            rest = self.rest.get(line.len()..).unwrap_or(rest);
            text = line;
        }
        if text.contains('\r') {
            return Err(self.error("there is a carriage return within the line"));
        }
        if text.contains('"') {
            return Err(self.error("there is a quote within a field that does not begin with one"));
        }
        self.rest = rest;
        Ok(Field { text: Cow::Borrowed(text), quoted: false })
    }

    fn quoted(&mut self) -> Result<Field<'a>, ReadError> {
        let mut text = Cow::Borrowed("");
        let mut rest = self.rest.get(1..).unwrap_or("");
        loop {
            let Some(end) = rest.find('"') else { return Err(self.error("the closing quote of a field is missing")) };
            let (part, after) = rest.split_at(end);
            text += part;
            rest = after.get(1..).unwrap_or("");
            match rest.strip_prefix('"') {
                Some(after) => {
                    text += "\"";
                    rest = after;
                }
                None => break,
            }
        }
        let breaks = text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        if breaks > 0 && self.delimiter == Delimiter::Tab {
            let message = "a quoted field goes over several lines: whether the quotes count is ambiguous in TSV";
            return Err(self.error(message));
        }
        self.line = self.line.saturating_add(breaks);
        self.rest = rest;
        Ok(Field { text, quoted: true })
    }

    fn error(&self, message: &str) -> ReadError {
        self.input.error(Place::Line(self.line), message)
    }
}
