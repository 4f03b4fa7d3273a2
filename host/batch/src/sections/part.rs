//! What a process finds in one section, in the form in which it is sent: the counts of each chunk.

use crate::facts::{ChunkCounts, ChunkIds};
use crate::inventory::{ResolvedCounts, Seen};
use serde::{Deserialize, Serialize};

/// What was found in a section, besides the digests of its ids. A [`ChunkPart`] for each chunk follows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SectionPart {
    /// The digest of each file.
    pub sha256: Vec<String>,
    /// The number of its chunks.
    pub chunks: u32,
    /// What the inventory answered, or why it did not. `None`: there is no inventory.
    pub resolved: Option<Result<ResolvedPart, String>>,
}

/// What was counted of a chunk.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChunkPart<'a> {
    /// The bytes of its columns.
    pub bytes: u64,
    #[serde(borrow)]
    pub counts: ChunkCounts<'a>,
    pub ids: ChunkIds,
}

/// What the inventory answered about a section.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ResolvedPart {
    /// The digest of the inventory.
    pub sha256: String,
    pub chunks: Vec<ResolvedCounts>,
    /// What was seen of the places that the request's evidence names.
    pub seen: Vec<Seen>,
}

impl ResolvedCounts {
    /// Counts the rows from the beginning of the list, in which the section begins with `first_row`.
    pub(super) fn after(mut self, first_row: u64) -> Self {
        self.unknown.iter_mut().for_each(|(row, _)| *row += first_row);
        self
    }
}
