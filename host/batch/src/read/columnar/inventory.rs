//! Reading an inventory from a columnar file. It has the columns of the text formats, and `dependents` may be a list of
//! strings.

use super::arrays::{Texts, is_text, is_time, texts, times};
use super::format::ColumnarFormat;
use super::guard::{guarded, row_counts};
use super::ipc::{Batches, open_arrow};
use super::parquet::{open_parquet, parquet_reader};
use super::snapshot::Snapshot;
use crate::error::ReadError;
use crate::read::folder::Folder;
use crate::record::{InventoryRow, InventoryRowBuilder, check_inventory_column};
use crate::spill::MemoryBudget;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use reprieve_model::Timestamp;
use std::borrow::Cow;

/// Reads an inventory and passes each row to `each`. Returns the file's digest.
pub(in crate::read) fn read_columnar_inventory(
    folder: &Folder,
    name: &str,
    format: ColumnarFormat,
    mut each: impl FnMut(InventoryRow) -> Result<(), String>,
) -> Result<String, ReadError> {
    let shown = folder.display_name(name);
    // The inventory is held in memory, so its file may be as well.
    let snapshot = Snapshot::open(folder, name, MemoryBudget(u64::MAX))?;
    let sha256 = snapshot.digest().map_err(|error| ReadError::of_file(&shown, error.to_string()))?;
    let (schema, mut batches) = guarded(&shown, || match format {
        ColumnarFormat::Parquet => {
            let metadata = open_parquet(&snapshot, |_| false)?;
            let columns: Vec<usize> = (0..metadata.schema().fields().len()).collect();
            (0..metadata.metadata().num_row_groups())
                .try_for_each(|group| row_counts::check_pages(&snapshot, metadata.metadata(), group, &columns))?;
            let reader = parquet_reader(&snapshot, &metadata, columns, None).map_err(|error| error.to_string())?;
            Ok((metadata.schema().clone(), Box::new(reader) as Batches))
        }
        _ => open_arrow(snapshot.clone(), format, None).map_err(|error| error.to_string()),
    })?;
    check_columns(&schema).map_err(|message| ReadError::of_file(&shown, message))?;
    let mut rows = 0_u64;
    while let Some(batch) = guarded(&shown, || batches.next().transpose())? {
        let read = guarded(&shown, || inventory_rows(&batch, rows))?;
        for (number, row) in (rows + 1..).zip(read) {
            each(row).map_err(|message| ReadError::of_file(&shown, format!("row {number}: {message}")))?;
        }
        rows += batch.num_rows() as u64;
    }
    Ok(sha256)
}

fn check_columns(schema: &Schema) -> Result<(), String> {
    let names = || schema.fields().iter().map(|field| field.name());
    names().try_for_each(|name| check_inventory_column(name))?;
    if let Some((_, name)) = names().enumerate().find(|(i, name)| names().take(*i).any(|other| other == *name)) {
        return Err(format!("the column `{name}` is duplicated"));
    }
    if names().any(|name| name == "id") { Ok(()) } else { Err("there is no column `id`".to_owned()) }
}

/// The values of a column.
enum Values<'a> {
    Texts(Texts<'a>),
    Lists(&'a ArrayRef),
}

fn inventory_rows(batch: &RecordBatch, before: u64) -> Result<Vec<InventoryRow>, String> {
    let schema = batch.schema();
    let mut columns = Vec::new();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        let values = values(array).map_err(|error| format!("the column `{}`: {error}", field.name()))?;
        columns.push((field.name().as_str(), values));
    }
    let read = |row: usize| {
        let mut builder = InventoryRowBuilder::default();
        for (name, values) in &columns {
            match values {
                Values::Texts(texts) => builder.set(name, &texts(row).unwrap_or_default())?,
                Values::Lists(array) => builder.set_list(name, list(array, row)?)?,
            }
        }
        builder.finish()
    };
    (0..batch.num_rows())
        .map(|row| read(row).map_err(|error| format!("row {}: {error}", before + row as u64 + 1)))
        .collect()
}

fn values(array: &ArrayRef) -> Result<Values<'_>, String> {
    if let DataType::List(_) | DataType::LargeList(_) = array.data_type() {
        return Ok(Values::Lists(array));
    }
    if is_time(array.data_type()) {
        let times = times(array)?;
        return Ok(Values::Texts(Box::new(move |row| {
            // The message of an invalid time is not a time either, so the row is rejected with it.
            let text = match times(row) {
                Ok(at) => Timestamp::from_seconds(at?).to_string(),
                Err(error) => error,
            };
            Some(Cow::Owned(text))
        })));
    }
    texts(array).map(Values::Texts)
}

/// Returns the strings of a list.
fn list(array: &ArrayRef, row: usize) -> Result<Option<Vec<String>>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    let items = match array.data_type() {
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        _ => array.as_list::<i32>().value(row),
    };
    if !is_text(items.data_type()) {
        return Err(format!("expected a list of strings, found a list of {}", items.data_type()));
    }
    let texts = texts(&items)?;
    let item = |i| texts(i).map(Cow::into_owned).ok_or_else(|| "an item of the list is null".to_owned());
    (0..items.len()).map(item).collect::<Result<_, _>>().map(Some)
}
