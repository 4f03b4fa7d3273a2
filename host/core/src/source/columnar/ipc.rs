//! Arrow's own formats. Their batches are read one after another, and made into chunks on several threads.

use super::super::filling::{Filling, Full};
use super::super::{Place, Unreadable};
use super::chunks::chunks;
use super::snapshot::{BLOCK, Cursor, Snapshot};
use super::{Format, guarded, packed, wanted};
use crate::columns::CHUNK_ROWS;
use crate::parallel::in_order;
use crate::source::fields::Mapping;
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use std::io::BufReader;

/// The batches of a file in either format.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Opens a file; with `columns`, only these are read.
pub(super) fn open(
    snapshot: Snapshot,
    format: Format,
    columns: Option<Vec<usize>>,
) -> Result<(SchemaRef, Batches), ArrowError> {
    packed::check(&snapshot, format).map_err(ArrowError::ParseError)?;
    let cursor = BufReader::with_capacity(BLOCK, Cursor::new(snapshot));
    Ok(match format {
        Format::ArrowStream => {
            let reader = StreamReader::try_new(cursor, columns)?;
            (reader.schema(), Box::new(Stream(reader)))
        }
        Format::ArrowFile | Format::Parquet => {
            let reader = FileReader::try_new(cursor, columns)?;
            (reader.schema(), Box::new(reader))
        }
    })
}

/// The batches of a stream, which has to end with its end mark and its file with that: one that was cut off must not
/// pass for a shorter one, nor one for two.
struct Stream(StreamReader<BufReader<Cursor>>);

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next();
        let file = self.0.get_ref();
        let wrong = |message: &str| Some(Err(ArrowError::ParseError(message.to_owned())));
        match batch {
            None if file.get_ref().ran_out() => wrong("the stream has no end mark, so it may have been cut off"),
            None if !file.buffer().is_empty() || file.get_ref().left() > 0 => {
                wrong("there is more after the end of the stream")
            }
            batch => batch,
        }
    }
}

/// Reads a target list.
pub(super) fn read(
    snapshot: Snapshot,
    format: Format,
    shown: &str,
    mapping: &Mapping,
    threads: usize,
    filling: &mut Filling<'_, '_>,
) -> Result<(), Unreadable> {
    let (schema, _) = guarded(shown, || open(snapshot.clone(), format, None))?;
    let wanted = wanted(&schema, mapping).map_err(|message| Unreadable::new(shown, Place::Whole, message))?;
    let columns = wanted.iter().map(|wanted| wanted.index).collect();
    let (_, batches) = guarded(shown, || open(snapshot, format, Some(columns)))?;
    let hasher = filling.hasher.clone();
    let make = |batch: Result<RecordBatch, Unreadable>| -> Result<Vec<Full>, Unreadable> {
        let batch = batch?;
        let chunks = guarded(shown, || chunks(&batch, &wanted))?;
        Ok(chunks.into_iter().map(|chunk| Full::of(chunk, &hasher)).collect())
    };
    in_order(threads, Slices { batches, shown, current: None }, make, |full| -> Result<(), Unreadable> {
        full?.into_iter().try_for_each(|chunk| filling.add(chunk))?;
        filling.progress(0, 0);
        Ok(())
    })
}

/// Batches, cut where chunks are.
struct Slices<'a> {
    batches: Batches,
    shown: &'a str,
    current: Option<RecordBatch>,
}

impl Iterator for Slices<'_> {
    type Item = Result<RecordBatch, Unreadable>;

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
