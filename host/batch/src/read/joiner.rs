//! Joining short chunks. A list of many small files, or of many small row groups, has few chunks all the same, because
//! every chunk costs each policy a call.

use super::chunker::{Chunker, FinishedChunk};
use crate::columns::{CHUNK_ROWS, Chunk, MAX_CHUNK_BYTES};
use crate::facts::Hasher;

/// A chunk is short if it is less than a quarter full.
const SHORT_ROWS: u32 = CHUNK_ROWS as u32 / 4;
const SHORT_BYTES: u64 = MAX_CHUNK_BYTES as u64 / 4;

/// Joins short chunks that follow each other.
pub(super) struct Joiner {
    waiting: Waiting,
    hasher: Hasher,
}

/// The short chunks since the last one that was returned.
enum Waiting {
    Nothing,
    One(FinishedChunk),
    Joined(Box<Chunker>),
}

impl Joiner {
    pub const fn new(hasher: Hasher) -> Self {
        Self { waiting: Waiting::Nothing, hasher }
    }

    /// Adds the next chunk. Returns the chunks that are complete, in their order.
    pub fn add(&mut self, next: FinishedChunk) -> Vec<FinishedChunk> {
        if !is_short(&next.chunk) {
            return self.cut().into_iter().chain([next]).collect();
        }
        let mut complete = Vec::new();
        self.waiting = match std::mem::replace(&mut self.waiting, Waiting::Nothing) {
            Waiting::Nothing => Waiting::One(next),
            Waiting::One(first) => {
                let mut chunker = Box::new(Chunker::new(self.hasher.clone()));
                complete.extend([first, next].iter().flat_map(|part| chunker.append(&part.chunk)));
                Waiting::Joined(chunker)
            }
            Waiting::Joined(mut chunker) => {
                complete.extend(chunker.append(&next.chunk));
                Waiting::Joined(chunker)
            }
        };
        complete
    }

    /// Returns the chunk that waits for more, if there is one.
    pub fn cut(&mut self) -> Option<FinishedChunk> {
        match std::mem::replace(&mut self.waiting, Waiting::Nothing) {
            Waiting::Nothing => None,
            Waiting::One(chunk) => Some(chunk),
            Waiting::Joined(mut chunker) => chunker.cut(),
        }
    }
}

fn is_short(chunk: &Chunk) -> bool {
    chunk.rows < SHORT_ROWS && chunk.size() < SHORT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{ChunkBuilder, Row};
    use std::borrow::Cow;

    fn chunk(first: usize, rows: usize) -> FinishedChunk {
        let mut builder = ChunkBuilder::default();
        for row in first..first + rows {
            let id = (row % 7 != 2).then(|| Cow::Owned(format!("id-{row}")));
            let mut values = Row { id, ..Row::default() };
            values.texts[0] = (row % 3 > 0).then(|| Cow::Owned(format!("kind-{}", row % 5)));
            values.texts[1] = (10..12).contains(&row).then_some(Cow::Borrowed("tenant"));
            values.times[0] = (row % 11 == 4).then_some(row as i64);
            values.numbers[0] = (row > 5 && row < 30).then_some(row as u64);
            builder.push(&values);
        }
        FinishedChunk::of(builder.finish(), &Hasher::default())
    }

    fn join(sizes: &[usize]) -> Vec<Chunk> {
        let (mut joiner, mut all, mut first) = (Joiner::new(Hasher::default()), Vec::new(), 0);
        for rows in sizes {
            all.extend(joiner.add(chunk(first, *rows)));
            first += rows;
        }
        all.extend(joiner.cut());
        all.into_iter().map(|finished| finished.chunk).collect()
    }

    #[test]
    fn short_chunks_become_the_chunk_that_one_file_has() {
        for sizes in [vec![1; 40], vec![20, 20], vec![39, 1], vec![3, 30, 7]] {
            assert_eq!(join(&sizes), join(&[40]), "{sizes:?}");
        }
    }

    #[test]
    fn long_chunks_are_left_alone() {
        let (short, long) = (SHORT_ROWS as usize - 1, SHORT_ROWS as usize);
        let rows = |sizes: &[usize]| join(sizes).iter().map(|chunk| chunk.rows as usize).collect::<Vec<_>>();
        assert_eq!(rows(&[long, 1, 1, long, 1]), [long, 2, long, 1]);
        assert_eq!(rows(&[short, short, short, short, short]), [CHUNK_ROWS, 5 * short - CHUNK_ROWS]);
    }
}
