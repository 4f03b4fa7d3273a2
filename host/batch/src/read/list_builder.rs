//! Building a list: rows become chunks, and chunks are counted and stored.

use super::options::{Progress, ReadOptions};
use super::read_as::ReadAs;
use crate::columns::{Chunk, ChunkBuilder, LongValue, Origin, OriginRow, Row, Store};
use crate::error::ReadError;
use crate::facts::{Aggregate, ChunkIds, Counts, Hasher};
use crate::text::too_long;

/// What to do about a name that may not be one.
const NAME_HELP: &str = "write it without that character; names that only look alike must not count as different";

/// A target list that was read.
#[derive(Debug)]
pub(crate) struct List {
    pub chunks: Store,
    pub counts: Counts,
    pub sha256: String,
    pub read_as: ReadAs,
}

/// A finished chunk, with the hashes of its ids.
pub(super) struct FinishedChunk {
    chunk: Chunk,
    ids: ChunkIds,
    long_value: Option<LongValue>,
    /// The first row with a name that may not be one, and what is wrong with it.
    name_flaw: Option<(u64, String)>,
    /// The row of the origin that it begins at, if it can be read again.
    at: Option<OriginRow>,
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

/// A list while chunks are added to it.
pub(super) struct ListBuilder<'a, 'b> {
    shown: &'a str,
    options: &'a mut ReadOptions<'b>,
    pub hasher: Hasher,
    /// How the list is read.
    pub read_as: ReadAs,
    chunks: Store,
    rows: u64,
    counts: Aggregate,
}

impl<'a, 'b> ListBuilder<'a, 'b> {
    /// Begins a list; `shown` is its name in messages.
    pub fn new(shown: &'a str, options: &'a mut ReadOptions<'b>) -> Self {
        let hasher = Hasher::default();
        let chunks = Store::new(options.memory.columns());
        let counts = Aggregate::new(hasher.clone(), options.memory);
        Self { shown, options, hasher, read_as: ReadAs::default(), chunks, rows: 0, counts }
    }

    /// The number of rows.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Sets the list that chunks can be read from again.
    pub fn read_again_from(&mut self, origin: Box<dyn Origin>) {
        self.chunks.read_again_from(origin);
    }

    /// Appends a chunk.
    pub fn add(&mut self, finished: FinishedChunk) -> Result<(), ReadError> {
        let FinishedChunk { chunk, ids, long_value, name_flaw, at } = finished;
        if let Some((row, flaw)) = name_flaw {
            let row = self.rows + row + 1;
            return Err(ReadError::of_file(self.shown, format!("row {row}: {flaw}")).with_help(NAME_HELP));
        }
        if let Some(LongValue { row, column, bytes }) = long_value {
            let row = self.rows + row + 1;
            return Err(ReadError::of_file(self.shown, format!("row {row}: {}", too_long(&column, bytes))));
        }
        let chunk = Chunk { first_row: self.rows, ..chunk };
        self.rows += u64::from(chunk.rows);
        self.counts.add(&chunk, ids).map_err(|message| ReadError::of_file(self.shown, message))?;
        self.chunks.push_from(chunk, at).map_err(|error| {
            ReadError::of_file(self.shown, format!("it cannot be spilled to a temporary file: {error}")).with_help(
                "the list is larger than its memory; free space for temporary files, or allow it more memory",
            )
        })
    }

    /// Reports the progress.
    pub fn progress(&mut self, bytes: u64, of: u64) {
        if let Some(each) = &mut self.options.progress {
            each(Progress { rows: self.rows, bytes, of });
        }
    }

    /// Returns the list. `sha256` is the digest of its bytes.
    pub fn finish(self, sha256: String) -> Result<List, ReadError> {
        let Self { shown, chunks, counts, options, read_as, .. } = self;
        let counts = counts.finish(&chunks, options.threads);
        let counts = counts.map_err(|error| ReadError::of_file(shown, error.to_string()))?;
        Ok(List { counts, chunks, sha256, read_as })
    }
}
