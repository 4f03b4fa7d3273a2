//! What is written into the ledger, and the hash that chains one entry to the one before.

use reprieve::model::Verdict;
use reprieve::{DecisionRecord, Halt, Outcome, Unavailable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What an entry says.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A batch was vetted.
    Decision(Box<DecisionRecord>),
    /// A reservation was closed.
    Closed(Closed),
    /// A permit was used.
    Used(Used),
    /// Everything was halted.
    Halted(Halt),
    /// A halt was lifted.
    Resumed(Resumed),
}

/// A reservation was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The entry of the decision.
    pub decision: u64,
    /// What became of the batch.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A permit was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The entry of the decision.
    pub decision: u64,
}

/// A halt that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halted {
    /// The entry that says so.
    pub entry: u64,
    /// Why, and by whom.
    #[serde(flatten)]
    pub halt: Halt,
}

/// A halt was lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The entry of the halt.
    pub lifts: u64,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
}

impl Entry {
    /// The word for what it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::Closed(_) => "closed",
            Self::Used(_) => "used",
            Self::Halted(_) => "halted",
            Self::Resumed(_) => "resumed",
        }
    }

    /// Whether it bears on later decisions.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Decision(record) => record.decision.decision == Verdict::Allow,
            Self::Used(_) => false,
            Self::Closed(_) | Self::Halted(_) | Self::Resumed(_) => true,
        }
    }

    /// What it says, as JSON.
    pub(crate) fn body(&self) -> Result<String, Unavailable> {
        match self {
            Self::Decision(record) => serde_json::to_string(record),
            Self::Closed(closed) => serde_json::to_string(closed),
            Self::Used(used) => serde_json::to_string(used),
            Self::Halted(halt) => serde_json::to_string(halt),
            Self::Resumed(resumed) => serde_json::to_string(resumed),
        }
        .map_err(|error| Unavailable(format!("the entry cannot be written: {error}")))
    }

    /// Reads an entry.
    pub(crate) fn parse(kind: &str, body: &str) -> Result<Self, String> {
        let explain = |error: serde_json::Error| format!("its body cannot be read: {error}");
        match kind {
            "decision" => serde_json::from_str(body).map(Self::Decision).map_err(explain),
            "closed" => serde_json::from_str(body).map(Self::Closed).map_err(explain),
            "used" => serde_json::from_str(body).map(Self::Used).map_err(explain),
            "halted" => serde_json::from_str(body).map(Self::Halted).map_err(explain),
            "resumed" => serde_json::from_str(body).map(Self::Resumed).map_err(explain),
            other => Err(format!("nobody writes entries of the kind `{other}`")),
        }
    }
}

/// The hash of an entry: SHA-256 over the hash of the one before and every column, each behind its length.
pub(crate) fn hash(previous: &str, entry: u64, at: i64, kind: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [previous, &entry.to_string(), &at.to_string(), kind, body] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}
