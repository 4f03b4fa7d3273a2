//! An inventory held in memory.

use super::interface::{Inventory, Snapshot};
use crate::error::{LookupError, ReadError};
use crate::read::{Folder, read_inventory_file};
use crate::record::{PoolRecord, Record};
use hashbrown::{HashMap, HashSet};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// An inventory read from a file, or built by the embedding program.
#[derive(Debug, Default)]
pub struct Table {
    sha256: String,
    records: HashMap<String, Record>,
    kinds: HashMap<String, u64>,
    tenants: HashSet<String>,
    pools: HashMap<String, PoolRecord>,
}

impl Table {
    /// Reads an inventory that the operator or the embedding program named: `.csv`, `.ndjson`, `.jsonl`, Parquet or Arrow.
    ///
    /// # Errors
    /// [`ReadError`] with the line.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        Self::read(&folder, &name)
    }

    /// Reads an inventory below a folder.
    ///
    /// # Errors
    /// [`ReadError`] with the line.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        let mut table = Self::default();
        table.sha256 = read_inventory_file(folder, name, |row| table.insert(&row.id, row.record, row.pool_minimum))?;
        Ok(table)
    }

    /// Adds a thing. `pool_minimum` is the number of members that its pool requires; the largest one counts.
    ///
    /// # Errors
    /// [`LookupError::Invalid`] if the id was added before, because its record would be ambiguous.
    pub fn add(&mut self, id: &str, record: Record, pool_minimum: Option<u64>) -> Result<(), LookupError> {
        self.insert(id, record, pool_minimum).map_err(LookupError::Invalid)
    }

    fn insert(&mut self, id: &str, record: Record, pool_minimum: Option<u64>) -> Result<(), String> {
        if self.records.contains_key(id) {
            return Err(format!("the id `{id}` is duplicated"));
        }
        if let Some(kind) = &record.kind {
            *self.kinds.entry_ref(kind.as_str()).or_default() += 1;
        }
        if let Some(tenant) = &record.tenant {
            self.tenants.get_or_insert_with(tenant.as_str(), |name| name.to_owned());
        }
        if let Some(pool) = &record.pool {
            let pool = self.pools.entry_ref(pool.as_str()).or_default();
            pool.members += 1;
            pool.minimum = pool.minimum.max(pool_minimum);
        }
        self.records.insert(id.to_owned(), record);
        Ok(())
    }
}

impl Inventory for Table {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        Ok(Box::new(self))
    }
}

impl Snapshot for &Table {
    fn sha256(&self) -> String {
        self.sha256.clone()
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        Ok(ids.iter().map(|id| self.records.get(*id).map(Cow::Borrowed)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let count = |kind: &&str| ((*kind).to_owned(), self.kinds.get(*kind).copied().unwrap_or_default());
        Ok(kinds.iter().map(count).collect())
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        Ok(self.tenants.len() as u64)
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        Ok(names.iter().map(|name| self.pools.get(*name).cloned().unwrap_or_default()).collect())
    }
}
