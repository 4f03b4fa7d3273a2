//! What was deleted before.

use crate::{Mode, Timestamp};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// What was deleted before, as far as it bears on this batch.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct HistoryFacts {
    /// SHA-256 of the history that answered, lower-case hex.
    pub sha256: String,
    /// Batches of this mode in this environment.
    pub same_mode: Spans,
    /// Batches of this kind in this environment.
    pub same_kind: Spans,
    /// Batches by this actor.
    pub same_actor: Spans,
    /// The last batch of this mode in this environment.
    pub last: Option<PastBatch>,
    /// Batches of this campaign so far.
    pub campaign_batches: u64,
    /// The last of them.
    pub campaign_last: Option<PastBatch>,
}

/// What was deleted within spans of time before the decision.
#[derive(miniserde::Deserialize, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Spans {
    /// Within an hour.
    pub hour: Deleted,
    /// Within 24 hours.
    pub day: Deleted,
    /// Within 30 days.
    pub month: Deleted,
}

/// How much was deleted.
#[derive(miniserde::Deserialize, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// Batches.
    pub batches: u64,
    /// Targets.
    pub targets: u64,
    /// Tenants, added up over the batches.
    pub tenants: u64,
}

impl Deleted {
    /// Adds a batch.
    pub const fn add(&mut self, targets: u64, tenants: u64) {
        self.batches = self.batches.saturating_add(1);
        self.targets = self.targets.saturating_add(targets);
        self.tenants = self.tenants.saturating_add(tenants);
    }
}

/// A batch that ran.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PastBatch {
    /// When it ended. As long as nobody has said that it did: the moment of the decision that asks.
    pub at: Timestamp,
    /// The mode it ran in.
    pub mode: Mode,
    /// Where it ran.
    pub environment: String,
    /// The kind of its targets.
    pub kind: String,
    /// How many there were.
    pub targets: u64,
    /// Of how many tenants.
    pub tenants: u64,
    /// The campaign it belonged to.
    pub campaign: Option<String>,
    /// Who submitted it.
    pub actor: Option<String>,
    /// Whether it went well. Absent: nobody knows.
    pub succeeded: Option<bool>,
}
