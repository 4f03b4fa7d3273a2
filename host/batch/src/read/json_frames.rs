//! Finds the rows of a JSON document without parsing them. It reads the brackets around rows and checks what is between
//! them; several threads parse the rows. It goes through the text piece by piece, so a document may have any length.

use super::blocks::MAX_LINE_BYTES;
use super::json_scan::{container_end, skip_blank, string_end, value_end};
use super::json_shape::{Shape, ambiguous, is_usual, message, shape_of};
use serde::de::IgnoredAny;
use std::ops::Range;

/// Where the reader is in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before, between or after the arrays or objects of a document.
    Top,
    /// After the `[` of an array of rows.
    ArrayStart,
    /// After a row of an array.
    AfterRow,
    /// After a comma between rows.
    BeforeRow,
    /// After the `{` of an object that has the rows in a member.
    ObjectStart,
    /// After a member of it.
    AfterMember,
    /// After a comma between members.
    BeforeMember,
}

/// A mistake in a document.
#[derive(Debug)]
pub(super) struct FrameError {
    /// The offset in the piece that was read.
    pub offset: usize,
    pub message: String,
}

type Step = Result<Option<usize>, FrameError>;

/// A reader of the brackets of a document.
pub(super) struct Frames<F> {
    /// Tells which members are those of an id.
    is_id: F,
    shape: Option<Shape>,
    state: State,
    /// The array of the current object that had the rows.
    found: Option<String>,
}

impl<F: Fn(&str) -> bool> Frames<F> {
    pub const fn new(is_id: F) -> Self {
        Self { is_id, shape: None, state: State::Top, found: None }
    }

    /// Finds the rows in the next piece of a document; `is_last` if no piece follows. Returns the number of bytes that were
    /// read: the next piece begins there. A piece that is not the last one must be longer than a row may be.
    pub fn read(&mut self, text: &[u8], is_last: bool, rows: &mut Vec<Range<usize>>) -> Result<usize, FrameError> {
        let mut at = 0;
        loop {
            let start = skip_blank(text, at);
            if start == text.len() {
                at = start;
                break;
            }
            match self.step(text, start, is_last, rows)? {
                Some(end) => at = end,
                None => {
                    at = start;
                    break;
                }
            }
        }
        if !is_last && text.len() - at > MAX_LINE_BYTES {
            return Err(wrong(at, format!("a value is longer than {} KiB", MAX_LINE_BYTES >> 10)));
        }
        if is_last && (at < text.len() || self.state != State::Top) {
            return Err(wrong(text.len(), "the JSON ends too early"));
        }
        if is_last && self.shape.is_none() {
            return Err(wrong(0, "there is no JSON in the file; an empty list is `[]`"));
        }
        Ok(at)
    }

    /// Reads the next piece of syntax, which begins at `at`. Returns where it ends; `None` if the text ends before.
    fn step(&mut self, text: &[u8], at: usize, is_last: bool, rows: &mut Vec<Range<usize>>) -> Step {
        let byte = text[at];
        match (self.state, byte) {
            (State::Top, _) => return self.document(text, at, is_last, rows),
            (State::ArrayStart | State::BeforeRow, b'{') => {
                let Some(end) = container_end(text, at) else { return Ok(None) };
                rows.push(at..end);
                self.state = State::AfterRow;
                return Ok(Some(end));
            }
            (State::ArrayStart | State::AfterRow, b']') => {
                let in_member = !matches!(self.shape, Some(Shape::Arrays));
                self.state = if in_member { State::AfterMember } else { State::Top };
            }
            (State::AfterRow, b',') => self.state = State::BeforeRow,
            (State::AfterRow, _) => return Err(wrong(at, "expected `,` or `]` after an element of the array")),
            (State::BeforeRow, b']') => {
                return Err(wrong(at, "there is no element after the last comma of the array"));
            }
            (State::ArrayStart | State::BeforeRow, _) => {
                return Err(wrong(at, "an element of the array is not an object"));
            }
            (State::ObjectStart | State::AfterMember, b'}') => self.end_object(at)?,
            (State::AfterMember, b',') => self.state = State::BeforeMember,
            (State::AfterMember, _) => return Err(wrong(at, "expected `,` or `}` after a member of the object")),
            (State::ObjectStart | State::BeforeMember, b'"') => return self.member(text, at, is_last),
            (State::ObjectStart | State::BeforeMember, _) => return Err(wrong(at, "expected the name of a member")),
        }
        Ok(Some(at + 1))
    }

    /// Reads the beginning of an array or object of the document.
    fn document(&mut self, text: &[u8], at: usize, is_last: bool, rows: &mut Vec<Range<usize>>) -> Step {
        let shape = match (&self.shape, text[at]) {
            (None | Some(Shape::Arrays), b'[') => Shape::Arrays,
            (Some(shape), b'{') if *shape != Shape::Arrays => shape.clone(),
            (None, b'{') => match container_end(text, at) {
                Some(end) if end - at <= MAX_LINE_BYTES => {
                    let object = str::from_utf8(&text[at..end]).map_err(|_| wrong(at, "it is not UTF-8"))?;
                    shape_of(object, &self.is_id).map_err(|error| {
                        let lines = object.split_inclusive('\n').take(error.line().saturating_sub(1));
                        wrong(at + lines.map(str::len).sum::<usize>(), message(&error))
                    })?
                }
                None if is_last || text.len() - at <= MAX_LINE_BYTES => return Ok(None),
                _ => Shape::FirstMember,
            },
            (None, _) => return Err(wrong(at, "expected an array of objects, or an object")),
            (Some(_), b'[') => return Err(wrong(at, "an array follows an object")),
            (Some(_), b'{') => return Err(wrong(at, "an object follows an array")),
            (Some(_), _) => return Err(wrong(at, "there is more after the end of the JSON")),
        };
        let is_row = shape == Shape::Objects;
        self.state = match shape {
            Shape::Arrays => State::ArrayStart,
            Shape::Objects => State::Top,
            Shape::Member(_) | Shape::FirstMember => State::ObjectStart,
        };
        self.shape = Some(shape);
        if !is_row {
            return Ok(Some(at + 1));
        }
        let end = container_end(text, at);
        rows.extend(end.map(|end| at..end));
        Ok(end)
    }

