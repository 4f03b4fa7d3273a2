//! Inventories in columns: those of the text formats, and `dependents` also as a list of strings.

use super::super::inventory::{Entry, Line, allow};
use super::super::{Folder, Place, Unreadable};
use super::arrays::{Texts, is_text, is_time, texts, times};
use super::snapshot::Snapshot;
use super::{Format, counts, guarded, ipc, parquet};
use crate::spill::Memory;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use reprieve_model::Timestamp;
use std::borrow::Cow;

/// Reads an inventory and hands on each entry. Gives the file's digest.
pub fn read(
    folder: &Folder,
    name: &str,
    format: Format,
    mut each: impl FnMut(Entry) -> Result<(), String>,
) -> Result<String, Unreadable> {
    let shown = folder.shown(name);
    let wrong = |message: String| Unreadable::new(&shown, Place::Whole, message);
    // An inventory is held in memory anyway.
    let snapshot = Snapshot::open(folder, name, Memory(u64::MAX))?;
    let sha256 = snapshot.digest().map_err(|error| wrong(error.to_string()))?;
    let (schema, mut batches) = guarded(&shown, || match format {
        Format::Parquet => {
            let metadata = parquet::open(&snapshot, |_| false)?;
            let columns: Vec<usize> = (0..metadata.schema().fields().len()).collect();
            (0..metadata.metadata().num_row_groups())
                .try_for_each(|group| counts::of_pages(&snapshot, metadata.metadata(), group, &columns))?;
            let reader = parquet::reader(&snapshot, &metadata, columns, None).map_err(|error| error.to_string())?;
            Ok((metadata.schema().clone(), Box::new(reader) as ipc::Batches))
        }
        _ => ipc::open(snapshot.clone(), format, None).map_err(|error| error.to_string()),
    })?;
    check(&schema).map_err(wrong)?;
    let mut rows = 0_u64;
    while let Some(batch) = guarded(&shown, || batches.next().transpose())? {
        let entries = guarded(&shown, || entries(&batch, rows))?;
        for (row, entry) in (rows + 1..).zip(entries) {
            each(entry).map_err(|message| wrong(format!("row {row}: {message}")))?;
        }
        rows += batch.num_rows() as u64;
    }
    Ok(sha256)
}

fn check(schema: &Schema) -> Result<(), String> {
    let names = || schema.fields().iter().map(|field| field.name());
    names().try_for_each(|name| allow(name))?;
    if let Some((_, name)) = names().enumerate().find(|(i, name)| names().take(*i).any(|other| other == *name)) {
        return Err(format!("the column `{name}` stands there twice"));
    }
    if names().any(|name| name == "id") { Ok(()) } else { Err("there is no column `id`".to_owned()) }
}

/// How the values of a column are read.
enum Values<'a> {
    Texts(Texts<'a>),
    Lists(&'a ArrayRef),
}

fn entries(batch: &RecordBatch, before: u64) -> Result<Vec<Entry>, String> {
    let schema = batch.schema();
    let mut columns = Vec::new();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        let values = values(array).map_err(|error| format!("the column `{}`: {error}", field.name()))?;
        columns.push((field.name().as_str(), values));
    }
    let entry = |row: usize| {
        let mut line = Line::default();
        for (name, values) in &columns {
            match values {
                Values::Texts(texts) => line.set(name, &texts(row).unwrap_or_default())?,
                Values::Lists(array) => line.set_list(name, list(array, row)?)?,
            }
        }
        line.check()
    };
    (0..batch.num_rows())
        .map(|row| entry(row).map_err(|error| format!("row {}: {error}", before + row as u64 + 1)))
        .collect()
}

fn values(array: &ArrayRef) -> Result<Values<'_>, String> {
    if let DataType::List(_) | DataType::LargeList(_) = array.data_type() {
        return Ok(Values::Lists(array));
    }
    if is_time(array.data_type()) {
        let times = times(array)?;
        return Ok(Values::Texts(Box::new(move |row| {
            // A time that no calendar has stays one that nobody can read.
            let text = match times(row) {
                Ok(at) => Timestamp::from_seconds(at?).to_string(),
                Err(error) => error,
            };
            Some(Cow::Owned(text))
        })));
    }
    texts(array).map(Values::Texts)
}

/// The strings of a list.
fn list(array: &ArrayRef, row: usize) -> Result<Option<Vec<String>>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    let items = match array.data_type() {
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        _ => array.as_list::<i32>().value(row),
    };
    if !is_text(items.data_type()) {
        return Err(format!("a list of {}, and not of strings", items.data_type()));
    }
    let texts = texts(&items)?;
    let item = |i| texts(i).map(Cow::into_owned).ok_or_else(|| "an entry of the list is null".to_owned());
    (0..items.len()).map(item).collect::<Result<_, _>>().map(Some)
}
