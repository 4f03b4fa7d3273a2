//! Evidence: the list that it must name, the approvals that count, and signatures.

use crate::context::{Context, non_blank};
use crate::model::{ActorType, Approval, Signature, Signatures, Tally, TenantFacts};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

impl<S> Context<S> {
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
        if let Some(issue) = self.approval_signature_issue(approval) {
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

    /// What the host found out about the token of what is at a place of the request, for example `/approvals/0`. None: it
    /// has no token.
    pub fn signature(&self, field: &str) -> Option<&Signature> {
        let tokens = self.facts.signatures().map(|signatures| signatures.tokens.iter());
        tokens.into_iter().flatten().find(|signature| signature.field == field)
    }

    /// Why the signature of the dry run or of a backup, or the lack of one, keeps it from counting. `field` is its place, and
    /// `token` what it states. None: it counts.
    pub fn attestation_issue(&self, field: &str, token: Option<&str>) -> Option<SignatureIssue<'_>> {
        self.signature_issue(field, token, |signatures| signatures.attestations_required)
    }

    /// Why the signature of an approval, or the lack of one, keeps it from counting.
    fn approval_signature_issue(&self, approval: &Approval) -> Option<ApprovalIssue> {
        let mut approvals = self.claims.approvals().into_iter().flatten();
        let field = match approvals.position(|listed| std::ptr::eq(listed, approval)) {
            Some(position) => format!("/approvals/{position}"),
            None => String::new(),
        };
        match self.signature_issue(&field, approval.token.as_deref(), |signatures| signatures.approvals_required)? {
            SignatureIssue::BadToken(_) => Some(ApprovalIssue::BadToken),
            SignatureIssue::NotSigned => Some(ApprovalIssue::NotSigned),
        }
    }

    fn signature_issue(
        &self,
        field: &str,
        token: Option<&str>,
        is_required: impl Fn(&Signatures) -> bool,
    ) -> Option<SignatureIssue<'_>> {
        match self.signature(field) {
            Some(Signature { issue, .. }) => issue.as_deref().map(SignatureIssue::BadToken),
            None if token.is_some() => Some(SignatureIssue::BadToken("it was not verified")),
            None => self.facts.signatures().is_some_and(is_required).then_some(SignatureIssue::NotSigned),
        }
    }
}

/// Why a signature, or the lack of one, keeps evidence from counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureIssue<'a> {
    /// Its token does not show that somebody vouched for it, with the reason.
    BadToken(&'a str),
    /// It has no token, and only signed evidence counts.
    NotSigned,
}

impl fmt::Display for SignatureIssue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadToken(reason) => write!(f, "its token is not valid: {reason}"),
            Self::NotSigned => f.write_str("it is not signed, and only signed evidence counts"),
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
