//! Parquet. A piece is a run of rows of one row group, cut where chunks are; several threads read pieces.

use super::super::filling::{Filling, Full};
use super::super::{Place, Unreadable};
use super::chunks::chunks;
use super::snapshot::Snapshot;
use super::{Wanted, counts, guarded, schema, wanted};
use crate::columns::{At, CHUNK_ROWS, Chunk, Origin};
use crate::parallel::in_order;
use crate::source::fields::{Field, Mapping};
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

/// Rows of a piece: a few chunks, for those before it in its row group have to be passed over.
const PIECE_ROWS: usize = 4 * CHUNK_ROWS;

/// Chunks that are kept because they are likely to be asked for next.
const MOST_AHEAD: usize = 16;

/// A run of rows of a row group.
struct Piece {
    group: usize,
    offset: usize,
    rows: usize,
    /// Of all rows of the file, how many are behind this piece, and how many there are.
    done: (u64, u64),
}

/// A target list.
#[derive(Clone, Debug)]
struct Targets {
    snapshot: Snapshot,
    metadata: ArrowReaderMetadata,
    wanted: Vec<Wanted>,
}

/// Opens a file, with the strings of some columns as dictionaries.
pub(super) fn open(snapshot: &Snapshot, dictionaries: impl Fn(&str) -> bool) -> Result<ArrowReaderMetadata, String> {
    schema::check(snapshot)?;
    // The types are those of Parquet itself, and the pages those that are there: what another program noted beside them
    // may be wrong.
    let options =
        || ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Skip);
    let plain = ArrowReaderMetadata::load(snapshot, options()).map_err(|error| error.to_string())?;
    counts::of_footer(plain.metadata())?;
    let columns = plain.parquet_schema().root_schema().get_fields().iter();
    let fields = plain.schema().fields().iter().zip(columns).map(|(field, column)| {
        let kind = match field.data_type() {
            DataType::Utf8 if dictionaries(field.name()) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            // As nanoseconds, times before 1678 and after 2262 would come out as others.
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

/// A reader of so many rows of a row group from some row on, or of everything, with these columns.
pub(super) fn reader(
    snapshot: &Snapshot,
    metadata: &ArrowReaderMetadata,
    columns: impl IntoIterator<Item = usize>,
    rows: Option<(At, usize)>,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(snapshot.clone(), metadata.clone())
        .with_projection(mask)
        .with_batch_size(CHUNK_ROWS);
    match rows {
        Some(((group, offset), rows)) => {
            builder.with_row_groups(vec![group]).with_offset(offset).with_limit(rows).build()
        }
        None => builder.build(),
    }
}

/// Reads a target list.
pub(super) fn read(
    snapshot: &Snapshot,
    shown: &str,
    mapping: &Mapping,
    threads: usize,
    filling: &mut Filling<'_, '_>,
) -> Result<(), Unreadable> {
    let is_code = |name: &str| {
        let field = mapping.field(name);
        matches!(field, Some(Field::Kind | Field::Tenant | Field::Environment | Field::State))
    };
    let metadata = guarded(shown, || open(snapshot, is_code))?;
    let wanted =
        wanted(metadata.schema(), mapping).map_err(|message| Unreadable::new(shown, Place::Whole, message))?;
    let hasher = filling.hasher.clone();
    let size = snapshot.size();
    let pieces = pieces(&metadata);
    let targets = Targets { snapshot: snapshot.clone(), metadata, wanted };
    filling.read_again_from(Box::new(Again { targets: targets.clone(), ahead: Mutex::default() }));
    let decode = |piece: Piece| {
        let chunks = guarded(shown, || targets.piece(&piece))?;
        let full = chunks.into_iter().map(|chunk| {
            let at = (piece.group, piece.offset + chunk.first_row as usize);
            Full::of(chunk, &hasher).at(at)
        });
        Ok::<_, Unreadable>((full.collect::<Vec<_>>(), piece.done))
    };
    in_order(threads, pieces, decode, |decoded| -> Result<(), Unreadable> {
        let (full, (done, of)) = decoded?;
        full.into_iter().try_for_each(|chunk| filling.add(chunk))?;
        filling.progress((size as f64 * done as f64 / of.max(1) as f64) as u64, size);
        Ok(())
    })
}

fn pieces(metadata: &ArrowReaderMetadata) -> impl Iterator<Item = Piece> + use<> {
    let groups = metadata.metadata().row_groups();
    let groups: Vec<u64> = groups.iter().map(|group| group.num_rows() as u64).collect();
    let (of, mut before) = (groups.iter().sum(), 0);
    groups.into_iter().enumerate().flat_map(move |(group, rows)| {
        let first = before;
        before += rows;
        // One without rows has a piece too, for its pages may have some.
        (0..rows.max(1) as usize).step_by(PIECE_ROWS).map(move |offset| {
            let rows = PIECE_ROWS.min(rows as usize - offset);
            Piece { group, offset, rows, done: (first + (offset + rows) as u64, of) }
        })
    })
}

impl Targets {
    /// The chunks of a piece. With the first of a row group, the group's pages are counted.
    fn piece(&self, piece: &Piece) -> Result<Vec<Chunk>, String> {
        if piece.offset == 0 {
            let columns: Vec<usize> = self.wanted.iter().map(|wanted| wanted.index).collect();
            counts::of_pages(&self.snapshot, self.metadata.metadata(), piece.group, &columns)?;
        }
        let chunks = self.chunks((piece.group, piece.offset), piece.rows)?;
        let rows: usize = chunks.iter().map(|chunk| chunk.rows as usize).sum();
        if rows == piece.rows {
            Ok(chunks)
        } else {
            Err(format!("row group {} has fewer rows than it says", piece.group))
        }
    }

    /// The chunks of so many rows at a place. Their rows are counted from there.
    fn chunks(&self, at: At, rows: usize) -> Result<Vec<Chunk>, String> {
        let indices = self.wanted.iter().map(|wanted| wanted.index);
        let reader = reader(&self.snapshot, &self.metadata, indices, Some((at, rows)));
        let (mut all, mut before) = (Vec::new(), 0);
        for batch in reader.map_err(|error| error.to_string())? {
            let batch = batch.map_err(|error| error.to_string())?;
            let chunks = chunks(&batch, &self.wanted)?;
            all.extend(chunks.into_iter().map(|chunk| Chunk { first_row: before + chunk.first_row, ..chunk }));
            before += batch.num_rows() as u64;
        }
        Ok(all)
    }
}

/// Reads chunks once more. The first of a piece is read together with those that follow, which will be asked for next.
#[derive(Debug)]
struct Again {
    targets: Targets,
    ahead: Mutex<BTreeMap<At, Chunk>>,
}

impl Origin for Again {
    fn read(&self, at: At, rows: u32) -> Result<Chunk, String> {
        let ahead = || self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ahead().remove(&at);
        let chunk = match known {
            Some(chunk) => Some(chunk),
            None => {
                let (group, offset) = at;
                let piece = if offset.is_multiple_of(PIECE_ROWS) { PIECE_ROWS } else { rows as usize };
                let chunks = guarded("the list", || self.targets.chunks(at, piece));
                let mut chunks = chunks.map_err(|error| error.to_string())?.into_iter();
                let first = chunks.next();
                let mut ahead = ahead();
                if ahead.len() >= MOST_AHEAD {
                    ahead.clear();
                }
                ahead.extend(chunks.map(|chunk| ((group, offset + chunk.first_row as usize), chunk)));
                first
            }
        };
        let other = || "the list has other rows than when it was read".to_owned();
        chunk.filter(|chunk| chunk.rows == rows).ok_or_else(other)
    }
}
