//! The request and the four rules in plain Rust, for the native engine and the Extism plug-in.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// The maximum number of tenants of a hard delete.
pub const MAX_TENANTS: usize = 60;
/// The maximum number of tenants of a soft delete.
pub const MAX_TENANTS_SOFT: usize = 500;

/// The reasons for which a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A target is not of the kind that the request names.
    KindMismatch,
    /// More tenants than the mode of the request permits.
    TooManyTenants,
    /// An id is empty or duplicated.
    BadIds,
    /// The number of rows that the request states is not the number of its targets.
    CountMismatch,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::KindMismatch, Self::TooManyTenants, Self::BadIds, Self::CountMismatch];

    /// Its name in every engine.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KindMismatch => "kind-mismatch",
            Self::TooManyTenants => "too-many-tenants",
            Self::BadIds => "bad-ids",
            Self::CountMismatch => "count-mismatch",
        }
    }
}

/// A set of rules: those that a request violates, or those that an engine can express. The empty set of violated rules is
/// an allow.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules(u8);

impl Rules {
    /// All four.
    pub const ALL: Self = Self(0b1111);

    /// This rule alone.
    pub const fn only(rule: Rule) -> Self {
        Self(1 << rule as u8)
    }

    /// Whether the set contains a rule.
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & Self::only(rule).0 != 0
    }

    /// The intersection.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The number of rules.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rules of these names, or `None` if a name is unknown.
    pub fn named<'a>(codes: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        codes.into_iter().map(|code| Rule::ALL.into_iter().find(|rule| rule.code() == code)).collect()
    }

    /// The rules for which `holds` returns true.
    pub fn which(holds: impl Fn(Rule) -> bool) -> Self {
        Rule::ALL.into_iter().filter(|rule| holds(*rule)).collect()
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().fold(0, |set, rule| set | Self::only(rule).0))
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<&str> = Rule::ALL.into_iter().filter(|rule| self.contains(*rule)).map(Rule::code).collect();
        f.write_str(&codes.join(" "))
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("allow") } else { write!(f, "deny {self}") }
    }
}

/// The parts of a deletion request that the rules read. `T` is the type of `targets`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request<'a, T> {
    /// Whether the targets remain recoverable.
    pub mode: Mode,
    /// The claimed kind of every target.
    #[serde(borrow)]
    pub target_kind: Cow<'a, str>,
    /// Where the list of targets came from.
    pub provenance: Provenance,
    /// What to delete.
    pub targets: T,
}

/// Whether the targets remain recoverable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They remain recoverable.
    Soft,
    /// They do not remain recoverable.
    Hard,
}

/// Where the list of targets came from.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// The number of rows in the list.
    pub row_count: usize,
}

/// A resource to delete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Target<'a> {
    /// Its id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Its kind.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// Its tenant.
    #[serde(borrow)]
    pub tenant: Cow<'a, str>,
}

impl Target<'_> {
    /// The same target, borrowing its text.
    fn borrow(&self) -> Target<'_> {
        let Self { id, kind, tenant } = self;
        Target { id: Cow::Borrowed(id), kind: Cow::Borrowed(kind), tenant: Cow::Borrowed(tenant) }
    }
}

/// A list of targets in a separate file.
#[derive(Clone, Debug, Deserialize)]
pub struct TargetFile {
    /// Its path, relative to the folder of the request.
    pub path: String,
}

/// The figures of a request that the rules compare.
#[derive(Clone, Debug, Serialize)]
pub struct Figures<'a> {
    /// Whether the targets remain recoverable.
    pub mode: Mode,
    /// The claimed kind of every target.
    pub target_kind: Cow<'a, str>,
    /// The number of rows that the request states.
    pub row_count: usize,
    /// The number of targets.
    pub targets: usize,
    /// Their kinds.
    pub kinds: BTreeSet<Cow<'a, str>>,
    /// The number of tenants.
    pub tenants: usize,
    /// The number of ids that are empty or duplicated.
    pub bad_ids: usize,
}

impl Figures<'_> {
    /// The rules that the request violates.
    pub fn broken(&self) -> Rules {
        let max = if self.mode == Mode::Hard { MAX_TENANTS } else { MAX_TENANTS_SOFT };
        Rules::which(|rule| match rule {
            Rule::KindMismatch => self.kinds.iter().any(|kind| *kind != self.target_kind),
            Rule::TooManyTenants => self.tenants > max,
            Rule::BadIds => self.bad_ids > 0,
            Rule::CountMismatch => self.row_count != self.targets,
        })
    }
}

/// Counts the targets of a request in one pass.
#[derive(Clone, Debug, Default)]
pub struct Counter<'a> {
    targets: usize,
    kinds: BTreeSet<Cow<'a, str>>,
    tenants: HashSet<Cow<'a, str>>,
    ids: HashSet<Cow<'a, str>>,
    bad_ids: usize,
}

impl<'a> Counter<'a> {
    /// Counts a target.
    pub fn add(&mut self, target: Target<'a>) {
        self.targets += 1;
        if !self.kinds.contains(&target.kind) {
            self.kinds.insert(target.kind);
        }
        if !self.tenants.contains(&target.tenant) {
            self.tenants.insert(target.tenant);
        }
        let empty = target.id.is_empty();
        let known = !self.ids.insert(target.id);
        self.bad_ids += usize::from(empty || known);
    }

    /// Returns the figures for a request with these claims.
    pub fn finish(self, mode: Mode, target_kind: &'a str, row_count: usize) -> Figures<'a> {
        Figures {
            mode,
            target_kind: Cow::Borrowed(target_kind),
            row_count,
            targets: self.targets,
            kinds: self.kinds,
            tenants: self.tenants.len(),
            bad_ids: self.bad_ids,
        }
    }
}

impl<'a> Request<'a, Vec<Target<'a>>> {
    /// Counts its targets.
    pub fn figures(&self) -> Figures<'_> {
        let ids = HashSet::with_capacity(self.targets.len());
        let mut counter = Counter { ids, ..Counter::default() };
        self.targets.iter().for_each(|target| counter.add(target.borrow()));
        counter.finish(self.mode, &self.target_kind, self.provenance.row_count)
    }

    /// Reads a request with inline targets.
    ///
    /// # Errors
    /// The JSON error.
    pub fn read(json: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }
}
