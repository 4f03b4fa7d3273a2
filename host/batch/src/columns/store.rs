//! The chunks of a batch in their order. The first ones are held in memory, as many as fit. The others are read again
//! from their list if it can be read at random, and are spilled to a temporary file if not.

use super::chunk::Chunk;
use crate::error::LookupError;
use crate::spill::SpillFile;
use std::borrow::Cow;

/// A list that chunks can be read from again.
pub(crate) trait Origin: std::fmt::Debug + Send + Sync {
    /// Reads the chunk of `rows` rows that begins at a row.
    ///
    /// # Errors
    /// Why it cannot be read any more.
    fn read(&self, at: OriginRow, rows: u32) -> Result<Chunk, String>;
}

/// A row of an [`Origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OriginRow {
    /// The part of the origin, for example a row group or a section.
    pub part: usize,
    /// The row in that part.
    pub row: usize,
}

/// A row of a batch: the number of its chunk, and the row in that chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkRow {
    pub chunk: usize,
    pub row: usize,
}

/// The chunks of a batch.
#[derive(Debug)]
pub struct Store {
    chunks: Vec<StoredChunk>,
    /// Bytes of memory that are left for chunks.
    memory_left: u64,
    origin: Option<Box<dyn Origin>>,
    file: SpillFile,
    /// The bytes of the chunk that is being spilled.
    buffer: Vec<u8>,
    /// The number of chunks at the end of each section.
    sections: Vec<usize>,
}

#[derive(Debug)]
struct StoredChunk {
    first_row: u64,
    rows: u32,
    bytes: u64,
    place: StoredIn,
}

/// Where the columns of a chunk are.
#[derive(Debug)]
enum StoredIn {
    Memory(Chunk),
    Origin(OriginRow),
    File { offset: u64, bytes: usize },
}

