//! The bytes of a row that a scan keeps: its values, each after its length, or why it is invalid.

use super::text;
use crate::error::LookupError;
use crate::record::push_bytes;
use rusqlite::Row;

/// What a row begins with.
pub(super) const IS_ROW: u8 = 0;
/// What an invalid row begins with. The message follows.
const IS_INVALID: u8 = 1;

/// Appends a row with this many columns, after the length of its bytes.
pub(super) fn push_row(
    out: &mut Vec<u8>,
    row: &Row<'_>,
    columns: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), LookupError> {
    bytes.clear();
    bytes.push(IS_ROW);
    for i in 0..columns {
        match text(row.get_ref(i)?) {
            Ok(text) => push_bytes(bytes, text.as_bytes()),
            // It is an error if the row is asked for.
            Err(LookupError::Invalid(message)) => {
                bytes.clear();
                bytes.push(IS_INVALID);
                bytes.extend_from_slice(message.as_bytes());
                break;
            }
            Err(error) => return Err(error),
        }
    }
    push_bytes(out, bytes);
    Ok(())
}
