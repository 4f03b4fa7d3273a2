//! Reading a history: a JSON array of batches that were run.

use super::folder::Folder;
use super::json_error::explain;
use crate::error::{Place, ReadError};
use reprieve_model::PastBatch;
use sha2::{Digest, Sha256};

/// The maximum size of a history file in bytes. A longer history belongs in a ledger.
const MAX_BYTES: u64 = 256 << 20;

/// A history file that was read.
pub(crate) struct HistoryFile {
    /// The digest of the file, lower-case hex.
    pub sha256: String,
    pub batches: Vec<PastBatch>,
}

/// Reads a history file.
pub(crate) fn read_history(folder: &Folder, name: &str) -> Result<HistoryFile, ReadError> {
    let shown = folder.display_name(name);
    let bytes = folder.read(name, MAX_BYTES)?;
    let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
    let batches = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| explain(&shown, &error))?;
    deserializer.end().map_err(|error| {
        ReadError::new(&shown, Place::Line(error.line() as u64), "there is more after the end of the history")
    })?;
    Ok(HistoryFile { sha256: hex::encode(Sha256::digest(&bytes)), batches })
}
