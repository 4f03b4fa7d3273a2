//! Reading an inventory from a columnar file. It has the columns of the text formats, and `dependents` and `tenants` may be
//! lists of strings.

use super::arrays::{Texts, is_date, is_text, is_time, texts, times};
use super::format::ColumnarFormat;
use super::guard::buffer_sizes::{Decoded, check_buffer_sizes};
use super::guard::layout::check_layout;
use super::guard::pages::{PlannedColumn, plan_group};
use super::guard::{guarded, row_counts};
use super::ipc::{Batches, open_arrow};
use super::parquet_file::{RowRange, open_parquet, parquet_reader};
use super::snapshot::Snapshot;
use crate::columns::OriginRow;
use crate::error::ReadError;
use crate::read::folder::Folder;
use crate::read::mapping::check_distinct;
use crate::record::{InventoryRow, InventoryRowBuilder, is_inventory_column};
use crate::spill::MemoryBudget;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema};
use reprieve_model::Timestamp;
use std::borrow::Cow;

/// Reads an inventory and passes each row to `each`. Returns the file's digest.
pub(in crate::read) fn read_columnar_inventory(
    folder: &Folder,
    name: &str,
    format: ColumnarFormat,
    memory: MemoryBudget,
    mut each: impl FnMut(InventoryRow) -> Result<(), String>,
) -> Result<String, ReadError> {
    let shown = folder.display_name(name);
    let snapshot = Snapshot::open(folder, name, memory)?;
    let mut batches = guarded(&shown, || match format {
        ColumnarFormat::Parquet => {
            let metadata = open_parquet(&snapshot, |_| false)?;
            let columns = read_columns(metadata.schema())?;
            Ok::<_, String>(Box::new(ParquetBatches::new(snapshot.clone(), metadata, columns)) as Batches)
        }
        _ => {
            check_layout(&snapshot, format)?;
            let check = |decoded| check_buffer_sizes(&snapshot, format, decoded, memory.record_batch());
            check(None)?;
            let (schema, _) = open_arrow(snapshot.clone(), format, None).map_err(|error| error.to_string())?;
            let columns = read_columns(&schema)?;
            check(Some(Decoded { schema: &schema, columns: &columns }))?;
            let (_, batches) =
                open_arrow(snapshot.clone(), format, Some(columns)).map_err(|error| error.to_string())?;
            Ok(batches)
        }
    })?;
    let mut rows = 0_u64;
    while let Some(batch) = guarded(&shown, || batches.next().transpose())? {
        for start in (0..batch.num_rows()).step_by(ROWS_AT_ONCE) {
            let part = batch.slice(start, ROWS_AT_ONCE.min(batch.num_rows() - start));
            let read = guarded(&shown, || inventory_rows(&part, rows))?;
            for (number, row) in (rows + 1..).zip(read) {
                each(row).map_err(|message| ReadError::of_file(&shown, format!("row {number}: {message}")))?;
            }
            rows += part.num_rows() as u64;
        }
    }
    snapshot.digest().map_err(|error| ReadError::of_file(&shown, error.to_string()))
}

/// The number of rows that are read from a batch before they are passed on.
const ROWS_AT_ONCE: usize = 64;

/// Returns the columns that are read: those that an inventory has.
fn read_columns(schema: &Schema) -> Result<Vec<usize>, String> {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let is_read = names().map(is_inventory_column).collect::<Result<Vec<bool>, String>>()?;
    check_distinct(names(), |name| is_inventory_column(name) == Ok(true))?;
    if !names().any(|name| name == "id") {
        return Err("there is no column `id`".to_owned());
    }
    Ok(is_read.iter().enumerate().filter(|(_, is_read)| **is_read).map(|(i, _)| i).collect())
}

/// The batches of a Parquet file, whose row groups are checked one after another.
pub(super) struct ParquetBatches {
    snapshot: Snapshot,
    metadata: ArrowReaderMetadata,
    columns: Vec<usize>,
    /// The next row group.
    group: usize,
    current: Option<ParquetRecordBatchReader>,
}

impl ParquetBatches {
    pub const fn new(snapshot: Snapshot, metadata: ArrowReaderMetadata, columns: Vec<usize>) -> Self {
        Self { snapshot, metadata, columns, group: 0, current: None }
    }

    fn open(&self, group: usize) -> Result<ParquetRecordBatchReader, String> {
        let (metadata, columns) = (self.metadata.metadata(), &self.columns);
        row_counts::check_pages(&self.snapshot, metadata, group, columns)?;
        let planned = columns.iter().map(|index| PlannedColumn { index: *index, is_dictionary: false });
        let plan = plan_group(&self.snapshot, metadata, group, &planned.collect::<Vec<_>>())?;
        let rows = metadata.row_group(group).num_rows() as usize;
        let range = RowRange { start: OriginRow { part: group, row: 0 }, rows };
        let reader = parquet_reader(&self.snapshot, &self.metadata, columns.iter().copied(), range, plan.batch_rows);
        reader.map_err(|error| error.to_string())
    }
}

impl Iterator for ParquetBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.as_mut().and_then(Iterator::next) {
                return Some(batch);
            }
            if self.group >= self.metadata.metadata().num_row_groups() {
                return None;
            }
            match self.open(self.group) {
                Ok(reader) => self.current = Some(reader),
                Err(error) => return Some(Err(ArrowError::ParquetError(error))),
            }
            self.group += 1;
        }
    }
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
    texts_and_times(array).map(Values::Texts)
}

/// Reads an array as text. Times are in the form of RFC 3339.
pub(super) fn texts_and_times(array: &ArrayRef) -> Result<Texts<'_>, String> {
    if is_time(array.data_type()) {
        let times = times(array, "", None)?;
        let is_date = is_date(array.data_type());
        return Ok(Box::new(move |row| {
            // A date stays one: its column tells which second of the day it stands for. The message of an invalid time is not a time either, so the row is rejected with it.
            let text = match times(row) {
                Ok(at) if is_date => Timestamp::from_seconds(at?).to_string().split('T').next()?.to_owned(),
                Ok(at) => Timestamp::from_seconds(at?).to_string(),
                Err(error) => error,
            };
            Some(Cow::Owned(text))
        }));
    }
    texts(array)
}

/// Returns the strings of a list; null is unknown.
fn list(array: &ArrayRef, row: usize) -> Result<Option<Vec<Option<String>>>, String> {
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
    Ok(Some((0..items.len()).map(|i| texts(i).map(Cow::into_owned)).collect()))
}
