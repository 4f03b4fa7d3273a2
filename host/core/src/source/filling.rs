//! A list on its way into columns: rows become chunks, and chunks are counted and kept.

use super::{Place, Progress, Reading, Unreadable};
use crate::columns::{At, Chunk, ChunkBuilder, Origin, Row, Store};
use crate::facts::{Census, ChunkIds, Counts, Hasher};
use crate::unavailable::Unavailable;

/// A target list that was read.
#[derive(Debug)]
pub(crate) struct List {
    pub chunks: Store,
    pub counts: Counts,
    pub sha256: String,
}

/// A full chunk, with what was counted of it alone, and where it can be read again.
pub(super) struct Full {
    chunk: Chunk,
    ids: ChunkIds,
    at: Option<At>,
}

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
        (chunk.rows > 0).then(|| Full::of(chunk, &self.hasher))
    }
}

impl Full {
    /// Counts what can be counted of a chunk alone.
    pub fn of(chunk: Chunk, hasher: &Hasher) -> Self {
        let ids = ChunkIds::of(&chunk, hasher);
        Self { chunk, ids, at: None }
    }

    /// It can be read again at this place.
    pub fn at(self, at: At) -> Self {
        Self { at: Some(at), ..self }
    }
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

    /// Says where chunks can be read again.
    pub fn read_again_from(&mut self, origin: Box<dyn Origin>) {
        self.chunks.read_again_from(origin);
    }

    /// Puts a chunk behind the others.
    pub fn add(&mut self, Full { chunk, ids, at }: Full) -> Result<(), Unreadable> {
        let chunk = Chunk { first_row: self.rows, ..chunk };
        self.rows += u64::from(chunk.rows);
        self.census.add(&chunk, ids).map_err(|message| Unreadable::new(self.shown, Place::Whole, message))?;
        self.chunks.push_from(chunk, at).map_err(|error| {
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
