//! The batch as a policy sees it.

use crate::TimeZone;
use crate::model::{ActorType, Approval, Tally, TenantFacts, Timestamp};
use crate::section::{Claims, Facts, InventoryFacts, Review};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Reference data: a file that the operator named under `data`.
#[derive(Clone, Debug, Default)]
pub struct Blob {
    /// Its key under `data`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Everything a policy knows: what the request claims, what the host found out, and what the operator set.
#[derive(Clone, Debug)]
pub struct Case<S> {
    /// What the request says about itself.
    pub claims: Claims,
    /// What the host found out.
    pub facts: Facts,
    /// What the inventory says; none where there is no inventory.
    pub inventory: Option<InventoryFacts>,
    /// What the operator set.
    pub settings: S,
    /// What the operator gave it to read.
    pub data: Vec<Blob>,
}

/// How far a time may lie in the future before it cannot be true: clocks differ by minutes.
const CLOCK_SKEW: i64 = 300;

impl<S> Case<S> {
    pub(crate) fn new(review: Review, settings: S, data: Vec<Blob>) -> Self {
        let Review { claims, facts, inventory } = review;
        Self { claims, facts, inventory, settings, data }
    }

    /// Whether the targets cannot be brought back by the system itself.
    pub fn is_hard(&self) -> bool {
        self.claims.mode().is_hard()
    }

    /// Picks the limit for this batch's mode.
    pub fn by_mode<T>(&self, hard: T, soft: T) -> T {
        if self.is_hard() { hard } else { soft }
    }

    /// Whether something that was true at `at` may be relied on: at most `seconds` old, and not in the future.
    pub fn is_fresh(&self, at: Timestamp, seconds: u64) -> bool {
        let age = self.facts.evaluated_at().since(at);
        age >= -CLOCK_SKEW && (age < 0 || age as u64 <= seconds)
    }

    /// Whether a time lies so far ahead that no clock explains it.
    pub fn is_future(&self, at: Timestamp) -> bool {
        self.facts.evaluated_at().since(at) < -CLOCK_SKEW
    }

    /// What the clock in a zone shows: seconds since 1970-01-01T00:00:00 there. None where the host does not say.
    pub fn local(&self, zone: &TimeZone) -> Option<i64> {
        let ahead = self.facts.zones()?.get(&zone.0)?;
        Some(self.facts.evaluated_at().seconds() + ahead)
    }

    /// The reference data of that name.
    pub fn data(&self, name: &str) -> Option<&[u8]> {
        self.data.iter().find(|blob| blob.name == name).map(|blob| blob.bytes.as_slice())
    }

    /// The list that evidence has to name: this one, or the whole of which this is a wave.
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

    /// The people whose approval counts: human, not the submitter, for exactly this list in this mode with these
    /// kinds and tenants, and at most `max_age` seconds old. Nobody counts twice, however the name is written.
    pub fn approvers(&self, max_age: u64) -> BTreeSet<&str> {
        let approvals = self.claims.approvals().into_iter().flatten();
        let people: BTreeMap<String, &str> = approvals
            .filter(|approval| self.objection(approval).is_none())
            .filter(|approval| approval.at.is_some_and(|at| self.is_fresh(at, max_age)))
            .filter_map(|approval| said(&approval.by))
            .map(|by| (by.to_ascii_lowercase(), by))
            .collect();
        people.into_values().collect()
    }

    /// Why an approval does not count, if it does not. How old it may be is for the asker to say.
    pub fn objection(&self, approval: &Approval) -> Option<Objection> {
        let actor = self.claims.actor();
        let submitters = actor.into_iter().flat_map(|actor| [said(&actor.id), said(&actor.on_behalf_of)]).flatten();
        let by = match said(&approval.by) {
            Some(by) => by,
            None => return Some(Objection::Nobody),
        };
        if submitters.into_iter().any(|submitter| submitter.eq_ignore_ascii_case(by)) {
            return Some(Objection::Own);
        }
        if approval.approver_type != Some(ActorType::Human) {
            return Some(Objection::NotHuman);
        }
        let list = self.evidence();
        if approval.targets_sha256.as_deref() != Some(list.targets_sha256) {
            return Some(Objection::OtherList);
        }
        if approval.mode != Some(self.claims.mode()) {
            return Some(Objection::OtherMode);
        }
        let tally = list.kinds;
        let kinds = approval.kinds.as_ref().map(|kinds| &kinds.0);
        if kinds != Some(&tally.counts) || tally.others + tally.unknown > 0 {
            return Some(Objection::OtherKinds);
        }
        if approval.tenants != Some(list.tenants.at_most()) {
            return Some(Objection::OtherTenants);
        }
        None
    }
}

/// The list that evidence has to name.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// SHA-256 of the list, lower-case hex.
    pub targets_sha256: &'a str,
    /// Rows in it.
    pub targets: u64,
    /// Tenants as it has them.
    pub tenants: &'a TenantFacts,
    /// Rows by the kind it gives them.
    pub kinds: &'a Tally,
}

/// Why an approval does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// It names nobody.
    Nobody,
    /// It is the submitter's own.
    Own,
    /// It does not come from a human.
    NotHuman,
    /// It is for another list.
    OtherList,
    /// It is for another mode.
    OtherMode,
    /// It is for other kinds or counts.
    OtherKinds,
    /// It is for another number of tenants.
    OtherTenants,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "it names nobody",
            Self::Own => "it is the submitter's own",
            Self::NotHuman => "it does not come from a human",
            Self::OtherList => "it is for another list",
            Self::OtherMode => "it is for another mode",
            Self::OtherKinds => "it is for other kinds or counts",
            Self::OtherTenants => "it is for another number of tenants",
        })
    }
}

/// What a text field says: nothing where it is absent, empty or white space.
pub fn said(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// Whether two kinds are the same but for their name space, their case and their plural: `AWS::S3::Buckets` is
/// `bucket`. A name with anything but ASCII in it is only the same as itself.
pub fn same_kind(a: &str, b: &str) -> bool {
    plain(a).eq_ignore_ascii_case(plain(b))
}

fn plain(kind: &str) -> &str {
    let kind = kind.trim_ascii();
    let start = kind.bytes().rposition(|byte| matches!(byte, b':' | b'/' | b'.')).map_or(0, |at| at + 1);
    match kind.as_bytes() {
        [.., before, b's' | b'S'] if kind.len() - start > 2 && !before.eq_ignore_ascii_case(&b's') => {
            kind.get(start..kind.len() - 1).unwrap_or(kind)
        }
        _ => kind.get(start..).unwrap_or(kind),
    }
}
