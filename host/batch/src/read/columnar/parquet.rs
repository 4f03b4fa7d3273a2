//! Parquet. Several threads read pieces: runs of rows of one row group, as long as a few chunks. A row group whose rows can
//! be long is decoded batch by batch, and not by several threads at once.

use super::chunks::batch_to_chunks;
use super::guard::pages::{GroupPlan, PlannedColumn, plan_group};
use super::guard::{guarded, nesting, row_counts};
use super::parquet_stream::Rereader;
use super::snapshot::Snapshot;
use super::wanted::{WantedColumn, wanted_columns};
use crate::columns::{CHUNK_ROWS, Chunk, OriginRow, Slot};
use crate::error::ReadError;
use crate::parallel::in_order_within;
use crate::read::list_builder::{FinishedChunk, ListBuilder};
use crate::read::mapping::Mapping;
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::basic::Type as PhysicalType;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::PageIndexPolicy;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, TimeUnit};
use std::sync::{Arc, OnceLock};

/// The batches of a piece. It has several, because its reader skips the rows before it in the row group.
const PIECE_BATCHES: usize = 4;
/// A row group with fewer rows in a batch is not read in pieces, because each piece would skip the rows before it.
const MIN_PIECE_ROWS: usize = CHUNK_ROWS / 16;
/// The bytes of the pieces that are decoded at the same time, per thread.
const PIECES_BYTES: u64 = 48 << 20;

/// A run of rows of a row group.
struct Piece {
    start: OriginRow,
    rows: usize,
    /// Its rows, if they were decoded.
    batch: Option<RecordBatch>,
    /// The bytes that it takes while it is decoded.
    bytes: u64,
}

/// The chunks of a piece.
struct DecodedPiece {
    chunks: Vec<FinishedChunk>,
    rows: usize,
}

/// A target list.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    snapshot: Snapshot,
    metadata: ArrowReaderMetadata,
    wanted: Vec<WantedColumn>,
    /// How each row group is decoded.
    plans: Arc<[OnceLock<GroupPlan>]>,
}

/// Opens a file. `is_dictionary` says which columns of strings are read as dictionaries.
pub(super) fn open_parquet(
    snapshot: &Snapshot,
    is_dictionary: impl Fn(&str) -> bool,
) -> Result<ArrowReaderMetadata, String> {
    nesting::check_nesting(snapshot)?;
    // The Arrow schema and the page index that a program adds to a file may contradict it, so both are ignored.
    let options =
        || ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Skip);
    let plain = ArrowReaderMetadata::load(snapshot, options()).map_err(|error| error.to_string())?;
    row_counts::check_footer(plain.metadata())?;
    let columns = plain.parquet_schema().root_schema().get_fields().iter();
    let fields = plain.schema().fields().iter().zip(columns).map(|(field, column)| {
        let kind = match field.data_type() {
            DataType::Utf8 if is_dictionary(field.name()) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            // Nanoseconds would overflow for times before 1678 and after 2262.
            DataType::Timestamp(_, _)
                if column.is_primitive() && column.get_physical_type() == PhysicalType::INT96 =>
            {
                DataType::Timestamp(TimeUnit::Second, None)
            }
            other => other.clone(),
        };
        Arc::new(field.as_ref().clone().with_data_type(kind))
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options().with_schema(Arc::new(schema)))
        .map_err(|error| error.to_string())
}

/// A run of rows of a row group.
#[derive(Clone, Copy)]
pub(super) struct RowRange {
    pub start: OriginRow,
    pub rows: usize,
}

/// Creates a reader of these columns for a range of rows.
pub(super) fn parquet_reader(
    snapshot: &Snapshot,
    metadata: &ArrowReaderMetadata,
    columns: impl IntoIterator<Item = usize>,
    RowRange { start, rows }: RowRange,
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
    ParquetRecordBatchReaderBuilder::new_with_metadata(snapshot.clone(), metadata.clone())
        .with_projection(mask)
        .with_batch_size(batch_rows)
        .with_row_groups(vec![start.part])
        .with_offset(start.row)
        .with_limit(rows)
        .build()
}

/// Reads a target list.
pub(super) fn read_parquet_list(
    snapshot: &Snapshot,
    shown: &str,
    mapping: &Mapping,
    threads: usize,
    builder: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let is_dictionary = |name: &str| matches!(mapping.field(name).map(|field| field.slot), Some(Slot::Text(_)));
    let metadata = guarded(shown, || open_parquet(snapshot, is_dictionary))?;
    let wanted = wanted_columns(metadata.schema(), mapping).map_err(|message| ReadError::of_file(shown, message))?;
    let hasher = builder.hasher.clone();
    let size = snapshot.size();
    let rows_total = metadata.metadata().row_groups().iter().map(|group| group.num_rows() as u64).sum::<u64>();
    let plans = (0..metadata.metadata().num_row_groups()).map(|_| OnceLock::new()).collect();
    let targets = Targets { snapshot: snapshot.clone(), metadata, wanted, plans };
    builder.read_again_from(Box::new(Rereader::new(targets.clone())));
    let decode = |piece: Result<Piece, ReadError>| {
        let piece = piece?;
        let (start, rows) = (piece.start, piece.rows);
        let chunks = guarded(shown, || targets.decode(piece))?;
        let chunks = chunks.into_iter().map(|chunk| {
            let at = OriginRow { row: start.row + chunk.first_row as usize, ..start };
            FinishedChunk::of(chunk, &hasher).at(at)
        });
        Ok::<_, ReadError>(DecodedPiece { chunks: chunks.collect(), rows })
    };
    let pieces = Pieces { targets: &targets, shown, next: Some(OriginRow { part: 0, row: 0 }), stream: None };
    let weigh = |piece: &Result<Piece, ReadError>| piece.as_ref().map_or(0, |piece| piece.bytes);
    let mut rows_done = 0_u64;
    in_order_within(
        PIECES_BYTES * threads as u64,
        weigh,
        threads,
        pieces,
        decode,
        |decoded| -> Result<(), ReadError> {
            let DecodedPiece { chunks, rows } = decoded?;
            chunks.into_iter().try_for_each(|chunk| builder.add(chunk))?;
            rows_done += rows as u64;
            builder.progress((size as f64 * rows_done as f64 / rows_total.max(1) as f64) as u64, size);
            Ok(())
        },
    )
}

