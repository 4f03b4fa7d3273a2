//! Telling ids apart, exactly and in bounded memory. Every id leaves a hash of 64 bits; equal ids have equal hashes, so
//! only where two hashes are equal do the ids themselves have to be compared. The hashes are kept in parts by their
//! first bits, each small enough for a cache, and set aside on disk where they become too many.

use crate::columns::{Chunk, Store, Values};
use crate::parallel::in_order;
use crate::spill::Runs;
use crate::unavailable::Unavailable;
use foldhash::quality::RandomState;
use hashbrown::HashSet;
use std::convert::Infallible;
use std::hash::BuildHasher;

/// Parts that the hashes are kept in.
const PARTS: usize = 256;
/// So many hashes need no parts.
const FEW: usize = 1 << 12;
/// Rows that are named as examples of a bad id.
pub(super) const EXAMPLES: usize = 5;
/// Bytes that an id which stands there twice takes while it is looked for.
const BYTES_PER_CANDIDATE: u64 = 96;

/// How ids are hashed: with another seed in every process, so that nobody can write ids whose hashes collide.
pub(crate) type Hasher = RandomState;

/// What a chunk adds.
#[derive(Debug, Default)]
pub(crate) struct ChunkIds {
    /// The hashes of its ids.
    hashes: Vec<u64>,
    null: u64,
    empty: u64,
    /// The first of its rows without an id.
    examples: Vec<u64>,
}

/// The ids of a chunk: `None` is null.
fn ids(chunk: &Chunk) -> impl Iterator<Item = Option<&[u8]>> {
    let column = chunk.columns.first();
    (0..chunk.rows as usize).map(move |row| match column.map(|column| (column.is_known(row), &column.values)) {
        Some((true, Values::Strings(ids))) => Some(ids.bytes(row)),
        _ => None,
    })
}

fn is_blank(id: &[u8]) -> bool {
    !id.first().is_some_and(u8::is_ascii_graphic) && str::from_utf8(id).unwrap_or_default().trim().is_empty()
}

impl ChunkIds {
    pub fn of(chunk: &Chunk, hasher: &Hasher) -> Self {
        let mut found = Self { hashes: Vec::with_capacity(chunk.rows as usize), ..Self::default() };
        for (row, id) in (0_u64..).zip(ids(chunk)) {
            match id {
                Some(id) if !is_blank(id) => {
                    found.hashes.push(hasher.hash_one(id));
                    continue;
                }
                Some(_) => found.empty += 1,
                None => found.null += 1,
            }
            if found.examples.len() < EXAMPLES {
                found.examples.push(row);
            }
        }
        found
    }
}

/// The ids of a list, as its chunks come in.
#[derive(Debug)]
pub(crate) struct Ids {
    hasher: Hasher,
    /// Hashes that are not in parts yet.
    new: Vec<u64>,
    parts: Vec<Vec<u64>>,
    /// Bytes of the hashes in memory, and how many there may be.
    bytes: u64,
    memory: u64,
    runs: Option<Runs>,
    found: reprieve_model::IdFacts,
}

impl Ids {
    pub fn new(hasher: Hasher, memory: u64) -> Self {
        let found = reprieve_model::IdFacts::default();
        Self { hasher, new: Vec::new(), parts: Vec::new(), bytes: 0, memory, runs: None, found }
    }

    /// Adds those of the chunk that begins with `first_row`.
    pub fn add(&mut self, first_row: u64, ids: ChunkIds) -> std::io::Result<()> {
        self.found.null += ids.null;
        self.found.empty += ids.empty;
        let room = EXAMPLES - self.found.examples.len().min(EXAMPLES);
        self.found.examples.extend(ids.examples.iter().take(room).map(|row| first_row + row));
        if self.parts.is_empty() && self.new.len() + ids.hashes.len() <= FEW {
            self.new.extend(ids.hashes);
            return Ok(());
        }
        if self.parts.is_empty() {
            self.parts = vec![Vec::new(); PARTS];
            let new = std::mem::take(&mut self.new);
            self.part(&new);
        }
        self.part(&ids.hashes);
        if self.bytes > self.memory {
            self.set_aside()?;
        }
        Ok(())
    }

    fn part(&mut self, hashes: &[u64]) {
        for hash in hashes {
            if let Some(part) = self.parts.get_mut((hash >> 56) as usize) {
                part.push(*hash);
            }
        }
        self.bytes += 8 * hashes.len() as u64;
    }

    fn set_aside(&mut self) -> std::io::Result<()> {
        let runs = match &mut self.runs {
            Some(runs) => runs,
            none => none.insert(Runs::new(PARTS)?),
        };
        for (i, part) in self.parts.iter_mut().enumerate() {
            runs.append(i, bytemuck::cast_slice(part))?;
            part.clear();
        }
        self.bytes = 0;
        Ok(())
    }

    /// Finds the ids that stand there more than once, and the first rows that are bad.
    pub fn finish(mut self, chunks: &Store, threads: usize) -> Result<reprieve_model::IdFacts, Unavailable> {
        let candidates = self.candidates(threads)?;
        self.parts = Vec::new();
        let most = usize::try_from(self.memory / BYTES_PER_CANDIDATE).unwrap_or(usize::MAX).max(FEW);
        for candidates in candidates.chunks(most) {
            self.compare(&candidates.iter().copied().collect(), chunks)?;
        }
        self.found.examples.sort_unstable();
        self.found.examples.truncate(EXAMPLES);
        Ok(self.found)
    }

