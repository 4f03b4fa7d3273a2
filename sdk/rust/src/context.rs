//! The context of a decision: the batch as a policy sees it.

use crate::TimeZone;
use crate::model::{ActorType, Approval, ApprovalToken, Tally, TenantFacts, Timestamp, Trigger};
use crate::section::{Claims, Facts, InventoryFacts, Review};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Reference data: a file that the operator named under `data`.
#[derive(Clone, Debug, Default)]
pub struct Blob {
    /// Its key under `data` in the policy set.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Everything that a policy knows about a batch, except its targets: what the request claims, what the host computed or
/// looked up, and what the operator configured.
#[derive(Clone, Debug)]
pub struct Context<S> {
    /// The request without its targets, as submitted.
    pub claims: Claims,
    /// What the host computed or looked up.
    pub facts: Facts,
    /// Facts from the inventory. None: there is no inventory.
    pub inventory: Option<InventoryFacts>,
    /// The settings.
    pub settings: S,
    /// Reference data.
    pub data: Vec<Blob>,
}

/// Seconds by which a time may be in the future, because clocks differ by minutes.
const MAX_CLOCK_SKEW: i64 = 300;

impl<S> Context<S> {
    pub(crate) fn new(review: Review, settings: S, data: Vec<Blob>) -> Self {
        let Review { claims, facts, inventory } = review;
        Self { claims, facts, inventory, settings, data }
    }

    /// Whether the batch is a hard delete: the system itself cannot recover the targets.
    pub fn is_hard(&self) -> bool {
        self.claims.mode().is_hard()
    }

    /// Whether the batch is a soft delete. What is unknown warns then; it denies a hard delete and a batch that disables
    /// its targets.
    pub fn is_soft(&self) -> bool {
        self.claims.mode().is_soft()
    }

    /// Returns `soft` for a soft delete, and else `strict`.
    pub fn by_mode<T>(&self, strict: T, soft: T) -> T {
        if self.is_soft() { soft } else { strict }
    }

    /// The claimed kinds of the targets, each with its number of targets if the request states it.
    pub fn declared_kinds(&self) -> Vec<(&str, Option<u64>)> {
        let several = self.claims.target_kinds().into_iter().flat_map(|kinds| kinds.iter());
        let several = several.map(|(kind, count)| (kind.as_str(), *count));
        self.claims.target_kind().into_iter().map(|kind| (kind.as_str(), None)).chain(several).collect()
    }

    /// What triggered the deletion. None: the request does not say.
    pub fn trigger(&self) -> Option<Trigger> {
        self.claims.reason()?.trigger
    }

    /// Whether the submitter is known to be an AI agent.
    pub fn is_agent(&self) -> bool {
        self.claims.actor().and_then(|actor| actor.actor_type) == Some(ActorType::AiAgent)
    }

    /// Whether evidence with this digest of a program is about the program that makes the call. If neither states a
    /// program, nothing contradicts.
    pub fn is_program(&self, sha256: &Option<String>) -> bool {
        let runs = self.claims.operation().and_then(|operation| non_blank(&operation.program_sha256));
        runs == non_blank(sha256)
    }

    /// Whether `at` is at most `seconds` ago and not in the future, give or take five minutes of clock skew.
    pub fn is_fresh(&self, at: Timestamp, seconds: u64) -> bool {
        let age = self.facts.evaluated_at().since(at);
        age >= -MAX_CLOCK_SKEW && (age < 0 || age as u64 <= seconds)
    }

    /// Whether `at` is further in the future than clock skew explains.
    pub fn is_future(&self, at: Timestamp) -> bool {
        self.facts.evaluated_at().since(at) < -MAX_CLOCK_SKEW
    }

    /// The local time in a time zone, in seconds since 1970-01-01T00:00:00 there. None: the host did not pass the offset
    /// of that zone.
    pub fn local(&self, zone: &TimeZone) -> Option<i64> {
        let offset = self.facts.zones()?.get(&zone.0)?;
        Some(self.facts.evaluated_at().seconds() + offset)
    }

