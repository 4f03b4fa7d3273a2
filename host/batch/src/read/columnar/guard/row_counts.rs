//! Checks the row counts of a Parquet file, which has them in several places. If they differ, programs read different lists
//! from it, and the program that deletes must not see more rows than were vetted.

use crate::read::columnar::snapshot::Snapshot;
use ::parquet::column::page::PageReader;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use ::parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;

fn ambiguous(message: &str) -> String {
    format!("{message}: the file disagrees with itself about its row count")
}

/// Compares the row counts in the footer: of the file, of its row groups, and of their columns.
pub(in crate::read::columnar) fn check_footer(metadata: &ParquetMetaData) -> Result<(), String> {
    let mut sum = 0_i64;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let rows = group.num_rows();
        if rows < 0 {
            return Err(format!("row group {number} has {rows} rows"));
        }
        sum = sum.checked_add(rows).ok_or("its row groups have more rows than can be counted")?;
        if let Some(elsewhere) = group.columns().iter().find_map(|column| column.file_path()) {
            return Err(format!("row group {number} is in another file, `{elsewhere}`"));
        }
        let flat = |leaf: &usize| group.column(*leaf).column_descr().max_rep_level() == 0;
        let other = (0..group.num_columns()).filter(flat).find(|leaf| group.column(*leaf).num_values() != rows);
        if let Some(column) = other.map(|leaf| group.column(leaf)) {
            let (values, path) = (column.num_values(), column.column_path().string());
            return Err(ambiguous(&format!(
                "row group {number} has {rows} rows, but its column `{path}` has {values} values"
            )));
        }
    }
    let rows = metadata.file_metadata().num_rows();
    if rows == sum { Ok(()) } else { Err(ambiguous(&format!("it has {rows} rows, but its row groups have {sum}"))) }
}

/// Compares the pages of a row group with its row count, for the columns with these indices in the schema.
pub(in crate::read::columnar) fn check_pages(
    snapshot: &Snapshot,
    metadata: &ParquetMetaData,
    group: usize,
    columns: &[usize],
) -> Result<(), String> {
    let (rows, schema) = (metadata.row_group(group).num_rows() as u64, metadata.file_metadata().schema_descr());
    for (leaf, column) in metadata.row_group(group).columns().iter().enumerate() {
        if column.column_descr().max_rep_level() > 0 || !columns.contains(&schema.get_column_root_idx(leaf)) {
            continue;
        }
        let values = count_values(snapshot, column, rows as usize).map_err(|error| error.to_string())?;
        if values != rows {
            let path = column.column_path().string();
            return Err(ambiguous(&format!(
                "row group {group} has {rows} rows, but the pages of `{path}` have {values}"
            )));
        }
    }
    Ok(())
}

/// Counts the values in the pages of a column.
fn count_values(snapshot: &Snapshot, column: &ColumnChunkMetaData, rows: usize) -> Result<u64, ParquetError> {
    let mut pages = SerializedPageReader::new(Arc::new(snapshot.clone()), column, rows, None)?;
    let mut values = 0_u64;
    while let Some(page) = pages.peek_next_page()? {
        values = values.saturating_add(page.num_levels.unwrap_or_default() as u64);
        pages.skip_next_page()?;
    }
    Ok(values)
}
