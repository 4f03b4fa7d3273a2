//! Adds evidence to a request in its file, and keeps the order of its fields.

use crate::error::fail;
use crate::files::{Readers, write_whole};
use anyhow::Context;
use reprieve::read_file;
use reprieve_readers::draft::Document;
use std::path::Path;

/// The maximum size of a request in bytes.
const MAX_REQUEST_BYTES: u64 = 64 << 20;

/// Changes a request in its file.
pub fn edit(path: &Path, change: impl FnOnce(&mut Document)) -> anyhow::Result<()> {
    if path == Path::new("-") {
        let message = "a request on standard input cannot be changed";
        return Err(fail(message, "name the file of the request"));
    }
    let bytes = read_file(path, MAX_REQUEST_BYTES)?;
    let shown = || path.display().to_string();
    let mut request: Document = serde_json::from_slice(&bytes).with_context(shown)?;
    change(&mut request);
    write_whole(path, request.to_json().as_bytes(), Readers::All).with_context(|| format!("cannot write {}", shown()))
}
