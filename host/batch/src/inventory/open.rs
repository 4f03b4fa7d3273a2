//! Opening an inventory from its path.

use super::interface::Inventory;
use super::spilled::{Spilled, SpilledBuilder};
use super::sqlite::Sqlite;
use super::table::Table;
use crate::error::ReadError;
use crate::read::{Folder, read_inventory_file};
use crate::record::InventoryRow;
use crate::spill::MemoryBudget;
use std::path::Path;

/// Opens an inventory that the operator or the embedding program named. One in a file (`.csv`, `.ndjson`, `.jsonl`,
/// `.parquet`, `.arrow`) is read: into memory, or into a temporary database if it is larger than three eighths of the memory
/// of a check, 1 GiB. [`Sqlite`] (`.db`, `.sqlite`, `.sqlite3`) is queried in place.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn open_inventory(path: &Path) -> Result<Box<dyn Inventory>, ReadError> {
    open_inventory_within(path, MemoryBudget::default().0)
}

/// Opens an inventory as [`open_inventory`] does, for a check that may use this many bytes of memory.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn open_inventory_within(path: &Path, memory: u64) -> Result<Box<dyn Inventory>, ReadError> {
    let (folder, name) = Folder::of(path)?;
    read_inventory_within(&folder, &name, memory)
}

/// Opens an inventory below a folder, as [`open_inventory_within`] does.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn read_inventory_within(folder: &Folder, name: &str, memory: u64) -> Result<Box<dyn Inventory>, ReadError> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    if let Some("db" | "sqlite" | "sqlite3") = extension.as_deref() {
        return Ok(Box::new(Sqlite::read(folder, name)?));
    }
    let memory = MemoryBudget(memory);
    let mut rows = Rows::Memory { table: Table::default(), bytes_left: memory.inventory() };
    let file = read_inventory_file(folder, name, memory, |row| rows.insert(row))?;
    Ok(match rows {
        Rows::Memory { table, .. } => Box::new(table.of_file(file)),
        Rows::Spilled(builder) => {
            let spilled: Result<Spilled, String> = builder.finish(file);
            Box::new(spilled.map_err(|message| ReadError::of_file(&folder.display_name(name), message))?)
        }
    })
}

/// The rows that were read so far.
enum Rows {
    Memory { table: Table, bytes_left: u64 },
    Spilled(SpilledBuilder),
}

impl Rows {
    fn insert(&mut self, row: InventoryRow) -> Result<(), String> {
        match self {
            Self::Memory { table, bytes_left } => match bytes_left.checked_sub(row.memory()) {
                Some(left) => {
                    *bytes_left = left;
                    table.insert(&row.id, row.record, row.pool_minimum)
                }
                None => {
                    let mut builder = SpilledBuilder::new()?;
                    std::mem::take(table).into_rows().try_for_each(|row| builder.insert(&row))?;
                    builder.insert(&row)?;
                    *self = Self::Spilled(builder);
                    Ok(())
                }
            },
            Self::Spilled(builder) => builder.insert(&row),
        }
    }
}
