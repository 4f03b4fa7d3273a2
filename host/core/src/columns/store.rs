//! Chunks in their order: in memory as long as they fit. From there on they are read again where they came from, if that
//! can be done, and set aside on disk if not.

use super::Chunk;
use crate::spill::SpillFile;
use crate::unavailable::Unavailable;
use std::borrow::Cow;

/// Where chunks can be read again.
pub(crate) trait Origin: std::fmt::Debug + Send + Sync {
    /// The chunk of so many rows at a place.
    ///
    /// # Errors
    /// Why it is not there any more.
    fn read(&self, at: At, rows: u32) -> Result<Chunk, String>;
}

/// A place of an [`Origin`]: a part of it, and a row in that part.
pub(crate) type At = (usize, usize);

/// The chunks of a batch.
#[derive(Debug)]
pub(crate) struct Store {
    places: Vec<Place>,
    /// Bytes of memory that are left for more of them.
    left: u64,
    origin: Option<Box<dyn Origin>>,
    file: Option<SpillFile>,
    /// A chunk on its way to the file.
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Place {
    Memory(Chunk),
    Origin { first_row: u64, rows: u32, at: At },
    File { first_row: u64, rows: u32, at: u64, bytes: usize },
}

impl Place {
    const fn rows(&self) -> (u64, u32) {
        match self {
            Self::Memory(chunk) => (chunk.first_row, chunk.rows),
            Self::Origin { first_row, rows, .. } | Self::File { first_row, rows, .. } => (*first_row, *rows),
        }
    }
}

impl Store {
    /// A store that may take so many bytes of memory.
    pub const fn new(memory: u64) -> Self {
        Self { places: Vec::new(), left: memory, origin: None, file: None, buffer: Vec::new() }
    }

    /// Says where chunks can be read again, before any is put there.
    pub fn read_again_from(&mut self, origin: Box<dyn Origin>) {
        self.origin = Some(origin);
    }

    /// Puts a chunk behind the others.
    pub fn push(&mut self, chunk: Chunk) -> std::io::Result<()> {
        self.push_from(chunk, None)
    }

    /// Puts a chunk behind the others, which is at some place of the origin.
    pub fn push_from(&mut self, chunk: Chunk, at: Option<At>) -> std::io::Result<()> {
        if let Some(left) = self.left.checked_sub(chunk.size()) {
            self.left = left;
            self.places.push(Place::Memory(chunk));
            return Ok(());
        }
        // What comes later is not kept either, even if it is smaller: memory is for what comes first.
        self.left = 0;
        if let Some(at) = at.filter(|_| self.origin.is_some()) {
            let (first_row, rows) = (chunk.first_row, chunk.rows);
            self.places.push(Place::Origin { first_row, rows, at });
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(SpillFile::new()?),
        };
        self.buffer.clear();
        chunk.write(&mut self.buffer)?;
        let at = file.append(&self.buffer)?;
        let (first_row, rows, bytes) = (chunk.first_row, chunk.rows, self.buffer.len());
        self.places.push(Place::File { first_row, rows, at, bytes });
        Ok(())
    }

    /// How many chunks there are.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Rows of each chunk: the first, and how many.
    pub fn rows(&self) -> impl Iterator<Item = (u64, u32)> {
        self.places.iter().map(Place::rows)
    }

    /// Chunk `i`.
    pub fn get(&self, i: usize) -> Result<Cow<'_, Chunk>, Unavailable> {
        match self.places.get(i) {
            Some(Place::Memory(chunk)) => Ok(Cow::Borrowed(chunk)),
            Some(Place::Origin { first_row, rows, at }) => {
                let origin = self.origin.as_ref().ok_or_else(|| Unavailable("there is no origin".to_owned()))?;
                let chunk = origin.read(*at, *rows).map_err(Unavailable)?;
                Ok(Cow::Owned(Chunk { first_row: *first_row, ..chunk }))
            }
            Some(Place::File { first_row, rows, at, bytes }) => {
                let mut buffer = vec![0; *bytes];
                let file = self.file.iter().next().ok_or_else(|| Unavailable("there is no file".to_owned()))?;
                let chunk = file.read(*at, &mut buffer).and_then(|()| Chunk::read(*first_row, *rows, &buffer));
                chunk.map(Cow::Owned).map_err(|error| {
                    Unavailable(format!("targets that were set aside on disk cannot be read again: {error}"))
                })
            }
            None => Err(Unavailable(format!("there is no chunk {i}"))),
        }
    }

    /// Every chunk.
    pub fn iter(&self) -> impl Iterator<Item = Result<Cow<'_, Chunk>, Unavailable>> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The chunk that a row is in, and its row there.
    pub fn place(&self, row: u64) -> Option<(usize, usize)> {
        let at = self.places.partition_point(|place| {
            let (first, rows) = place.rows();
            first + u64::from(rows) <= row
        });
        let (first, _) = self.places.get(at)?.rows();
        Some((at, usize::try_from(row.checked_sub(first)?).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{ChunkBuilder, Row};
    use std::borrow::Cow;

    /// A chunk with every kind of column, and with unknown values.
    fn chunk(first_row: u64, rows: usize) -> Chunk {
        let mut builder = ChunkBuilder::default();
        for row in 0..rows {
            let text = |text: String| (row % 3 != 0).then_some(Cow::Owned(text));
            builder.push(&Row {
                id: text(format!("id-{row}-ü")),
                kind: text(format!("kind-{}", row % 5)),
                created_at: (row % 2 == 0).then_some(row as i64 - 7),
                size_bytes: Some(row as u64),
                extra: vec![(Cow::Borrowed("x_own"), Cow::Owned(format!("{row}")))],
                ..Row::default()
            });
        }
        Chunk { first_row, ..builder.finish() }
    }

    #[test]
    fn what_is_set_aside_comes_back_as_it_was() {
        let chunks = [chunk(0, 10), chunk(10, 1), chunk(11, 1_000), chunk(1_011, 7)];
        for memory in [0, 1, chunks[0].size(), chunks[0].size() + chunks[1].size(), u64::MAX] {
            let mut store = Store::new(memory);
            chunks.iter().for_each(|chunk| store.push(chunk.clone()).unwrap());
            let back: Vec<Chunk> = store.iter().map(|chunk| chunk.unwrap().into_owned()).collect();
            assert_eq!(back, chunks, "{memory} bytes");
            let places = [0, 9, 10, 11, 1_010, 1_011, 1_017, 1_018].map(|row| store.place(row));
            let expected =
                [Some((0, 0)), Some((0, 9)), Some((1, 0)), Some((2, 0)), Some((2, 999)), Some((3, 0)), Some((3, 6))];
            assert_eq!(places[..7], expected);
            assert_eq!(places[7], None);
            assert_eq!(store.file.is_some(), memory != u64::MAX);
        }
    }
}
