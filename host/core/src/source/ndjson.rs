//! Target lists in NDJSON: one target a line.

use super::blocks::{Wrong, each_line};
use super::fields::Mapping;
use super::row::Fields;
use crate::columns::Row;
use serde::de::DeserializeSeed;

/// Reads the lines of a block. Gives how many they are.
pub(super) fn read<'a>(block: &'a [u8], mapping: &Mapping, mut each: impl FnMut(&Row<'a>)) -> Result<u64, Wrong> {
    each_line(block, |line| {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let row = Fields(mapping).deserialize(&mut deserializer);
        let row = row.and_then(|row| deserializer.end().map(|()| row)).map_err(|error| explain(&error))?;
        each(&row);
        Ok(())
    })
}

fn explain(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "the JSON ends too early".to_owned();
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    format!("{message} (column {})", error.column())
}
