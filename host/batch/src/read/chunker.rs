//! Rows become chunks with the hashes of their ids.

use crate::columns::{Chunk, ChunkBuilder, LongValue, OriginRow, Row};
use crate::facts::{ChunkIds, Hasher};

/// A finished chunk, with the hashes of its ids.
pub(super) struct FinishedChunk {
    pub chunk: Chunk,
    pub ids: ChunkIds,
    pub long_value: Option<LongValue>,
    /// The first row with a name that may not be one, and what is wrong with it.
    pub name_flaw: Option<(u64, String)>,
    /// The row of the origin that it begins at, if it can be read again.
    pub at: Option<OriginRow>,
}

/// Builds one chunk after another.
pub(super) struct Chunker {
    current: ChunkBuilder,
    hasher: Hasher,
}

impl Chunker {
    pub fn new(hasher: Hasher) -> Self {
        Self { current: ChunkBuilder::default(), hasher }
    }

    /// Adds a row. Returns the chunk if the row fills it.
    #[inline]
    pub fn push(&mut self, row: &Row<'_>) -> Option<FinishedChunk> {
        self.current.push(row);
        if self.current.is_full() { self.cut() } else { None }
    }

    /// Adds the rows of a chunk. Returns the chunks that they fill.
    pub fn append(&mut self, chunk: &Chunk) -> Vec<FinishedChunk> {
        if self.current.append(chunk) {
            let full = if self.current.is_full() { self.cut() } else { None };
            return full.into_iter().collect();
        }
        (0..chunk.rows as usize).filter_map(|row| self.push(&chunk.row(row))).collect()
    }

    /// Returns the rows since the last chunk as a chunk, if there are any.
    pub fn cut(&mut self) -> Option<FinishedChunk> {
        let chunk = std::mem::take(&mut self.current).finish();
        (chunk.rows > 0).then(|| FinishedChunk::of(chunk, &self.hasher))
    }
}

impl FinishedChunk {
    /// Hashes the ids of a chunk.
    pub fn of(chunk: Chunk, hasher: &Hasher) -> Self {
        let (ids, long_value) = (ChunkIds::of(&chunk, hasher), chunk.long_value());
        let name_flaw = chunk.name_flaw().map(|(row, column, flaw)| (row, format!("`{column}`: {flaw}")));
        Self { chunk, ids, long_value, name_flaw, at: None }
    }

    /// Sets the row of the origin that the chunk can be read again from.
    pub fn at(self, at: OriginRow) -> Self {
        Self { at: Some(at), ..self }
    }
}
