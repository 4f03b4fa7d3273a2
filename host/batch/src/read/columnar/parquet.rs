//! Reading Parquet, and a target list in it. Several threads read pieces: runs of rows of one row group, as long as a few chunks. A row group whose rows can
//! be long is decoded batch by batch, and not by several threads at once.

use super::guard::guarded;
use super::parquet_file::{ParquetColumns, RowRange, Targets, open_parquet};
use super::parquet_stream::Rereader;
use super::snapshot::Snapshot;
use super::wanted::wanted_columns;
use crate::columns::{CHUNK_ROWS, Chunk, OriginRow};
use crate::error::ReadError;
use crate::parallel::in_order_within;
use crate::read::chunker::FinishedChunk;
use crate::read::list_builder::ListBuilder;
use crate::read::mapping::Mapping;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use arrow_array::RecordBatch;

/// The batches of a piece. It has several, because its reader skips the rows before it in the row group.
const PIECE_BATCHES: usize = 4;
/// A row group with fewer rows in a batch is not read in pieces, because each piece would skip the rows before it.
const MIN_PIECE_ROWS: usize = CHUNK_ROWS / 16;
/// The bytes of the pieces that are decoded at the same time, per thread.
pub(super) const PIECES_BYTES: u64 = 64 << 20;

/// A run of rows of a row group.
pub(super) struct Piece {
    start: OriginRow,
    rows: usize,
    /// Its rows, if they were decoded.
    batch: Option<RecordBatch>,
    /// The bytes that it takes while it is decoded.
    bytes: u64,
}

impl Piece {
    /// The bytes that it takes while it is decoded.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Decodes it, and calls `each` with its batches.
    pub fn each_batch(
        self,
        file: &ParquetColumns,
        mut each: impl FnMut(RecordBatch) -> Result<(), String>,
    ) -> Result<(), String> {
        if let Some(batch) = self.batch {
            return each(batch);
        }
        let mut rows = 0;
        for batch in file.reader(RowRange { start: self.start, rows: self.rows })? {
            let batch = batch.map_err(|error| error.to_string())?;
            rows += batch.num_rows();
            each(batch)?;
        }
        if rows == self.rows { Ok(()) } else { Err(too_few_rows(self.start.part)) }
    }

    /// Decodes it into chunks. Their rows are counted from its first one.
    fn decode(self, targets: &Targets) -> Result<Vec<Chunk>, String> {
        let (mut all, mut rows) = (Vec::new(), 0);
        self.each_batch(&targets.columns, |batch| {
            let first_row = |chunk: Chunk| Chunk { first_row: rows + chunk.first_row, ..chunk };
            all.extend(targets.chunks(&batch)?.into_iter().map(first_row));
            rows += batch.num_rows() as u64;
            Ok(())
        })?;
        Ok(all)
    }
}

/// The chunks of a piece.
struct DecodedPiece {
    chunks: Vec<FinishedChunk>,
    rows: usize,
}

/// Reads a target list.
pub(super) fn read_parquet_list(
    snapshot: &Snapshot,
    shown: &str,
    mapping: &Mapping,
    threads: usize,
    builder: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let is_dictionary = |name: &str| mapping.is_dictionary(name);
    let metadata = guarded(shown, || open_parquet(snapshot, is_dictionary))?;
    let wanted = wanted_columns(metadata.schema(), mapping, &mut builder.read_as)
        .map_err(|message| ReadError::of_file(shown, message))?;
    let hasher = builder.hasher.clone();
    let size = snapshot.size();
    let rows_total = metadata.metadata().row_groups().iter().map(|group| group.num_rows() as u64).sum::<u64>();
    let targets = Targets::new(snapshot.clone(), metadata, wanted);
    builder.read_again_from(Box::new(Rereader::new(targets.clone())));
    let decode = |piece: Result<Piece, ReadError>| {
        let piece = piece?;
        let (start, rows) = (piece.start, piece.rows);
        let chunks = guarded(shown, || piece.decode(&targets))?;
        let chunks = chunks.into_iter().map(|chunk| {
            let at = OriginRow { row: start.row + chunk.first_row as usize, ..start };
            FinishedChunk::of(chunk, &hasher).at(at)
        });
        Ok::<_, ReadError>(DecodedPiece { chunks: chunks.collect(), rows })
    };
    let pieces = Pieces::new(&targets.columns, shown);
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

/// The pieces of a file, in order.
pub(super) struct Pieces<'a> {
    file: &'a ParquetColumns,
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
        if start.part >= self.file.groups() {
            return None;
        }
        Some(guarded(self.shown, || self.piece(start)))
    }
}

impl<'a> Pieces<'a> {
    pub const fn new(file: &'a ParquetColumns, shown: &'a str) -> Self {
        Self { file, shown, next: Some(OriginRow { part: 0, row: 0 }), stream: None }
    }

    fn piece(&mut self, start: OriginRow) -> Result<Piece, String> {
        let file = self.file;
        if start.row == 0 {
            file.check_group(start.part)?;
        }
        let plan = file.plan(start.part)?;
        let left = file.group_rows(start.part) - start.row;
        // A row group without rows has a piece too, because its pages may have some.
        let mut piece = Piece { start, rows: left.min(PIECE_BATCHES * plan.batch_rows), batch: None, bytes: 0 };
        if plan.batch_rows < MIN_PIECE_ROWS && left > 0 {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                None => self.stream.insert(file.reader(RowRange { start, rows: left })?),
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
