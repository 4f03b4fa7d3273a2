//! The inventory: the operator's authoritative record of what an id is. It is asked in bulk, and what it does not
//! know stays unknown.

mod closure;
mod resolve;
mod share;
mod sqlite;
mod table;

pub(crate) use resolve::{Resolution, resolve};
pub(crate) use share::Share;
pub use sqlite::Sqlite;
pub use table::Table;

use crate::source::{Folder, Unreadable};
use crate::unavailable::Unavailable;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What the inventory knows of one thing. `None` is unknown, which is never the same as none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// What it is.
    pub kind: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// Where it is.
    pub environment: Option<String>,
    /// Its life-cycle state, for example `live` or `soft-deleted`.
    pub state: Option<String>,
    /// Since when it has been in that state, in seconds since 1970.
    pub state_since: Option<i64>,
    /// When it was made, in seconds since 1970.
    pub created_at: Option<i64>,
    /// When it was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// Its size.
    pub size_bytes: Option<u64>,
    /// The ids of what goes when it goes: children, replicas, attached volumes. Empty: nothing does.
    pub dependents: Option<Vec<String>>,
    /// Whether a legal hold forbids to delete it.
    pub legal_hold: Option<bool>,
    /// Until when it has to be kept, in seconds since 1970. 0: it does not have to be.
    pub retain_until: Option<i64>,
    /// The capacity pool it is a member of, if it is a member of one.
    pub pool: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
}

/// A capacity pool as the inventory knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolRecord {
    /// Members now.
    pub members: u64,
    /// Members it needs.
    pub minimum: Option<u64>,
}

/// Where ids are resolved.
pub trait Inventory: Send + Sync {
    /// The inventory as it is now. A decision takes all its answers from one snapshot.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked. That is a fault of the decision, never an empty answer.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, Unavailable>;
}

/// An inventory at one moment. Every method is asked in bulk, and fails with [`Unavailable`] where it has no answer.
pub trait Snapshot {
    /// SHA-256 of what answers, or of all the answers given so far, lower-case hex: what a decision was based on.
    fn sha256(&self) -> String;

    /// What is known of each id, in their order; `None` where the id is not known.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, Unavailable>;

    /// How many things of each kind there are, for these kinds.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, Unavailable>;

    /// How many tenants there are.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn tenants(&self) -> Result<u64, Unavailable>;

    /// What is known of each pool, in their order.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, Unavailable>;
}

impl<T: Inventory + ?Sized> Inventory for Box<T> {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, Unavailable> {
        (**self).snapshot()
    }
}

impl<T: Inventory + ?Sized> Inventory for Arc<T> {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, Unavailable> {
        (**self).snapshot()
    }
}

/// Opens an inventory that the operator or the embedding program named: a [`Table`] (`.csv`, `.ndjson`, `.jsonl`, `.parquet`,
/// `.arrow`) is read, [`Sqlite`] (`.db`, `.sqlite`, `.sqlite3`) is asked where it is.
///
/// # Errors
/// [`Unreadable`] with the line.
pub fn open_inventory(path: &Path) -> Result<Box<dyn Inventory>, Unreadable> {
    let (folder, name) = Folder::of(path)?;
    read_inventory(&folder, &name)
}

/// Opens an inventory below a folder.
pub(crate) fn read_inventory(folder: &Folder, name: &str) -> Result<Box<dyn Inventory>, Unreadable> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("db" | "sqlite" | "sqlite3") => Ok(Box::new(Sqlite::read(folder, name)?)),
        _ => Ok(Box::new(Table::read(folder, name)?)),
    }
}
