//! What an inventory knows of one thing and of one pool: the record, and the values that it resolves target columns to.
//! `row.rs` reads a row of an inventory into a record, and `json_row.rs` one in JSON. `sharers.rs` has the tenants of a thing
//! that several share.
//!
//! A new inventory column is a line in the table of target columns and its lines in this folder.

mod json_row;
mod row;
mod sharers;

pub(crate) use json_row::InventoryReader;
pub(crate) use row::{InventoryRow, InventoryRowBuilder, has_column, is_inventory_column};
pub use sharers::Sharers;
pub(crate) use sharers::reached;

use reprieve_model::{COLUMNS, ColumnSource, is_out_of_use};
use serde::{Deserialize, Serialize};

/// What the inventory knows of one thing. `None` is unknown, which is never the same as a known absence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What it is.
    pub kind: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// Those who share it, if several do. The owner is one of its tenants as well.
    pub tenants: Option<Sharers>,
    /// Where it is.
    pub environment: Option<String>,
    /// Its life-cycle state, for example `live` or `soft-deleted`.
    pub state: Option<String>,
    /// When it entered that state, in seconds since 1970.
    pub state_since: Option<i64>,
    /// When it was created, in seconds since 1970.
    pub created_at: Option<i64>,
    /// When it was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// Its size in bytes.
    pub size_bytes: Option<u64>,
    /// The ids of the things that go along with it: children, replicas, attached volumes. Empty: there are none.
    pub dependents: Option<Vec<String>>,
    /// Whether a legal hold forbids deleting it.
    pub legal_hold: Option<bool>,
    /// Until when it must be kept, in seconds since 1970; 0 if it need not be kept.
    pub retain_until: Option<i64>,
    /// The capacity pool that it is a member of.
    pub pool: Option<String>,
    /// Who is responsible for it.
    pub owner: Option<String>,
    /// How to reach the owner.
    pub contact: Option<String>,
}

/// A capacity pool as the inventory knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolRecord {
    /// The number of its members, without those that are [out of use](reprieve_model::is_out_of_use).
    pub members: u64,
    /// The number of members that it requires.
    pub minimum: Option<u64>,
}

/// The number of columns that a record is resolved to.
pub(crate) const RESOLVED: usize = count_resolved();

const fn count_resolved() -> usize {
    let (mut count, mut i) = (0, 0);
    while i < COLUMNS.len() {
        count += matches!(COLUMNS[i].source, ColumnSource::Inventory(_)) as usize;
        i += 1;
    }
    count
}

/// A value of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RecordValue<'a> {
    Text(&'a str),
    Time(i64),
    Number(u64),
    Flag(bool),
}

impl Record {
    /// Whether it serves someone, as far as its state says.
    pub(crate) fn is_in_use(&self) -> bool {
        !self.state.as_deref().is_some_and(is_out_of_use)
    }

    /// Returns the values of the resolved columns in the order of the table. `listed` is the tenant that the list names.
    pub(crate) fn resolved(&self, listed: Option<&str>) -> [Option<RecordValue<'_>>; RESOLVED] {
        use RecordValue::{Flag, Number, Text, Time};
        [
            self.kind.as_deref().map(Text),
            self.tenant_beside(listed).map(Text),
            self.tenants.as_ref().map(|_| Number(self.tenant_count())),
            self.environment.as_deref().map(Text),
            self.state.as_deref().map(Text),
            self.state_since.map(Time),
            self.created_at.map(Time),
            self.last_used_at.map(Time),
            self.size_bytes.map(Number),
            self.dependents.as_ref().map(|ids| Number(ids.len() as u64)),
            self.legal_hold.map(Flag),
            self.retain_until.map(Time),
        ]
    }
}
