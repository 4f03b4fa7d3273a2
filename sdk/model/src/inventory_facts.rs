//! What the host looked up in an inventory about a batch.

use crate::{Tally, TenantFacts, Timestamp};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use std::collections::BTreeMap;

/// Targets whose id is not in the inventory, but is that of a thing in it apart from case, surrounding blanks, compatibility
/// forms and invisible characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct NearMisses {
    /// Number of these targets.
    pub count: u64,
    /// The first few of them.
    pub examples: Vec<NearMiss>,
    /// Number of unresolved targets that were not compared, because there are too many.
    pub unchecked: u64,
}

/// A target whose id is nearly that of a thing in the inventory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct NearMiss {
    /// Its row.
    pub row: u64,
    /// Its id.
    pub id: String,
    /// The id in the inventory.
    pub known: String,
}

/// Facts from the inventory about the targets and their dependents.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct InventoryFacts {
    /// SHA-256 of the inventory that was queried, lower-case hex.
    pub sha256: String,
    /// The file that the inventory was made from. Absent: unknown.
    pub source: Option<InventorySource>,
    /// Number of rows whose id is in the inventory.
    pub resolved: u64,
    /// Number of rows whose id is not in the inventory.
    pub unresolved: u64,
    /// Size in bytes of all resolved rows whose size is known. Absent: no size is known.
    pub bytes: Option<u64>,
    /// Tenants of the targets according to the inventory, and to the list where the inventory names none.
    pub tenants: TenantFacts,
    /// Number of resolved rows by kind.
    pub kinds: Tally,
    /// Number of resolved rows by environment.
    pub environments: Tally,
    /// Number of resolved rows by life-cycle state.
    pub states: Tally,
    /// Total number of things of each kind in the inventory, for the kinds in the batch.
    pub population: BTreeMap<String, u64>,
    /// Total number of tenants in the inventory: at least those that it names, and at least those of each thing.
    pub population_tenants: u64,
    /// Number of tenants in the closure of which nothing would be left, with those that the inventory counts without naming
    /// them. Absent: unknown.
    pub tenants_gone: Option<u64>,
    /// Targets that the inventory does not know, but for another spelling. Absent: unknown.
    pub near_misses: Option<NearMisses>,
    /// Capacity pools from which the batch removes members.
    pub pools: Vec<Pool>,
    /// The targets and everything that is deleted with them.
    pub closure: Closure,
    /// The backups and copies that the request's evidence names. Absent: unknown.
    pub evidence: Option<Vec<EvidenceFacts>>,
}

/// The file of another tool that an inventory was made from.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct InventorySource {
    /// The format of the file, for example `kubernetes`.
    pub format: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// When the file was made, or else read.
    pub taken_at: Option<Timestamp>,
}

/// What is known of a place that the request's evidence names: a backup, its location, or a copy.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct EvidenceFacts {
    /// Its name in the request.
    pub name: String,
    /// Whether the inventory has a thing of that name.
    pub known: bool,
    /// Its state in the inventory.
    pub state: Option<String>,
    /// Whether something that is deleted is in the same bucket, account or host.
    pub beside: bool,
}

impl InventoryFacts {
    /// The kinds of which the targets are everything there is, from two on.
    pub fn whole_kinds(&self) -> Vec<String> {
        let population = |kind: &String| self.population.get(kind).copied().unwrap_or_default();
        let whole = self.kinds.counts.iter().filter(|(kind, count)| (2..=**count).contains(&population(kind)));
        whole.map(|(kind, _)| kind.clone()).collect()
    }
}

/// A group of things that together provide a capacity.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Number of members now, without those that are out of use.
    pub members: u64,
    /// Number of these members that the batch removes, counted over the closure.
    pub removed: u64,
    /// Number of members that it requires. Absent: the inventory does not state it.
    pub minimum: Option<u64>,
}

/// The closure: everything that is deleted with the targets. It consists of the targets, their dependents, the
/// dependents of those, and so on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Closure {
    /// Number of things, including the targets.
    pub things: u64,
    /// Number of things that are not on the list.
    pub undeclared: u64,
    /// Number of undeclared things by kind.
    pub undeclared_kinds: Tally,
    /// A few undeclared ids.
    pub examples: Vec<String>,
    /// Tenants of all things.
    pub tenants: TenantFacts,
    /// Number of things by kind.
    pub kinds: Tally,
    /// Number of those that go along with another thing of the same kind, by kind: replicas, children.
    pub parts: Tally,
    /// Number of things whose dependents are unknown. If it is not 0, every other figure here is a lower bound.
    pub unknown: u64,
    /// Names in the request's own evidence (backups, copies) that are in the closure, or lie inside something in it.
    pub evidence: Vec<String>,
    /// Whether the search for dependents stopped at its depth limit. If so, every figure is a lower bound.
    pub truncated: bool,
}
