//! The entries of the ledger, and the hash that chains each entry to the previous one.

use reprieve::ledger::{DecisionRecord, Halt, LedgerError, Outcome};
use reprieve::model::{Approval, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// An entry of the ledger.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A batch was vetted.
    Decision(Box<DecisionRecord>),
    /// The outcome of an allowed batch was recorded, which closed its reservation.
    Outcome(RecordedOutcome),
    /// A permit was used.
    PermitUse(PermitUse),
    /// Everything was halted.
    Halt(Halt),
    /// A halt was lifted.
    Resume(Resume),
    /// Somebody approved a list after a decision about it.
    Approval(RecordedApproval),
    /// A service replaced its policy set.
    Reload(Reload),
    /// Something was deleted because it goes with an allowed batch.
    FollowUp(FollowUp),
}

/// The outcome of an allowed batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedOutcome {
    /// The entry of the decision.
    pub decision: u64,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The use of a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PermitUse {
    /// The entry of the decision.
    pub decision: u64,
    /// The section that it was for. `None`: the whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<u32>,
}

/// A halt that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveHalt {
    /// The entry that records it.
    pub entry: u64,
    /// Why it was ordered, and by whom.
    #[serde(flatten)]
    pub halt: Halt,
}

/// The end of a halt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resume {
    /// The entry of the halt.
    pub lifts: u64,
    pub reason: String,
    pub by: String,
}

/// A signed approval that a service received. A later request for the same list can use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedApproval {
    /// The entry of the decision that was looked at.
    pub decision: u64,
    /// The request's `id`.
    pub request: String,
    /// SHA-256 of the list, lower-case hex.
    pub targets_sha256: String,
    /// The caller who sent it.
    pub sent_by: String,
    /// The approval with its token.
    pub approval: Approval,
}

/// The replacement of a policy set by another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// SHA-256 of the set before, lower-case hex.
    pub from: String,
    /// SHA-256 of the set after, lower-case hex.
    pub to: String,
    /// Who or what caused it.
    pub by: String,
}

/// A deletion that follows from an allowed batch and was let pass for that reason: a controller deletes what the batch
/// owned. It is part of that decision, and no limit counts it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The entry of the decision.
    pub decision: u64,
    /// What was deleted, by a name that is its own.
    pub object: String,
}

/// Why a stored entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    #[error("its body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error("its kind is `{0}`, which does not exist")]
    Kind(String),
}

impl Entry {
    /// The word that the ledger stores for the kind of the entry.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::Outcome(_) => "closed",
            Self::PermitUse(_) => "used",
            Self::Halt(_) => "halted",
            Self::Resume(_) => "resumed",
            Self::Approval(_) => "approved",
            Self::Reload(_) => "reloaded",
            Self::FollowUp(_) => "followed",
        }
    }

    /// Whether later decisions depend on it.
    pub fn affects_decisions(&self) -> bool {
        match self {
            Self::Decision(record) => record.decision.decision == Verdict::Allow,
            Self::PermitUse(_) | Self::Approval(_) | Self::Reload(_) | Self::FollowUp(_) => false,
            Self::Outcome(_) | Self::Halt(_) | Self::Resume(_) => true,
        }
    }

    /// Returns the body of the entry as JSON.
    pub fn body(&self) -> Result<String, LedgerError> {
        match self {
            Self::Decision(record) => serde_json::to_string(record),
            Self::Outcome(outcome) => serde_json::to_string(outcome),
            Self::PermitUse(usage) => serde_json::to_string(usage),
            Self::Halt(halt) => serde_json::to_string(halt),
            Self::Resume(resume) => serde_json::to_string(resume),
            Self::Approval(approval) => serde_json::to_string(approval),
            Self::Reload(reload) => serde_json::to_string(reload),
            Self::FollowUp(follow_up) => serde_json::to_string(follow_up),
        }
        .map_err(|error| LedgerError::misuse(format!("the entry cannot be written as JSON: {error}")))
    }

    /// Reads an entry from its stored kind and body.
    pub fn parse(kind: &str, body: &str) -> Result<Self, EntryError> {
        Ok(match kind {
            "decision" => Self::Decision(serde_json::from_str(body)?),
            "closed" => Self::Outcome(serde_json::from_str(body)?),
            "used" => Self::PermitUse(serde_json::from_str(body)?),
            "halted" => Self::Halt(serde_json::from_str(body)?),
            "resumed" => Self::Resume(serde_json::from_str(body)?),
            "approved" => Self::Approval(serde_json::from_str(body)?),
            "reloaded" => Self::Reload(serde_json::from_str(body)?),
            "followed" => Self::FollowUp(serde_json::from_str(body)?),
            other => return Err(EntryError::Kind(other.to_owned())),
        })
    }
}

/// Computes the hash of an entry: SHA-256 over the hash of the previous entry and every column, each preceded by its
/// length.
pub(crate) fn hash(previous: &str, entry: u64, at: i64, kind: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [previous, &entry.to_string(), &at.to_string(), kind, body] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Applies an entry to the halts in force. Returns false if the entry lifts a halt that is not in force.
pub(crate) fn apply_to_halts(halts: &mut Vec<ActiveHalt>, number: u64, entry: &Entry) -> bool {
    let before = halts.len();
    match entry {
        Entry::Halt(halt) => halts.push(ActiveHalt { entry: number, halt: halt.clone() }),
        Entry::Resume(resume) => halts.retain(|halt| halt.entry != resume.lifts),
        _ => return true,
    }
    halts.len() != before
}
