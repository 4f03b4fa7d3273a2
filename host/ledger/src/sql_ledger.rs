//! The ledger as a value. Its methods are in the modules that they belong to.

use crate::database::Database;
use reprieve::ledger::LedgerError;
use std::sync::Arc;

/// A ledger in an SQL database. It is cheap to clone and can be shared between threads.
#[derive(Clone)]
pub struct SqlLedger(pub(crate) Arc<dyn Database>);

impl SqlLedger {
    /// Describes the objects of its database, for the test of what a ledger consists of.
    ///
    /// # Errors
    /// [`LedgerError`] if the database cannot be read.
    #[doc(hidden)]
    pub fn objects(&self) -> Result<Vec<String>, LedgerError> {
        self.0.read()?.objects()
    }
}
