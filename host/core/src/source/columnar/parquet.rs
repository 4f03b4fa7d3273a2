//! Parquet. A piece is a run of rows of one row group, cut where chunks are; several threads read pieces.

use super::super::filling::{Filling, Full};
use super::super::{Place, Unreadable};
use super::chunks::chunks;
use super::snapshot::Snapshot;
use super::{Wanted, guarded, wanted};
use crate::columns::CHUNK_ROWS;
use crate::parallel::in_order;
use crate::source::fields::{Field, Mapping};
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::errors::Result;
use ::parquet::file::metadata::PageIndexPolicy;
use ::parquet::file::reader::Length;
use arrow_schema::{DataType, Schema};
use std::sync::Arc;

/// Rows of a piece: a few chunks, for those before it in its row group have to be passed over.
const PIECE_ROWS: usize = 4 * CHUNK_ROWS;

/// A run of rows of a row group.
struct Piece {
    group: usize,
    offset: usize,
    /// Of all rows of the file, how many are behind this piece, and how many there are.
    done: (u64, u64),
}

/// Opens a file, with the strings of some columns as dictionaries.
pub(super) fn open(snapshot: &Snapshot, dictionaries: impl Fn(&str) -> bool) -> Result<ArrowReaderMetadata> {
    // The types are those of Parquet itself: what another program noted beside them may be wrong.
    let options =
        || ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Optional);
    let plain = ArrowReaderMetadata::load(snapshot, options())?;
    let fields = plain.schema().fields().iter().map(|field| {
        if *field.data_type() == DataType::Utf8 && dictionaries(field.name()) {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(kind))
        } else {
            Arc::clone(field)
        }
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options().with_schema(Arc::new(schema)))
}

/// A reader of a run of rows of a row group, or of everything, with these columns.
pub(super) fn reader(
    snapshot: &Snapshot,
    metadata: &ArrowReaderMetadata,
    columns: impl IntoIterator<Item = usize>,
    rows: Option<(usize, usize)>,
) -> Result<ParquetRecordBatchReader> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(snapshot.clone(), metadata.clone())
        .with_projection(mask)
        .with_batch_size(CHUNK_ROWS);
    match rows {
        Some((group, offset)) => {
            builder.with_row_groups(vec![group]).with_offset(offset).with_limit(PIECE_ROWS).build()
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
) -> std::result::Result<(), Unreadable> {
    let is_code = |name: &str| {
        let field = mapping.field(name);
        matches!(field, Some(Field::Kind | Field::Tenant | Field::Environment | Field::State))
    };
    let metadata = guarded(shown, || open(snapshot, is_code))?;
    let wanted =
        wanted(metadata.schema(), mapping).map_err(|message| Unreadable::new(shown, Place::Whole, message))?;
    let hasher = filling.hasher.clone();
    let size = snapshot.len();
    let pieces = guarded(shown, || pieces(&metadata))?;
    let decode = |piece: Piece| {
        let full = guarded(shown, || decode(snapshot, &metadata, &wanted, &piece, &hasher))?;
        Ok::<_, Unreadable>((full, piece.done))
    };
    in_order(threads, pieces, decode, |decoded| -> std::result::Result<(), Unreadable> {
        let (full, (done, of)) = decoded?;
        full.into_iter().try_for_each(|chunk| filling.add(chunk))?;
        filling.progress((size as f64 * done as f64 / of.max(1) as f64) as u64, size);
        Ok(())
    })
}

fn pieces(metadata: &ArrowReaderMetadata) -> std::result::Result<Vec<Piece>, String> {
    let groups = metadata.metadata().row_groups();
    let rows = groups.iter().map(|group| u64::try_from(group.num_rows())).collect::<std::result::Result<Vec<_>, _>>();
    let rows = rows.map_err(|_| "a row group has fewer than no rows".to_owned())?;
    let of = rows.iter().try_fold(0_u64, |sum, rows| sum.checked_add(*rows)).ok_or("it has too many rows")?;
    let (mut pieces, mut before) = (Vec::new(), 0);
    for (group, rows) in rows.into_iter().enumerate() {
        for offset in (0..rows as usize).step_by(PIECE_ROWS) {
            let done = before + (offset as u64 + PIECE_ROWS as u64).min(rows);
            pieces.push(Piece { group, offset, done: (done, of) });
        }
        before += rows;
    }
    Ok(pieces)
}

fn decode(
    snapshot: &Snapshot,
    metadata: &ArrowReaderMetadata,
    wanted: &[Wanted],
    piece: &Piece,
    hasher: &crate::facts::Hasher,
) -> std::result::Result<Vec<Full>, String> {
    let indices = wanted.iter().map(|wanted| wanted.index);
    let reader = reader(snapshot, metadata, indices, Some((piece.group, piece.offset)));
    let mut full = Vec::new();
    for batch in reader.map_err(|error| error.to_string())? {
        full.extend(chunks(&batch.map_err(|error| error.to_string())?, wanted, hasher)?);
    }
    Ok(full)
}
