//! The facts of a batch: what the host computed or looked up. A policy may trust them, because none of them is a claim
//! of the submitter. An unknown fact is absent, never 0.

use crate::{Claims, Duration, HistoryFacts, InventoryFacts, Timestamp};
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

impl Review {
    /// Writes a review as JSON, which is how a policy receives it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn to_json(claims: &Claims, facts: &Facts) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            claims: &'a Claims,
            facts: &'a Facts,
        }
        serde_json::to_string(&Borrowed { claims, facts })
    }
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
