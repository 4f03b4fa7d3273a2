//! The request, and the four rules in plain Rust. It runs natively as it stands here, and in the Extism plug-in.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// Tenants that a hard delete may reach.
pub const MAX_TENANTS: usize = 60;
/// Tenants that a soft delete may reach.
pub const MAX_TENANTS_SOFT: usize = 500;

/// What a request is denied for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A target is not of the kind that the request names.
    KindMismatch,
    /// More tenants than the mode of the request permits.
    TooManyTenants,
    /// An id that is empty, or stands in two targets.
    BadIds,
    /// The request states another number of rows than it has targets.
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

/// A set of rules: those that a request breaks, or those that an engine can express. Empty, it is an allow.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules(u8);

impl Rules {
    /// All four.
    pub const ALL: Self = Self(0b1111);

    /// This rule alone.
    pub const fn only(rule: Rule) -> Self {
        Self(1 << rule as u8)
    }

    /// Whether it is one of them.
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & Self::only(rule).0 != 0
    }

    /// Those in both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// How many there are.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those with these names; none where there is no rule of such a name.
    pub fn named<'a>(codes: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        codes.into_iter().map(|code| Rule::ALL.into_iter().find(|rule| rule.code() == code)).collect()
    }

    /// Each for which `holds` says so.
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

/// A deletion request, as far as the rules look at it. `T` is what stands under `targets`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request<'a, T> {
    /// Whether the targets stay recoverable.
    pub mode: Mode,
    /// What every target is said to be.
    #[serde(borrow)]
    pub target_kind: Cow<'a, str>,
    /// Where the list of targets came from.
    pub provenance: Provenance,
    /// What to delete.
    pub targets: T,
}

/// Whether the targets stay recoverable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They do.
    Soft,
    /// They do not.
    Hard,
}

/// Where the list of targets came from.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// Rows in the list.
    pub row_count: usize,
}

/// One thing to delete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Target<'a> {
    /// Its id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// What it is.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// Whose it is.
    #[serde(borrow)]
    pub tenant: Cow<'a, str>,
}

impl Target<'_> {
    /// The same target, without a copy of its text.
    fn borrow(&self) -> Target<'_> {
        let Self { id, kind, tenant } = self;
        Target { id: Cow::Borrowed(id), kind: Cow::Borrowed(kind), tenant: Cow::Borrowed(tenant) }
    }
}

/// A list of targets in a file beside the request.
#[derive(Clone, Debug, Deserialize)]
pub struct TargetFile {
    /// Its path, from the folder of the request.
    pub path: String,
}

/// What the rules need to know of a request, counted.
#[derive(Clone, Debug, Serialize)]
pub struct Figures<'a> {
    /// Whether the targets stay recoverable.
    pub mode: Mode,
    /// What every target is said to be.
    pub target_kind: Cow<'a, str>,
    /// Rows that the request states.
    pub row_count: usize,
    /// Targets there are.
    pub targets: usize,
    /// What they are.
    pub kinds: BTreeSet<Cow<'a, str>>,
    /// How many tenants they have.
    pub tenants: usize,
    /// How many have an id that is empty or stood in an earlier target.
    pub bad_ids: usize,
}

impl Figures<'_> {
    /// The rules that the request breaks.
    pub fn broken(&self) -> Rules {
        let most = if self.mode == Mode::Hard { MAX_TENANTS } else { MAX_TENANTS_SOFT };
        Rules::which(|rule| match rule {
            Rule::KindMismatch => self.kinds.iter().any(|kind| *kind != self.target_kind),
            Rule::TooManyTenants => self.tenants > most,
            Rule::BadIds => self.bad_ids > 0,
            Rule::CountMismatch => self.row_count != self.targets,
        })
    }
}

/// The targets of a request being counted, in one pass.
#[derive(Clone, Debug, Default)]
pub struct Census<'a> {
    targets: usize,
    kinds: BTreeSet<Cow<'a, str>>,
    tenants: HashSet<Cow<'a, str>>,
    ids: HashSet<Cow<'a, str>>,
    bad_ids: usize,
}

impl<'a> Census<'a> {
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

    /// What they come to in a request that says this of itself.
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
        let mut census = Census { ids, ..Census::default() };
        self.targets.iter().for_each(|target| census.add(target.borrow()));
        census.finish(self.mode, &self.target_kind, self.provenance.row_count)
    }

    /// Reads a request with its targets in it.
    ///
    /// # Errors
    /// What the reader said.
    pub fn read(json: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }
}