    /// The hashes that were there more than once.
    fn candidates(&mut self, threads: usize) -> Result<Vec<u64>, Unavailable> {
        self.new.sort_unstable();
        let mut found: Vec<u64> = self.new.array_windows().filter(|[a, b]| a == b).map(|[hash, _]| *hash).collect();
        found.dedup();
        let part = |i: usize| -> std::io::Result<Vec<u64>> {
            let aside = self.runs.as_ref().map(|runs| runs.read(i)).transpose()?.unwrap_or_default();
            let aside: &[u64] = &bytemuck::allocation::pod_collect_to_vec(&aside);
            Ok(repeated(aside, self.parts.get(i).map(Vec::as_slice).unwrap_or_default()))
        };
        let mut failed = None;
        let collected: Result<(), Infallible> = in_order(threads, 0..self.parts.len(), part, |part| {
            match part {
                Ok(part) => found.extend(part),
                Err(error) => failed = Some(error),
            }
            Ok(())
        });
        let Ok(()) = collected;
        match failed {
            Some(error) => Err(Unavailable(format!("ids that were set aside on disk cannot be read again: {error}"))),
            None => Ok(found),
        }
    }

    /// Counts the ids with these hashes that stood in an earlier row.
    fn compare(&mut self, candidates: &HashSet<u64>, chunks: &Store) -> Result<(), Unavailable> {
        let mut seen: HashSet<Box<[u8]>> = HashSet::new();
        let mut examples = 0;
        for chunk in chunks.iter() {
            let chunk = chunk?;
            for (row, id) in (chunk.first_row..).zip(ids(&chunk)) {
                let Some(id) = id.filter(|id| candidates.contains(&self.hasher.hash_one(id)) && !is_blank(id)) else {
                    continue;
                };
                if seen.contains(id) {
                    self.found.duplicate += 1;
                    if examples < EXAMPLES {
                        examples += 1;
                        self.found.examples.push(row);
                    }
                } else {
                    seen.insert(id.into());
                }
            }
        }
        Ok(())
    }
}

/// The values that are in these two lists together more than once, each once.
fn repeated(a: &[u64], b: &[u64]) -> Vec<u64> {
    // A table with open addressing, half empty; 0 is a free place, and so 0 itself is always taken for repeated.
    let places = (2 * (a.len() + b.len())).next_power_of_two().max(2);
    let mut table = vec![0_u64; places];
    let mut found = Vec::new();
    for &hash in a.iter().chain(b) {
        let mut at = hash as usize & (places - 1);
        loop {
            match table.get_mut(at) {
                Some(place) if *place == hash => {
                    found.push(hash);
                    break;
                }
                Some(place) if *place == 0 => {
                    *place = hash;
                    break;
                }
                _ => at = (at + 1) & (places - 1),
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{ChunkBuilder, Row};
    use proptest::prelude::*;
    use std::borrow::Cow;

    fn count(lists: &[Vec<Option<&str>>], memory: u64, threads: usize) -> reprieve_model::IdFacts {
        let hasher = Hasher::default();
        let (mut store, mut ids, mut first_row) = (Store::new(memory), Ids::new(hasher.clone(), memory), 0);
        for list in lists {
            let mut builder = ChunkBuilder::default();
            list.iter().for_each(|id| builder.push(&Row { id: id.map(Cow::Borrowed), ..Row::default() }));
            let chunk = Chunk { first_row, ..builder.finish() };
            ids.add(first_row, ChunkIds::of(&chunk, &hasher)).unwrap();
            first_row += u64::from(chunk.rows);
            store.push(chunk).unwrap();
        }
        ids.finish(&store, threads).unwrap()
    }

    /// What a table of all ids says.
    fn naive(lists: &[Vec<Option<&str>>]) -> reprieve_model::IdFacts {
        let mut facts = reprieve_model::IdFacts::default();
        let mut seen = HashSet::new();
        for (row, id) in (0_u64..).zip(lists.iter().flatten()) {
            let count = match id {
                None => &mut facts.null,
                Some(id) if id.trim().is_empty() => &mut facts.empty,
                Some(id) if !seen.insert(*id) => &mut facts.duplicate,
                Some(_) => continue,
            };
            *count += 1;
            if facts.examples.len() < EXAMPLES {
                facts.examples.push(row);
            }
        }
        facts
    }

    proptest! {
        #[test]
        fn the_count_is_that_of_a_table_of_all_ids(
            lists in prop::collection::vec(prop::collection::vec(prop::option::of("[ab]{0,3}| |ü"), 0..40), 0..6)
        ) {
            let lists: Vec<Vec<Option<&str>>> =
                lists.iter().map(|list| list.iter().map(Option::as_deref).collect()).collect();
            prop_assert_eq!(count(&lists, u64::MAX, 1), naive(&lists));
        }
    }

    #[test]
    fn neither_memory_nor_threads_change_the_count() {
        let all: Vec<String> = (0..30_000_u64).map(|row| format!("id-{}", row * 7_919 % 29_000)).collect();
        let lists: Vec<Vec<Option<&str>>> =
            all.chunks(4_999).map(|list| list.iter().map(|id| Some(id.as_str())).collect()).collect();
        let expected = naive(&lists);
        assert_eq!(expected.duplicate, 1_000);
        for (memory, threads) in [(0, 1), (0, 3), (100_000, 2), (u64::MAX, 1), (u64::MAX, 4)] {
            assert_eq!(count(&lists, memory, threads), expected, "{memory} bytes, {threads} threads");
        }
    }

    #[test]
    fn a_value_is_repeated_however_it_is_spread() {
        assert!(repeated(&[], &[]).is_empty());
        assert!(repeated(&[5, (1 << 40) | 5], &[7]).is_empty());
        assert_eq!(repeated(&[5, 9], &[9, 5, 9]), [5, 9]);
        assert_eq!(repeated(&[u64::MAX], &[u64::MAX]), [u64::MAX]);
    }
}
