//! The fields of a row with the codes of its names, and texts that were checked before the rows that have them.

use super::column::InventoryColumn as C;
use super::{Fields, InventoryColumn, InventoryRowBuilder, RESOLVED, Texts};
use std::borrow::Cow;

/// The number of fields that have a dictionary: kind, tenant, environment, state, pool, owner and contact.
pub(super) const NAMES: usize = 7;
/// The code of the first name of a dictionary; smaller ones say that a name is unknown, or follows as text.
pub(super) const FIRST: u64 = 2;

/// Fields, and the codes of those names that are known to have one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CodedFields<'a> {
    pub fields: Fields<'a>,
    pub(super) codes: [Option<u64>; NAMES],
}

impl<'a> From<Fields<'a>> for CodedFields<'a> {
    fn from(fields: Fields<'a>) -> Self {
        Self { fields, codes: [None; NAMES] }
    }
}

/// The place of a column among the fields that have a dictionary.
pub(super) const fn name_field(column: InventoryColumn) -> Option<usize> {
    Some(match column {
        C::Kind => 0,
        C::Tenant => 1,
        C::Environment => 2,
        C::State => 3,
        C::Pool => 4,
        C::Owner => 5,
        C::Contact => 6,
        _ => return None,
    })
}

impl<'a> CodedFields<'a> {
    /// Sets a name. Other columns are left alone.
    #[inline]
    pub fn set_name(&mut self, column: InventoryColumn, name: Option<&'a str>, code: Option<u64>) {
        let Fields { kind, tenant, environment, state, pool, owner, contact, .. } = &mut self.fields;
        let [of_kind, of_tenant, of_environment, of_state, of_pool, of_owner, of_contact] = &mut self.codes;
        let (field, of_field) = match column {
            C::Kind => (kind, of_kind),
            C::Tenant => (tenant, of_tenant),
            C::Environment => (environment, of_environment),
            C::State => (state, of_state),
            C::Pool => (pool, of_pool),
            C::Owner => (owner, of_owner),
            C::Contact => (contact, of_contact),
            _ => return,
        };
        (*field, *of_field) = (name, code);
    }

    /// Sets a time. Other columns are left alone.
    #[inline]
    pub fn set_time(&mut self, column: InventoryColumn, at: Option<i64>) {
        let fields = &mut self.fields;
        match column {
            C::StateSince => fields.state_since = at,
            C::CreatedAt => fields.created_at = at,
            C::LastUsedAt => fields.last_used_at = at,
            C::RetainUntil => fields.retain_until = at,
            _ => {}
        }
    }

    /// The codes of the values of the resolved columns, from 0 on.
    #[inline]
    pub fn resolved_codes(&self) -> [Option<u32>; RESOLVED] {
        let [kind, tenant, environment, state, ..] = self.codes.map(|code| code.map(|code| (code - FIRST) as u32));
        // Whose a thing of several tenants is depends on the list.
        let tenant = tenant.filter(|_| self.fields.tenants.is_none());
        let mut codes = [None; RESOLVED];
        [codes[0], codes[1], codes[3], codes[4]] = [kind, tenant, environment, state];
        codes
    }

    /// Sets the dependents.
    pub fn set_dependents(&mut self, ids: Option<&'a [String]>) {
        self.fields.dependents = ids.map(Texts::Owned);
    }
}

/// A text as a value of its column.
pub(crate) enum CheckedText<'a> {
    Name(Option<&'a str>),
    Flag(Option<bool>),
    Dependents(Option<Vec<String>>),
}

/// Reads a text of a column as a row with it would be read; `None` if something is wrong with it, or if its value is a time, a
/// number or of several tenants.
pub(crate) fn check_text(column: InventoryColumn, text: &str) -> Option<CheckedText<'_>> {
    let mut builder = InventoryRowBuilder::default();
    builder.row.id = Cow::Borrowed("id");
    builder.set(column, Cow::Borrowed(text)).ok()?;
    let row = builder.finish().ok()?;
    let name = match column {
        C::Kind => row.kind,
        C::Tenant => row.tenant,
        C::Environment => row.environment,
        C::State => row.state,
        C::Pool => row.pool,
        C::Owner => row.owner,
        C::Contact => row.contact,
        C::LegalHold => return Some(CheckedText::Flag(row.legal_hold)),
        C::Dependents => return Some(CheckedText::Dependents(row.dependents)),
        _ => return None,
    };
    match name {
        None => Some(CheckedText::Name(None)),
        Some(Cow::Borrowed(name)) => Some(CheckedText::Name(Some(name))),
        Some(Cow::Owned(_)) => None,
    }
}
