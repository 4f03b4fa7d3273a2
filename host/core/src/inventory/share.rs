//! What a batch takes from each tenant, and who answers for it.

use super::Record;

/// What a batch takes from a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Share {
    /// Its things that go.
    pub things: u64,
    /// Who answers for it, where somebody said so: boxed, for there may be a million tenants.
    pub who: Option<Box<Who>>,
}

/// Who answers for a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    pub owner: Option<String>,
    pub contact: Option<String>,
}

impl Share {
    /// Counts a thing of the tenant. The first that says who answers is believed.
    pub fn add(&mut self, record: Option<&Record>) {
        self.things += 1;
        if let Some(who) = record.and_then(Who::said_by) {
            let first = self.who.take().map(|first| *first).unwrap_or_default();
            self.who = Some(Box::new(first.or(who)));
        }
    }

    /// What the record of the tenant itself says goes before what those of its things say.
    pub fn correct(&mut self, record: &Record) {
        if let Some(who) = Who::said_by(record) {
            let things = self.who.take().map(|things| *things).unwrap_or_default();
            self.who = Some(Box::new(who.or(things)));
        }
    }
}

impl Who {
    fn said_by(record: &Record) -> Option<Self> {
        let Record { owner, contact, .. } = record;
        (owner.is_some() || contact.is_some()).then(|| Self { owner: owner.clone(), contact: contact.clone() })
    }

    /// What `other` says where this says nothing.
    fn or(self, other: Self) -> Self {
        Self { owner: self.owner.or(other.owner), contact: self.contact.or(other.contact) }
    }
}
