//! Target lists in NDJSON: one target per line.

use super::blocks::{BLANK_LINE, LineError, each_line};
use super::json_row::JsonRow;
use super::mapping::Mapping;
use crate::columns::Row;
use crate::error::without_position;
use crate::text::{describe_control, is_control};
use serde::de::DeserializeSeed;

/// Reads the lines of a block. Returns their number.
pub(super) fn read_json_lines<'a>(
    block: &'a [u8],
    mapping: &Mapping,
    mut each: impl FnMut(&Row<'a>),
) -> Result<u64, LineError> {
    // A reader of lines may take a control character that is not escaped for the end of a line.
    let may_have_control = !block.is_ascii() || memchr::memchr2(0x7f, b'\r', block).is_some();
    each_line(block, |line| {
        if line.trim_ascii().is_empty() {
            return Err(BLANK_LINE.to_owned());
        }
        if may_have_control
            && let Some(c) = line.strip_suffix('\r').unwrap_or(line).chars().find(|c| is_control(*c) && *c != '\t')
        {
            let code = u32::from(c);
            return Err(format!("{}; write it as `\\u{code:04x}`", describe_control(c)));
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
