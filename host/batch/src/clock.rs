//! The clock. It is read in one place, when a batch is read; a decision never reads it.

use reprieve_model::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the current time in whole seconds.
#[allow(clippy::disallowed_methods)] // the one place
pub(crate) fn now() -> Timestamp {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    Timestamp::from_seconds(seconds)
}
