//! The closure: everything that is deleted when the targets are deleted. It is computed once for all policies.

use super::fate::Fates;
use super::interface::Snapshot;
use super::tenants::{Tenants, TenantsBuilder};
use crate::columns::Store;
use crate::error::LookupError;
use crate::facts::Counter;
use crate::record::{PoolRecord, Record, reached};
use hashbrown::{HashMap, HashSet};
use reprieve_model::{Claims, Closure, EvidenceFacts, Pool, TenantFacts};
use std::borrow::Cow;
use std::rc::Rc;

/// The maximum number of levels of dependents. Each id is followed once, so a cycle ends; a longer chain is an error in the
/// inventory.
const MAX_DEPTH: usize = 64;

/// The maximum number of examples of undeclared things.
const MAX_EXAMPLES: usize = 5;

/// What deleting the targets and their dependents affects.
pub(super) struct ClosureFacts {
    pub closure: Closure,
    /// The pools that lose members.
    pub pools: Vec<Pool>,
    /// The tenants that are reached.
    pub tenants: Tenants,
    /// The number of tenants that the inventory counts without naming them.
    pub unnamed: u64,
    /// What is known of the places that the request's evidence names.
    pub evidence: Vec<EvidenceFacts>,
}

/// A breadth-first walk over the targets and their dependents, which counts them.
#[derive(Debug)]
pub(super) struct Walk {
    /// The ids that were named as dependents, each with the kind of the thing that named it first. Each level is searched
    /// for in the target list, so that the targets need not be held in memory.
    named: HashMap<String, Option<Rc<str>>>,
    /// Those of them that were not followed yet.
    frontier: Vec<String>,
    tenants: TenantsBuilder,
    /// Of the tenants without a name, those that the inventory counts.
    unnamed: u64,
    tenants_unknown: u64,
    kinds: Counter,
    parts: Counter,
    undeclared_kinds: Counter,
    pools: HashMap<String, u64>,
    closure: Closure,
}

impl Walk {
    /// Begins a walk. The tenants may use this many bytes of memory.
    pub fn new(memory: u64) -> Self {
        Self {
            named: HashMap::new(),
            frontier: Vec::new(),
            tenants: TenantsBuilder::new(memory),
            unnamed: 0,
            tenants_unknown: 0,
            kinds: Counter::default(),
            parts: Counter::default(),
            undeclared_kinds: Counter::default(),
            pools: HashMap::new(),
            closure: Closure::default(),
        }
    }

    /// Counts a target. `tenant` and `kind` are those of the list, which count if the inventory has none.
    pub fn add_target(
        &mut self,
        record: Option<&Record>,
        tenant: Option<&str>,
        kind: Option<&str>,
    ) -> Result<(), LookupError> {
        let kind = record.and_then(|record| record.kind.as_deref()).or(kind);
        self.add(record, tenant, kind)
    }

