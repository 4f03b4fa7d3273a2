//! Reading a history: a JSON array of batches that ran.

use super::{Folder, Place, Unreadable};
use reprieve_model::PastBatch;
use sha2::{Digest, Sha256};

/// The largest history file. A longer history belongs into a ledger.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a history; gives its digest and its batches.
pub(crate) fn read(folder: &Folder, name: &str) -> Result<(String, Vec<PastBatch>), Unreadable> {
    let shown = folder.shown(name);
    let bytes = folder.read(name, MOST_BYTES)?;
    let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
    let batches = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| super::request::explain(&shown, &error))?;
    deserializer.end().map_err(|error| {
        Unreadable::new(&shown, Place::Line(error.line() as u64), "there is more after the end of the history")
    })?;
    Ok((hex::encode(Sha256::digest(&bytes)), batches))
}
