//! Target lists in Arrow's own formats. Several threads decode their batches and turn them into chunks. A batch that is larger
//! than a chunk is decoded by one, and turned into chunks part by part.

use super::batches::{Batches, EncodedBatch, read_schema};
use super::chunks::{batch_to_chunks, text_bytes};
use super::format::ColumnarFormat;
use super::guard::buffer_sizes::{self, Decoded};
use super::guard::{guarded, layout};
use super::snapshot::Snapshot;
use super::wanted::{WantedColumn, wanted_columns};
use crate::columns::{CHUNK_ROWS, MAX_CHUNK_BYTES};
use crate::error::ReadError;
use crate::parallel::in_order_within;
use crate::read::chunker::FinishedChunk;
use crate::read::list_builder::ListBuilder;
use crate::read::mapping::Mapping;
use crate::spill::MemoryBudget;
use arrow_array::RecordBatch;

/// The bytes of the batches that are decoded and turned into chunks at the same time, per thread.
const BATCHES_BYTES: u64 = 48 << 20;

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
    let schema = guarded(shown, || read_schema(&snapshot, format))?;
    let wanted = wanted_columns(&schema, mapping, &mut builder.read_as)
        .map_err(|message| ReadError::of_file(shown, message))?;
    let columns: Vec<usize> = wanted.iter().map(|wanted| wanted.index).collect();
    guarded(shown, || check(Some(Decoded { schema: &schema, columns: &columns })))?;
    let mut batches = guarded(shown, || Batches::open(snapshot.clone(), format, schema, columns))?;
    let batches = std::iter::from_fn(|| guarded(shown, || batches.next().transpose()).transpose());
    read_batches(shown, &wanted, threads, batches, builder)
}

/// Reads batches into a list.
pub(super) fn read_batches(
    shown: &str,
    wanted: &[WantedColumn],
    threads: usize,
    batches: impl Iterator<Item = Result<EncodedBatch, ReadError>> + Send,
    builder: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let hasher = builder.hasher.clone();
    let to_chunks = |rows: &RecordBatch| -> Result<Vec<FinishedChunk>, ReadError> {
        let chunks = guarded(shown, || batch_to_chunks(rows, wanted))?;
        Ok(chunks.into_iter().map(|chunk| FinishedChunk::of(chunk, &hasher)).collect())
    };
    let work = |item: Result<Item, ReadError>| match item? {
        Item::Part { rows, .. } => to_chunks(&rows).map(Done::Chunks),
        Item::Encoded(batch) => {
            let (rows, bytes) = guarded(shown, || {
                let rows = batch.decode()?;
                let bytes = text_bytes(&rows, wanted);
                Ok::<_, arrow_schema::ArrowError>((rows, bytes))
            })?;
            if bytes > MAX_CHUNK_BYTES { Ok(Done::Long(rows)) } else { to_chunks(&rows).map(Done::Chunks) }
        }
    };
    let items = Items { batches, wanted, shown, current: None };
    let weigh = |item: &Result<Item, ReadError>| item.as_ref().map_or(0, Item::bytes);
    in_order_within(BATCHES_BYTES * threads as u64, weigh, threads, items, work, |done| {
        match done? {
            Done::Chunks(chunks) => chunks.into_iter().try_for_each(|chunk| builder.add(chunk))?,
            Done::Long(rows) => {
                let mut parts = Parts::of(rows, wanted);
                while let Some(part) = guarded(shown, || Ok::<_, String>(parts.next()))? {
                    to_chunks(&part)?.into_iter().try_for_each(|chunk| builder.add(chunk))?;
                }
            }
        }
        builder.progress(0, 0);
        Ok(())
    })
}

/// What a thread works on.
enum Item {
    /// A batch that is at most as large as a chunk.
    Encoded(EncodedBatch),
    /// A part of a larger one, and its share of the bytes of the batch.
    Part { rows: RecordBatch, bytes: u64 },
}

impl Item {
    const fn bytes(&self) -> u64 {
        match self {
            Self::Encoded(batch) => batch.bytes,
            Self::Part { bytes, .. } => *bytes,
        }
    }
}

/// What becomes of it.
enum Done {
    Chunks(Vec<FinishedChunk>),
    /// A batch whose texts are too long for a chunk. All its chunks at once might not fit into memory: a text of a dictionary
    /// may be in every row of it.
    Long(RecordBatch),
}

/// The batches of a source, the large ones cut into parts.
struct Items<'a, I> {
    batches: I,
    wanted: &'a [WantedColumn],
    shown: &'a str,
    /// The rest of a large batch, and the bytes of one of its rows on average.
    current: Option<(Parts<'a>, u64)>,
}

impl<I: Iterator<Item = Result<EncodedBatch, ReadError>>> Items<'_, I> {
    fn read_next(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            if let Some((parts, row_bytes)) = &mut self.current {
                if let Some(rows) = guarded(self.shown, || Ok::<_, String>(parts.next()))? {
                    return Ok(Some(Item::Part { bytes: *row_bytes * rows.num_rows() as u64, rows }));
                }
                self.current = None;
            }
            let Some(batch) = self.batches.next().transpose()? else { return Ok(None) };
            if batch.rows <= CHUNK_ROWS && batch.bytes <= MAX_CHUNK_BYTES as u64 {
                return Ok(Some(Item::Encoded(batch)));
            }
            let rows = guarded(self.shown, || batch.decode())?;
            let row_bytes = batch.bytes.div_ceil(rows.num_rows().max(1) as u64);
            self.current = Some((Parts::of(rows, self.wanted), row_bytes));
        }
    }
}

impl<I: Iterator<Item = Result<EncodedBatch, ReadError>>> Iterator for Items<'_, I> {
    type Item = Result<Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_next().transpose()
    }
}

/// The parts of a batch, each of at most the rows and the bytes of a chunk.
struct Parts<'a> {
    wanted: &'a [WantedColumn],
    rest: Option<RecordBatch>,
    /// The number of rows to try for the next part.
    rows: usize,
}

impl<'a> Parts<'a> {
    const fn of(batch: RecordBatch, wanted: &'a [WantedColumn]) -> Self {
        Self { wanted, rest: Some(batch), rows: CHUNK_ROWS }
    }
}

impl Iterator for Parts<'_> {
    type Item = RecordBatch;

    /// Cuts the next part off. A text of a dictionary may be in every row of it, so few rows may fill a chunk.
    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.rest.take()?;
        let rows = batch.num_rows();
        let mut part = batch.slice(0, rows.min(self.rows));
        while part.num_rows() > 1 && text_bytes(&part, self.wanted) > MAX_CHUNK_BYTES {
            part = part.slice(0, part.num_rows() / 2);
        }
        let taken = part.num_rows();
        self.rows = CHUNK_ROWS.min(2 * taken);
        self.rest = (taken < rows).then(|| batch.slice(taken, rows - taken));
        Some(part)
    }
}
