//! Target lists in NDJSON: one target a line.

use super::lines::each_line;
use super::{Place, Unreadable};
use crate::columns::Row;
use std::io::Read;

pub(super) fn read(reader: &mut impl Read, shown: &str, mut each: impl FnMut(&Row<'_>)) -> Result<(), Unreadable> {
    each_line(reader, shown, |number, line| {
        let row: Row<'_> = serde_json::from_str(line).map_err(|error| wrong(shown, number, &error))?;
        each(&row);
        Ok(())
    })
}

fn wrong(shown: &str, line: u64, error: &serde_json::Error) -> Unreadable {
    let message = if error.is_eof() {
        "the JSON ends too early".to_owned()
    } else {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        format!("{message} (column {})", error.column())
    };
    Unreadable::new(shown, Place::Line(line), message)
}
