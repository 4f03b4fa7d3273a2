//! JSON documents that are one per line.

use crate::Input;
use crate::json::Value;
use reprieve_batch::{Place, ReadError};

/// Returns the documents of a file with their lines, counted from 1. Blank lines are allowed at the end only.
pub(crate) fn json_lines<'a>(input: &Input<'a>) -> Result<Vec<(u64, Value<'a>)>, ReadError> {
    let text = input.text()?.trim_end();
    let mut documents = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let one = Input { bytes: line.as_bytes(), ..*input };
        let value = one.json().map_err(|error| match line.trim().is_empty() {
            true => input.error(Place::Line(number), "the line is empty"),
            false => ReadError { place: Place::Line(number), ..error },
        })?;
        documents.push((number, value));
    }
    Ok(documents)
}
