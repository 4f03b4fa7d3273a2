//! Reading an inventory file: CSV with a header, NDJSON, Parquet or Arrow.

use super::blocks::each_line_of_text;
use super::columnar::{ColumnarFormat, EXTENSIONS, read_columnar_inventory};
use super::csv::each_named_record;
use super::folder::Folder;
use super::text_file::{TextFile, TextFormat};
use crate::error::ReadError;
use crate::record::{InventoryRow, check_inventory_column};
use crate::spill::MemoryBudget;

/// Reads an inventory and passes each row to `each`. Returns the file's digest. `memory` is for the decoder.
pub(crate) fn read_inventory_file(
    folder: &Folder,
    name: &str,
    memory: MemoryBudget,
    mut each: impl FnMut(InventoryRow) -> Result<(), String>,
) -> Result<String, ReadError> {
    let shown = folder.display_name(name);
    if let Some(format) = ColumnarFormat::of(name) {
        return read_columnar_inventory(folder, name, format, memory, each);
    }
    let also = format!("{EXTENSIONS}; or in .db, .sqlite or .sqlite3");
    let mut reader = TextFile::open(folder, name, "inventories", &also)?;
    match reader.format {
        TextFormat::Csv => each_named_record(&mut reader, &shown, check_inventory_column, |fields| {
            each(InventoryRow::from_texts(fields)?)
        })?,
        TextFormat::Ndjson => {
            each_line_of_text(&mut reader, &shown, |text| each(InventoryRow::from_json(text)?))?;
        }
    }
    reader.finish()
}