    /// Counts a thing. `tenant` is that of the list, which counts if the inventory has none.
    fn add(&mut self, record: Option<&Record>, tenant: Option<&str>, kind: Option<&str>) -> Result<(), LookupError> {
        self.closure.things += 1;
        self.kinds.add(kind, 1);
        let (names, unnamed) = reached(record, tenant);
        let owner = record.map_or(tenant, |record| record.tenant.as_deref().or(tenant));
        for name in names {
            // Who is responsible for a thing need not be so for a tenant that only shares it.
            self.tenants.add(name, record.filter(|_| Some(name) == owner))?;
        }
        self.tenants_unknown = self.tenants_unknown.saturating_add(unnamed);
        self.unnamed = self.unnamed.saturating_add(record.map_or(0, Record::unnamed_tenants));
        // A member that is out of use is no capacity, so it is no loss.
        if let Some(pool) = record.filter(|record| record.is_in_use()).and_then(|record| record.pool.as_deref()) {
            *self.pools.entry_ref(pool).or_default() += 1;
        }
        match record.and_then(|record| record.dependents.as_ref()) {
            None => self.closure.unknown += 1,
            Some(dependents) => {
                let kind: Option<Rc<str>> = kind.filter(|_| !dependents.is_empty()).map(Rc::from);
                for id in dependents {
                    if !self.named.contains_key(id.as_str()) {
                        self.named.insert(id.clone(), kind.clone());
                        self.frontier.push(id.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// Follows the dependents, level by level, and returns the counts.
    pub fn finish(
        mut self,
        targets: &Store,
        inventory: &dyn Snapshot,
        claims: &Claims,
    ) -> Result<ClosureFacts, LookupError> {
        let mut fates = Fates::new(evidence(claims).collect());
        fates.see_targets(targets)?;
        for _ in 0..MAX_DEPTH {
            if self.frontier.is_empty() {
                break;
            }
            let level = std::mem::take(&mut self.frontier);
            let declared = targets_among(targets, level.iter().map(String::as_str))?;
            let (declared, undeclared): (Vec<String>, _) = level.into_iter().partition(|id| declared.contains(id));
            self.count_parts(&declared, inventory)?;
            let level: Vec<String> = undeclared;
            let ids: Vec<&str> = level.iter().map(String::as_str).collect();
            for (id, record) in ids.iter().zip(inventory.records(&ids)?) {
                let record = record.as_deref();
                let kind = record.and_then(|record| record.kind.as_deref());
                self.closure.undeclared += 1;
                self.undeclared_kinds.add(kind, 1);
                self.count_part(id, kind);
                if self.closure.examples.len() < MAX_EXAMPLES {
                    self.closure.examples.push((*id).to_owned());
                }
                self.add(record, None, kind)?;
            }
        }
        // Targets that are named at the maximum depth were counted already, so they do not truncate the closure.
        let declared = targets_among(targets, self.frontier.iter().map(String::as_str))?;
        self.closure.truncated = self.frontier.iter().any(|id| !declared.contains(id));
        let pools = self.pools(inventory)?;
        let (tenants, unnamed) = (self.tenants.finish()?, self.unnamed);
        self.named.keys().for_each(|id| fates.see(id));
        let evidence = known_evidence(&fates, inventory)?;
        let inside = fates.names().iter().zip(&fates.inside).filter(|(_, inside)| **inside);
        let closure = Closure {
            undeclared_kinds: self.undeclared_kinds.tally(),
            tenants: TenantFacts { distinct: tenants.len(), unknown: self.tenants_unknown },
            kinds: self.kinds.tally(),
            parts: self.parts.tally(),
            evidence: inside.map(|(name, _)| (*name).to_owned()).collect(),
            ..self.closure
        };
        Ok(ClosureFacts { closure, pools, tenants, unnamed, evidence })
    }

    /// Counts those of the targets that go along with another thing of their kind.
    fn count_parts(&mut self, targets: &[String], inventory: &dyn Snapshot) -> Result<(), LookupError> {
        let ids: Vec<&str> = targets.iter().map(String::as_str).collect();
        for (id, record) in ids.iter().zip(inventory.records(&ids)?) {
            self.count_part(id, record.as_deref().and_then(|record| record.kind.as_deref()));
        }
        Ok(())
    }

    fn count_part(&mut self, id: &str, kind: Option<&str>) {
        let parent = self.named.get(id).and_then(Option::as_deref);
        if kind.is_some() && parent == kind {
            self.parts.add(kind, 1);
        }
    }

    fn pools(&self, inventory: &dyn Snapshot) -> Result<Vec<Pool>, LookupError> {
        let mut names: Vec<&str> = self.pools.keys().map(String::as_str).collect();
        names.sort_unstable();
        let records = inventory.pools(&names)?;
        let pool = |(name, PoolRecord { members, minimum }): (&&str, PoolRecord)| Pool {
            name: (*name).to_owned(),
            members,
            removed: self.pools.get(*name).copied().unwrap_or_default(),
            minimum,
        };
        Ok(names.iter().zip(records).map(pool).collect())
    }
}

/// Returns those of the ids that are targets.
fn targets_among<'a>(targets: &Store, ids: impl Iterator<Item = &'a str>) -> Result<HashSet<String>, LookupError> {
    let ids: HashSet<&str> = ids.collect();
    let mut found = HashSet::new();
    if ids.is_empty() {
        return Ok(found);
    }
    for chunk in targets.iter() {
        let chunk = chunk?;
        found.extend(chunk.ids().flatten().filter(|id| ids.contains(id)).map(str::to_owned));
    }
    Ok(found)
}

/// Returns what is known of the places that the request's evidence names.
fn known_evidence(fates: &Fates<'_>, inventory: &dyn Snapshot) -> Result<Vec<EvidenceFacts>, LookupError> {
    let names = fates.names();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let facts = |((name, record), beside): ((&&str, Option<Cow<'_, Record>>), &bool)| EvidenceFacts {
        name: (*name).to_owned(),
        known: record.is_some(),
        state: record.and_then(|record| record.state.clone()),
        beside: *beside,
    };
    Ok(names.iter().zip(inventory.records(names)?).zip(&fates.beside).map(facts).collect())
}

/// Returns the ids of the things that the request's evidence relies on: backups and their locations, and the copy of a
/// migration.
fn evidence(claims: &Claims) -> impl Iterator<Item = &str> {
    let recovery = claims.recovery.iter().filter_map(|recovery| recovery.checkpoints.as_deref()).flatten();
    let backups = recovery.flat_map(|checkpoint| [checkpoint.id.as_deref(), checkpoint.location.as_deref()]);
    let copy = claims.migration.iter().map(|migration| migration.copy.as_deref());
    backups.chain(copy).flatten()
}
