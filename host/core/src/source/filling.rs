//! A list on its way into columns: rows become chunks, and chunks are counted and kept.

use super::{Place, Progress, Reading, Unreadable};
use crate::columns::{Chunk, ChunkBuilder, Row, Store};
use crate::facts::{Census, ChunkIds, Counts, Hasher};
use crate::inventory::Unavailable;

/// A target list that was read.
#[derive(Debug)]
pub(crate) struct List {
    pub chunks: Store,
    pub counts: Counts,
    pub sha256: String,
}

/// A full chunk, with what was counted of it alone.
pub(super) type Full = (Chunk, ChunkIds);

/// Fills chunk after chunk.
pub(super) struct Cutter {
    current: ChunkBuilder,
    hasher: Hasher,
}

impl Cutter {
    pub fn new(hasher: Hasher) -> Self {
        Self { current: ChunkBuilder::default(), hasher }
    }

    /// Adds a row; gives the chunk that is full with it.
    #[inline]
    pub fn push(&mut self, row: &Row<'_>) -> Option<Full> {
        self.current.push(row);
        if self.current.is_full() { self.cut() } else { None }
    }

    /// The chunk as far as it is filled, unless it is empty.
    pub fn cut(&mut self) -> Option<Full> {
        let chunk = std::mem::take(&mut self.current).finish();
        (chunk.rows > 0).then(|| count(chunk, &self.hasher))
    }
}

/// A chunk with what is counted of it alone.
pub(super) fn count(chunk: Chunk, hasher: &Hasher) -> Full {
    let ids = ChunkIds::of(&chunk, hasher);
    (chunk, ids)
}

/// The chunks of a list so far.
pub(super) struct Filling<'a, 'b> {
    shown: &'a str,
    reading: &'a mut Reading<'b>,
    pub hasher: Hasher,
    chunks: Store,
    rows: u64,
    census: Census,
}

impl<'a, 'b> Filling<'a, 'b> {
    /// Begins a list; `shown` is what it is called in messages.
    pub fn new(shown: &'a str, reading: &'a mut Reading<'b>) -> Self {
        let hasher = Hasher::default();
        let chunks = Store::new(reading.memory.columns());
        let census = Census::new(hasher.clone(), reading.memory);
        Self { shown, reading, hasher, chunks, rows: 0, census }
    }

    /// Puts a chunk behind the others.
    pub fn add(&mut self, (chunk, ids): Full) -> Result<(), Unreadable> {
        let chunk = Chunk { first_row: self.rows, ..chunk };
        self.rows += u64::from(chunk.rows);
        self.census.add(&chunk, ids).map_err(|message| Unreadable::new(self.shown, Place::Whole, message))?;
        self.chunks.push(chunk).map_err(|error| {
            Unreadable::new(self.shown, Place::Whole, format!("it cannot be set aside on disk: {error}"))
                .help("the list is larger than the memory it may take; make room where temporary files are, or allow it more memory")
        })
    }

    /// Says how far it has come.
    pub fn progress(&mut self, bytes: u64, of: u64) {
        if let Some(each) = &mut self.reading.progress {
            each(Progress { rows: self.rows, bytes, of });
        }
    }

    /// The list, with the digest of its bytes.
    pub fn finish(self, sha256: String) -> Result<List, Unreadable> {
        let Self { shown, chunks, census, reading, .. } = self;
        let counts = census.finish(&chunks, reading.threads);
        let counts = counts.map_err(|Unavailable(message)| Unreadable::new(shown, Place::Whole, message))?;
        Ok(List { counts, chunks, sha256 })
    }
}
