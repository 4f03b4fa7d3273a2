//! Guards against hostile and damaged files. The sizes that a file gives are checked before a decoder allocates memory for
//! them, and a panic of a decoder becomes an error.

pub(super) mod buffer_sizes;
mod delta;
pub(super) mod layout;
pub(super) mod nesting;
pub(super) mod pages;
pub(super) mod row_counts;
mod thrift;

use crate::error::ReadError;
use std::cell::Cell;

thread_local! {
    /// Whether a decoder is running on this thread.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Silences panics that become a [`ReadError`], because some decoders panic on a damaged file. Other panics are printed as
/// before. Call this in the main function of a program; a library must not replace the panic hook.
pub fn silence_decoder_panics() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !DECODING.get() {
            previous(panic);
        }
    }));
}

/// Runs a decoder that may panic. A panic is an error of the file.
pub(super) fn guarded<T, E: std::fmt::Display>(
    shown: &str,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, ReadError> {
    let before = DECODING.replace(true);
    let decoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode));
    DECODING.set(before);
    match decoded {
        Ok(decoded) => decoded.map_err(|error| ReadError::of_file(shown, format!("it cannot be decoded: {error}"))),
        Err(_) => Err(ReadError::of_file(shown, "it cannot be decoded: it is damaged")),
    }
}
