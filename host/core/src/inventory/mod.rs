//! The inventory: the operator's authoritative record of what an id is. It is asked in bulk, and what it does not
//! know stays unknown.

mod closure;
mod resolve;
mod table;

pub(crate) use resolve::{Resolution, resolve};
pub use table::Table;

use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the inventory knows of one thing. `None` is unknown, which is never the same as none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// What it is.
    pub kind: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// Where it is.
    pub environment: Option<String>,
    /// Its life-cycle state, for example `live` or `soft-deleted`.
    pub state: Option<String>,
    /// Since when it has been in that state, in seconds since 1970.
    pub state_since: Option<i64>,
    /// When it was made, in seconds since 1970.
    pub created_at: Option<i64>,
    /// When it was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// Its size.
    pub size_bytes: Option<u64>,
    /// The ids of what goes when it goes: children, replicas, attached volumes. Empty: nothing does.
    pub dependents: Option<Vec<String>>,
    /// Whether a legal hold forbids to delete it.
    pub legal_hold: Option<bool>,
    /// Until when it has to be kept, in seconds since 1970. 0: it does not have to be.
    pub retain_until: Option<i64>,
    /// The capacity pool it is a member of, if it is a member of one.
    pub pool: Option<String>,
}

/// A capacity pool as the inventory knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolRecord {
    /// Members now.
    pub members: u64,
    /// Members it needs.
    pub minimum: Option<u64>,
}

/// The inventory could not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Where ids are resolved. An error is a fault of the decision, never an empty answer.
pub trait Inventory: Send + Sync {
    /// SHA-256 of what answers, lower-case hex, so that a decision can say what it was based on.
    fn sha256(&self) -> String;

    /// What is known of each id, in their order; `None` where the id is not known.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, Unavailable>;

    /// How many things of each kind there are, for these kinds.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, Unavailable>;

    /// How many tenants there are.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn tenants(&self) -> Result<u64, Unavailable>;

    /// What is known of each pool, in their order.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, Unavailable>;
}
