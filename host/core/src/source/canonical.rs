//! Lists that stand in no file of their own: in the request itself, or picked out of another. Their digest is that of
//! one canonical form.

use super::fields::Mapping;
use super::filling::{Cutter, Filling};
use super::row::Fields;
use super::{List, Place, Reading, Unreadable};
use crate::columns::{Column, Row, Store, Values};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Write;

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
    for chunk in chunks.iter() {
        let chunk = chunk.map_err(std::io::Error::other)?;
        for row in 0..chunk.rows as usize {
            out.write_all(b"{")?;
            let mut first = true;
            for column in &chunk.columns {
                let Some(value) = value(column, row)? else { continue };
                let comma = if std::mem::take(&mut first) { "" } else { "," };
                write!(out, "{comma}{}:{value}", serde_json::to_string(&column.name)?)?;
            }
            out.write_all(b"}\n")?;
        }
    }
    Ok(())
}

fn value(column: &Column, row: usize) -> std::io::Result<Option<String>> {
    let number = match &column.values {
        _ if !column.is_known(row) => return Ok(None),
        Values::U64s(values) => values.get(row).map(ToString::to_string),
        Values::I64s(values) => {
            values.get(row).map(|at| format!("\"{}\"", reprieve_model::Timestamp::from_seconds(*at)))
        }
        _ => None,
    };
    Ok(match (number, column.text(row)) {
        (Some(number), _) => Some(number),
        (None, Some(text)) => Some(serde_json::to_string(text)?),
        (None, None) => None,
    })
}
