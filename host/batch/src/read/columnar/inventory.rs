//! Reading an inventory from a columnar file. It has the columns of the text formats, and `dependents` and `tenants` may be
//! lists of strings. Several threads decode the pieces of a Parquet file; the batches of an Arrow file are decoded by one,
//! and their rows encoded by several.

use super::batches::{Batches, read_schema};
use super::format::ColumnarFormat;
use super::guard::buffer_sizes::{Decoded, check_buffer_sizes};
use super::guard::guarded;
use super::guard::layout::check_layout;
use super::inventory_fields::{FieldsReader, RowFields};
use super::inventory_rows::{RowReader, longest_row};
use super::list::with_digest;
use super::parquet::{PIECES_BYTES, Piece, Pieces};
use super::parquet_file::{ParquetColumns, open_parquet};
use super::snapshot::Snapshot;
use crate::error::ReadError;
use crate::parallel::in_order_within;
use crate::read::folder::Folder;
use crate::read::inventory_text::EachBlock;
use crate::read::mapping::check_distinct;
use crate::record::{EncodedBlock, Encoders, InventoryColumn, InventoryRowBuilder, is_inventory_column};
use crate::spill::MemoryBudget;
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};
use std::cell::OnceCell;

/// The maximum bytes of the texts of dictionaries, in every row that has them, of rows that are encoded at once.
const MAX_TEXT_BYTES: usize = 16 << 20;
/// The number of rows that are encoded at once if their texts are longer.
const LONG_ROWS: usize = 64;
/// The number of rows of an Arrow file that a thread encodes at once.
const ARROW_ROWS: usize = 1 << 14;
/// The bytes of the batches of an Arrow file that are encoded at the same time, per thread.
const BATCHES_BYTES: u64 = 48 << 20;

/// Reads an inventory and passes its rows to `each`. Returns the file's digest.
pub(in crate::read) fn read_columnar_inventory(
    folder: &Folder,
    name: &str,
    format: ColumnarFormat,
    memory: MemoryBudget,
    threads: usize,
    encoders: &Encoders,
    each: &mut EachBlock<'_>,
) -> Result<String, ReadError> {
    let shown = folder.display_name(name);
    let snapshot = Snapshot::open(folder, name, memory)?;
    let mut sink = Sink { shown: &shown, encoders, each, rows: 0 };
    let read = || match format {
        ColumnarFormat::Parquet => read_parquet(&snapshot, &mut sink, threads),
        _ => read_arrow(&snapshot, format, memory, &mut sink, threads),
    };
    with_digest(&snapshot, &shown, threads, read)
}

/// Where the rows go.
struct Sink<'a, 'e> {
    shown: &'a str,
    encoders: &'a Encoders,
    each: &'a mut EachBlock<'e>,
    /// The number of rows that were read.
    rows: u64,
}

/// Rows of a batch that were decoded.
enum Part {
    Rows {
        rows: EncodedBlock,
        count: u64,
        failed: Option<RowError>,
    },
    /// What follows them cannot be decoded.
    Failed(ReadError),
    /// Their texts are so long that they are encoded few at a time.
    Long(RecordBatch),
}

/// What is wrong with a row of a part.
struct RowError {
    row: u64,
    message: String,
}

impl Sink<'_, '_> {
    fn add(&mut self, part: Part) -> Result<(), ReadError> {
        match part {
            Part::Rows { rows, count, failed } => {
                (self.each)(rows, self.rows).map_err(|message| ReadError::of_file(self.shown, message))?;
                if let Some(RowError { row, message }) = failed {
                    let number = self.rows + row + 1;
                    let message = format!("it cannot be decoded: row {number}: {message}");
                    return Err(ReadError::of_file(self.shown, message));
                }
                self.rows += count;
                Ok(())
            }
            Part::Long(batch) => (0..batch.num_rows()).step_by(LONG_ROWS).try_for_each(|start| {
                let rows = batch.slice(start, LONG_ROWS.min(batch.num_rows() - start));
                let part = guarded(self.shown, || Part::encode(&rows, self.encoders))?;
                self.add(part)
            }),
            Part::Failed(error) => Err(error),
        }
    }
}

fn read_parquet(snapshot: &Snapshot, sink: &mut Sink<'_, '_>, threads: usize) -> Result<(), ReadError> {
    let shown = sink.shown;
    let is_dictionary = |name: &str| InventoryColumn::of(name).is_some_and(InventoryColumn::is_dictionary);
    let file = guarded(shown, || {
        let metadata = open_parquet(snapshot, is_dictionary)?;
        let columns = read_columns(metadata.schema())?;
        Ok::<_, String>(ParquetColumns::new(snapshot.clone(), metadata, columns))
    })?;
    let encoders = sink.encoders;
    let decode = |piece: Result<Piece, ReadError>| -> Result<Vec<Part>, ReadError> {
        let (piece, mut parts) = (piece?, Vec::new());
        let read = guarded(shown, || {
            piece.each_batch(&file, |batch| {
                parts.push(Part::of(batch, encoders)?);
                Ok(())
            })
        });
        match read {
            // The rows before the error are read first.
            Err(error) => {
                parts.push(Part::Failed(error));
                Ok(parts)
            }
            Ok(()) => Ok(parts),
        }
    };
    let weigh = |piece: &Result<Piece, ReadError>| piece.as_ref().map_or(0, Piece::bytes);
    in_order_within(PIECES_BYTES * threads as u64, weigh, threads, Pieces::new(&file, shown), decode, |parts| {
        parts?.into_iter().try_for_each(|part| sink.add(part))
    })
}

