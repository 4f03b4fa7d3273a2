//! What a reader is given: the bytes of a file, those of the files it names, and what a person says of it.

use crate::json::{self, Value};
use reprieve_batch::{Place, ReadError};

/// A file of another tool.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Its name in messages, for example `plan.json` or `<stdin>`.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Reads a file beside it, by a path relative to its folder.
    pub companion: &'a dyn Fn(&str) -> Result<Vec<u8>, ReadError>,
}

/// What a person says of a file, because the file does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The kind of its items.
    pub kind: Option<String>,
    /// The columns or members that make up the id.
    pub id: Vec<String>,
    /// Whether a file of lines has no header.
    pub no_header: bool,
}

impl<'a> Input<'a> {
    /// Returns an error at a place of the file.
    pub fn error(&self, place: Place, message: impl Into<String>) -> ReadError {
        ReadError::new(self.name, place, message)
    }

    /// Returns an error at a JSON pointer of the file.
    pub fn error_at(&self, pointer: impl Into<String>, message: impl Into<String>) -> ReadError {
        self.error(Place::Pointer { pointer: pointer.into(), line: 1 }, message)
    }

    /// Returns an error at the line of an offset in bytes.
    pub fn error_at_byte(&self, offset: usize, message: impl Into<String>) -> ReadError {
        let lines = self.bytes.iter().take(offset).filter(|byte| **byte == b'\n').count();
        self.error(Place::Line(lines as u64 + 1), message)
    }

    /// Returns the file as text: UTF-8, without its byte order mark.
    ///
    /// # Errors
    /// [`ReadError`] with the line of the first byte that is not UTF-8, or if the file is empty.
    pub fn text(&self) -> Result<&'a str, ReadError> {
        let text = str::from_utf8(self.bytes).map_err(|error| {
            self.error_at_byte(error.valid_up_to(), format!("byte {} is not UTF-8", error.valid_up_to()))
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(self.error(Place::Whole, "the file is empty"));
        }
        Ok(text)
    }

    /// Parses the file as one JSON document. Duplicated members, text after its end and documents that are nested more than
    /// 128 deep are errors.
    ///
    /// # Errors
    /// [`ReadError`] with the line of the fault.
    pub fn json(&self) -> Result<Value<'a>, ReadError> {
        let text = self.text()?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = json::value(&mut deserializer).map_err(|error| self.json_error(&error))?;
        deserializer.end().map_err(|error| self.json_tail_error(&error))?;
        Ok(value)
    }

    /// Describes an error at the end of a JSON document.
    pub(crate) fn json_tail_error(&self, error: &serde_json::Error) -> ReadError {
        let message = "there is more after the end of the JSON document";
        self.error(Place::Line(error.line() as u64), message)
            .with_help("pass the output of one command, without lines of a wrapper around it")
    }

    /// Describes an error of a JSON document that is parsed into types. The pointer is that of the value at fault.
    pub(crate) fn typed_json_error(&self, error: &serde_json::Error, pointer: String) -> ReadError {
        if !error.is_data() {
            return self.json_error(error);
        }
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        self.error(Place::Pointer { pointer, line: error.line() as u64 }, message)
    }

    fn json_error(&self, error: &serde_json::Error) -> ReadError {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        let line = Place::Line(error.line() as u64);
        if error.line() == 1 && error.column() <= 1 {
            let first: String = self.text().unwrap_or("").lines().next().unwrap_or("").chars().take(60).collect();
            return self
                .error(line, format!("not JSON: line 1 is `{first}`"))
                .with_help("pass the output of one command, without lines of a wrapper around it");
        }
        self.error(line, format!("not JSON: {message}"))
    }
}