    /// The reference data `name`.
    pub fn data(&self, name: &str) -> Option<&[u8]> {
        self.data.iter().find(|blob| blob.name == name).map(|blob| blob.bytes.as_slice())
    }

    /// The list that evidence must name: this one, or the whole list if this batch is a wave of it.
    pub fn evidence(&self) -> Evidence<'_> {
        match self.facts.whole() {
            Some(whole) => Evidence {
                targets_sha256: &whole.targets_sha256,
                targets: whole.targets,
                tenants: &whole.tenants,
                kinds: &whole.kinds,
            },
            None => Evidence {
                targets_sha256: self.facts.targets_sha256(),
                targets: self.facts.targets(),
                tenants: self.facts.tenants(),
                kinds: self.facts.kinds(),
            },
        }
    }

    /// The people whose approval counts: humans other than the submitter, who approved exactly this list in this mode
    /// with these kinds and tenants at most `max_age` seconds ago. Each person counts once; names that differ only in
    /// case are the same person.
    pub fn approvers(&self, max_age: u64) -> BTreeSet<&str> {
        let approvals = self.claims.approvals().into_iter().flatten();
        let people: BTreeMap<String, &str> = approvals
            .filter(|approval| self.approval_issue(approval).is_none())
            .filter(|approval| approval.at.is_some_and(|at| self.is_fresh(at, max_age)))
            .filter_map(|approval| non_blank(&approval.by))
            .map(|by| (by.to_ascii_lowercase(), by))
            .collect();
        people.into_values().collect()
    }

    /// Why an approval does not count, apart from its age. None: it counts.
    pub fn approval_issue(&self, approval: &Approval) -> Option<ApprovalIssue> {
        let actor = self.claims.actor();
        let submitters =
            actor.into_iter().flat_map(|actor| [non_blank(&actor.id), non_blank(&actor.on_behalf_of)]).flatten();
        let by = match non_blank(&approval.by) {
            Some(by) => by,
            None => return Some(ApprovalIssue::Unnamed),
        };
        if submitters.into_iter().any(|submitter| submitter.eq_ignore_ascii_case(by)) {
            return Some(ApprovalIssue::Own);
        }
        let author = self.claims.provenance().and_then(|provenance| non_blank(&provenance.extracted_by));
        if author.is_some_and(|author| author.eq_ignore_ascii_case(by)) {
            return Some(ApprovalIssue::Author);
        }
        if let Some(issue) = self.signature_issue(approval) {
            return Some(issue);
        }
        if approval.approver_type != Some(ActorType::Human) {
            return Some(ApprovalIssue::NotHuman);
        }
        let list = self.evidence();
        if approval.targets_sha256.as_deref() != Some(list.targets_sha256) {
            return Some(ApprovalIssue::OtherList);
        }
        if approval.mode != Some(self.claims.mode()) {
            return Some(ApprovalIssue::OtherMode);
        }
        let tally = list.kinds;
        let kinds = approval.kinds.as_ref().map(|kinds| &kinds.0);
        if kinds != Some(&tally.counts) || tally.others + tally.unknown > 0 {
            return Some(ApprovalIssue::OtherKinds);
        }
        // What the batch reaches beyond its list was not approved with the list. A wave reaches a part of the whole.
        let reached = if self.facts.whole().is_some() { 0 } else { self.facts.tenants_at_most() };
        if approval.tenants != Some(list.tenants.at_most().max(reached)) {
            return Some(ApprovalIssue::OtherTenants);
        }
        if !self.is_program(&approval.program_sha256) {
            return Some(ApprovalIssue::OtherProgram);
        }
        None
    }

    /// What the host found out about the token of the approval at a position. None: it has no token.
    pub fn approval_token(&self, position: usize) -> Option<&ApprovalToken> {
        let tokens = self.facts.signed_approvals().map(|signed| signed.tokens.iter());
        tokens.into_iter().flatten().find(|token| token.approval == position as u64)
    }

