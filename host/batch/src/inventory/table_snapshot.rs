//! What a table answers.

use super::interface::{Inventory, Snapshot};
use super::near::NearIds;
use super::table::Table;
use super::targets::Targets;
use crate::error::LookupError;
use crate::record::{PoolRecord, Record};
use hashbrown::HashMap;
use reprieve_model::InventorySource;
use std::borrow::Cow;
use std::collections::BTreeMap;

impl Inventory for Table {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        Ok(Box::new(self))
    }
}

impl Snapshot for &Table {
    fn sha256(&self) -> String {
        self.sha256.clone()
    }

    fn is_fixed(&self) -> bool {
        !self.sha256.is_empty()
    }

    fn source(&self) -> Option<InventorySource> {
        self.source.clone()
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        if !self.rows.in_memory() {
            let records = self.spilled_records(ids)?;
            return Ok(records.into_iter().map(|record| record.map(Cow::Owned)).collect());
        }
        let record = |id: &&str| -> Result<Option<Cow<'_, Record>>, LookupError> {
            let row = self.rows.find(id.as_bytes());
            row.map(|row| self.decode(row).map(|row| Cow::Owned(row.fields.to_record()))).transpose()
        };
        ids.iter().map(record).collect()
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        Ok(kinds.iter().map(|kind| (*kind).to_owned()).zip(self.totals.kinds(kinds)?).collect())
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        Ok(self.totals.tenant_count())
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        self.totals.pools(names)
    }

    fn things(&self, tenants: &[&str]) -> Result<Option<Vec<u64>>, LookupError> {
        self.totals.tenants(tenants).map(Some)
    }

    fn nearly(&self, ids: &[&str]) -> Result<Option<Vec<Option<String>>>, LookupError> {
        let near = NearIds::of(ids);
        let mut known: HashMap<&str, String> = HashMap::new();
        let scan = |ids: &mut dyn Iterator<Item = &[u8]>| {
            let mut found = HashMap::new();
            ids.for_each(|id| near.compare(str::from_utf8(id).unwrap_or_default(), &mut found));
            found
        };
        self.rows.scan(self.threads, scan, |found| near.merge(found, &mut known))?;
        Ok(Some(near.finish(&known)))
    }

    fn resolve(&self, targets: &mut Targets<'_>) -> Result<(), LookupError> {
        self.join(targets)
    }
}
