//! Opening an inventory from its path.

use super::interface::Inventory;
use super::sqlite::Sqlite;
use super::table::Table;
use crate::error::ReadError;
use crate::parallel::threads;
use crate::read::Folder;
use crate::spill::MemoryBudget;
use std::path::Path;

/// Opens an inventory that the operator or the embedding program named. One in a file (`.csv`, `.ndjson`, `.jsonl`,
/// `.parquet`, `.arrow`) is read: into memory, or into a temporary file if it is larger than three eighths of the memory of a
/// check, 1 GiB. [`Sqlite`] (`.db`, `.sqlite`, `.sqlite3`) is queried in place.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn open_inventory(path: &Path) -> Result<Box<dyn Inventory>, ReadError> {
    open_inventory_within(path, MemoryBudget::default().0, threads())
}

/// Opens an inventory as [`open_inventory`] does, for a check that may use this many bytes of memory and these threads.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn open_inventory_within(path: &Path, memory: u64, threads: usize) -> Result<Box<dyn Inventory>, ReadError> {
    let (folder, name) = Folder::of(path)?;
    read_inventory_within(&folder, &name, memory, threads)
}

/// Opens an inventory below a folder, as [`open_inventory_within`] does.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn read_inventory_within(
    folder: &Folder,
    name: &str,
    memory: u64,
    threads: usize,
) -> Result<Box<dyn Inventory>, ReadError> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    if let Some("db" | "sqlite" | "sqlite3") = extension.as_deref() {
        return Ok(Box::new(Sqlite::read(folder, name)?));
    }
    Ok(Box::new(Table::read_within(folder, name, MemoryBudget(memory), threads)?))
}
