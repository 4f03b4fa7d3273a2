//! Target lists in NDJSON: one target per line. Blank lines are skipped.

use super::blocks::{LineError, each_line};
use super::json_row::RowReader;
use super::json_scan::is_blank;
use crate::columns::Row;
use crate::error::without_position;
use crate::text::{describe_control, is_control};

/// Reads the lines of a block. Returns their number.
pub(super) fn read_json_lines<'a>(
    block: &'a [u8],
    reader: &mut RowReader<'_>,
    mut each: impl FnMut(&Row<'a>),
) -> Result<u64, LineError> {
    // A reader of lines may take a control character that is not escaped for the end of a line.
    let may_have_control = may_have_control(block);
    each_line(block, |line| {
        if line.bytes().all(is_blank) {
            return Ok(());
        }
        if may_have_control {
            check_control(line.strip_suffix('\r').unwrap_or(line), |c| c == '\t')?;
        }
        let row = reader.read(line).map_err(|error| explain(&error))?;
        each(&row);
        Ok(())
    })
}

/// Whether a text may have a control character that is not a line feed or a tab.
pub(super) fn may_have_control(block: &[u8]) -> bool {
    !block.is_ascii() || memchr::memchr2(0x7f, b'\r', block).is_some()
}

/// Checks that a text has no control characters but those that are `allowed`.
pub(super) fn check_control(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), String> {
    match text.chars().find(|c| is_control(*c) && !allowed(*c)) {
        Some(c) => Err(format!("{}; write it as `\\u{:04x}`", describe_control(c), u32::from(c))),
        None => Ok(()),
    }
}

/// Describes an error in a target that is on one line.
fn explain(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "the JSON ends too early".to_owned();
    }
    format!("{} (column {})", without_position(error), error.column())
}
