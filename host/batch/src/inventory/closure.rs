//! The closure: everything that is deleted when the targets are deleted. It is computed once for all policies.

use super::fate::{Fates, Seen};
use super::interface::Snapshot;
use super::resolved_chunk::{Dependents, ResolvedCounts};
use super::tenants::{Tenants, TenantsBuilder};
use crate::columns::Store;
use crate::error::LookupError;
use crate::facts::Counter;
use crate::record::{Fields, PoolRecord, Record, reached};
use hashbrown::{HashMap, HashSet};
use reprieve_model::{Closure, EvidenceFacts, Pool, TenantFacts};
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

    /// Counts the targets of a chunk.
    pub fn add_targets(&mut self, chunk: ResolvedCounts) -> Result<(), LookupError> {
        self.closure.things += u64::from(chunk.rows);
        chunk.kinds.iter().for_each(|(kind, count)| self.kinds.add(kind.as_deref(), *count));
        chunk.tenants.into_iter().try_for_each(|(name, share)| self.tenants.add_share(&name, share))?;
        self.tenants_unknown = self.tenants_unknown.saturating_add(chunk.tenants_unknown);
        self.unnamed = self.unnamed.saturating_add(chunk.unnamed);
        for (pool, count) in &chunk.pools {
            *self.pools.entry_ref(pool.as_str()).or_default() += count;
        }
        self.closure.unknown += chunk.dependents_unknown;
        chunk.dependents.into_iter().for_each(|dependents| self.name(dependents));
        Ok(())
    }

    /// Counts a thing that goes along with others.
    fn add(&mut self, fields: Option<&Fields<'_>>) -> Result<(), LookupError> {
        let kind = fields.and_then(|fields| fields.kind);
        self.closure.things += 1;
        self.kinds.add(kind, 1);
        let (names, unnamed) = reached(fields, None);
        for name in names {
            self.tenants.add(name, fields.filter(|fields| fields.tenant == Some(name)))?;
        }
        self.tenants_unknown = self.tenants_unknown.saturating_add(unnamed);
        self.unnamed = self.unnamed.saturating_add(fields.map_or(0, Fields::unnamed_tenants));
        if let Some(pool) = fields.and_then(|fields| fields.pool.filter(|_| fields.is_in_use())) {
            *self.pools.entry_ref(pool).or_default() += 1;
        }
        match fields.and_then(|fields| fields.dependents) {
            None => self.closure.unknown += 1,
            Some(ids) => self.name(Dependents::of(kind, ids)),
        }
        Ok(())
    }

    /// Adds ids that were named as dependents.
    fn name(&mut self, Dependents { kind, ids }: Dependents) {
        let kind: Option<Rc<str>> = kind.map(Rc::from);
        for id in ids {
            if !self.named.contains_key(id.as_str()) {
                self.named.insert(id.clone(), kind.clone());
                self.frontier.push(id);
            }
        }
    }

    /// Follows the dependents, level by level, and returns the counts. `fates` have seen the targets.
    pub fn finish(
        mut self,
        targets: &Store,
        inventory: &dyn Snapshot,
        mut fates: Fates<'_>,
    ) -> Result<ClosureFacts, LookupError> {
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
                let fields = record.as_deref().map(Record::fields);
                let kind = fields.and_then(|fields| fields.kind);
                self.closure.undeclared += 1;
                self.undeclared_kinds.add(kind, 1);
                self.count_part(id, kind);
                if self.closure.examples.len() < MAX_EXAMPLES {
                    self.closure.examples.push((*id).to_owned());
                }
                self.add(fields.as_ref())?;
            }
        }
        // Targets that are named at the maximum depth were counted already, so they do not truncate the closure.
        let declared = targets_among(targets, self.frontier.iter().map(String::as_str))?;
        self.closure.truncated = self.frontier.iter().any(|id| !declared.contains(id));
        let pools = self.pools(inventory)?;
        let (tenants, unnamed) = (self.tenants.finish()?, self.unnamed);
        self.named.keys().for_each(|id| fates.see(id));
        let evidence = known_evidence(&fates, inventory)?;
        let inside = fates.names().iter().zip(&fates.seen).filter(|(_, seen)| seen.inside);
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
    let facts = |((name, record), seen): ((&&str, Option<Cow<'_, Record>>), &Seen)| EvidenceFacts {
        name: (*name).to_owned(),
        known: record.is_some(),
        state: record.and_then(|record| record.state.clone()),
        beside: seen.beside,
    };
    Ok(names.iter().zip(inventory.records(names)?).zip(&fates.seen).map(facts).collect())
}
