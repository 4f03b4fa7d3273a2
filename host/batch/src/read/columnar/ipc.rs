//! Arrow's own formats. Their batches are read on one thread, and turned into chunks on several.

use super::chunks::{batch_to_chunks, text_bytes};
use super::format::ColumnarFormat;
use super::guard::buffer_sizes::{self, Decoded};
use super::guard::{guarded, layout};
use super::snapshot::{BLOCK_BYTES, Cursor, Snapshot};
use super::wanted::{WantedColumn, wanted_columns};
use crate::columns::{CHUNK_ROWS, MAX_CHUNK_BYTES};
use crate::error::ReadError;
use crate::parallel::in_order_within;
use crate::read::chunker::FinishedChunk;
use crate::read::list_builder::ListBuilder;
use crate::read::mapping::Mapping;
use crate::spill::MemoryBudget;
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use std::io::BufReader;

/// The record batches of a file.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// The bytes of the batches that are turned into chunks at the same time, per thread.
const BATCHES_BYTES: u64 = 48 << 20;

/// Opens a file, once its sizes were checked. With `columns`, only these are decoded.
pub(super) fn open_arrow(
    snapshot: Snapshot,
    format: ColumnarFormat,
    columns: Option<Vec<usize>>,
) -> Result<(SchemaRef, Batches), ArrowError> {
    let cursor = BufReader::with_capacity(BLOCK_BYTES, Cursor::new(snapshot));
    Ok(match format {
        ColumnarFormat::ArrowStream => {
            let reader = StreamReader::try_new(cursor, columns)?;
            (reader.schema(), Box::new(Stream(reader)))
        }
        ColumnarFormat::ArrowFile | ColumnarFormat::Parquet => {
            let reader = FileReader::try_new(cursor, columns)?;
            (reader.schema(), Box::new(reader))
        }
    })
}

/// The batches of a stream. The stream must end with its end mark, and the file with the stream: a truncated stream must
/// not be read as a shorter one, and bytes after a stream must not be ignored.
struct Stream(StreamReader<BufReader<Cursor>>);

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next();
        let file = self.0.get_ref();
        let invalid = |message: &str| Some(Err(ArrowError::ParseError(message.to_owned())));
        match batch {
            None if file.get_ref().ran_out() => invalid("the stream has no end mark, so it may be truncated"),
            None if !file.buffer().is_empty() || file.get_ref().left() > 0 => {
                invalid("there is more after the end of the stream")
            }
            batch => batch,
        }
    }
}

/// Reads a target list.
pub(super) fn read_arrow_list(
    snapshot: Snapshot,
    format: ColumnarFormat,
    shown: &str,
    mapping: &Mapping,
    threads: usize,
    memory: MemoryBudget,
    builder: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    guarded(shown, || layout::check_layout(&snapshot, format))?;
    let check = |decoded| buffer_sizes::check_buffer_sizes(&snapshot, format, decoded, memory.record_batch());
    guarded(shown, || check(None))?;
    let (schema, _) = guarded(shown, || open_arrow(snapshot.clone(), format, None))?;
    let wanted = wanted_columns(&schema, mapping, &mut builder.read_as)
        .map_err(|message| ReadError::of_file(shown, message))?;
    let columns: Vec<usize> = wanted.iter().map(|wanted| wanted.index).collect();
    guarded(shown, || check(Some(Decoded { schema: &schema, columns: &columns })))?;
    let (_, batches) = guarded(shown, || open_arrow(snapshot.clone(), format, Some(columns)))?;
    let hasher = builder.hasher.clone();
    let to_chunks = |slice: Result<Slice, ReadError>| -> Result<Vec<FinishedChunk>, ReadError> {
        let Slice { rows, .. } = slice?;
        let chunks = guarded(shown, || batch_to_chunks(&rows, &wanted))?;
        Ok(chunks.into_iter().map(|chunk| FinishedChunk::of(chunk, &hasher)).collect())
    };
    let slices = Slices { batches, wanted: &wanted, shown, current: None, rows: CHUNK_ROWS };
    let weigh = |slice: &Result<Slice, ReadError>| slice.as_ref().map_or(0, |slice| slice.bytes);
    in_order_within(
        BATCHES_BYTES * threads as u64,
        weigh,
        threads,
        slices,
        to_chunks,
        |chunks| -> Result<(), ReadError> {
            chunks?.into_iter().try_for_each(|chunk| builder.add(chunk))?;
            builder.progress(0, 0);
            Ok(())
        },
    )
}

/// Batches that were cut into parts, each of at most the rows and the bytes of a chunk.
struct Slices<'a> {
    batches: Batches,
    wanted: &'a [WantedColumn],
    shown: &'a str,
    /// The rest of the last batch.
    current: Option<Slice>,
    /// The number of rows to try for the next part.
    rows: usize,
}

/// A part of a batch.
struct Slice {
    rows: RecordBatch,
    /// Its share of the bytes of the batch.
    bytes: u64,
    /// The bytes of a row of the batch, on average.
    row_bytes: u64,
}

impl Slice {
    fn of(batch: RecordBatch) -> Self {
        let bytes = batch.columns().iter().map(|column| column.get_array_memory_size() as u64).sum::<u64>();
        Self { row_bytes: bytes.div_ceil(batch.num_rows().max(1) as u64), bytes, rows: batch }
    }

    fn part(&self, start: usize, rows: usize) -> Self {
        Self { rows: self.rows.slice(start, rows), bytes: self.row_bytes * rows as u64, row_bytes: self.row_bytes }
    }
}

impl Slices<'_> {
    /// Cuts the next part off. A text of a dictionary may be in every row of it, so few rows may fill a chunk.
    fn cut(&mut self, batch: Slice) -> Slice {
        let rows = batch.rows.num_rows();
        let mut part = batch.part(0, rows.min(self.rows));
        while part.rows.num_rows() > 1 && text_bytes(&part.rows, self.wanted) > MAX_CHUNK_BYTES {
            part = part.part(0, part.rows.num_rows() / 2);
        }
        let taken = part.rows.num_rows();
        self.rows = if taken == rows { CHUNK_ROWS } else { CHUNK_ROWS.min(2 * taken) };
        self.current = (taken < rows).then(|| batch.part(taken, rows - taken));
        part
    }
}

impl Iterator for Slices<'_> {
    type Item = Result<Slice, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.current.take() {
            Some(batch) => batch,
            None => match guarded(self.shown, || self.batches.next().transpose()) {
                Ok(batch) => Slice::of(batch?),
                Err(error) => return Some(Err(error)),
            },
        };
        Some(guarded(self.shown, || Ok::<_, String>(self.cut(batch))))
    }
}
