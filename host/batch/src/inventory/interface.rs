//! What an inventory has to answer.

use super::targets::Targets;
use crate::error::LookupError;
use crate::record::{PoolRecord, Record};
use reprieve_model::InventorySource;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where ids are resolved.
pub trait Inventory: Send + Sync {
    /// Returns the inventory as it is now. A decision takes all its answers from one snapshot.
    ///
    /// # Errors
    /// [`LookupError`] if it cannot be reached. That is a fault of the decision, never an empty answer.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError>;
}

/// An inventory at one moment. Every method is called in bulk, and fails with [`LookupError`] if it has no answer.
pub trait Snapshot {
    /// SHA-256 of the inventory, or of all the answers given so far, lower-case hex: what a decision was based on.
    fn sha256(&self) -> String;

    /// Whether [`sha256`](Self::sha256) is that of the whole inventory, whatever was asked. Several processes can resolve
    /// targets with one inventory only then. `false`, the default.
    fn is_fixed(&self) -> bool {
        false
    }

    /// Returns the file that the inventory was made from. `None`, the default: it is not known.
    fn source(&self) -> Option<InventorySource> {
        None
    }

    /// Returns what is known of each id, in their order; `None` if the id is not known.
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError>;

    /// Returns the number of things of each of these kinds.
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError>;

    /// Returns the number of tenants: at least those that are named, and at least those of each thing.
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn tenants(&self) -> Result<u64, LookupError>;

    /// Returns what is known of each pool, in their order.
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError>;

    /// Returns the number of things of each of these tenants, shared ones as well, in their order. `None`, the default: it is not known.
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn things(&self, tenants: &[&str]) -> Result<Option<Vec<u64>>, LookupError> {
        let _ = tenants;
        Ok(None)
    }

    /// Returns, for each of these ids that are not in the inventory, the id in it that is the same when both are
    /// [canonical](crate::normalize_name); the first in alphabetical order, if there are several. `None`, the default:
    /// it is not known.
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn nearly(&self, ids: &[&str]) -> Result<Option<Vec<Option<String>>>, LookupError> {
        let _ = ids;
        Ok(None)
    }

    /// Passes all targets of a batch on with their records, in their order. The default looks the targets of every chunk up
    /// with [`records`](Self::records).
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn resolve(&self, targets: &mut Targets<'_>) -> Result<(), LookupError> {
        targets.look_up(0..targets.chunks.len(), |ids| self.records(ids))
    }
}

impl<T: Inventory + ?Sized> Inventory for Box<T> {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        (**self).snapshot()
    }
}

impl<T: Inventory + ?Sized> Inventory for Arc<T> {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        (**self).snapshot()
    }
}
