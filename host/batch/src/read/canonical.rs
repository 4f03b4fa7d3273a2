//! Lists without a file of their own: inline in the request, or selected from another list. Their digest is that of
//! their canonical form.

use super::chunker::Chunker;
use super::json_row::{JsonRow, RowReader};
use super::list_builder::{List, ListBuilder};
use super::mapping::Mapping;
use super::options::ReadOptions;
use super::read_as::ReadAs;
use crate::columns::{Column, Row, Store, Values};
use crate::error::{Place, ReadError, without_position};
use crate::text::{control_character, is_control};
use reprieve_model::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Write;

/// The number of bytes that are written at once.
const BUFFER_BYTES: usize = 32 << 10;

/// Reads the inline list of a request, which begins on `line`. Its digest is that of the NDJSON that [`write_ndjson`]
/// writes of it.
pub(crate) fn read_inline_targets(
    raw: &RawValue,
    shown: &str,
    line: u64,
    options: &mut ReadOptions<'_>,
) -> Result<List, ReadError> {
    let mut rows = 0_u64;
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    build_list(shown, options, |each| {
        let result = Rows(|row: &Row<'_>| {
            rows += 1;
            each(row);
        })
        .deserialize(&mut deserializer);
        result.map_err(|error: serde_json::Error| {
            let place =
                Place::Pointer { pointer: format!("/targets/{rows}"), line: line + error.line().max(1) as u64 - 1 };
            ReadError::new(shown, place, without_position(&error))
        })
    })
}

/// Builds a list of the rows that `rows` passes on, in their order. Its digest is that of the NDJSON that
/// [`write_ndjson`] writes of it.
pub(crate) fn select_rows(
    options: &mut ReadOptions<'_>,
    rows: impl FnOnce(&mut dyn FnMut(&Row<'_>)) -> Result<(), ReadError>,
) -> Result<List, ReadError> {
    build_list("the list", options, rows)
}

/// Builds a list of rows, with the digest of its canonical form.
fn build_list(
    shown: &str,
    options: &mut ReadOptions<'_>,
    rows: impl FnOnce(&mut dyn FnMut(&Row<'_>)) -> Result<(), ReadError>,
) -> Result<List, ReadError> {
    let mut builder = ListBuilder::new(shown, options);
    builder.read_as = ReadAs::new("JSON", "");
    let mut chunker = Chunker::new(builder.hasher.clone());
    let mut added = Ok(());
    rows(&mut |row| {
        if let Some(chunk) = chunker.push(row)
            && added.is_ok()
        {
            added = builder.add(chunk);
        }
    })?;
    added?;
    chunker.cut().map_or(Ok(()), |chunk| builder.add(chunk))?;
    builder.end_file();
    let mut list = builder.finish(String::new())?;
    let mut hash = Sha256::new();
    write_ndjson(&list.chunks, &mut hash).map_err(|error| ReadError::of_file(shown, error.to_string()))?;
    list.sha256 = hex::encode(hash.finalize());
    Ok(list)
}

/// Passes each element of an array on as a row, so that the array is never held in memory.
struct Rows<F>(F);

impl<'de, F: FnMut(&Row<'_>)> DeserializeSeed<'de> for Rows<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&Row<'_>)> Visitor<'de> for Rows<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of targets")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        let names = Mapping::default();
        // A request is a document of its own, so an unknown member is an error in it.
        let mut reader = RowReader::new(&names, true);
        while let Some(row) = rows.next_element_seed(JsonRow { reader: &mut reader, exact: false })? {
            (self.0)(&row);
        }
        Ok(())
    }
}

/// Writes targets as NDJSON in their canonical form: the fields in the order of the table of target columns without the
/// unknown ones, then the list's own columns, and no white space.
pub(crate) fn write_ndjson(chunks: &Store, out: &mut impl Write) -> std::io::Result<()> {
    let mut lines = Vec::with_capacity(2 * BUFFER_BYTES);
    for chunk in chunks.iter() {
        let chunk = chunk.map_err(std::io::Error::other)?;
        let name = |column: &Column| Ok(serde_json::to_string(&column.name)? + ":");
        let names = chunk.columns.iter().map(name).collect::<std::io::Result<Vec<String>>>()?;
        for row in 0..chunk.rows as usize {
            lines.push(b'{');
            let mut first = true;
            for (name, column) in names.iter().zip(&chunk.columns).filter(|(_, column)| column.is_known(row)) {
                if !std::mem::take(&mut first) {
                    lines.push(b',');
                }
                lines.extend_from_slice(name.as_bytes());
                write_value(column, row, &mut lines)?;
            }
            lines.extend_from_slice(b"}\n");
            if lines.len() >= BUFFER_BYTES {
                out.write_all(&lines)?;
                lines.clear();
            }
        }
    }
    out.write_all(&lines)
}

/// Writes a text as JSON. Control characters that JSON may leave as they are become escapes, so that a line is a row for
/// every reader.
fn write_text(text: &str, out: &mut Vec<u8>) -> std::io::Result<()> {
    if control_character(text).is_none() {
        return Ok(serde_json::to_writer(out, text)?);
    }
    for c in serde_json::to_string(text)?.chars() {
        if is_control(c) {
            write!(out, "\\u{:04x}", u32::from(c))?;
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Ok(())
}

/// Writes a known value as JSON.
fn write_value(column: &Column, row: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
    match &column.values {
        Values::U64s(values) => write!(out, "{}", values.get(row).copied().unwrap_or_default()),
        Values::I64s(values) => {
            let at = Timestamp::from_seconds(values.get(row).copied().unwrap_or_default());
            write!(out, "\"{at}\"")
        }
        Values::Strings(_) | Values::Codes(_) => write_text(column.text(row).unwrap_or_default(), out),
        Values::Bools(_) => Err(std::io::Error::other("a list has no columns of this type")),
    }
}
