//! The share of each tenant in a batch, and the tenant's owner and contact.

use crate::record::Fields;
use serde::{Deserialize, Serialize};

/// The share of a tenant in a batch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    /// The number of its things that are deleted.
    pub things: u64,
    /// Who is responsible for it, if that is known. It is boxed because there may be a million tenants.
    pub who: Option<Box<Who>>,
}

/// Who is responsible for a tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Who {
    pub owner: Option<String>,
    pub contact: Option<String>,
}

impl Share {
    /// Counts a thing of the tenant. The owner and the contact are those of the first thing that has them.
    pub(super) fn add(&mut self, fields: Option<&Fields<'_>>) {
        let who = fields.and_then(|fields| Who::known(fields.owner, fields.contact)).map(Box::new);
        self.continue_with(Self { things: 1, who });
    }

    /// Sets the owner and the contact of the tenant's own record. They take precedence over those of its things.
    pub(super) fn correct(&mut self, own: Who) {
        let things = self.who.take().map(|things| *things).unwrap_or_default();
        self.who = Some(Box::new(own.or(things)));
    }

    /// Adds things that were counted later.
    pub(super) fn continue_with(&mut self, later: Self) {
        self.things += later.things;
        if let Some(later) = later.who {
            let first = self.who.take().map(|first| *first).unwrap_or_default();
            self.who = Some(Box::new(first.or(*later)));
        }
    }
}

impl Who {
    /// Who that is, if anything is known.
    pub(super) fn known(owner: Option<&str>, contact: Option<&str>) -> Option<Self> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        (owner.is_some() || contact.is_some()).then(|| Self { owner: text(owner), contact: text(contact) })
    }

    /// Fills in what is unknown from `other`.
    fn or(self, other: Self) -> Self {
        Self { owner: self.owner.or(other.owner), contact: self.contact.or(other.contact) }
    }
}
