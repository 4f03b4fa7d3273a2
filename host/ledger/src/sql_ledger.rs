//! The ledger as a value. Its methods are in the modules that they belong to.

use crate::database::Database;
use crate::group::Writers;
use reprieve::ledger::LedgerError;
use std::sync::Arc;

/// A ledger in an SQL database. It is cheap to clone and can be shared between threads. Threads that write through the same
/// value, or through clones of it, share synchronizations of the disk.
#[derive(Clone)]
pub struct SqlLedger(pub(crate) Arc<Writers>);

impl SqlLedger {
    pub(crate) fn of(database: impl Database + 'static) -> Self {
        Self(Arc::new(Writers::new(database)))
    }

    /// Describes the objects of its database, for the test of what a ledger consists of.
    ///
    /// # Errors
    /// [`LedgerError`] if the database cannot be read.
    #[doc(hidden)]
    pub fn objects(&self) -> Result<Vec<String>, LedgerError> {
        self.0.read()?.objects()
    }
}
