//! What the host found out about a batch. A policy may trust every figure here: none of them comes from the
//! submitter's word. What could not be found out is absent, never 0.

use crate::{Claims, Duration, HistoryFacts, Timestamp};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use std::collections::BTreeMap;

/// What a policy is handed about a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Review {
    /// What the request says about itself.
    pub claims: Claims,
    /// What the host found out.
    pub facts: Facts,
}

/// Facts about the whole batch.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Facts {
    /// The time the decision is made for.
    pub evaluated_at: Timestamp,
    /// SHA-256 of the request document, lower-case hex.
    pub request_sha256: String,
    /// SHA-256 of the target list, lower-case hex: what every piece of evidence must name.
    pub targets_sha256: String,
    /// Rows in the list.
    pub targets: u64,
    /// Whether each row can be told from the others.
    pub ids: IdFacts,
    /// Tenants as the list has them.
    pub tenants: TenantFacts,
    /// The most tenants that the batch can reach: by its own account or over everything that goes, whichever is more.
    pub tenants_at_most: u64,
    /// Rows by the kind the list gives them.
    pub kinds: Tally,
    /// Rows by the environment the list gives them.
    pub environments: Tally,
    /// What the inventory says. Absent: there is no inventory.
    pub inventory: Option<InventoryFacts>,
    /// What was deleted before. Absent: nobody knows.
    pub history: Option<HistoryFacts>,
    /// How long undoing this would take.
    pub restore: Estimate,
    /// The list that this batch is a wave of, cut from it by the host: evidence for all of it is evidence for each wave.
    /// Absent: the batch stands alone.
    pub whole: Option<Whole>,
    /// Seconds that a zone's clock is ahead of UTC at `evaluated_at`, for every zone that a setting of the format
    /// `time-zone` names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<String, i64>,
}

/// A list that is deleted in waves.
#[derive(miniserde::Deserialize, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Whole {
    /// SHA-256 of the list, lower-case hex: what every piece of evidence must name.
    pub targets_sha256: String,
    /// Rows in it.
    pub targets: u64,
    /// Tenants as it has them.
    pub tenants: TenantFacts,
    /// Rows by the kind it gives them.
    pub kinds: Tally,
}

/// Rows that do not name one thing each.
#[derive(miniserde::Deserialize, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct IdFacts {
    /// Rows with no id.
    pub null: u64,
    /// Rows whose id is empty or white space.
    pub empty: u64,
    /// Rows whose id stood in an earlier row.
    pub duplicate: u64,
    /// Row numbers of the first few of these.
    pub examples: Vec<u64>,
}

/// Distinct tenants.
#[derive(miniserde::Deserialize, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct TenantFacts {
    /// Distinct tenants named.
    pub distinct: u64,
    /// Things with no known tenant. Each may belong to a tenant of its own.
    pub unknown: u64,
}

impl TenantFacts {
    /// The most tenants that these things can belong to.
    pub const fn at_most(&self) -> u64 {
        self.distinct.saturating_add(self.unknown)
    }
}

/// How often each name occurs.
#[derive(miniserde::Deserialize, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Tally {
    /// Count by name: the 32 most frequent.
    pub counts: BTreeMap<String, u64>,
    /// How many have a name that is not among these.
    pub others: u64,
    /// How many have no known name.
    pub unknown: u64,
}

impl Tally {
    /// Names kept.
    pub const MOST: usize = 32;
}

/// What the inventory says about the targets and what goes with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct InventoryFacts {
    /// SHA-256 of the inventory that answered, lower-case hex.
    pub sha256: String,
    /// Rows whose id the inventory knows.
    pub resolved: u64,
    /// Rows whose id it does not know.
    pub unresolved: u64,
    /// Tenants of the resolved rows.
    pub tenants: TenantFacts,
    /// Resolved rows by kind.
    pub kinds: Tally,
    /// Resolved rows by environment.
    pub environments: Tally,
    /// Resolved rows by life-cycle state.
    pub states: Tally,
    /// How many things of each kind the inventory holds in all, for the kinds that the batch touches.
    pub population: BTreeMap<String, u64>,
    /// How many tenants the inventory holds in all.
    pub population_tenants: u64,
    /// Capacity pools that the batch takes members from.
    pub pools: Vec<Pool>,
    /// The targets and everything that goes with them.
    pub closure: Closure,
}

/// A group of things that together provide a capacity.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Members now.
    pub members: u64,
    /// Members that the batch takes away, counted over the closure.
    pub removed: u64,
    /// Members it needs, where the inventory says so.
    pub minimum: Option<u64>,
}

/// Everything that goes when the targets go: they themselves, their dependents, the dependents of those, and so on.
#[derive(miniserde::Deserialize, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Closure {
    /// Things in all, the targets included.
    pub things: u64,
    /// Things that are not on the list.
    pub undeclared: u64,
    /// Undeclared things by kind.
    pub undeclared_kinds: Tally,
    /// A few undeclared ids.
    pub examples: Vec<String>,
    /// Tenants over all of it.
    pub tenants: TenantFacts,
    /// All of it by kind.
    pub kinds: Tally,
    /// Things whose dependents are not known. Above 0, every other figure here is a lower bound.
    pub unknown: u64,
    /// Names that the request's own evidence gives (backups, copies) and that are among the things that go.
    pub evidence: Vec<String>,
    /// Whether following the dependents was given up at its limit of depth. If so, every figure is a lower bound.
    pub truncated: bool,
}

/// How long undoing a batch would take.
#[derive(miniserde::Deserialize, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// Tenants to restore: the most that the batch can reach.
    pub tenants: u64,
    /// Restore batches, one after another.
    pub batches: u64,
    /// How long all of them take.
    pub duration: Duration,
    /// Tenants a restore batch brings back.
    pub tenants_per_batch: Figure<u64>,
    /// How long one takes.
    pub batch_duration: Figure<Duration>,
    /// How many run side by side.
    pub parallel_batches: Figure<u64>,
}

impl Estimate {
    /// The figures in words: `13 restore batches, 65 days`.
    pub fn in_words(&self) -> String {
        let days = |length: Duration| {
            let hours = length.seconds().div_ceil(3_600);
            match (hours / 24, hours % 24) {
                (0, 1) => "1 hour".to_owned(),
                (0, hours) => format!("{hours} hours"),
                (1, 0) => "1 day".to_owned(),
                (days, 0) => format!("{days} days"),
                (days, hours) => format!("{days} d {hours} h"),
            }
        };
        let plural = if self.batches == 1 { "batch" } else { "batches" };
        format!("{} restore {plural}, {}", self.batches, days(self.duration))
    }
}

/// A figure, and whether the request brought it.
#[derive(miniserde::Deserialize, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Figure<T> {
    /// The figure.
    pub value: T,
    /// Whether the request states it as measured. If not, it is the one of the Atlassian outage of April 2022.
    pub measured: bool,
}
