//! Values written as text: a blank value is unknown.

use reprieve_model::Timestamp;
use std::borrow::Cow;

/// Whether a text consists of white space only.
#[inline]
pub(crate) fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// Returns the text unless it is blank.
#[inline]
pub(crate) fn non_blank<'a>(text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    (!is_blank(&text)).then_some(text)
}

/// Reads a time in seconds since 1970.
pub(crate) fn time(text: &str) -> Result<Option<i64>, String> {
    match text.trim() {
        "" => Ok(None),
        text => Timestamp::parse(text).map(|at| Some(at.seconds())),
    }
}

/// Reads a whole number that is not negative.
pub(crate) fn number(text: &str) -> Result<Option<u64>, String> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| format!("`{text}` is not a whole number")),
    }
}
