//! Checks that a CSV text is one for every reader: quotes only around whole fields, no blank lines, and no carriage return
//! without a line feed. Parsers differ in what they make of anything else.

use super::blocks::BLANK_LINE;
use std::fmt;

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(super) struct Violation {
    /// The line, counted from 1.
    pub line: u64,
    pub message: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for Violation {}

/// Where a reader is in a text.
#[derive(Clone, Copy)]
enum State {
    RecordStart,
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote in a quoted field: the field ends, or the quote is doubled.
    Closed,
    /// After a carriage return.
    Return {
        /// Whether the line is blank.
        blank: bool,
    },
}

/// A check of a text that is read piece by piece.
pub(super) struct Quotes {
    state: State,
    line: u64,
    delimiter: u8,
}

impl Quotes {
    /// Begins at the start of a record, on `line`.
    pub const fn new(line: u64, delimiter: u8) -> Self {
        Self { state: State::RecordStart, line, delimiter }
    }

    /// Checks the next piece of the text.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        for byte in bytes {
            self.state = self.step(*byte).map_err(|message| Violation { line: self.line, message })?;
            self.line += u64::from(*byte == b'\n');
        }
        Ok(())
    }

    fn step(&self, byte: u8) -> Result<State, &'static str> {
        Ok(match (self.state, byte) {
            (State::RecordStart | State::Return { blank: true }, b'\n') => return Err(BLANK_LINE),
            (State::RecordStart, b'\r') => State::Return { blank: true },
            (State::Return { .. }, b'\n') => State::RecordStart,
            (State::Return { .. }, _) => return Err("a carriage return is not followed by a line feed"),
            (State::Quoted, b'"') => State::Closed,
            // Tab-separated text has no quotes for some readers: they would see more rows or fields.
            (State::Quoted, b'\n' | b'\t') if self.delimiter == b'\t' => {
                return Err(
                    "a quoted field has a line break or a tab, which not every reader of tab-separated text allows",
                );
            }
            (State::Quoted, _) => State::Quoted,
            (State::RecordStart | State::FieldStart, b'"') | (State::Closed, b'"') => State::Quoted,
            (State::Unquoted, b'"') => return Err("a quote is inside a field that does not begin with one"),
            (_, byte) if byte == self.delimiter => State::FieldStart,
            (_, b'\n') => State::RecordStart,
            (_, b'\r') => State::Return { blank: false },
            (State::Closed, _) => return Err("a field goes on after its closing quote"),
            (State::RecordStart | State::FieldStart | State::Unquoted, _) => State::Unquoted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, piece: usize) -> Result<(), (u64, &'static str)> {
        let mut quotes = Quotes::new(1, b',');
        let pieces = text.as_bytes().chunks(piece);
        pieces.into_iter().try_for_each(|piece| quotes.read(piece)).map_err(|wrong| (wrong.line, wrong.message))
    }

    #[test]
    fn accepts_what_every_reader_reads_alike() {
        for text in
            ["id\na\n", "id,kind\r\n\"a\",b\r\n", "id\n\"a,b\"\n\"a\"\"b\"\n\"\"\n", "id\n\"a\nb\"\n", "id,k\na,\n,b"]
        {
            for piece in [1, 2, 1000] {
                assert_eq!(check(text, piece), Ok(()), "{text:?}");
            }
        }
    }

    #[test]
    fn finds_what_readers_disagree_about() {
        for (text, line, message) in [
            ("id\n\na\n", 2, BLANK_LINE),
            ("\nid\n", 1, BLANK_LINE),
            ("id\na\n\n", 3, BLANK_LINE),
            ("id\r\na\r\n\r\n", 3, BLANK_LINE),
            ("id\na\"b\n", 2, "a quote is inside a field that does not begin with one"),
            ("id\n a,\"b\"\n \"c\"\n", 3, "a quote is inside a field that does not begin with one"),
            ("id\n\"a\"b\n", 2, "a field goes on after its closing quote"),
            ("id\n\"a\" \n", 2, "a field goes on after its closing quote"),
            ("id\na\rb\n", 2, "a carriage return is not followed by a line feed"),
            ("id\n\"a\"\r\"b\"\n", 2, "a carriage return is not followed by a line feed"),
        ] {
            for piece in [1, 2, 1000] {
                assert_eq!(check(text, piece), Err((line, message)), "{text:?}");
            }
        }
    }
}
