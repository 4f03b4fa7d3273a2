//! The facts of a batch: what the host computed or looked up. A policy may trust them, because none of them is a claim
//! of the submitter. An unknown fact is absent, never 0.

use crate::{Claims, Duration, HistoryFacts, Timestamp};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use std::collections::BTreeMap;

/// What a policy receives about a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Review {
    /// The request without its targets, as submitted.
    pub claims: Claims,
    /// What the host computed or looked up.
    pub facts: Facts,
}

/// Facts about the whole batch.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Facts {
    /// The time for which the decision is made.
    pub evaluated_at: Timestamp,
    /// SHA-256 of the request document, lower-case hex.
    pub request_sha256: String,
    /// SHA-256 of the target list, lower-case hex. All evidence must name it.
    pub targets_sha256: String,
    /// Number of rows in the list.
    pub targets: u64,
    /// Size in bytes of all targets whose size is known, according to the list or, if that is more, to the inventory. Absent: no
    /// size is known.
    pub bytes: Option<u64>,
    /// Rows with blank or duplicate ids.
    pub ids: IdFacts,
    /// Tenants according to the list, and to the inventory if the list leaves some out or the inventory knows of more.
    pub tenants: TenantFacts,
    /// Upper bound of the tenants that the batch can reach: those of the targets or of the closure, whichever is more.
    pub tenants_at_most: u64,
    /// Number of rows by kind, according to the list, and to the request for rows without a kind.
    pub kinds: Tally,
    /// Number of rows by environment, according to the list.
    pub environments: Tally,
    /// Whether any target may be in production: an environment that the policy set does not name as another, or one that the
    /// inventory does not know.
    #[serde(default = "yes")]
    pub production: bool,
    /// The environments that are not production, as the policy set names them: trimmed and in lower case.
    #[serde(default = "not_production")]
    pub not_production: Vec<String>,
    /// Facts from the inventory. Absent: there is no inventory.
    pub inventory: Option<InventoryFacts>,
    /// What was deleted before. Absent: unknown.
    pub history: Option<HistoryFacts>,
    /// How long undoing the batch would take.
    pub restore: Estimate,
    /// The list of which this batch is a wave, cut from it by the host. Evidence for the whole list is evidence for each
    /// wave. Absent: the batch is not a wave.
    pub whole: Option<Whole>,
    /// The signatures of evidence. Absent: nothing has a token, and nothing has to.
    pub signatures: Option<Signatures>,
    /// Offset from UTC in seconds at `evaluated_at`, for every time zone that a setting of the format `time-zone` names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<String, i64>,
}

/// What the host found out about signed evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Signatures {
    /// Whether only signed approvals count.
    pub approvals_required: bool,
    /// Whether only a signed dry run and signed backups count.
    pub attestations_required: bool,
    /// The evidence that has a token, in the order of the request.
    pub tokens: Vec<Signature>,
}

/// The token of an approval, a dry run or a backup.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Signature {
    /// JSON pointer to what it signs, for example `/approvals/0`.
    pub field: String,
    /// The name of the key that signed it. Absent: it is not verified.
    pub by: Option<String>,
    /// Why it does not count. Absent: it does.
    pub issue: Option<String>,
}

/// The environments that are not production, unless the policy set names others.
pub const NOT_PRODUCTION: [&str; 6] = ["staging", "test", "development", "sandbox", "preview", "local"];

// Decisions that were recorded before there were these facts.
const fn yes() -> bool {
    true
}

fn not_production() -> Vec<String> {
    NOT_PRODUCTION.map(str::to_owned).to_vec()
}

/// A list that is deleted in waves.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Whole {
    /// SHA-256 of the list, lower-case hex. All evidence must name it.
    pub targets_sha256: String,
    /// Number of rows in it.
    pub targets: u64,
    /// Tenants according to it, and to the inventory if it leaves some out.
    pub tenants: TenantFacts,
    /// Number of rows by kind, according to it, and to the request for rows without a kind.
    pub kinds: Tally,
    /// Kinds of which it has everything there was, two or more, when it was cut into waves. Absent: unknown.
    pub all_of: Option<Vec<String>>,
}

/// Rows with blank, duplicate or unprintable ids.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct IdFacts {
    /// Number of rows without an id.
    pub null: u64,
    /// Number of rows whose id is empty, white space, or a word for nothing such as `NULL`.
    pub empty: u64,
    /// Number of rows whose id occurs in an earlier row.
    pub duplicate: u64,
    /// Number of rows whose id contains a control character. Absent: none.
    pub control: Option<u64>,
    /// Row numbers of the first few of these rows.
    pub examples: Vec<u64>,
}

/// A count of distinct tenants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct TenantFacts {
    /// Number of distinct tenants that are named.
    pub distinct: u64,
    /// Number of tenants without a name: one for each thing without a known tenant, and those of shared things that the
    /// inventory counts without naming them.
    pub unknown: u64,
}

impl TenantFacts {
    /// Upper bound of the tenants to which these things belong.
    pub const fn at_most(&self) -> u64 {
        self.distinct.saturating_add(self.unknown)
    }
}

/// How often each name occurs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Tally {
    /// Count by name, for the 32 most frequent names.
    pub counts: BTreeMap<String, u64>,
    /// Number of things with another name.
    pub others: u64,
    /// Number of things without a known name.
    pub unknown: u64,
}

impl Tally {
    /// Number of names that a tally keeps.
    pub const MAX_NAMES: usize = 32;
}

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

/// How long undoing a batch would take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// Number of tenants to restore: the upper bound that the batch can reach.
    pub tenants: u64,
    /// Number of restore batches, run one after another.
    pub batches: u64,
    /// How long all restore batches take.
    pub duration: Duration,
    /// Number of tenants that a restore batch recovers.
    pub tenants_per_batch: Figure<u64>,
    /// How long one restore batch takes.
    pub batch_duration: Figure<Duration>,
    /// Number of restore batches that run in parallel.
    pub parallel_batches: Figure<u64>,
}

impl Estimate {
    /// The estimate in words: `13 restore batches, 65 days`.
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

/// A figure, and whether the request states it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema), schemars(rename = "Figure_{T}"))]
pub struct Figure<T> {
    /// The figure.
    pub value: T,
    /// Whether the request states it as measured. If not, it is the figure of the Atlassian outage of April 2022.
    pub measured: bool,
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use super::*;

    #[test]
    fn schema_names_and_describes_every_type() {
        let schema = schemars::schema_for!(Review).to_value();
        let definitions = schema["$defs"].as_object().unwrap();
        assert!(definitions.contains_key("Figure_uint64") && definitions.contains_key("Figure_Duration"));
        for (name, definition) in definitions {
            assert!(!name.ends_with('2'), "`{name}` is not unique");
            assert!(definition["description"].is_string(), "`{name}` has no description");
        }
    }
}
