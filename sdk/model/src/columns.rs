//! The table of target columns: every column that a policy may request, beside a list's own `x_…` columns.
//!
//! This is the one list of them. The host's readers, builders and resolution follow it or are tested against it, and so
//! are the contract in `sdk/wit`, the SDKs and the reference.

/// A column that a policy may request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name in the contract.
    pub name: &'static str,
    /// The type of its values.
    pub values: ColumnType,
    /// Where its values come from.
    pub source: ColumnSource,
    /// What a value is, with its unit.
    pub meaning: &'static str,
}

/// The type of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// Text with few distinct values.
    Dictionary,
    /// A count or a size.
    Number,
    /// Seconds since 1970-01-01T00:00:00Z.
    Time,
    /// True or false.
    Flag,
}

/// Where the values of a column come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnSource {
    /// The target list, as the submitter claims it.
    List,
    /// The inventory, as the operator records it. The name is that of the inventory's own column.
    Inventory(&'static str),
}

const fn listed(name: &'static str, values: ColumnType, meaning: &'static str) -> ColumnSpec {
    ColumnSpec { name, values, source: ColumnSource::List, meaning }
}

const fn resolved(name: &'static str, of: &'static str, values: ColumnType, meaning: &'static str) -> ColumnSpec {
    ColumnSpec { name, values, source: ColumnSource::Inventory(of), meaning }
}

/// Every column in the order of the contract: those of the list, then those of the inventory.
pub const COLUMNS: [ColumnSpec; 20] = [
    listed("id", ColumnType::Text, "the id of the target"),
    listed("kind", ColumnType::Dictionary, "what the target is"),
    listed("tenant", ColumnType::Dictionary, "whose it is"),
    listed("environment", ColumnType::Dictionary, "where it runs"),
    listed("state", ColumnType::Dictionary, "its state, for example `disabled`"),
    listed("created_at", ColumnType::Time, "when it was created"),
    listed("last_used_at", ColumnType::Time, "when it was last used"),
    listed("size_bytes", ColumnType::Number, "its size in bytes"),
    resolved("resolved_kind", "kind", ColumnType::Dictionary, "what the target is"),
    resolved(
        "resolved_tenant",
        "tenant",
        ColumnType::Dictionary,
        "whose it is; of several tenants the one that the list names, or else the first",
    ),
    resolved("tenants", "tenants", ColumnType::Number, "the number of its tenants, if several may share it"),
    resolved("resolved_environment", "environment", ColumnType::Dictionary, "where it runs"),
    resolved("resolved_state", "state", ColumnType::Dictionary, "its state"),
    resolved("resolved_state_since", "state_since", ColumnType::Time, "when it entered that state"),
    resolved("resolved_created_at", "created_at", ColumnType::Time, "when it was created"),
    resolved("resolved_last_used_at", "last_used_at", ColumnType::Time, "when it was last used"),
    resolved("resolved_size_bytes", "size_bytes", ColumnType::Number, "its size in bytes"),
    resolved("dependents", "dependents", ColumnType::Number, "the number of things that go along with it"),
    resolved("legal_hold", "legal_hold", ColumnType::Flag, "whether a legal hold forbids deleting it"),
    resolved("retain_until", "retain_until", ColumnType::Time, "until when it must be kept; 0 if it need not be"),
];

/// The prefix of a list's own columns.
pub const OWN_COLUMN_PREFIX: &str = "x_";
