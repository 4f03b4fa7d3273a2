//! The evidence that a pipeline submits with its request. Evidence counts only if it names the digest of this list; the
//! policies check that.

use crate::{ActorType, Duration, Mode, Timestamp, UniqueMap};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Where the list of targets came from.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The system that was queried, for example `cmdb`.
    pub source: Option<String>,
    /// The query.
    pub query: Option<String>,
    /// How the list was chosen.
    pub selection: Option<Selection>,
    /// Whether the result was read to its end.
    pub complete: Option<bool>,
    /// The kind that the ids identify, according to the source.
    pub id_kind: Option<String>,
    /// Number of rows in the list.
    pub row_count: Option<u64>,
    /// Number of rows that the source has for the query.
    pub source_total: Option<u64>,
    /// Number of rows in a page of the source.
    pub page_size: Option<u64>,
    /// SHA-256 of the list, lower-case hex.
    pub sha256: Option<String>,
    /// SHA-256 of the file that the list was made from, lower-case hex: a plan, an export. That of the list, if it was not
    /// made from another file.
    pub source_sha256: Option<String>,
    /// When the list was extracted.
    pub extracted_at: Option<Timestamp>,
    /// Who extracted it.
    pub extracted_by: Option<String>,
    /// SHA-256 of the program that extracted it.
    pub program_sha256: Option<String>,
    /// The things to keep, if the list is everything else.
    pub keep_set: Option<KeepSet>,
    /// The look-ups, if the list is what was not found.
    pub lookups: Option<Lookups>,
}

/// How often a source was asked whether it has a thing. A look-up that failed is not an absence.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lookups {
    /// Number of things that were asked for.
    pub asked: Option<u64>,
    /// Number of answers, whether the thing was found or not.
    pub answered: Option<u64>,
    /// Number of look-ups without an answer: errors, time-outs, refusals.
    pub failed: Option<u64>,
}

/// How a list was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Selection {
    /// Each id was named individually.
    #[serde(rename = "explicit")]
    Explicit,
    /// By a condition.
    #[serde(rename = "filter")]
    Filter,
    /// Everything that is not in a set of things to keep.
    #[serde(rename = "complement")]
    Complement,
    /// Everything.
    #[serde(rename = "all")]
    All,
}

/// The set of things to keep.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeepSet {
    /// Number of things to keep.
    pub count: Option<u64>,
    /// Number of things to keep the time before.
    pub previous_count: Option<u64>,
    /// When they were counted.
    pub observed_at: Option<Timestamp>,
}

/// A run of the same program over the same list that deleted nothing.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// When it ran.
    pub at: Option<Timestamp>,
    /// SHA-256 of the list over which it ran.
    pub targets_sha256: Option<String>,
    /// The environment in which it ran.
    pub environment: Option<String>,
    /// Number of targets that it would have deleted.
    pub count: Option<u64>,
    /// The same number by kind.
    pub by_kind: Option<UniqueMap<u64>>,
    /// A few ids.
    pub sample: Option<Vec<String>>,
    /// SHA-256 of the program that ran, lower-case hex.
    pub program_sha256: Option<String>,
    /// A JSON Web Token by which somebody signed the other fields (`reprieve attest dry-run --key`).
    pub token: Option<String>,
}

/// How the deletion could be undone.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// Days for which a soft-deleted target can be recovered.
    pub soft_delete_days: Option<u32>,
    /// The backups.
    pub checkpoints: Option<Vec<Checkpoint>>,
    /// What a restore takes.
    pub restore: Option<Restore>,
}

/// A backup.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its name.
    pub id: Option<String>,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
    /// Whether it was read back and verified.
    pub verified: Option<bool>,
    /// SHA-256 of the list of targets that it covers.
    pub covers_sha256: Option<String>,
    /// Where it is kept.
    pub location: Option<String>,
    /// The time until which it cannot be deleted.
    pub immutable_until: Option<Timestamp>,
    /// A JSON Web Token by which somebody signed the other fields (`reprieve attest backup --key`).
    pub token: Option<String>,
}

/// What a restore takes, as measured.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// What one restore recovers, for example `tenant`.
    pub granularity: Option<String>,
    /// When it was last tested.
    pub tested_at: Option<Timestamp>,
    /// Number of tenants that the test restored.
    pub tested_scale: Option<u64>,
    /// Number of tenants that one restore batch recovers.
    pub tenants_per_batch: Option<u64>,
    /// How long a restore batch takes.
    pub batch_duration: Option<Duration>,
    /// Number of restore batches that run in parallel.
    pub parallel_batches: Option<u64>,
}

/// One approval, bound to what was approved.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who approved.
    pub by: Option<String>,
    /// The kind of approver.
    #[serde(rename = "type")]
    pub approver_type: Option<ActorType>,
    /// When it was approved.
    pub at: Option<Timestamp>,
    /// SHA-256 of the list that was approved.
    pub targets_sha256: Option<String>,
    /// The mode that was approved.
    pub mode: Option<Mode>,
    /// Number of targets of each kind that were approved.
    pub kinds: Option<UniqueMap<u64>>,
    /// Number of tenants that were approved.
    pub tenants: Option<u64>,
    /// SHA-256 of the program that was approved, lower-case hex.
    pub program_sha256: Option<String>,
    /// A JSON Web Token by which the approver signed the other fields (`reprieve approve --key`).
    pub token: Option<String>,
}

/// The copy of data that was moved.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Where the copy is.
    pub copy: Option<String>,
    /// The fraction of the data that was compared with its copy, 0 to 1.
    pub verified_fraction: Option<f64>,
    /// When it was compared.
    pub verified_at: Option<Timestamp>,
    /// The time until which the source is kept.
    pub source_hold_until: Option<Timestamp>,
}

/// Who was notified.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// When the owners of the targets were notified.
    pub owners_notified_at: Option<Timestamp>,
    /// Number of owners who objected.
    pub opt_outs: Option<u64>,
}
