//! The columns of an inventory.

use crate::near::looks_like;
use reprieve_model::OWN_COLUMN_PREFIX;

use InventoryColumn as C;

/// A column of an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InventoryColumn {
    Id,
    Kind,
    Tenant,
    Tenants,
    Environment,
    State,
    StateSince,
    CreatedAt,
    LastUsedAt,
    SizeBytes,
    Dependents,
    LegalHold,
    RetainUntil,
    Pool,
    PoolMinimum,
    Owner,
    Contact,
}

/// The columns of an inventory by their names: those that no target column is resolved to, and then the others, which a
/// test compares with the table of target columns.
pub(crate) const INVENTORY_COLUMNS: [(&str, InventoryColumn); 17] = [
    ("id", C::Id),
    ("pool", C::Pool),
    ("pool_minimum", C::PoolMinimum),
    ("owner", C::Owner),
    ("contact", C::Contact),
    ("kind", C::Kind),
    ("tenant", C::Tenant),
    ("tenants", C::Tenants),
    ("environment", C::Environment),
    ("state", C::State),
    ("state_since", C::StateSince),
    ("created_at", C::CreatedAt),
    ("last_used_at", C::LastUsedAt),
    ("size_bytes", C::SizeBytes),
    ("dependents", C::Dependents),
    ("legal_hold", C::LegalHold),
    ("retain_until", C::RetainUntil),
];

impl InventoryColumn {
    /// Returns the column of that name.
    pub fn of(name: &str) -> Option<Self> {
        INVENTORY_COLUMNS.iter().find(|(known, _)| *known == name).map(|(_, column)| *column)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        INVENTORY_COLUMNS.iter().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }

    /// Whether its values are times.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::StateSince | Self::CreatedAt | Self::LastUsedAt | Self::RetainUntil)
    }

    /// Whether its values are numbers.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::SizeBytes | Self::PoolMinimum)
    }

    /// Whether few of its values differ in most inventories.
    pub const fn is_dictionary(self) -> bool {
        matches!(
            self,
            Self::Kind
                | Self::Tenant
                | Self::Environment
                | Self::State
                | Self::Pool
                | Self::LegalHold
                | Self::Dependents
        )
    }
}

/// Returns the column of that name. Other columns are left alone, but not one whose name looks like that of a column.
///
/// # Errors
/// The column that was probably meant.
pub(crate) fn inventory_column(name: &str) -> Result<Option<InventoryColumn>, String> {
    let column = InventoryColumn::of(name);
    if column.is_some() || name.starts_with(OWN_COLUMN_PREFIX) {
        return Ok(column);
    }
    match looks_like(name, INVENTORY_COLUMNS.iter().map(|(known, _)| *known)) {
        Some(known) => Err(format!("an inventory has no column `{name}`; did you mean `{known}`?")),
        None => Ok(None),
    }
}

/// Whether a column of an inventory is read, as [`inventory_column`] says.
pub(crate) fn is_inventory_column(name: &str) -> Result<bool, String> {
    inventory_column(name).map(|column| column.is_some())
}
