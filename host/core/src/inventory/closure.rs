//! The closure: everything that goes when the targets go. Computed once for all policies.

use super::share::Share;
use super::{PoolRecord, Record, Snapshot};
use crate::columns::Store;
use crate::facts::Counter;
use crate::unavailable::Unavailable;
use hashbrown::{HashMap, HashSet};
use reprieve_model::{Claims, Closure, Pool, TenantFacts};

/// Levels of dependents that are followed. A cycle ends by itself; a chain this long is a mistake in the inventory.
const MAX_DEPTH: usize = 64;

/// Examples of undeclared things that are kept.
const EXAMPLES: usize = 5;

/// What following the dependents comes to.
pub(super) type Found = (Closure, Vec<Pool>, HashMap<String, Share>);

/// Everything that goes, as it is being counted.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Ids that were named as dependents. Whether they are targets too is looked up in the list, level by level, so
    /// that the targets need not be held here.
    named: HashSet<String>,
    /// Those of them that were not looked up.
    frontier: Vec<String>,
    tenants: HashMap<String, Share>,
    tenants_unknown: u64,
    kinds: Counter,
    undeclared_kinds: Counter,
    pools: HashMap<String, u64>,
    closure: Closure,
}

impl Walk {
    /// Counts a target, with the tenant and kind that the list gives where the inventory gives none.
    pub fn add_target(&mut self, record: Option<&Record>, tenant: Option<&str>, kind: Option<&str>) {
        let tenant = record.and_then(|record| record.tenant.as_deref()).or(tenant);
        let kind = record.and_then(|record| record.kind.as_deref()).or(kind);
        self.add(record, tenant, kind);
    }

    fn add(&mut self, record: Option<&Record>, tenant: Option<&str>, kind: Option<&str>) {
        self.closure.things += 1;
        self.kinds.add(kind, 1);
        match tenant {
            Some(tenant) => self.tenants.entry_ref(tenant).or_default().add(record),
            None => self.tenants_unknown += 1,
        }
        if let Some(pool) = record.and_then(|record| record.pool.as_deref()) {
            *self.pools.entry_ref(pool).or_default() += 1;
        }
        match record.and_then(|record| record.dependents.as_ref()) {
            None => self.closure.unknown += 1,
            Some(dependents) => {
                for id in dependents {
                    if !self.named.contains(id.as_str()) {
                        self.named.insert(id.clone());
                        self.frontier.push(id.clone());
                    }
                }
            }
        }
    }

    /// Follows the dependents, level by level, and gives the closure, the pools it takes from and the tenants it reaches.
    pub fn finish(
        mut self,
        targets: &Store,
        inventory: &dyn Snapshot,
        claims: &Claims,
    ) -> Result<Found, Unavailable> {
        let evidence: Vec<&str> = evidence(claims).collect();
        let among_targets = targets_among(targets, evidence.iter().copied())?;
        for _ in 0..MAX_DEPTH {
            if self.frontier.is_empty() {
                break;
            }
            let mut level = std::mem::take(&mut self.frontier);
            let declared = targets_among(targets, level.iter().map(String::as_str))?;
            level.retain(|id| !declared.contains(id.as_str()));
            let ids: Vec<&str> = level.iter().map(String::as_str).collect();
            for (id, record) in ids.iter().zip(inventory.records(&ids)?) {
                let record = record.as_deref();
                let kind = record.and_then(|record| record.kind.as_deref());
                self.closure.undeclared += 1;
                self.undeclared_kinds.add(kind, 1);
                if self.closure.examples.len() < EXAMPLES {
                    self.closure.examples.push((*id).to_owned());
                }
                self.add(record, record.and_then(|record| record.tenant.as_deref()), kind);
            }
        }
        // What is a target is not beyond the limit of depth.
        let declared = targets_among(targets, self.frontier.iter().map(String::as_str))?;
        self.closure.truncated = self.frontier.iter().any(|id| !declared.contains(id));
        let pools = self.pools(inventory)?;
        let closure = Closure {
            undeclared_kinds: self.undeclared_kinds.tally(),
            tenants: TenantFacts { distinct: self.tenants.len() as u64, unknown: self.tenants_unknown },
            kinds: self.kinds.tally(),
            evidence: evidence
                .into_iter()
                .filter(|name| among_targets.contains(*name) || self.named.contains(*name))
                .map(str::to_owned)
                .collect(),
            ..self.closure
        };
        Ok((closure, pools, self.tenants))
    }

    fn pools(&self, inventory: &dyn Snapshot) -> Result<Vec<Pool>, Unavailable> {
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

/// Those of the ids that are targets.
fn targets_among<'a>(targets: &Store, ids: impl Iterator<Item = &'a str>) -> Result<HashSet<String>, Unavailable> {
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

/// The things that the request's evidence relies on: backups and where they are, the copy of what was moved.
fn evidence(claims: &Claims) -> impl Iterator<Item = &str> {
    let recovery = claims.recovery.iter().filter_map(|recovery| recovery.checkpoints.as_deref()).flatten();
    let backups = recovery.flat_map(|checkpoint| [checkpoint.id.as_deref(), checkpoint.location.as_deref()]);
    let copy = claims.migration.iter().map(|migration| migration.copy.as_deref());
    backups.chain(copy).flatten()
}
