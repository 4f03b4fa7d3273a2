//! An inventory held in memory.

use super::{Inventory, PoolRecord, Record, Snapshot};
use crate::source::{Folder, Unreadable, read_inventory_file};
use crate::unavailable::Unavailable;
use hashbrown::{HashMap, HashSet};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// An inventory read from a file, or put together by the embedding program.
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
    /// [`Unreadable`] with the line.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        Self::read(&folder, &name)
    }

    /// Reads an inventory below a folder.
    ///
    /// # Errors
    /// [`Unreadable`] with the line.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, Unreadable> {
        let mut table = Self::default();
        table.sha256 =
            read_inventory_file(folder, name, |id, record, pool_minimum| table.add(id, record, pool_minimum))?;
        Ok(table)
    }

    /// Adds a thing. `pool_minimum` is what its pool needs; of several the largest counts.
    ///
    /// # Errors
    /// What is wrong, where the id is there already: two answers to one question are none.
    pub fn add(&mut self, id: &str, record: Record, pool_minimum: Option<u64>) -> Result<(), String> {
        if self.records.contains_key(id) {
            return Err(format!("the id `{id}` stands there twice"));
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
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, Unavailable> {
        Ok(Box::new(self))
    }
}

impl Snapshot for &Table {
    fn sha256(&self) -> String {
        self.sha256.clone()
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, Unavailable> {
        Ok(ids.iter().map(|id| self.records.get(*id).map(Cow::Borrowed)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, Unavailable> {
        let count = |kind: &&str| ((*kind).to_owned(), self.kinds.get(*kind).copied().unwrap_or_default());
        Ok(kinds.iter().map(count).collect())
    }

    fn tenants(&self) -> Result<u64, Unavailable> {
        Ok(self.tenants.len() as u64)
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, Unavailable> {
        Ok(names.iter().map(|name| self.pools.get(*name).cloned().unwrap_or_default()).collect())
    }
}
