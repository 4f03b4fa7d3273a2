//! Target lists in NDJSON: one target per line.

use super::blocks::{LineError, each_line};
use super::json_row::JsonRow;
use super::mapping::Mapping;
use crate::columns::Row;
use crate::error::without_position;
use serde::de::DeserializeSeed;

/// Reads the lines of a block. Returns their number.
pub(super) fn read_json_lines<'a>(
    block: &'a [u8],
    mapping: &Mapping,
    mut each: impl FnMut(&Row<'a>),
) -> Result<u64, LineError> {
    each_line(block, |line| {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let row = JsonRow(mapping).deserialize(&mut deserializer);
        let row = row.and_then(|row| deserializer.end().map(|()| row)).map_err(|error| explain(&error))?;
        each(&row);
        Ok(())
    })
}

fn explain(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "the JSON ends too early".to_owned();
    }
    format!("{} (column {})", without_position(error), error.column())
}