    /// Why the signature of an approval, or the lack of one, keeps it from counting.
    fn signature_issue(&self, approval: &Approval) -> Option<ApprovalIssue> {
        let mut approvals = self.claims.approvals().into_iter().flatten();
        let position = approvals.position(|listed| std::ptr::eq(listed, approval));
        match position.and_then(|position| self.approval_token(position)) {
            Some(token) => token.issue.is_some().then_some(ApprovalIssue::BadToken),
            None if approval.token.is_some() => Some(ApprovalIssue::BadToken),
            None => {
                let required = self.facts.signed_approvals().is_some_and(|signed| signed.required);
                required.then_some(ApprovalIssue::NotSigned)
            }
        }
    }
}

/// The list that evidence must name.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// SHA-256 of the list, lower-case hex.
    pub targets_sha256: &'a str,
    /// Number of rows in it.
    pub targets: u64,
    /// Tenants according to it.
    pub tenants: &'a TenantFacts,
    /// Number of rows by kind, according to it.
    pub kinds: &'a Tally,
}

/// Why an approval does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApprovalIssue {
    /// It does not name the approver.
    Unnamed,
    /// It is the submitter's own.
    Own,
    /// It is by the author of the list.
    Author,
    /// Its token does not show that the approver made it.
    BadToken,
    /// It has no token, and only signed approvals count.
    NotSigned,
    /// The approver is not a human.
    NotHuman,
    /// It is for another list.
    OtherList,
    /// It is for another mode.
    OtherMode,
    /// It is for other kinds or counts.
    OtherKinds,
    /// It is for another number of tenants.
    OtherTenants,
    /// It is for another program than the one that makes the call.
    OtherProgram,
}

impl fmt::Display for ApprovalIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unnamed => "it does not name the approver",
            Self::Own => "it is the submitter's own",
            Self::Author => "it is by the author of the list",
            Self::BadToken => "its token does not show that the approver made it",
            Self::NotSigned => "it is not signed, and only signed approvals count",
            Self::NotHuman => "the approver is not a human",
            Self::OtherList => "it is for another list",
            Self::OtherMode => "it is for another mode",
            Self::OtherKinds => "it is for other kinds or counts",
            Self::OtherTenants => "it is for another number of tenants",
            Self::OtherProgram => "it is for another program",
        })
    }
}

/// The trimmed text of a field. None: it is absent or blank, or a word for nothing such as `null`, `n/a` or `unknown`.
pub fn non_blank(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !says_nothing(text))
}

/// Words that programs and people write where they have no value.
const NOTHING: [&str; 15] = [
    "",
    "null",
    "\\n",
    "none",
    "nil",
    "nan",
    "n/a",
    "undefined",
    "unknown",
    "unset",
    "not set",
    "unspecified",
    "tbd",
    "todo",
    "no value",
];

/// Whether a text has no letter or digit, or is a word for nothing, with or without brackets and quotes.
fn says_nothing(text: &str) -> bool {
    let word = text.trim_matches(|c: char| {
        matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\'' | '`') || c.is_whitespace()
    });
    word.len() <= 11
        && (NOTHING.iter().any(|nothing| nothing.eq_ignore_ascii_case(word))
            || word.bytes().all(|byte| matches!(byte, b'-' | b'?' | b'.' | b'_')))
}

#[cfg(test)]
mod tests {
    use super::non_blank;

    #[test]
    fn words_for_nothing_are_no_text() {
        for text in [
            "",
            " ",
            "NULL",
            "\\N",
            "<none>",
            " (null) ",
            "N/A",
            "unknown",
            "'Unknown'",
            "-",
            "--",
            "?",
            "...",
            "TBD",
        ] {
            assert_eq!(non_blank(&Some(text.to_owned())), None, "{text:?}");
        }
        for text in ["0", "a", "nobody", "none of these", "null-1", "unknown-vault", "vault-2", "-x"] {
            assert_eq!(non_blank(&Some(text.to_owned())), Some(text));
        }
        assert_eq!(non_blank(&None), None);
    }
}
