//! The one error of everything that a decision has to ask.

/// Something that has to be asked could not answer: an inventory, a history, a ledger, or the disk.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);
