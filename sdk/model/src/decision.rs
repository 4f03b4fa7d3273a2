//! What comes out: the decision as a document. `reprieve check --format json` prints one; its fields are stable.

use crate::{Estimate, Mode, Timestamp};
use serde::{Deserialize, Serialize};

/// A decision with everything that led to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct DecisionDocument {
    /// The verdict.
    pub decision: Verdict,
    /// The request's `id`.
    pub request: String,
    /// The time the decision was made for.
    pub evaluated_at: Timestamp,
    /// Rows in the list.
    pub targets: u64,
    /// The most tenants that the batch can reach, counted over everything that goes.
    pub tenants: u64,
    /// SHA-256 of the target list, lower-case hex.
    pub targets_sha256: String,
    /// SHA-256 of the request document, lower-case hex.
    pub request_sha256: String,
    /// SHA-256 of the inventory that answered, lower-case hex.
    pub inventory_sha256: Option<String>,
    /// Every objection, the enforced denials first.
    pub findings: Vec<Finding>,
    /// Every policy that could not answer, and what the host itself objects to.
    pub faults: Vec<Fault>,
    /// Every policy of the set.
    pub policies: Vec<PolicyRun>,
    /// How long undoing the batch would take.
    pub restore: Estimate,
    /// SHA-256 of the set: every policy with its digest, settings, data and scope, lower-case hex.
    pub policy_set_sha256: String,
    /// The override under which findings were lifted.
    pub break_glass: Option<BreakGlass>,
    /// Where the decision is recorded. Null: no ledger was given, or it could not be written.
    pub ledger: Option<LedgerEntry>,
    /// The id of the permit that was written. The permit itself is in its own file and nowhere else.
    pub permit: Option<String>,
}

/// Where a decision is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct LedgerEntry {
    /// The number of the entry.
    pub entry: u64,
    /// Its hash, which stands for everything recorded until then: lower-case hex.
    pub sha256: String,
}

/// An override of findings that two people signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    /// Its id; it is used once.
    pub id: String,
    /// The codes it lifts.
    pub codes: Vec<String>,
    /// The request it is for: SHA-256, lower-case hex.
    pub request_sha256: String,
    /// The list it is for: SHA-256, lower-case hex.
    pub targets_sha256: String,
    /// The mode that the request asks for.
    pub mode: Mode,
    /// Where the batch is to run.
    pub environment: String,
    /// Why.
    pub reason: String,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// Who signed it.
    pub signed_by: Vec<String>,
}

/// The decision in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The batch may run.
    Allow,
    /// A policy objects.
    Deny,
    /// Nobody can say, so the batch must not run.
    Undecided,
}

impl Verdict {
    /// The exit status of a command that decides.
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Deny => 1,
            Self::Undecided => 2,
        }
    }

    /// The word the documents use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Undecided => "undecided",
        }
    }
}

/// Whether a finding denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The batch must not run.
    Deny,
    /// Shown, and no more.
    Warn,
}

/// One objection of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The policy.
    pub policy: String,
    /// Its rule.
    pub rule: String,
    /// Both: `policy/rule`.
    pub code: String,
    /// Whether it denies.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// JSON pointer of the request field it is about.
    pub field: Option<String>,
    /// The setting it was compared with.
    pub setting: Option<String>,
    /// How many targets offend.
    pub rows: u64,
    /// A few of their ids.
    pub examples: Vec<String>,
    /// Whether it counts towards the decision.
    pub enforced: bool,
    /// Whether an override lifted it.
    pub lifted: bool,
}

impl Finding {
    /// Whether the batch must not run because of it.
    pub fn denies(&self) -> bool {
        self.enforced && !self.lifted && self.severity == Severity::Deny
    }
}

/// Something that kept a policy, or the gate itself, from answering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Fault {
    /// The policy, or `gate`.
    pub policy: String,
    /// A stable word for the cause, for example `fuel`.
    pub cause: String,
    /// What happened, and the way out.
    pub message: String,
    /// Whether it counts towards the decision.
    pub enforced: bool,
}

impl Fault {
    /// A fault of the gate itself.
    pub fn of_gate(cause: &str, message: impl Into<String>) -> Self {
        Self { policy: "gate".to_owned(), cause: cause.to_owned(), message: message.into(), enforced: true }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.policy, self.cause, self.message)
    }
}

/// One policy's part in a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct PolicyRun {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its component, lower-case hex.
    pub sha256: String,
    /// SHA-256 of its settings as it was handed them, lower-case hex.
    pub settings_sha256: String,
    /// Fuel it burnt: the same on every machine.
    pub fuel: u64,
    /// Whether it counts towards the decision.
    pub enforced: bool,
    /// `content`, `warn`, `deny`, `fault`, or `out-of-scope` where its `when` does not hold.
    pub result: String,
}
