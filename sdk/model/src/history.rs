//! What was deleted before.

use crate::{Mode, Timestamp};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Earlier deletions that are relevant to this batch.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct HistoryFacts {
    /// SHA-256 of the history that was queried, lower-case hex.
    pub sha256: String,
    /// Batches of this mode in this environment, or in all of production if this one is a part of it.
    pub same_mode: Spans,
    /// Batches of this kind in this environment, or in all of production if this one is a part of it.
    pub same_kind: Spans,
    /// Batches by this actor.
    pub same_actor: Spans,
    /// The last batch of this mode in this environment, or in all of production if this one is a part of it.
    pub last: Option<PastBatch>,
    /// The last batch of this kind in this environment that ended.
    pub kind_last: Option<PastBatch>,
    /// Number of batches of this campaign so far.
    pub campaign_batches: u64,
    /// The last batch of this campaign.
    pub campaign_last: Option<PastBatch>,
}

/// What was deleted within spans of time before the decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Spans {
    /// Within an hour.
    pub hour: Deleted,
    /// Within 24 hours.
    pub day: Deleted,
    /// Within 30 days.
    pub month: Deleted,
}

impl Spans {
    /// Adds what was deleted elsewhere.
    pub const fn add(&mut self, other: &Self) {
        self.hour.merge(&other.hour);
        self.day.merge(&other.day);
        self.month.merge(&other.month);
    }
}

/// How much was deleted.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// Number of batches.
    pub batches: u64,
    /// Number of targets.
    pub targets: u64,
    /// Number of tenants, summed over the batches.
    pub tenants: u64,
    /// Size in bytes of all targets whose size is known. Absent: no size is known.
    pub bytes: Option<u64>,
}

impl Deleted {
    /// Adds a batch.
    pub const fn add(&mut self, targets: u64, tenants: u64, bytes: Option<u64>) {
        self.merge(&Self { batches: 1, targets, tenants, bytes });
    }

    /// Adds what was deleted elsewhere.
    pub const fn merge(&mut self, other: &Self) {
        self.batches = self.batches.saturating_add(other.batches);
        self.targets = self.targets.saturating_add(other.targets);
        self.tenants = self.tenants.saturating_add(other.tenants);
        self.bytes = match (self.bytes, other.bytes) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (None, known) | (known, None) => known,
        };
    }
}

/// A batch that ran.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PastBatch {
    /// When it ended. While the batch is open: the time of the decision being made.
    pub at: Timestamp,
    /// The mode in which it ran.
    pub mode: Mode,
    /// Where it ran.
    pub environment: String,
    /// The kind of its targets.
    pub kind: String,
    /// Number of targets.
    pub targets: u64,
    /// Number of tenants.
    pub tenants: u64,
    /// Size in bytes of the targets whose size is known. Absent: no size is known.
    pub bytes: Option<u64>,
    /// The campaign to which it belonged.
    pub campaign: Option<String>,
    /// Who submitted it.
    pub actor: Option<String>,
    /// Whether it succeeded. Absent: unknown.
    pub succeeded: Option<bool>,
    /// The source of its list (`provenance.source`).
    pub source: Option<String>,
    /// The number of resources in its keep-set, if it deleted everything outside of one.
    pub keep_set: Option<u64>,
}

/// The state of a batch in a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BatchState {
    /// It was not allowed.
    #[serde(rename = "none")]
    NotAllowed,
    /// It was allowed, and its outcome is not recorded. It counts, because it may be running.
    Open,
    /// It ran.
    Committed,
    /// It did not run.
    Aborted,
}

impl BatchState {
    /// Every state.
    pub const ALL: &[Self] = &[Self::NotAllowed, Self::Open, Self::Committed, Self::Aborted];

    /// The word that a ledger stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "none",
            Self::Open => "open",
            Self::Committed => "committed",
            Self::Aborted => "aborted",
        }
    }

    /// The state for the word that a ledger stores. None: there is no such state.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }

    /// The state in words, for people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotAllowed => "not allowed",
            Self::Open | Self::Committed | Self::Aborted => self.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_stored_as_words() {
        for state in BatchState::ALL {
            assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{}\"", state.as_str()));
            assert_eq!(BatchState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(BatchState::parse("not allowed"), None);
    }
}