    /// Reads a member of an object that has the rows in one of its members: up to its end, or to the first row.
    fn member(&mut self, text: &[u8], at: usize, is_last: bool) -> Step {
        let Some(name_end) = string_end(text, at) else { return Ok(None) };
        let name = serde_json::from_slice::<String>(&text[at..name_end]);
        let name = name.map_err(|error| wrong(at, message(&error)))?;
        if self.shape == Some(Shape::FirstMember) && (self.is_id)(&name) {
            return Err(wrong(at, format!("a row is longer than {} KiB", MAX_LINE_BYTES >> 10)));
        }
        let colon = skip_blank(text, name_end);
        match text.get(colon) {
            None => return Ok(None),
            Some(b':') => {}
            Some(_) => return Err(wrong(colon, "expected `:` after the name of a member")),
        }
        let start = skip_blank(text, colon + 1);
        let Some(first) = text.get(start) else { return Ok(None) };
        if *first == b'[' {
            let inside = skip_blank(text, start + 1);
            let Some(element) = text.get(inside) else { return Ok(None) };
            if self.has_rows(&name, *element, at)? {
                self.found = Some(name);
                self.state = State::ArrayStart;
                return Ok(Some(start + 1));
            }
        }
        let Some(end) = value_end(text, start, is_last) else { return Ok(None) };
        let value = &text[start..end];
        serde_json::from_slice::<IgnoredAny>(value).map_err(|error| wrong(start, message(&error)))?;
        if matches!(&self.shape, Some(Shape::Member(rows)) if *rows == name) {
            if value != b"null" || self.found.is_some() {
                return Err(wrong(
                    at,
                    format!("the member `{name}` is not an array of objects, or it is duplicated"),
                ));
            }
            self.found = Some(name);
        }
        self.state = State::AfterMember;
        Ok(Some(end))
    }

    /// Whether an array is the one that has the rows.
    fn has_rows(&self, name: &str, first: u8, at: usize) -> Result<bool, FrameError> {
        match (&self.shape, &self.found) {
            (Some(Shape::Member(rows)), Some(_)) if rows == name => {
                Err(wrong(at, format!("the member `{name}` is duplicated")))
            }
            (Some(Shape::Member(rows)), _) => Ok(rows == name),
            (_, None) => Ok(first == b'{' || (is_usual(name) && first == b']')),
            (_, Some(found)) if first != b'{' || (is_usual(found) && !is_usual(name)) => Ok(false),
            (_, Some(found)) => Err(wrong(at, ambiguous(&[found, name]))),
        }
    }

    fn end_object(&mut self, at: usize) -> Result<(), FrameError> {
        match (self.found.take(), &self.shape) {
            (Some(name), Some(Shape::FirstMember)) => self.shape = Some(Shape::Member(name)),
            (Some(_), _) => {}
            (None, Some(Shape::Member(name))) => {
                return Err(wrong(at, format!("the object has no array `{name}`, which the first one has")));
            }
            (None, _) => return Err(wrong(at, "the object has no array of objects")),
        }
        self.state = State::Top;
        Ok(())
    }

    /// Returns where the rows are, once that is known.
    pub const fn shape(&self) -> Option<&Shape> {
        self.shape.as_ref()
    }
}

fn wrong(offset: usize, message: impl Into<String>) -> FrameError {
    FrameError { offset, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A document is the same in pieces of any length.
        #[test]
        fn rows_do_not_depend_on_the_pieces(count in 1_usize..6, cut in 0_usize..200) {
            let rows: Vec<String> = (0..count).map(|i| format!(r#"{{"id": "{i}\"}}", "a": [{{}}]}}"#)).collect();
            let text = format!(r#"{{"next": "x", "Rows": [{}], "n": 12}} "#, rows.join(" , "));
            let mut frames = Frames::new(|name: &str| name == "id");
            frames.shape = Some(Shape::FirstMember);
            frames.state = State::ObjectStart;
            let mut found = Vec::new();
            let cut = 1 + cut.min(text.len() - 1);
            let (mut at, mut to) = (1, cut);
            while at < text.len() {
                let mut ranges = Vec::new();
                let is_last = to == text.len();
                let used = frames.read(&text.as_bytes()[at..to], is_last, &mut ranges).unwrap_or_else(|error| panic!("{error:?}"));
                found.extend(ranges.into_iter().map(|row| text[at..][row].to_owned()));
                at += used;
                to = (to + cut).min(text.len());
                if is_last {
                    break;
                }
            }
            prop_assert_eq!(found, rows);
        }
    }
}
