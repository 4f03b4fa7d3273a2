//! An inventory whose every answer is a search of its rows.

use crate::error::LookupError;
use crate::inventory::{Inventory, Snapshot};
use crate::record::{PoolRecord, Record};
use crate::text::canonical;
use reprieve_model::is_out_of_use;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A row of an inventory with the number of members that its pool requires.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub record: Record,
    pub pool_minimum: Option<u64>,
}

/// The reference. Every answer is a search of the rows.
pub struct Reference(pub Vec<Row>);

impl Reference {
    fn tenants_of(record: &Record) -> BTreeSet<&str> {
        let shared = record.tenants.iter().flat_map(|sharers| &sharers.names);
        record.tenant.iter().chain(shared).map(String::as_str).collect()
    }
}

impl Inventory for Reference {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        Ok(Box::new(self))
    }
}

impl Snapshot for &Reference {
    fn sha256(&self) -> String {
        String::new()
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        let find = |id: &&str| self.0.iter().find(|row| row.id == *id).map(|row| Cow::Borrowed(&row.record));
        Ok(ids.iter().map(find).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let count = |kind: &str| self.0.iter().filter(|row| row.record.kind.as_deref() == Some(kind)).count() as u64;
        Ok(kinds.iter().map(|kind| ((*kind).to_owned(), count(kind))).collect())
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        let all: BTreeSet<&str> = self.0.iter().flat_map(|row| Reference::tenants_of(&row.record)).collect();
        let of_one = |row: &Row| {
            let unnamed = row.record.tenants.as_ref().map_or(0, |sharers| sharers.unnamed);
            Reference::tenants_of(&row.record).len() as u64 + unnamed
        };
        Ok(self.0.iter().map(of_one).max().unwrap_or_default().max(all.len() as u64))
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        let pool = |name: &&str| {
            let rows = || self.0.iter().filter(|row| row.record.pool.as_deref() == Some(*name));
            let in_use = |row: &&Row| !row.record.state.as_deref().is_some_and(is_out_of_use);
            PoolRecord {
                members: rows().filter(in_use).count() as u64,
                minimum: rows().filter_map(|row| row.pool_minimum).max(),
            }
        };
        Ok(names.iter().map(pool).collect())
    }

    fn things(&self, tenants: &[&str]) -> Result<Option<Vec<u64>>, LookupError> {
        let of = |row: &&Row, tenant: &str| Reference::tenants_of(&row.record).contains(tenant);
        Ok(Some(tenants.iter().map(|tenant| self.0.iter().filter(|row| of(row, tenant)).count() as u64).collect()))
    }

    fn nearly(&self, ids: &[&str]) -> Result<Option<Vec<Option<String>>>, LookupError> {
        let near = |id: &&str| {
            let form = canonical(id);
            let same = |row: &&Row| !form.is_empty() && canonical(&row.id) == form;
            self.0.iter().filter(same).map(|row| row.id.clone()).min()
        };
        Ok(Some(ids.iter().map(near).collect()))
    }
}
