//! The request: what a pipeline submits.
//!
//! Only five fields are required here. Policies require the others, so a missing field is a finding with a code and not
//! a parse error. An unknown field is an error at every level, because `"freez": true` must not be read as "no freeze".

use crate::{Approval, DryRun, Free, Migration, Notice, Provenance, Recovery, Timestamp, UniqueMap};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// The request without its targets, as a policy receives it.
pub type Claims = Request<Option<()>>;

/// A deletion request. In a review, `targets` is absent.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Request<T> {
    /// A name that the submitter chooses. The decision repeats it.
    pub id: String,
    /// Whether the targets remain recoverable.
    pub mode: Mode,
    /// The environment in which the call will run, for example `production`.
    pub environment: String,
    /// The claimed kind of every target, for example `app`. Either this or `target_kinds` is required.
    pub target_kind: Option<String>,
    /// The claimed kinds, if there are several, each with its number of targets, or `null` if that is not stated.
    pub target_kinds: Option<UniqueMap<Option<u64>>>,
    /// The destructive call.
    pub operation: Option<Operation>,
    /// Why the batch is to be deleted.
    pub reason: Option<Reason>,
    /// Who submits the batch.
    pub actor: Option<Actor>,
    /// Where the list of targets came from.
    pub provenance: Option<Provenance>,
    /// The result of a dry run.
    pub dry_run: Option<DryRun>,
    /// How the deletion could be undone.
    pub recovery: Option<Recovery>,
    /// Who approved the batch, and what exactly was approved.
    pub approvals: Option<Vec<Approval>>,
    /// The verified copy, if data is deleted because it was moved.
    pub migration: Option<Migration>,
    /// When the batch may run.
    pub schedule: Option<Schedule>,
    /// Who was notified.
    pub notice: Option<Notice>,
    /// The series of batches to which this one belongs.
    pub campaign: Option<String>,
    /// Any JSON values, for an operator's own policies.
    pub annotations: Option<UniqueMap<Free>>,
    /// What to delete.
    #[serde(skip_serializing)]
    pub targets: T,
}

impl<T> Request<T> {
    /// The claimed kinds, each with its number of targets if the request states it.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        let several = self.target_kinds.iter().flat_map(|kinds| kinds.iter());
        let several = several.map(|(kind, count)| (kind.as_str(), *count));
        self.target_kind.iter().map(|kind| (kind.as_str(), None)).chain(several)
    }

    /// The claimed kind of every target. None: the request claims several.
    pub fn only_kind(&self) -> Option<&str> {
        let mut kinds = self.kinds();
        kinds.next().map(|(kind, _)| kind).filter(|_| kinds.next().is_none())
    }
}

/// What the call does to its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum Mode {
    /// Marked for deletion and recoverable for a while.
    #[serde(rename = "soft")]
    Soft,
    /// Permanent.
    #[serde(rename = "hard")]
    Hard,
    /// Nothing is lost, but the service stops: switched off, restarted, withdrawn, its configuration removed.
    #[serde(rename = "disable")]
    Disable,
}

impl Mode {
    /// Whether the system itself cannot recover the targets.
    pub const fn is_hard(self) -> bool {
        matches!(self, Self::Hard)
    }

    /// Whether the targets are only marked and keep for a while. What is unknown warns then, and denies otherwise.
    pub const fn is_soft(self) -> bool {
        matches!(self, Self::Soft)
    }

    /// What a batch of this mode is called.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Soft => "soft delete",
            Self::Hard => "hard delete",
            Self::Disable => "disabling",
        }
    }

    /// The word that the documents use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
            Self::Disable => "disable",
        }
    }
}

/// The destructive call.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The verb of the call, for example `delete`.
    pub verb: Option<String>,
    /// Whether the call deletes dependents as well.
    pub cascade: Option<bool>,
    /// A filter, pattern or path that the call itself expands. Absent: the call deletes the listed ids and nothing else.
    pub selector: Option<String>,
    /// What the call goes by, if there is a selector: `ids` if it only describes the list.
    pub by: Option<By>,
    /// SHA-256 of the program that makes the call, lower-case hex.
    pub program_sha256: Option<String>,
    /// Kinds of which the batch is meant to delete everything there is.
    pub all_of: Option<Vec<String>>,
}

/// What a call goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum By {
    /// The ids of the list.
    #[serde(rename = "ids")]
    Ids,
    /// The selector, which it expands.
    #[serde(rename = "selector")]
    Selector,
}

/// Why the batch is to be deleted.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The legal basis: `gdpr-17`, `ccpa`, `court-order`, `contract-end`, `retention-expired`, `leaked-secret`.
    pub basis: Option<String>,
    /// An explanation in words.
    pub text: Option<String>,
    /// The change request or ticket.
    pub ticket: Option<String>,
    /// What triggered the deletion.
    pub trigger: Option<Trigger>,
    /// Whether the value behind the trigger was chosen or is a default.
    pub trigger_source: Option<TriggerSource>,
}

/// What triggers a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Trigger {
    /// It was requested.
    #[serde(rename = "request")]
    Request,
    /// An expiry date passed.
    #[serde(rename = "expiry")]
    Expiry,
    /// The targets appear to be unused.
    #[serde(rename = "disuse")]
    Disuse,
    /// A retention period ended.
    #[serde(rename = "retention")]
    Retention,
    /// The data was moved elsewhere.
    #[serde(rename = "migration")]
    Migration,
}

/// Where the value behind a trigger came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum TriggerSource {
    /// It was set for these targets.
    #[serde(rename = "explicit")]
    Explicit,
    /// It was not set, so a default applied.
    #[serde(rename = "default")]
    Default,
}

/// Who submits the batch.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// An account name.
    pub id: Option<String>,
    /// The kind of actor.
    #[serde(rename = "type")]
    pub actor_type: Option<ActorType>,
    /// The person for whom an automation or agent acts.
    pub on_behalf_of: Option<String>,
    /// The credential that the destructive call will use.
    pub credential: Option<Credential>,
}

/// Kinds of actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum ActorType {
    /// A person.
    #[serde(rename = "human")]
    Human,
    /// A script or service.
    #[serde(rename = "automation")]
    Automation,
    /// A language model acting with tools.
    #[serde(rename = "ai-agent")]
    AiAgent,
    /// The platform itself.
    #[serde(rename = "system")]
    System,
    /// It is not known.
    #[serde(rename = "unknown")]
    Unknown,
}

/// A description of a credential; never the credential itself.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The purpose for which it was issued, for example `deletion`.
    pub purpose: Option<String>,
    /// The environment in which it is valid.
    pub environment: Option<String>,
}

/// When the batch may run.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Not after this time.
    pub expires_at: Option<Timestamp>,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// Whether a change freeze is in force.
    pub freeze: Option<bool>,
}
