//! How long an answer of an inventory may be.

use crate::error::LookupError;

/// The maximum number of bytes that the records of one query may take.
pub(super) const MAX_ANSWER_BYTES: u64 = 128 << 20;

/// The error of records that take more than that.
pub(super) fn too_long_an_answer(ids: usize) -> LookupError {
    LookupError::Invalid(format!("the records of {ids} ids take more than {MAX_ANSWER_BYTES} bytes"))
}
