//! Reading an inventory file: CSV with a header, JSON, Parquet or Arrow. JSON has the shapes that a list has.

use super::blocks::{LineError, each_line_of_text};
use super::columnar::{ColumnarFormat, EXTENSIONS, read_columnar_inventory};
use super::csv::each_named_record;
use super::folder::Folder;
use super::json_blocks::{JsonBlocks, RowError};
use super::json_list::is_document;
use super::mapping::Mapping;
use super::text_file::{TextFile, TextFormat};
use crate::error::{ReadError, describe, without_position};
use crate::record::{InventoryReader, InventoryRow, is_inventory_column};
use crate::spill::MemoryBudget;
use std::io::{Cursor, Read};

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
        TextFormat::Csv | TextFormat::Tsv => {
            let tabs = reader.format == TextFormat::Tsv;
            each_named_record(&mut reader, &shown, tabs, is_inventory_column, |fields| {
                each(InventoryRow::from_texts(fields)?)
            })?;
        }
        TextFormat::Json => read_document(&mut reader, &shown, each)?,
        TextFormat::Ndjson => {
            let mut start = Vec::new();
            let peeked = reader.by_ref().take(PEEKED_BYTES).read_to_end(&mut start);
            peeked.map_err(|error| ReadError::of_file(&shown, describe(&error)))?;
            let start_of_text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
            let is_document = is_document(start_of_text, &Mapping::default());
            let mut text = Cursor::new(start).chain(&mut reader);
            if is_document {
                read_document(&mut text, &shown, each)?;
            } else {
                let mut rows = InventoryReader::default();
                each_line_of_text(&mut text, &shown, |text| {
                    each(rows.read(text).map_err(|error| without_position(&error))??)
                })?;
            }
        }
        TextFormat::Lines => {
            return Err(ReadError::of_file(&shown, "a list of ids alone is not an inventory")
                .with_help("name what is known of each id: in CSV, JSON, Parquet, Arrow or SQLite"));
        }
    }
    reader.finish()
}

/// The number of bytes that show whether a text is lines of JSON or a document.
const PEEKED_BYTES: u64 = 2 << 20;

/// Reads a JSON document with the shapes of a list: arrays of objects, objects, or objects with such an array.
fn read_document(
    reader: &mut impl Read,
    shown: &str,
    mut each: impl FnMut(InventoryRow) -> Result<(), String>,
) -> Result<(), ReadError> {
    let mut blocks = JsonBlocks::new(reader, |name: &str| name == "id");
    let (mut buffer, mut lines, mut rows) = (Vec::new(), 0, InventoryReader::default());
    while let Some(block) = blocks.next(buffer).map_err(|error| error.of_file(shown))? {
        let read = block.each_row(|json| {
            let row = rows.read(json).map_err(RowError::Json)?;
            row.and_then(&mut each).map_err(RowError::Row)
        });
        lines += read.map_err(|error: LineError| error.after(shown, lines))?;
        buffer = block.bytes;
    }
    Ok(())
}
