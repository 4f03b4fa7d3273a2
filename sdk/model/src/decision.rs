//! The decision as a document. `reprieve check --format json` prints one; its fields are stable.

use crate::{Estimate, Fault, Mode, Signature, Timestamp};
use serde::{Deserialize, Serialize};

/// A decision with everything that led to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct DecisionDocument {
    /// The verdict.
    pub decision: Verdict,
    /// The request's `id`.
    pub request: String,
    /// The time for which the decision was made.
    pub evaluated_at: Timestamp,
    /// Number of targets in the list.
    pub targets: u64,
    /// Upper bound of the tenants that the batch can reach, counted over the closure.
    pub tenants: u64,
    /// SHA-256 of the target list, lower-case hex.
    pub targets_sha256: String,
    /// SHA-256 of the request document, lower-case hex.
    pub request_sha256: String,
    /// SHA-256 of the inventory that was queried, lower-case hex.
    pub inventory_sha256: Option<String>,
    /// Every finding, the enforced denials first.
    pub findings: Vec<Finding>,
    /// Every fault, of a policy or of the gate itself.
    pub faults: Vec<Fault>,
    /// Every policy of the set.
    pub policies: Vec<PolicyRun>,
    /// How long undoing the batch would take.
    pub restore: Estimate,
    /// Whose signatures of evidence were verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
    /// SHA-256 of the policy set, lower-case hex: every policy with its digest, settings, data and scope, the environments
    /// that are not production, and the keys that verify evidence.
    pub policy_set_sha256: String,
    /// The override that lifted findings.
    #[serde(rename = "override", alias = "break_glass")] // the alias reads records of version 0.1
    pub override_terms: Option<OverrideTerms>,
    /// Where the decision is recorded. Null: there is no ledger, or it could not be written.
    pub ledger: Option<LedgerEntry>,
    /// The id of the permit that was written. The permit itself is only in its own file.
    pub permit: Option<String>,
}

/// Where a decision is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct LedgerEntry {
    /// The number of the entry.
    pub entry: u64,
    /// Its hash, which covers everything recorded up to and including the entry: lower-case hex.
    pub sha256: String,
}

/// The terms of an override, which two people sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OverrideTerms {
    /// Its id. An override is used once.
    pub id: String,
    /// The codes of the findings that it lifts.
    pub codes: Vec<String>,
    /// SHA-256 of the request that it is for, lower-case hex.
    pub request_sha256: String,
    /// SHA-256 of the list that it is for, lower-case hex.
    pub targets_sha256: String,
    /// The mode of the request.
    pub mode: Mode,
    /// The environment of the request.
    pub environment: String,
    /// Why the findings are lifted.
    pub reason: String,
    /// When it expires.
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
    /// A policy denies the batch.
    Deny,
    /// There is no answer, so the batch must not run.
    Undecided,
}

impl Verdict {
    /// The word that the documents use.
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
    /// Shown to the operator; does not change the decision.
    Warn,
}

/// The nature of a finding: whether something contradicts or something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// Something contradicts: an id is of another kind, a limit is exceeded, a copy was never verified.
    Wrong,
    /// Something that the rule asks for was not shown: no dry run, no approval, no owner.
    Missing,
}

/// One objection of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The policy.
    pub policy: String,
    /// Its rule.
    pub rule: String,
    /// The code: `policy/rule`.
    pub code: String,
    /// Whether it denies.
    pub severity: Severity,
    /// Whether something contradicts or something is missing.
    #[serde(default = "wrong")] // records of version 0.1 do not have it
    #[cfg_attr(feature = "host", schemars(required))]
    pub nature: Nature,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// JSON pointer of the request field that it is about.
    pub field: Option<String>,
    /// The setting that it was compared with.
    pub setting: Option<String>,
    /// The number of offending targets.
    pub rows: u64,
    /// A few of their ids.
    pub examples: Vec<String>,
    /// Whether it counts towards the decision.
    pub enforced: bool,
    /// Whether an override lifted it.
    pub lifted: bool,
}

const fn wrong() -> Nature {
    Nature::Wrong
}

impl Finding {
    /// Whether the batch must not run because of it.
    pub fn denies(&self) -> bool {
        self.enforced && !self.lifted && self.severity == Severity::Deny
    }
}

/// The part of one policy in a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
pub struct PolicyRun {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its component, lower-case hex.
    pub sha256: String,
    /// SHA-256 of the settings that it was passed, lower-case hex.
    pub settings_sha256: String,
    /// The fuel that it used: the same on every machine.
    pub fuel: u64,
    /// Whether it counts towards the decision.
    pub enforced: bool,
    /// The result.
    pub result: PolicyResult,
}

/// The result of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PolicyResult {
    /// It has no finding.
    #[serde(alias = "content")] // the word in records of version 0.1
    Pass,
    /// Its findings only warn.
    Warn,
    /// It denies the batch.
    Deny,
    /// It could not answer.
    Fault,
    /// Its `when` does not cover the batch, so it did not run.
    OutOfScope,
}

impl PolicyResult {
    /// The word that the documents use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Deny => "deny",
            Self::Fault => "fault",
            Self::OutOfScope => "out-of-scope",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: impl Serialize) -> String {
        serde_json::to_string(&value).unwrap().trim_matches('"').to_owned()
    }

    #[test]
    fn words_are_those_of_the_json() {
        for verdict in [Verdict::Allow, Verdict::Deny, Verdict::Undecided] {
            assert_eq!(json(verdict), verdict.as_str());
        }
        use PolicyResult::{Deny, Fault, OutOfScope, Pass, Warn};
        for result in [Pass, Warn, Deny, Fault, OutOfScope] {
            assert_eq!(json(result), result.as_str());
        }
    }
}
