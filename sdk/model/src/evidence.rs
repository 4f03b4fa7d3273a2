//! What a pipeline brings in support of its request. Evidence counts only when it is bound to the digest of this
//! list; the policies see to that.

use crate::{ActorType, Duration, Mode, Timestamp, UniqueMap};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Where the list of targets came from.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The system asked, for example `cmdb`.
    pub source: Option<String>,
    /// The question put to it.
    pub query: Option<String>,
    /// How the list was chosen.
    pub selection: Option<Selection>,
    /// Whether the answer was read to its end.
    pub complete: Option<bool>,
    /// What the ids identify, as the source has it.
    pub id_kind: Option<String>,
    /// Rows in the list.
    pub row_count: Option<u64>,
    /// Rows the source holds for the question.
    pub source_total: Option<u64>,
    /// Rows a page of the source holds.
    pub page_size: Option<u64>,
    /// SHA-256 of the list, lower-case hex.
    pub sha256: Option<String>,
    /// When the list was read.
    pub extracted_at: Option<Timestamp>,
    /// By whom.
    pub extracted_by: Option<String>,
    /// SHA-256 of the program that read it.
    pub program_sha256: Option<String>,
    /// What is to stay, where the list is everything else.
    pub keep_set: Option<KeepSet>,
}

/// How a list was chosen.
#[derive(miniserde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum Selection {
    /// Each id was named.
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
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeepSet {
    /// How many there are.
    pub count: Option<u64>,
    /// How many there were the last time.
    pub previous_count: Option<u64>,
    /// When they were counted.
    pub observed_at: Option<Timestamp>,
}

/// A run of the same program over the same list without effect.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// When it ran.
    pub at: Option<Timestamp>,
    /// The list it ran over.
    pub targets_sha256: Option<String>,
    /// Where it ran.
    pub environment: Option<String>,
    /// How many targets it would have deleted.
    pub count: Option<u64>,
    /// The same by kind.
    pub by_kind: Option<UniqueMap<u64>>,
    /// A few ids.
    pub sample: Option<Vec<String>>,
}

/// How the deletion could be undone.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// Days for which a soft-deleted target can be brought back.
    pub soft_delete_days: Option<u32>,
    /// Backups.
    pub checkpoints: Option<Vec<Checkpoint>>,
    /// What restoring takes.
    pub restore: Option<Restore>,
}

/// A backup.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its name.
    pub id: Option<String>,
    /// When it was finished.
    pub completed_at: Option<Timestamp>,
    /// Whether it was read back.
    pub verified: Option<bool>,
    /// The list of targets it covers.
    pub covers_sha256: Option<String>,
    /// Where it is kept.
    pub location: Option<String>,
    /// Until when nobody can delete it.
    pub immutable_until: Option<Timestamp>,
}

/// What restoring takes, as measured.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// What one restore brings back, for example `tenant`.
    pub granularity: Option<String>,
    /// When it was last tried.
    pub tested_at: Option<Timestamp>,
    /// How many tenants that trial brought back.
    pub tested_scale: Option<u64>,
    /// Tenants that one restore batch brings back.
    pub tenants_per_batch: Option<u64>,
    /// How long a restore batch takes.
    pub batch_duration: Option<Duration>,
    /// How many run side by side.
    pub parallel_batches: Option<u64>,
}

/// One approval, bound to what was approved.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who.
    pub by: Option<String>,
    /// Human or not.
    #[serde(rename = "type")]
    pub approver_type: Option<ActorType>,
    /// When.
    pub at: Option<Timestamp>,
    /// The list that was approved.
    pub targets_sha256: Option<String>,
    /// The mode that was approved.
    pub mode: Option<Mode>,
    /// How many targets of which kind were approved.
    pub kinds: Option<UniqueMap<u64>>,
    /// How many tenants were approved.
    pub tenants: Option<u64>,
}

/// The copy of data that was moved.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Where the copy is.
    pub copy: Option<String>,
    /// The share of the data that was compared with its copy, 0 to 1.
    pub verified_fraction: Option<f64>,
    /// When it was compared.
    pub verified_at: Option<Timestamp>,
    /// Until when the source is kept.
    pub source_hold_until: Option<Timestamp>,
}

/// Who was told.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// When the owners of the targets were told.
    pub owners_notified_at: Option<Timestamp>,
    /// How many of them objected.
    pub opt_outs: Option<u64>,
}