fn read_arrow(
    snapshot: &Snapshot,
    format: ColumnarFormat,
    memory: MemoryBudget,
    sink: &mut Sink<'_, '_>,
    threads: usize,
) -> Result<(), ReadError> {
    let shown = sink.shown;
    let batches = guarded(shown, || {
        check_layout(snapshot, format)?;
        let check = |decoded| check_buffer_sizes(snapshot, format, decoded, memory.record_batch());
        check(None)?;
        let schema = read_schema(snapshot, format).map_err(|error| error.to_string())?;
        let columns = read_columns(&schema)?;
        check(Some(Decoded { schema: &schema, columns: &columns }))?;
        Batches::open(snapshot.clone(), format, schema, columns).map_err(|error| error.to_string())
    })?;
    let slices = Slices { batches, shown, current: None };
    let encoders = sink.encoders;
    let encode = |slice: Result<Slice, ReadError>| {
        let slice = slice?;
        guarded(shown, || Part::of(slice.rows, encoders))
    };
    let weigh = |slice: &Result<Slice, ReadError>| slice.as_ref().map_or(0, |slice| slice.bytes);
    in_order_within(BATCHES_BYTES * threads as u64, weigh, threads, slices, encode, |part| sink.add(part?))
}

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

/// The batches of an Arrow file, cut into parts.
struct Slices<'a> {
    batches: Batches,
    shown: &'a str,
    /// The rest of the last batch, and the bytes of one of its rows.
    current: Option<(RecordBatch, u64)>,
}

/// A part of a batch.
struct Slice {
    rows: RecordBatch,
    /// Its share of the bytes of the batch.
    bytes: u64,
}

impl Slices<'_> {
    /// Decodes the next batch.
    fn decode_next(&mut self) -> Result<Option<(RecordBatch, u64)>, ArrowError> {
        let Some(batch) = self.batches.next().transpose()? else { return Ok(None) };
        let rows = batch.decode()?;
        let row_bytes = batch.bytes.div_ceil(rows.num_rows().max(1) as u64);
        Ok(Some((rows, row_bytes)))
    }
}

impl Iterator for Slices<'_> {
    type Item = Result<Slice, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (batch, row_bytes) = match self.current.take() {
            Some(current) => current,
            None => match guarded(self.shown, || self.decode_next()) {
                Ok(batch) => batch?,
                Err(error) => return Some(Err(error)),
            },
        };
        let rows = batch.num_rows().min(ARROW_ROWS);
        if rows < batch.num_rows() {
            self.current = Some((batch.slice(rows, batch.num_rows() - rows), row_bytes));
        }
        Some(Ok(Slice { rows: batch.slice(0, rows), bytes: row_bytes * rows as u64 }))
    }
}

impl Part {
    fn of(batch: RecordBatch, encoders: &Encoders) -> Result<Self, String> {
        if longest_row(&batch).saturating_mul(batch.num_rows()) > MAX_TEXT_BYTES {
            return Ok(Self::Long(batch));
        }
        Self::encode(&batch, encoders)
    }

    fn encode(batch: &RecordBatch, encoders: &Encoders) -> Result<Self, String> {
        encoders.with(|encoder| {
            let (reader, all) = (FieldsReader::new(batch, encoder)?, OnceCell::new());
            let (mut failed, mut others, mut builder) =
                (None, InventoryRowBuilder::default(), InventoryRowBuilder::default());
            encoder.reserve(batch.num_rows());
            for row in 0..batch.num_rows() {
                let position = row as u64 + 1;
                if let Some(RowFields { id, coded, pool_minimum }) = reader.read(row, &mut others) {
                    encoder.push_coded(position, id, &coded, pool_minimum);
                    continue;
                }
                let all = match all.get() {
                    Some(all) => all,
                    None => {
                        let reader = RowReader::new(batch)?;
                        all.get_or_init(|| reader)
                    }
                };
                match all.read(row, &mut builder) {
                    Ok(read) => encoder.push(position, &read.id, &read.fields(), read.pool_minimum),
                    Err(error) => {
                        failed = Some(RowError { row: row as u64, message: error });
                        break;
                    }
                }
            }
            Ok(Self::Rows { rows: encoder.finish_block(), count: batch.num_rows() as u64, failed })
        })
    }
}
