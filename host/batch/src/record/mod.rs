//! What an inventory knows of one thing and of one pool: the record, and the values that it resolves target columns to.
//! `column.rs` has the columns, `row.rs` reads a row of an inventory, and `json_row.rs` one in JSON. `sharers.rs` has the tenants of a thing that several
//! share. `encoder.rs` turns rows into bytes and counts them, `encode.rs` has the form of the bytes, and `coded.rs` the codes of
//! names. All of them pass
//! `Fields` to each other, which borrow.
//!
//! A new inventory column is a line in the table of target columns and its lines in this folder.

mod bytes;
mod coded;
mod column;
mod encode;
mod encoder;
mod fields;
mod json_row;
mod row;
mod sharers;

pub(crate) use bytes::{push_bytes, push_number, take_bytes, take_number, take_text};
pub(crate) use coded::{CheckedText, CodedFields, check_text};
#[cfg(test)]
pub(crate) use column::INVENTORY_COLUMNS;
pub(crate) use column::{InventoryColumn, inventory_column, is_inventory_column};
pub(crate) use encode::{Names, Row, decode, take_row};
pub(crate) use encoder::{EncodedBlock, Encoder, Encoders, IdHasher, Totals};
pub(crate) use fields::{Fields, Texts, reached};
pub(crate) use json_row::{InventoryReader, SeenName, check_names};
pub(crate) use row::{InventoryRow, InventoryRowBuilder, settle_time};
pub use sharers::Sharers;

use reprieve_model::{COLUMNS, ColumnSource};
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
