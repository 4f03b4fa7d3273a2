//! Arrow's own formats. Their batches are read on one thread, and turned into chunks on several.

use super::chunks::batch_to_chunks;
use super::format::ColumnarFormat;
use super::guard::{buffer_sizes, guarded};
use super::snapshot::{BLOCK_BYTES, Cursor, Snapshot};
use super::wanted::wanted_columns;
use crate::columns::CHUNK_ROWS;
use crate::error::ReadError;
use crate::parallel::in_order;
use crate::read::list_builder::{FinishedChunk, ListBuilder};
use crate::read::mapping::Mapping;
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use std::io::BufReader;

/// The record batches of a file.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Opens a file. With `columns`, only these are read.
pub(super) fn open_arrow(
    snapshot: Snapshot,
    format: ColumnarFormat,
    columns: Option<Vec<usize>>,
) -> Result<(SchemaRef, Batches), ArrowError> {
    buffer_sizes::check_buffer_sizes(&snapshot, format).map_err(ArrowError::ParseError)?;
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
    builder: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let (schema, _) = guarded(shown, || open_arrow(snapshot.clone(), format, None))?;
    let wanted = wanted_columns(&schema, mapping).map_err(|message| ReadError::of_file(shown, message))?;
    let columns = wanted.iter().map(|wanted| wanted.index).collect();
    let (_, batches) = guarded(shown, || open_arrow(snapshot, format, Some(columns)))?;
    let hasher = builder.hasher.clone();
    let to_chunks = |batch: Result<RecordBatch, ReadError>| -> Result<Vec<FinishedChunk>, ReadError> {
        let batch = batch?;
        let chunks = guarded(shown, || batch_to_chunks(&batch, &wanted))?;
        Ok(chunks.into_iter().map(|chunk| FinishedChunk::of(chunk, &hasher)).collect())
    };
    in_order(threads, Slices { batches, shown, current: None }, to_chunks, |chunks| -> Result<(), ReadError> {
        chunks?.into_iter().try_for_each(|chunk| builder.add(chunk))?;
        builder.progress(0, 0);
        Ok(())
    })
}

/// Batches of at most the rows of a chunk.
struct Slices<'a> {
    batches: Batches,
    shown: &'a str,
    /// The rest of the last batch.
    current: Option<RecordBatch>,
}

impl Iterator for Slices<'_> {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.current.take() {
            Some(batch) => batch,
            None => match guarded(self.shown, || self.batches.next().transpose()) {
                Ok(batch) => batch?,
                Err(error) => return Some(Err(error)),
            },
        };
        if batch.num_rows() <= CHUNK_ROWS {
            return Some(Ok(batch));
        }
        self.current = Some(batch.slice(CHUNK_ROWS, batch.num_rows() - CHUNK_ROWS));
        Some(Ok(batch.slice(0, CHUNK_ROWS)))
    }
}
