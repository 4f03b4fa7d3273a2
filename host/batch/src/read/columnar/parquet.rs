//! Reading a target list in Parquet. Several threads read pieces: runs of rows of one row group, as long as a few chunks. A row group whose rows can
//! be long is decoded batch by batch, and not by several threads at once.

use super::guard::guarded;
use super::parquet_file::{RowRange, Targets, open_parquet};
use super::parquet_stream::Rereader;
use super::snapshot::Snapshot;
use super::wanted::wanted_columns;
use crate::columns::{CHUNK_ROWS, Chunk, OriginRow};
use crate::error::ReadError;
use crate::parallel::in_order_within;
use crate::read::list_builder::{FinishedChunk, ListBuilder};
use crate::read::mapping::Mapping;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use arrow_array::RecordBatch;

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

impl Piece {
    /// Decodes it. The rows of the chunks are counted from its first one.
    fn decode(self, targets: &Targets) -> Result<Vec<Chunk>, String> {
        if let Some(batch) = self.batch {
            return targets.chunks(&batch);
        }
        let (mut all, mut rows) = (Vec::new(), 0);
        for batch in targets.reader(RowRange { start: self.start, rows: self.rows })? {
            let batch = batch.map_err(|error| error.to_string())?;
            let first_row = |chunk: Chunk| Chunk { first_row: rows as u64 + chunk.first_row, ..chunk };
            all.extend(targets.chunks(&batch)?.into_iter().map(first_row));
            rows += batch.num_rows();
        }
        if rows == self.rows { Ok(all) } else { Err(too_few_rows(self.start.part)) }
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
        if start.part >= self.targets.groups() {
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
