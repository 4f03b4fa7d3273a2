//! Lines of a stream, in bounded memory, hashed as they pass.

use super::folder::describe;
use super::{Place, Unreadable};
use sha2::{Digest, Sha256};
use std::io::Read;

/// A reader that hashes what it hands on.
pub(super) struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// The digest of all that was read, lower-case hex.
    pub fn finish(self) -> String {
        hex::encode(self.hash.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// The longest line that is taken for one.
const MOST_BYTES: usize = 1 << 20;
const BLOCK: usize = 1 << 18;

/// Calls `each` with the number of every line that is not blank, counted from 1, and its text. A byte order mark at
/// the beginning is passed over.
pub(super) fn each_line<R: Read>(
    reader: &mut R,
    shown: &str,
    mut each: impl FnMut(u64, &str) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut buffer = vec![0; BLOCK];
    let (mut filled, mut number) = (0, 0);
    let mut line = |bytes: &[u8], first: bool| {
        number += 1;
        let bytes = if first { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        let text = str::from_utf8(bytes).map_err(|error| {
            let message = format!("byte {} of the line is not UTF-8", error.valid_up_to());
            Unreadable::new(shown, Place::Line(number), message)
        })?;
        if text.trim_ascii().is_empty() { Ok(()) } else { each(number, text) }
    };
    let mut first = true;
    loop {
        if filled == buffer.len() {
            if buffer.len() > MOST_BYTES {
                let message = format!("the line is longer than {} KiB", MOST_BYTES >> 10);
                return Err(Unreadable::new(shown, Place::Whole, message)
                    .help("write one target a line; a JSON array belongs into the request itself"));
            }
            buffer.resize(buffer.len() * 2, 0);
        }
        let free = buffer.get_mut(filled..).unwrap_or_default();
        let count = reader.read(free).map_err(|error| Unreadable::new(shown, Place::Whole, describe(&error)))?;
        let end = count == 0;
        filled += count;
        let mut rest = buffer.get(..filled).unwrap_or_default();
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (text, after) = rest.split_at(at);
            line(text, first)?;
            first = false;
            rest = after.get(1..).unwrap_or_default();
        }
        if end {
            return if rest.is_empty() { Ok(()) } else { line(rest, first) };
        }
        let kept = rest.len();
        buffer.copy_within(filled - kept..filled, 0);
        filled = kept;
    }
}
