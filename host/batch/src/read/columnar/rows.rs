//! Reading columns of a Parquet file in memory as text, for the readers of other tools' files.

use super::arrays::texts_and_times;
use super::guard::guarded;
use super::parquet_file::{ParquetColumns, RowRange, open_parquet};
use super::snapshot::Snapshot;
use crate::columns::OriginRow;
use crate::error::ReadError;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader};
use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use std::borrow::Cow;

/// The rows of a Parquet file. What the file says of its sizes is checked before anything is decoded.
#[derive(Debug)]
pub struct ParquetRows {
    name: String,
    snapshot: Snapshot,
    metadata: ArrowReaderMetadata,
}

/// Receives a row: its number, and the values of the columns.
pub type EachRow<'a> = dyn FnMut(u64, &[Option<Cow<'_, str>>]) -> Result<(), ReadError> + 'a;

/// The number of rows that are read from a batch before they are passed on.
const ROWS_AT_ONCE: usize = 1024;

impl ParquetRows {
    /// Opens a file. `name` is its name in messages.
    ///
    /// # Errors
    /// [`ReadError`] if it is not a Parquet file, if it is damaged, or if two columns have one name.
    pub fn open(name: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let snapshot = Snapshot::InMemory(bytes.into());
        let metadata = guarded(name, || open_parquet(&snapshot, |_| false))?;
        let rows = Self { name: name.to_owned(), snapshot, metadata };
        let mut columns = rows.columns();
        columns.sort_unstable();
        match columns.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[&str]>::first) {
            Some(column) => Err(ReadError::of_file(name, format!("the column `{column}` is duplicated"))),
            None => Ok(rows),
        }
    }

    /// The names of its columns.
    pub fn columns(&self) -> Vec<&str> {
        self.metadata.schema().fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// Passes every row to `each`: the values of these columns in this order, `None` for null. Numbers and truth values
    /// become text, and times are in the form of RFC 3339. Rows are counted from 1.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such column, if its type is another, or if the file is damaged; and those of `each`.
    pub fn read(&self, columns: &[&str], each: &mut EachRow<'_>) -> Result<(), ReadError> {
        let found = self.columns();
        let mut indices = Vec::new();
        for column in columns {
            let index = found.iter().position(|name| name == column);
            let missing = || ReadError::of_file(&self.name, format!("there is no column `{column}`"));
            indices.push(index.ok_or_else(missing)?);
        }
        indices.sort_unstable();
        let file = ParquetColumns::new(self.snapshot.clone(), self.metadata.clone(), indices);
        let mut batches = ParquetBatches { file: &file, group: 0, current: None };
        let mut number = 0_u64;
        while let Some(batch) = guarded(&self.name, || batches.next().transpose())? {
            for start in (0..batch.num_rows()).step_by(ROWS_AT_ONCE) {
                let part = batch.slice(start, ROWS_AT_ONCE.min(batch.num_rows() - start));
                let values = guarded(&self.name, || {
                    let column = |name: &&str| {
                        let array =
                            part.column_by_name(name).ok_or_else(|| format!("there is no column `{name}`"))?;
                        let texts =
                            texts_and_times(array).map_err(|error| format!("the column `{name}`: {error}"))?;
                        Ok((0..part.num_rows()).map(texts).collect::<Vec<_>>())
                    };
                    columns.iter().map(column).collect::<Result<Vec<_>, String>>()
                })?;
                for row in 0..part.num_rows() {
                    number += 1;
                    let row: Vec<_> = values.iter().map(|column| column.get(row).cloned().flatten()).collect();
                    each(number, &row)?;
                }
            }
        }
        Ok(())
    }
}

/// The batches of a file, whose row groups are checked one after another.
struct ParquetBatches<'a> {
    file: &'a ParquetColumns,
    /// The next row group.
    group: usize,
    current: Option<ParquetRecordBatchReader>,
}

impl ParquetBatches<'_> {
    fn open(&self, group: usize) -> Result<ParquetRecordBatchReader, String> {
        self.file.check_group(group)?;
        let range = RowRange { start: OriginRow { part: group, row: 0 }, rows: self.file.group_rows(group) };
        self.file.reader(range)
    }
}

impl Iterator for ParquetBatches<'_> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.as_mut().and_then(Iterator::next) {
                return Some(batch);
            }
            if self.group >= self.file.groups() {
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
