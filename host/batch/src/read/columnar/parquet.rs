//! Parquet. Several threads read pieces: runs of rows of one row group, as long as a few chunks.

use super::chunks::batch_to_chunks;
use super::guard::{guarded, nesting, row_counts};
use super::snapshot::Snapshot;
use super::wanted::{WantedColumn, wanted_columns};
use crate::columns::{CHUNK_ROWS, Chunk, Origin, OriginRow, Slot};
use crate::error::ReadError;
use crate::parallel::in_order;
use crate::read::list_builder::{FinishedChunk, ListBuilder};
use crate::read::mapping::Mapping;
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::basic::Type as PhysicalType;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::PageIndexPolicy;
use arrow_schema::{DataType, Schema, TimeUnit};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The rows of a piece. It has several chunks, because its reader skips the rows before it in the row group.
const PIECE_ROWS: usize = 4 * CHUNK_ROWS;

/// The maximum number of chunks that are cached because they are probably read next.
const MAX_CHUNKS_AHEAD: usize = 16;

/// A run of rows of a row group.
struct Piece {
    group: usize,
    offset: usize,
    rows: usize,
    /// The number of rows of the file up to the end of this piece.
    rows_done: u64,
    /// The number of rows of the file.
    rows_total: u64,
}

/// The chunks of a piece.
struct DecodedPiece {
    chunks: Vec<FinishedChunk>,
    rows_done: u64,
    rows_total: u64,
}

/// A target list.
#[derive(Clone, Debug)]
struct Targets {
    snapshot: Snapshot,
    metadata: ArrowReaderMetadata,
    wanted: Vec<WantedColumn>,
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
    start: OriginRow,
    rows: usize,
}

/// Creates a reader of these columns, for a range of rows or for the whole file.
pub(super) fn parquet_reader(
    snapshot: &Snapshot,
    metadata: &ArrowReaderMetadata,
    columns: impl IntoIterator<Item = usize>,
    range: Option<RowRange>,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(snapshot.clone(), metadata.clone())
        .with_projection(mask)
        .with_batch_size(CHUNK_ROWS);
    match range {
        Some(RowRange { start, rows }) => {
            builder.with_row_groups(vec![start.part]).with_offset(start.row).with_limit(rows).build()
        }
        None => builder.build(),
    }
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
    let pieces = pieces(&metadata);
    let targets = Targets { snapshot: snapshot.clone(), metadata, wanted };
    builder.read_again_from(Box::new(Rereader { targets: targets.clone(), ahead: Mutex::default() }));
    let decode = |piece: Piece| {
        let chunks = guarded(shown, || targets.piece(&piece))?;
        let chunks = chunks.into_iter().map(|chunk| {
            let at = OriginRow { part: piece.group, row: piece.offset + chunk.first_row as usize };
            FinishedChunk::of(chunk, &hasher).at(at)
        });
        let Piece { rows_done, rows_total, .. } = piece;
        Ok::<_, ReadError>(DecodedPiece { chunks: chunks.collect(), rows_done, rows_total })
    };
    in_order(threads, pieces, decode, |decoded| -> Result<(), ReadError> {
        let DecodedPiece { chunks, rows_done, rows_total } = decoded?;
        chunks.into_iter().try_for_each(|chunk| builder.add(chunk))?;
        builder.progress((size as f64 * rows_done as f64 / rows_total.max(1) as f64) as u64, size);
        Ok(())
    })
}

fn pieces(metadata: &ArrowReaderMetadata) -> impl Iterator<Item = Piece> + use<> {
    let groups = metadata.metadata().row_groups();
    let groups: Vec<u64> = groups.iter().map(|group| group.num_rows() as u64).collect();
    let (rows_total, mut before) = (groups.iter().sum(), 0);
    groups.into_iter().enumerate().flat_map(move |(group, rows)| {
        let first = before;
        before += rows;
        // A row group without rows has a piece too, because its pages may have some.
        (0..rows.max(1) as usize).step_by(PIECE_ROWS).map(move |offset| {
            let rows = PIECE_ROWS.min(rows as usize - offset);
            Piece { group, offset, rows, rows_done: first + (offset + rows) as u64, rows_total }
        })
    })
}

impl Targets {
    /// Reads the chunks of a piece. The first piece of a row group checks the row counts of the group's pages.
    fn piece(&self, piece: &Piece) -> Result<Vec<Chunk>, String> {
        if piece.offset == 0 {
            let columns: Vec<usize> = self.wanted.iter().map(|wanted| wanted.index).collect();
            row_counts::check_pages(&self.snapshot, self.metadata.metadata(), piece.group, &columns)?;
        }
        let chunks =
            self.chunks(RowRange { start: OriginRow { part: piece.group, row: piece.offset }, rows: piece.rows })?;
        let rows: usize = chunks.iter().map(|chunk| chunk.rows as usize).sum();
        if rows == piece.rows {
            Ok(chunks)
        } else {
            Err(format!("row group {} has fewer rows than the footer says", piece.group))
        }
    }

    /// Reads the chunks of a range. Their rows are counted from its start.
    fn chunks(&self, range: RowRange) -> Result<Vec<Chunk>, String> {
        let indices = self.wanted.iter().map(|wanted| wanted.index);
        let reader = parquet_reader(&self.snapshot, &self.metadata, indices, Some(range));
        let (mut all, mut before) = (Vec::new(), 0);
        for batch in reader.map_err(|error| error.to_string())? {
            let batch = batch.map_err(|error| error.to_string())?;
            let chunks = batch_to_chunks(&batch, &self.wanted)?;
            all.extend(chunks.into_iter().map(|chunk| Chunk { first_row: before + chunk.first_row, ..chunk }));
            before += batch.num_rows() as u64;
        }
        Ok(all)
    }
}

/// Reads chunks again. The first chunk of a piece is read together with the others of the piece, which are probably read
/// next.
#[derive(Debug)]
struct Rereader {
    targets: Targets,
    /// The chunks that were read ahead.
    ahead: Mutex<BTreeMap<OriginRow, Chunk>>,
}

impl Origin for Rereader {
    fn read(&self, at: OriginRow, rows: u32) -> Result<Chunk, String> {
        let ahead = || self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ahead().remove(&at);
        let chunk = match known {
            Some(chunk) => Some(chunk),
            None => {
                let rows = if at.row.is_multiple_of(PIECE_ROWS) { PIECE_ROWS } else { rows as usize };
                let chunks = guarded("the list", || self.targets.chunks(RowRange { start: at, rows }));
                let mut chunks = chunks.map_err(|error| error.to_string())?.into_iter();
                let first = chunks.next();
                let mut ahead = ahead();
                if ahead.len() >= MAX_CHUNKS_AHEAD {
                    ahead.clear();
                }
                let row = |chunk: &Chunk| OriginRow { row: at.row + chunk.first_row as usize, ..at };
                ahead.extend(chunks.map(|chunk| (row(&chunk), chunk)));
                first
            }
        };
        let changed = || "the list changed after it was read".to_owned();
        chunk.filter(|chunk| chunk.rows == rows).ok_or_else(changed)
    }
}
