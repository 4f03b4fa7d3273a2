//! Lists that stand in no file of their own: in the request itself, or picked out of another. Their digest is that of
//! one canonical form.

use super::fields::Mapping;
use super::filling::{Cutter, Filling};
use super::row::Fields;
use super::{List, Place, Reading, Unreadable};
use crate::columns::{Column, Row, Store, Values};
use reprieve_model::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Write;

/// Bytes that are written at once.
const BUFFER: usize = 32 << 10;

/// Reads the list that stands in a request, which begins on `line`. Its digest is that of the NDJSON which
/// [`write_ndjson`] makes of it.
pub(crate) fn read_inline(
    raw: &RawValue,
    shown: &str,
    line: u64,
    reading: &mut Reading<'_>,
) -> Result<List, Unreadable> {
    let mut rows = 0_u64;
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    gather(shown, reading, |each| {
        let result = Rows(|row: &Row<'_>| {
            rows += 1;
            each(row);
        })
        .deserialize(&mut deserializer);
        result.map_err(|error: serde_json::Error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
            let place =
                Place::Pointer { pointer: format!("/targets/{rows}"), line: line + error.line().max(1) as u64 - 1 };
            Unreadable::new(shown, place, message)
        })
    })
}

/// The list of these rows of a list, in their order. Its digest is that of the NDJSON which [`write_ndjson`] makes of
/// it.
pub(crate) fn select(
    reading: &mut Reading<'_>,
    rows: impl FnOnce(&mut dyn FnMut(&Row<'_>)) -> Result<(), Unreadable>,
) -> Result<List, Unreadable> {
    gather("the list", reading, rows)
}

/// Puts rows into columns, and takes the digest of their canonical form.
fn gather(
    shown: &str,
    reading: &mut Reading<'_>,
    rows: impl FnOnce(&mut dyn FnMut(&Row<'_>)) -> Result<(), Unreadable>,
) -> Result<List, Unreadable> {
    let mut filling = Filling::new(shown, reading);
    let mut cutter = Cutter::new(filling.hasher.clone());
    let mut added = Ok(());
    rows(&mut |row| {
        if let Some(full) = cutter.push(row)
            && added.is_ok()
        {
            added = filling.add(full);
        }
    })?;
    added?;
    cutter.cut().map_or(Ok(()), |full| filling.add(full))?;
    let mut list = filling.finish(String::new())?;
    let mut hash = Sha256::new();
    write_ndjson(&list.chunks, &mut hash).map_err(|error| Unreadable::new(shown, Place::Whole, error.to_string()))?;
    list.sha256 = hex::encode(hash.finalize());
    Ok(list)
}

/// Hands on each element of an array as a row, without keeping any.
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
        while let Some(row) = rows.next_element_seed(Fields(&names))? {
            (self.0)(&row);
        }
        Ok(())
    }
}

/// Writes targets as NDJSON in one canonical form: the fields in the order of the documentation, unknown ones left
/// out, the list's own columns last, no white space.
pub(crate) fn write_ndjson(chunks: &Store, out: &mut impl Write) -> std::io::Result<()> {
    let mut lines = Vec::with_capacity(2 * BUFFER);
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
            if lines.len() >= BUFFER {
                out.write_all(&lines)?;
                lines.clear();
            }
        }
    }
    out.write_all(&lines)
}

/// A known value as JSON.
fn write_value(column: &Column, row: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
    match &column.values {
        Values::U64s(values) => write!(out, "{}", values.get(row).copied().unwrap_or_default()),
        Values::I64s(values) => {
            let at = Timestamp::from_seconds(values.get(row).copied().unwrap_or_default());
            write!(out, "\"{at}\"")
        }
        Values::Strings(_) | Values::Codes(_) => {
            Ok(serde_json::to_writer(out, column.text(row).unwrap_or_default())?)
        }
        Values::Bools(_) => Err(std::io::Error::other("lists have no column of this type")),
    }
}
