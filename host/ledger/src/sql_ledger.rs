//! The ledger as a value. Its methods are in the modules that they belong to.

use crate::database::Database;
use std::sync::Arc;

/// A ledger in an SQL database. It is cheap to clone and can be shared between threads.
#[derive(Clone)]
pub struct SqlLedger(pub(crate) Arc<dyn Database>);
