//! The fields of a record without their own memory: borrowed from a [`Record`], from a row that is read, or from an encoded
//! row.

use super::bytes::take_text;
use super::{RESOLVED, Record, RecordValue, Sharers};
use reprieve_model::is_out_of_use;

/// What the inventory knows of one thing. The fields are those of [`Record`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields<'a> {
    pub kind: Option<&'a str>,
    pub tenant: Option<&'a str>,
    pub tenants: Option<SharersOf<'a>>,
    pub environment: Option<&'a str>,
    pub state: Option<&'a str>,
    pub state_since: Option<i64>,
    pub created_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub size_bytes: Option<u64>,
    pub dependents: Option<Texts<'a>>,
    pub legal_hold: Option<bool>,
    pub retain_until: Option<i64>,
    pub pool: Option<&'a str>,
    pub owner: Option<&'a str>,
    pub contact: Option<&'a str>,
}

/// The tenants that share a thing. The fields are those of [`Sharers`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharersOf<'a> {
    pub names: Texts<'a>,
    pub unnamed: u64,
}

/// A list of texts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Texts<'a> {
    Owned(&'a [String]),
    /// The texts one after another, each after its length.
    Encoded {
        count: usize,
        bytes: &'a [u8],
    },
}

impl<'a> Texts<'a> {
    pub const fn len(self) -> usize {
        match self {
            Self::Owned(texts) => texts.len(),
            Self::Encoded { count, .. } => count,
        }
    }

    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let (owned, mut encoded) = match self {
            Self::Owned(texts) => (texts, &[][..]),
            Self::Encoded { bytes, .. } => (&[][..], bytes),
        };
        owned.iter().map(String::as_str).chain(std::iter::from_fn(move || take_text(&mut encoded)))
    }

    fn to_vec(self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

impl Record {
    /// Returns its fields.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields {
            kind: self.kind.as_deref(),
            tenant: self.tenant.as_deref(),
            tenants: self.tenants.as_ref().map(Sharers::borrowed),
            environment: self.environment.as_deref(),
            state: self.state.as_deref(),
            state_since: self.state_since,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            size_bytes: self.size_bytes,
            dependents: self.dependents.as_deref().map(Texts::Owned),
            legal_hold: self.legal_hold,
            retain_until: self.retain_until,
            pool: self.pool.as_deref(),
            owner: self.owner.as_deref(),
            contact: self.contact.as_deref(),
        }
    }
}

impl<'a> Fields<'a> {
    /// Returns a record with these fields.
    pub fn to_record(self) -> Record {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Record {
            kind: text(self.kind),
            tenant: text(self.tenant),
            tenants: self.tenants.map(|of| Sharers { names: of.names.to_vec(), unnamed: of.unnamed }),
            environment: text(self.environment),
            state: text(self.state),
            state_since: self.state_since,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            size_bytes: self.size_bytes,
            dependents: self.dependents.map(Texts::to_vec),
            legal_hold: self.legal_hold,
            retain_until: self.retain_until,
            pool: text(self.pool),
            owner: text(self.owner),
            contact: text(self.contact),
        }
    }

    /// Whether it serves someone, as far as its state says.
    pub fn is_in_use(&self) -> bool {
        !self.state.is_some_and(is_out_of_use)
    }

    /// Returns the values of the resolved columns in the order of the table. `listed` is the tenant that the list names.
    pub fn resolved(&self, listed: Option<&str>) -> [Option<RecordValue<'a>>; RESOLVED] {
        use RecordValue::{Flag, Number, Text, Time};
        [
            self.kind.map(Text),
            self.tenant_beside(listed).map(Text),
            self.tenants.map(|_| Number(self.tenant_count())),
            self.environment.map(Text),
            self.state.map(Text),
            self.state_since.map(Time),
            self.created_at.map(Time),
            self.last_used_at.map(Time),
            self.size_bytes.map(Number),
            self.dependents.map(|ids| Number(ids.len() as u64)),
            self.legal_hold.map(Flag),
            self.retain_until.map(Time),
        ]
    }

    /// The names of the tenants that it reaches, its owner first.
    pub fn tenant_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let owner = self.tenant;
        let sharers = self.tenants.into_iter().flat_map(|of| of.names.iter());
        owner.into_iter().chain(sharers.filter(move |name| Some(*name) != owner))
    }

    /// The number of tenants that it reaches without naming them.
    pub fn unnamed_tenants(&self) -> u64 {
        self.tenants.map_or(0, |sharers| sharers.unnamed)
    }

    /// The number of tenants that it is known to reach.
    pub fn tenant_count(&self) -> u64 {
        match self.tenants {
            None => u64::from(self.tenant.is_some()),
            Some(of) => of.unnamed.saturating_add(self.tenant_names().count() as u64),
        }
    }

    /// Whose it is: of several tenants the one that the list names, or else the first.
    pub fn tenant_beside(&self, listed: Option<&str>) -> Option<&'a str> {
        if self.tenants.is_none() {
            return self.tenant;
        }
        let is_listed = |name: &&str| listed.is_some_and(|listed| listed.trim() == name.trim());
        self.tenant_names().find(is_listed).or_else(|| self.tenant_names().next())
    }
}

/// The tenants that a thing reaches: those of its record, or else the one of the list, or else an unknown one. Returns
/// their names, and the number of those without a name.
pub(crate) fn reached<'a>(
    fields: Option<&Fields<'a>>,
    listed: Option<&'a str>,
) -> (impl Iterator<Item = &'a str> + use<'a>, u64) {
    let known = fields.filter(|fields| fields.tenant_count() > 0);
    let listed = listed.filter(|_| known.is_none());
    let unnamed = known.map_or(u64::from(listed.is_none()), Fields::unnamed_tenants);
    (fields.copied().into_iter().flat_map(|fields| fields.tenant_names()).chain(listed), unnamed)
}
