//! Rows on their way from the thread that reads the table to the one that keeps them.

use super::ids::check_id;
use super::text;
use crate::error::LookupError;
use crate::record::push_bytes;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// Rows of the table, in its order.
#[derive(Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// The end of each row's id, and the end of the row.
    ends: Vec<(usize, usize)>,
}

/// What a row begins with, after its id.
pub(super) const IS_ROW: u8 = 0;
/// What an invalid row begins with. The message follows.
pub(super) const IS_INVALID: u8 = 1;

/// Why a scan has no answer.
pub(super) enum Stop {
    Failed(LookupError),
    /// It takes too much memory or too many steps, or a row that may not be asked for is too long.
    TooLong,
}

impl<E: Into<LookupError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Block {
    /// The id of each row, and its bytes.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |(id_end, end)| {
            let id = self.bytes.get(start..*id_end).unwrap_or_default();
            start = *end;
            (id, self.bytes.get(*id_end..*end).unwrap_or_default())
        })
    }

    /// The number of bytes in it.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a row with this many columns, of which the id is one.
    pub fn push(&mut self, row: &Row<'_>, id: usize, columns: usize) -> Result<(), LookupError> {
        match row.get_ref(id)? {
            ValueRef::Text(id) => self.bytes.extend_from_slice(id),
            other => return check_id(other),
        }
        let id_end = self.bytes.len();
        self.bytes.push(IS_ROW);
        for i in 0..columns {
            match text(row.get_ref(i)?) {
                Ok(text) => push_bytes(&mut self.bytes, text.as_bytes()),
                // It is an error if the row is asked for.
                Err(LookupError::Invalid(message)) => {
                    self.bytes.truncate(id_end);
                    self.bytes.push(IS_INVALID);
                    self.bytes.extend_from_slice(message.as_bytes());
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        self.ends.push((id_end, self.bytes.len()));
        Ok(())
    }
}
