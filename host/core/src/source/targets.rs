//! Reading target lists into columns, in one pass.

use super::folder::describe;
use super::lines::Hashing;
use super::text::{Format, TextFile};
use super::{Folder, Place, Unreadable, csv, ndjson};
use crate::columns::{Chunk, ChunkBuilder, Column, Row, Values};
use crate::facts::{Census, Counts};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Write;
use std::path::Path;

/// A target list that was read.
#[derive(Debug)]
pub(crate) struct List {
    pub chunks: Vec<Chunk>,
    pub counts: Counts,
    pub sha256: String,
}

/// Fills chunk after chunk and counts each when it is full.
#[derive(Default)]
struct Filling {
    chunks: Vec<Chunk>,
    current: ChunkBuilder,
    rows: u64,
    census: Census,
}

impl Filling {
    fn push(&mut self, row: &Row<'_>) {
        self.current.push(row);
        self.rows += 1;
        if self.current.is_full() {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.current.rows() > 0 {
            let full = std::mem::replace(&mut self.current, ChunkBuilder::new(self.rows));
            self.chunks.push(full.finish());
            self.census.add(&self.chunks);
        }
    }

    fn finish(mut self, sha256: String) -> List {
        self.close();
        List { counts: self.census.finish(), chunks: self.chunks, sha256 }
    }
}

/// Reads the list in a file. With `expected`, a file of another digest is an error.
pub(crate) fn read_file(folder: &Folder, name: &str, expected: Option<&str>) -> Result<List, Unreadable> {
    let shown = folder.shown(name);
    let mut reader = TextFile::open(folder, name, "target lists", "")?;
    let mut filling = Filling::default();
    match reader.format {
        Format::Ndjson => ndjson::read(&mut reader, &shown, |row| filling.push(row))?,
        Format::Csv => csv::read(&mut reader, &shown, |row| filling.push(row))?,
    }
    let list = filling.finish(reader.finish()?);
    match expected {
        Some(expected) if expected != list.sha256 => Err(Unreadable::new(
            &shown,
            Place::Whole,
            format!("its digest is `{}`, and the request says `{expected}`", list.sha256),
        )
        .help("submit the file that the request was written for")),
        _ => Ok(list),
    }
}

/// Reads the list that stands in a request, which begins on `line`. Its digest is that of the NDJSON which
/// [`write_ndjson`] makes of it.
pub(crate) fn read_inline(raw: &RawValue, shown: &str, line: u64) -> Result<List, Unreadable> {
    let mut filling = Filling::default();
    let mut rows = 0_u64;
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let result = Rows(|row: &Row<'_>| {
        filling.push(row);
        rows += 1;
    })
    .deserialize(&mut deserializer);
    result.map_err(|error: serde_json::Error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        let place =
            Place::Pointer { pointer: format!("/targets/{rows}"), line: line + error.line().max(1) as u64 - 1 };
        Unreadable::new(shown, place, message)
    })?;
    Ok(canonical(filling))
}

/// The list of these rows of a list, in their order. Its digest is that of the NDJSON which [`write_ndjson`] makes of it.
pub(crate) fn select<'a>(rows: impl Iterator<Item = Row<'a>>) -> List {
    let mut filling = Filling::default();
    rows.for_each(|row| filling.push(&row));
    canonical(filling)
}

/// The list, with the digest of its canonical form.
fn canonical(filling: Filling) -> List {
    let mut list = filling.finish(String::new());
    let mut hash = Sha256::new();
    // Writing to a hash does not fail.
    drop(write_ndjson(&list.chunks, &mut hash));
    list.sha256 = hex::encode(hash.finalize());
    list
}

/// Copies the list in a file, if it still has the digest that it was read with.
pub(crate) fn copy(folder: &Folder, name: &str, sha256: &str, out: &mut impl Write) -> Result<(), Unreadable> {
    let shown = folder.shown(name);
    let wrong = |message: String| Unreadable::new(&shown, Place::Whole, message);
    let mut reader = Hashing::new(folder.file(name)?);
    std::io::copy(&mut reader, out).map_err(|error| wrong(format!("cannot be copied: {error}")))?;
    let found = reader.finish();
    if found == sha256 {
        return Ok(());
    }
    Err(wrong(format!("the file changed after it was vetted: its digest was `{sha256}` and is `{found}`"))
        .help("nothing was deleted; find out who writes to it, and submit the list again"))
}

/// The digest of the list in a file, as evidence and permits name it: SHA-256 of its bytes, lower-case hex.
///
/// # Errors
/// [`Unreadable`] where it cannot be read.
pub fn list_sha256(path: &Path) -> Result<String, Unreadable> {
    let (folder, name) = Folder::of(path)?;
    let mut reader = Hashing::new(folder.file(&name)?);
    std::io::copy(&mut reader, &mut std::io::sink())
        .map_err(|error| Unreadable::new(&folder.shown(&name), Place::Whole, describe(&error)))?;
    Ok(reader.finish())
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
        while let Some(row) = rows.next_element::<Row<'de>>()? {
            (self.0)(&row);
        }
        Ok(())
    }
}

/// Writes targets as NDJSON in one canonical form: the fields in the order of the documentation, unknown ones left
/// out, the list's own columns last, no white space.
pub(crate) fn write_ndjson(chunks: &[Chunk], out: &mut impl Write) -> std::io::Result<()> {
    for chunk in chunks {
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
