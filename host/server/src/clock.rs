//! The clock of this machine: for what is shown, and for what people sign. The ledger's clock decides.

use reprieve::model::Timestamp;
use std::time::SystemTime;

/// The time now.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
