//! An inventory held in memory.

use super::interface::{Inventory, Snapshot};
use super::near::NearIds;
use crate::error::{LookupError, ReadError};
use crate::read::{Folder, InventoryFile, read_inventory_file};
use crate::record::{InventoryRow, PoolRecord, Record};
use crate::spill::MemoryBudget;
use hashbrown::HashMap;
use reprieve_model::InventorySource;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// An inventory read from a file, or built by the embedding program.
#[derive(Debug, Default)]
pub struct Table {
    sha256: String,
    source: Option<InventorySource>,
    records: HashMap<String, Box<Record>>,
    kinds: HashMap<String, u64>,
    tenants: HashMap<String, u64>,
    /// The largest number of tenants of one thing.
    max_tenants: u64,
    pools: HashMap<String, PoolRecord>,
}

impl Table {
    /// Reads an inventory that the operator or the embedding program named: `.csv`, `.ndjson`, `.jsonl`, Parquet or Arrow.
    /// However large it is, it is held in memory.
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
        let insert = |row: InventoryRow| table.insert(&row.id, row.record, row.pool_minimum);
        let file = read_inventory_file(folder, name, MemoryBudget::default(), insert)?;
        Ok(table.of_file(file))
    }

    /// Adds a thing. `pool_minimum` is the number of members that its pool requires; the largest one counts.
    ///
    /// # Errors
    /// [`LookupError::Invalid`] if the id was added before, because its record would be ambiguous.
    pub fn add(&mut self, id: &str, record: Record, pool_minimum: Option<u64>) -> Result<(), LookupError> {
        self.insert(id, record, pool_minimum).map_err(LookupError::Invalid)
    }

    /// Sets what the file says of itself that the inventory was read from.
    pub(super) fn of_file(self, InventoryFile { sha256, source }: InventoryFile) -> Self {
        Self { sha256, source, ..self }
    }

    /// Returns its rows, in any order. The number of members that a pool requires is in each row of the pool.
    pub(super) fn into_rows(self) -> impl Iterator<Item = InventoryRow> {
        let Self { records, pools, .. } = self;
        records.into_iter().map(move |(id, record)| {
            let pool = record.pool.as_ref().and_then(|pool| pools.get(pool));
            InventoryRow { id, pool_minimum: pool.and_then(|pool| pool.minimum), record: *record }
        })
    }

    pub(super) fn insert(&mut self, id: &str, record: Record, pool_minimum: Option<u64>) -> Result<(), String> {
        if self.records.contains_key(id) {
            return Err(format!("the id `{id}` is duplicated"));
        }
        if let Some(kind) = &record.kind {
            *self.kinds.entry_ref(kind.as_str()).or_default() += 1;
        }
        for tenant in record.tenant_names() {
            *self.tenants.entry_ref(tenant).or_default() += 1;
        }
        self.max_tenants = self.max_tenants.max(record.tenant_count());
        if let Some(pool) = &record.pool {
            let pool = self.pools.entry_ref(pool.as_str()).or_default();
            pool.members += u64::from(record.is_in_use());
            pool.minimum = pool.minimum.max(pool_minimum);
        }
        self.records.insert(id.to_owned(), Box::new(record));
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

    fn source(&self) -> Option<InventorySource> {
        self.source.clone()
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        Ok(ids.iter().map(|id| self.records.get(*id).map(|record| Cow::Borrowed(&**record))).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let count = |kind: &&str| ((*kind).to_owned(), self.kinds.get(*kind).copied().unwrap_or_default());
        Ok(kinds.iter().map(count).collect())
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        Ok(self.max_tenants.max(self.tenants.len() as u64))
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        Ok(names.iter().map(|name| self.pools.get(*name).cloned().unwrap_or_default()).collect())
    }

    fn things(&self, tenants: &[&str]) -> Result<Option<Vec<u64>>, LookupError> {
        Ok(Some(tenants.iter().map(|tenant| self.tenants.get(*tenant).copied().unwrap_or_default()).collect()))
    }

    fn nearly(&self, ids: &[&str]) -> Result<Option<Vec<Option<String>>>, LookupError> {
        let mut near = NearIds::of(ids);
        self.records.keys().for_each(|id| near.compare(id));
        Ok(Some(near.finish()))
    }
}
