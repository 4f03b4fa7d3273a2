//! Opening an inventory from its path.

use super::interface::Inventory;
use super::sqlite::Sqlite;
use super::table::Table;
use crate::error::ReadError;
use crate::read::Folder;
use std::path::Path;

/// Opens an inventory that the operator or the embedding program named. A [`Table`] (`.csv`, `.ndjson`, `.jsonl`,
/// `.parquet`, `.arrow`) is read into memory, [`Sqlite`] (`.db`, `.sqlite`, `.sqlite3`) is queried in place.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn open_inventory(path: &Path) -> Result<Box<dyn Inventory>, ReadError> {
    let (folder, name) = Folder::of(path)?;
    read_inventory(&folder, &name)
}

/// Opens an inventory below a folder, as [`open_inventory`] does.
///
/// # Errors
/// [`ReadError`] with the line.
pub fn read_inventory(folder: &Folder, name: &str) -> Result<Box<dyn Inventory>, ReadError> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("db" | "sqlite" | "sqlite3") => Ok(Box::new(Sqlite::read(folder, name)?)),
        _ => Ok(Box::new(Table::read(folder, name)?)),
    }
}