impl Store {
    /// Creates a store that may use this many bytes of memory.
    pub(crate) fn new(memory: u64) -> Self {
        Self {
            chunks: Vec::new(),
            memory_left: memory,
            origin: None,
            file: SpillFile::default(),
            buffer: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// Creates a store whose chunks are read from an origin each time.
    pub(crate) fn of_origin(origin: Box<dyn Origin>) -> Self {
        Self { origin: Some(origin), ..Self::new(0) }
    }

    /// Appends a chunk of the origin, whose columns take this many bytes.
    pub(crate) fn push_at(&mut self, first_row: u64, rows: u32, bytes: u64, at: OriginRow) {
        self.chunks.push(StoredChunk { first_row, rows, bytes, place: StoredIn::Origin(at) });
    }

    /// Ends a section. A section without chunks does not count.
    pub(crate) fn end_section(&mut self) {
        let end = self.chunks.len();
        if self.sections.last().copied().unwrap_or_default() < end {
            self.sections.push(end);
        }
    }

    /// The number of chunks at the end of each section; no partition has chunks of two.
    pub fn section_ends(&self) -> &[usize] {
        &self.sections
    }

    /// Sets the list that chunks can be read from again. Call it before the first [`push_from`](Self::push_from).
    pub(crate) fn read_again_from(&mut self, origin: Box<dyn Origin>) {
        self.origin = Some(origin);
    }

    /// Appends a chunk.
    pub(crate) fn push(&mut self, chunk: Chunk) -> std::io::Result<()> {
        self.push_from(chunk, None)
    }

    /// Appends a chunk that begins at a row of the origin.
    pub(crate) fn push_from(&mut self, chunk: Chunk, at: Option<OriginRow>) -> std::io::Result<()> {
        let (first_row, rows, bytes) = (chunk.first_row, chunk.rows, chunk.size());
        let place = match self.memory_left.checked_sub(bytes) {
            Some(left) => {
                self.memory_left = left;
                StoredIn::Memory(chunk)
            }
            None => {
                // A later chunk is not held in memory either, even if it is smaller.
                self.memory_left = 0;
                match at.filter(|_| self.origin.is_some()) {
                    Some(at) => StoredIn::Origin(at),
                    None => self.spill(&chunk)?,
                }
            }
        };
        self.chunks.push(StoredChunk { first_row, rows, bytes, place });
        Ok(())
    }

    fn spill(&mut self, chunk: &Chunk) -> std::io::Result<StoredIn> {
        self.buffer.clear();
        chunk.write(&mut self.buffer)?;
        let offset = self.file.append(&self.buffer)?;
        Ok(StoredIn::File { offset, bytes: self.buffer.len() })
    }

    /// The number of chunks.
    pub const fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there are no chunks.
    pub const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The number of rows of each chunk.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = u32> {
        self.chunks.iter().map(|chunk| chunk.rows)
    }

    /// The number of bytes of the columns of each chunk.
    pub fn bytes(&self) -> impl ExactSizeIterator<Item = u64> {
        self.chunks.iter().map(|chunk| chunk.bytes)
    }

    /// Returns chunk `i`.
    ///
    /// # Errors
    /// [`LookupError::Spilled`] if there is no such chunk, or it cannot be read again.
    pub fn get(&self, i: usize) -> Result<Cow<'_, Chunk>, LookupError> {
        let stored = self.chunks.get(i).ok_or_else(|| LookupError::Spilled(format!("there is no chunk {i}")))?;
        let (first_row, rows) = (stored.first_row, stored.rows);
        match stored.place {
            StoredIn::Memory(ref chunk) => Ok(Cow::Borrowed(chunk)),
            StoredIn::Origin(at) => {
                let origin =
                    self.origin.as_ref().ok_or_else(|| LookupError::Spilled("there is no origin".to_owned()))?;
                let chunk = origin.read(at, rows).map_err(LookupError::Spilled)?;
                Ok(Cow::Owned(Chunk { first_row, ..chunk }))
            }
            StoredIn::File { offset, bytes } => {
                let mut buffer = vec![0; bytes];
                let read = self.file.read(offset, &mut buffer);
                let chunk = read.and_then(|()| Chunk::read(first_row, rows, &buffer));
                chunk
                    .map(Cow::Owned)
                    .map_err(|error| LookupError::Spilled(format!("spilled targets cannot be read: {error}")))
            }
        }
    }

    /// Returns every chunk in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<Cow<'_, Chunk>, LookupError>> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Returns the chunk of a row, and the row in that chunk.
    pub(crate) fn locate(&self, row: u64) -> Option<ChunkRow> {
        let chunk = self.chunks.partition_point(|chunk| chunk.first_row + u64::from(chunk.rows) <= row);
        let first_row = self.chunks.get(chunk)?.first_row;
        Some(ChunkRow { chunk, row: usize::try_from(row.checked_sub(first_row)?).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{ChunkBuilder, OwnValue, Row};
    use std::borrow::Cow;

    /// A chunk with every type of column, and with unknown values.
    fn chunk(first_row: u64, rows: usize) -> Chunk {
        let mut builder = ChunkBuilder::default();
        for row in 0..rows {
            let text = |text: String| (row % 3 != 0).then_some(Cow::Owned(text));
            let mut values = Row {
                id: text(format!("id-{row}-ü")),
                own: vec![OwnValue { name: Cow::Borrowed("x_own"), text: Cow::Owned(format!("{row}")) }],
                ..Row::default()
            };
            values.texts[0] = text(format!("kind-{}", row % 5));
            values.times[0] = (row % 2 == 0).then_some(row as i64 - 7);
            values.numbers[0] = Some(row as u64);
            builder.push(&values);
        }
        Chunk { first_row, ..builder.finish() }
    }

    #[test]
    fn returns_spilled_chunks_unchanged() {
        let chunks = [chunk(0, 10), chunk(10, 1), chunk(11, 1_000), chunk(1_011, 7)];
        for memory in [0, 1, chunks[0].size(), chunks[0].size() + chunks[1].size(), u64::MAX] {
            let mut store = Store::new(memory);
            chunks.iter().for_each(|chunk| store.push(chunk.clone()).unwrap());
            let back: Vec<Chunk> = store.iter().map(|chunk| chunk.unwrap().into_owned()).collect();
            assert_eq!(back, chunks, "{memory} bytes");
            let located = [0, 9, 10, 11, 1_010, 1_011, 1_017, 1_018].map(|row| store.locate(row));
            let expected = [(0, 0), (0, 9), (1, 0), (2, 0), (2, 999), (3, 0), (3, 6)];
            assert_eq!(located[..7], expected.map(|(chunk, row)| Some(ChunkRow { chunk, row })));
            assert_eq!(located[7], None);
            assert_eq!(!store.file.is_empty(), memory != u64::MAX);
        }
    }

    #[test]
    fn a_row_of_a_chunk_builds_the_same_chunk_again() {
        let chunk = chunk(0, 100);
        let mut builder = ChunkBuilder::default();
        (0..100).for_each(|row| builder.push(&chunk.row(row)));
        assert_eq!(builder.finish(), chunk);
    }
}
