//! What a pipeline submits. Only five fields are required by the reader; everything else is optional here and
//! demanded by policies, so that a missing piece is a finding with a name and not a parse error. A field that does
//! not exist is an error at every level: `"freez": true` must not pass for "no freeze".

use crate::{Approval, DryRun, Free, Migration, Notice, Provenance, Recovery, Timestamp, UniqueMap};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use std::collections::BTreeMap;

/// The request without its targets: what a policy is handed.
pub type Claims = Request<Option<()>>;

/// A deletion request. `T` is what stands under `targets`: [`Targets`] in the document itself, never there in a review.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Request<T> {
    /// A name of the submitter's choosing; shows up in the decision.
    pub id: String,
    /// Whether the targets stay recoverable.
    pub mode: Mode,
    /// Where the call will run, for example `production`.
    pub environment: String,
    /// What every target is said to be, for example `app`.
    pub target_kind: String,
    /// The destructive call.
    pub operation: Option<Operation>,
    /// Why.
    pub reason: Option<Reason>,
    /// Who.
    pub actor: Option<Actor>,
    /// Where the list of targets came from.
    pub provenance: Option<Provenance>,
    /// What a run without effect showed.
    pub dry_run: Option<DryRun>,
    /// How this could be undone.
    pub recovery: Option<Recovery>,
    /// Who agreed, and to what.
    pub approvals: Option<Vec<Approval>>,
    /// The verified copy, where data is deleted because it was moved.
    pub migration: Option<Migration>,
    /// When.
    pub schedule: Option<Schedule>,
    /// Who was told.
    pub notice: Option<Notice>,
    /// The series of batches this one belongs to.
    pub campaign: Option<String>,
    /// Free form, for an operator's own policies.
    pub annotations: Option<UniqueMap<Free>>,
    /// What to delete.
    #[serde(skip_serializing)]
    pub targets: T,
}

/// What the call does to its targets.
#[derive(miniserde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum Mode {
    /// Marked for deletion, recoverable for a while.
    #[serde(rename = "soft")]
    Soft,
    /// Permanent.
    #[serde(rename = "hard")]
    Hard,
}

impl Mode {
    /// Whether the targets cannot be brought back by the system itself.
    pub const fn is_hard(self) -> bool {
        matches!(self, Self::Hard)
    }

    /// The word the documents use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

/// The destructive call.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The verb of the call, for example `delete`.
    pub verb: Option<String>,
    /// Whether the call takes dependents along.
    pub cascade: Option<bool>,
    /// A filter, pattern or path that the call itself expands. None: the call takes the listed ids and nothing else.
    pub selector: Option<String>,
}

/// Why the batch is to be deleted.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The legal basis: `gdpr-17`, `ccpa`, `court-order`, `contract-end`, `retention-expired`, `leaked-secret`.
    pub basis: Option<String>,
    /// In words.
    pub text: Option<String>,
    /// The change or ticket.
    pub ticket: Option<String>,
    /// What set the deletion off.
    pub trigger: Option<Trigger>,
    /// Whether somebody chose the value that set it off.
    pub trigger_source: Option<TriggerSource>,
}

/// What sets a deletion off.
#[derive(miniserde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum Trigger {
    /// Somebody asked for it.
    #[serde(rename = "request")]
    Request,
    /// An expiry date passed.
    #[serde(rename = "expiry")]
    Expiry,
    /// Nobody seems to use the targets.
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
#[derive(miniserde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub enum TriggerSource {
    /// Somebody set it for these targets.
    #[serde(rename = "explicit")]
    Explicit,
    /// Nobody set it: a default applied.
    #[serde(rename = "default")]
    Default,
}

/// Who submits the batch.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// An account name.
    pub id: Option<String>,
    /// Human or not.
    #[serde(rename = "type")]
    pub actor_type: Option<ActorType>,
    /// The person an automation or agent acts for.
    pub on_behalf_of: Option<String>,
    /// The credential the destructive call will use.
    pub credential: Option<Credential>,
}

/// Kinds of actors.
#[derive(miniserde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
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
    /// Not known.
    #[serde(rename = "unknown")]
    Unknown,
}

/// A credential, described and never included.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// What it was issued for, for example `deletion`.
    pub purpose: Option<String>,
    /// Where it is valid.
    pub environment: Option<String>,
}

/// When the batch may run.
#[derive(miniserde::Deserialize)]
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Not after this time.
    pub expires_at: Option<Timestamp>,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// Whether a change freeze is on.
    pub freeze: Option<bool>,
}

/// The targets of a request: in the document, or in a file beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Targets {
    /// In the document.
    Inline(Vec<Target>),
    /// In a file.
    File(TargetFile),
}

/// A target list in a file of its own. Its name says what it is: NDJSON (`.ndjson`, `.jsonl`) or CSV (`.csv`), also packed
/// with gzip or Zstandard (`.gz`, `.zst` behind that), Parquet (`.parquet`) or Arrow (`.arrow`, `.feather`, `.arrows`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Relative to the request's folder, and inside it.
    pub path: String,
    /// SHA-256 of the file, lower-case hex. Anything else in the file is an error.
    pub sha256: Option<String>,
    /// The columns that fields of the targets are read from, where they have other names: `{"id": "app_id"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
}

/// One thing to delete. Further fields must begin with `x_` and hold strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Target {
    /// What the destructive call is given.
    pub id: Option<String>,
    /// What it is said to be.
    pub kind: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// Where it is.
    pub environment: Option<String>,
    /// Its life-cycle state.
    pub state: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Its size in bytes.
    pub size_bytes: Option<u64>,
}
