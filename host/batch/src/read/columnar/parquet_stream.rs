//! Reading the chunks of a Parquet list again. They are mostly read one after another, so a reader stays open after a chunk
//! was read, for the one after it.

use super::guard::guarded;
use super::parquet_file::{RowRange, Targets};
use crate::columns::{Chunk, Origin, OriginRow};
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The bytes that the open readers may hold. One is always kept.
const MAX_OPEN_BYTES: u64 = 64 << 20;
/// The maximum number of open readers.
const MAX_READERS: usize = 64;

/// Reads chunks again.
#[derive(Debug)]
pub(super) struct Rereader {
    targets: Targets,
    /// The open readers, in the order of their last use.
    streams: Mutex<VecDeque<Stream>>,
}

/// A reader of the batches of a row group.
struct Stream {
    reader: ParquetRecordBatchReader,
    /// The row that the next batch begins at.
    next_batch: OriginRow,
    /// Chunks that were decoded, each with the row that it begins at.
    decoded: VecDeque<(OriginRow, Chunk)>,
    bytes: u64,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("next", &self.next()).finish_non_exhaustive()
    }
}

impl Rereader {
    pub fn new(targets: Targets) -> Self {
        Self { targets, streams: Mutex::default() }
    }

    /// Returns the open reader that continues at a row, or opens one. A batch begins where it began when the list was first
    /// read, so a reader begins with the batch that the row is in.
    fn stream(&self, at: OriginRow) -> Result<Stream, String> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(i) = streams.iter().position(|stream| stream.next() == at)
            && let Some(stream) = streams.remove(i)
        {
            return Ok(stream);
        }
        drop(streams);
        let plan = self.targets.columns.plan(at.part)?;
        let start = OriginRow { row: at.row - at.row % plan.batch_rows, ..at };
        let rows = self.targets.columns.group_rows(at.part).saturating_sub(start.row);
        Ok(Stream {
            reader: self.targets.columns.reader(RowRange { start, rows })?,
            next_batch: start,
            decoded: VecDeque::new(),
            bytes: plan.open_bytes + 2 * plan.row_bytes * plan.batch_rows as u64,
        })
    }

    fn keep(&self, stream: Stream) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push_back(stream);
        let bytes = |streams: &VecDeque<Stream>| streams.iter().map(|stream| stream.bytes).sum::<u64>();
        while streams.len() > 1 && (streams.len() > MAX_READERS || bytes(&streams) > MAX_OPEN_BYTES) {
            streams.pop_front();
        }
    }
}

impl Stream {
    /// The row that the next chunk begins at.
    fn next(&self) -> OriginRow {
        self.decoded.front().map_or(self.next_batch, |(at, _)| *at)
    }

    /// Reads the next chunk; `None` at the end of the row group.
    fn read(&mut self, targets: &Targets) -> Result<Option<(OriginRow, Chunk)>, String> {
        if self.decoded.is_empty()
            && let Some(batch) = self.reader.next()
        {
            let (start, batch) = (self.next_batch, batch.map_err(|error| error.to_string())?);
            let chunks = targets.chunks(&batch)?.into_iter();
            let at = |chunk: &Chunk| OriginRow { row: start.row + chunk.first_row as usize, ..start };
            self.decoded.extend(chunks.map(|chunk| (at(&chunk), chunk)));
            self.next_batch.row += batch.num_rows();
        }
        Ok(self.decoded.pop_front())
    }
}

impl Origin for Rereader {
    fn read(&self, at: OriginRow, rows: u32) -> Result<Chunk, String> {
        let found = guarded("the list", || {
            let mut stream = self.stream(at)?;
            while let Some((start, chunk)) = stream.read(&self.targets)? {
                if start >= at {
                    self.keep(stream);
                    return Ok::<_, String>(Some(chunk).filter(|chunk| start == at && chunk.rows == rows));
                }
            }
            Ok(None)
        });
        found.map_err(|error| error.to_string())?.ok_or_else(|| "the list changed after it was read".to_owned())
    }
}