/// The pieces of a list, in order.
struct Pieces<'a> {
    targets: &'a Targets,
    shown: &'a str,
    /// The row that the next piece begins at; `None` at the end of the list, and after an error.
    next: Option<OriginRow>,
    /// The batches of a row group that is not read in pieces.
    stream: Option<ParquetRecordBatchReader>,
}

impl Iterator for Pieces<'_> {
    type Item = Result<Piece, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        if start.part >= self.targets.plans.len() {
            return None;
        }
        Some(guarded(self.shown, || self.piece(start)))
    }
}

impl Pieces<'_> {
    fn piece(&mut self, start: OriginRow) -> Result<Piece, String> {
        let targets = self.targets;
        if start.row == 0 {
            targets.check_group(start.part)?;
        }
        let plan = targets.plan(start.part)?;
        let left = targets.group_rows(start.part) - start.row;
        // A row group without rows has a piece too, because its pages may have some.
        let mut piece = Piece { start, rows: left.min(PIECE_BATCHES * plan.batch_rows), batch: None, bytes: 0 };
        if plan.batch_rows < MIN_PIECE_ROWS && left > 0 {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                None => self.stream.insert(targets.reader(RowRange { start, rows: left })?),
            };
            let batch = stream.next().ok_or_else(|| too_few_rows(start.part))?.map_err(|error| error.to_string())?;
            (piece.rows, piece.batch) = (batch.num_rows(), Some(batch));
        }
        let open = if piece.batch.is_some() { 0 } else { plan.open_bytes };
        piece.bytes = open + 2 * plan.row_bytes * piece.rows as u64;
        let next = OriginRow { row: start.row + piece.rows, ..start };
        self.next = Some(if piece.rows == left {
            self.stream = None;
            OriginRow { part: start.part + 1, row: 0 }
        } else {
            next
        });
        Ok(piece)
    }
}

fn too_few_rows(group: usize) -> String {
    format!("row group {group} has fewer rows than the footer says")
}

impl Targets {
    /// Returns how a row group is decoded.
    pub fn plan(&self, group: usize) -> Result<GroupPlan, String> {
        let plan = self.plans.get(group).ok_or_else(|| format!("there is no row group {group}"))?;
        if let Some(plan) = plan.get() {
            return Ok(*plan);
        }
        let columns = self.wanted.iter().map(|wanted| PlannedColumn {
            index: wanted.index,
            is_dictionary: matches!(
                self.metadata.schema().field(wanted.index).data_type(),
                DataType::Dictionary(_, _)
            ),
        });
        let columns: Vec<PlannedColumn> = columns.collect();
        let found = plan_group(&self.snapshot, self.metadata.metadata(), group, &columns)?;
        Ok(*plan.get_or_init(|| found))
    }

    /// The number of rows of a row group.
    pub fn group_rows(&self, group: usize) -> usize {
        self.metadata.metadata().row_group(group).num_rows() as usize
    }

    /// Checks the row counts of the pages of a row group.
    fn check_group(&self, group: usize) -> Result<(), String> {
        let columns: Vec<usize> = self.wanted.iter().map(|wanted| wanted.index).collect();
        row_counts::check_pages(&self.snapshot, self.metadata.metadata(), group, &columns)
    }

    /// Creates a reader of the batches of a range.
    pub fn reader(&self, range: RowRange) -> Result<ParquetRecordBatchReader, String> {
        let indices = self.wanted.iter().map(|wanted| wanted.index);
        let batch_rows = self.plan(range.start.part)?.batch_rows;
        parquet_reader(&self.snapshot, &self.metadata, indices, range, batch_rows).map_err(|error| error.to_string())
    }

    /// Turns a batch into chunks, whose rows are counted from its first one.
    pub fn chunks(&self, batch: &RecordBatch) -> Result<Vec<Chunk>, String> {
        batch_to_chunks(batch, &self.wanted)
    }

    /// Decodes a piece. The rows of the chunks are counted from its first one.
    fn decode(&self, piece: Piece) -> Result<Vec<Chunk>, String> {
        if let Some(batch) = piece.batch {
            return self.chunks(&batch);
        }
        let (mut all, mut rows) = (Vec::new(), 0);
        for batch in self.reader(RowRange { start: piece.start, rows: piece.rows })? {
            let batch = batch.map_err(|error| error.to_string())?;
            let first_row = |chunk: Chunk| Chunk { first_row: rows as u64 + chunk.first_row, ..chunk };
            all.extend(self.chunks(&batch)?.into_iter().map(first_row));
            rows += batch.num_rows();
        }
        if rows == piece.rows { Ok(all) } else { Err(too_few_rows(piece.start.part)) }
    }
}
