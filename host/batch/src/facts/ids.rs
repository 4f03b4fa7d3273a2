//! Finding duplicate ids, exactly and in bounded memory. A 64-bit hash of every id is kept. Equal ids have equal hashes,
//! so ids are compared only if their hashes are equal. The hashes are partitioned by their first bits, so that a
//! partition fits a processor cache. Hashes that do not fit into memory are spilled to a temporary file.

use crate::columns::{Chunk, Store, Values};
use crate::error::LookupError;
use crate::parallel::in_order;
use crate::spill::Partitions;
use crate::text::{control_character, is_plain, is_unknown};
use foldhash::quality::RandomState;
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;

/// The number of partitions: the first eight bits of a hash.
const PARTITIONS: usize = 256;
/// The maximum number of hashes that are kept without partitions.
const SMALL_LIST_IDS: usize = 1 << 12;
/// The maximum number of rows that are examples of a blank or duplicated id.
pub(super) const MAX_EXAMPLES: usize = 5;
/// Bytes of memory per id while duplicates are compared.
const BYTES_PER_CANDIDATE: u64 = 160;
/// Ids that are longer than this are compared by a digest of this length and one byte more.
const MAX_COMPARED_BYTES: usize = 64;
/// Bytes of memory per hash: a list of hashes that grows may be half empty.
const BYTES_PER_HASH: u64 = 16;

/// The hash of ids. Its seed differs per process, so that a submitter cannot prepare ids whose hashes collide.
pub(crate) type Hasher = RandomState;

/// The ids of one chunk.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ChunkIds {
    /// The hashes of its ids. Another process has another seed, so they mean nothing there.
    #[serde(skip)]
    hashes: Vec<u64>,
    null: u64,
    empty: u64,
    control: u64,
    /// The first rows with a bad id.
    examples: Vec<u64>,
}

/// Whether an id identifies nothing: it is blank, or a word for nothing.
pub(super) fn is_blank(id: &[u8]) -> bool {
    str::from_utf8(id).is_ok_and(is_unknown)
}

impl ChunkIds {
    pub fn of(chunk: &Chunk, hasher: &Hasher) -> Self {
        let mut found = Self { hashes: Vec::with_capacity(chunk.rows as usize), ..Self::default() };
        // Most lists have printable ASCII only, so single ids are not looked at.
        let is_plain = chunk.columns.first().is_none_or(|column| match &column.values {
            Values::Strings(ids) => is_plain(&ids.bytes),
            _ => true,
        });
        let has_control =
            |id: &[u8]| !is_plain && control_character(str::from_utf8(id).unwrap_or_default()).is_some();
        for (row, id) in (0_u64..).zip(chunk.id_bytes()) {
            // A blank id may have one as well, such as a vertical tab.
            let control = id.is_some_and(has_control);
            found.control += u64::from(control);
            match id {
                Some(id) if !is_blank(id) => {
                    found.hashes.push(hasher.hash_one(id));
                    if !control {
                        continue;
                    }
                }
                Some(_) => found.empty += 1,
                None => found.null += 1,
            }
            if found.examples.len() < MAX_EXAMPLES {
                found.examples.push(row);
            }
        }
        found
    }
}

/// The ids of a list whose chunks are added one after another.
#[derive(Debug)]
pub(crate) struct Ids {
    hasher: Hasher,
    /// The hashes of a small list, which are not partitioned.
    unpartitioned: Vec<u64>,
    partitions: Vec<Vec<u64>>,
    /// Bytes of the partitioned hashes in memory.
    bytes: u64,
    /// The maximum of `bytes`.
    memory: u64,
    spilled: Partitions,
    found: reprieve_model::IdFacts,
}

impl Ids {
    pub fn new(hasher: Hasher, memory: u64) -> Self {
        let found = reprieve_model::IdFacts::default();
        let spilled = Partitions::default();
        Self { hasher, unpartitioned: Vec::new(), partitions: Vec::new(), bytes: 0, memory, spilled, found }
    }

    /// Adds the ids of the chunk that begins with `first_row`.
    pub fn add(&mut self, first_row: u64, ids: ChunkIds) -> std::io::Result<()> {
        self.found.null += ids.null;
        self.found.empty += ids.empty;
        if ids.control > 0 {
            *self.found.control.get_or_insert_default() += ids.control;
        }
        let room = MAX_EXAMPLES - self.found.examples.len().min(MAX_EXAMPLES);
        self.found.examples.extend(ids.examples.iter().take(room).map(|row| first_row + row));
        if self.partitions.is_empty() && self.unpartitioned.len() + ids.hashes.len() <= SMALL_LIST_IDS {
            self.unpartitioned.extend(ids.hashes);
            return Ok(());
        }
        if self.partitions.is_empty() {
            self.partitions = vec![Vec::new(); PARTITIONS];
            let unpartitioned = std::mem::take(&mut self.unpartitioned);
            self.partition(&unpartitioned);
        }
        self.partition(&ids.hashes);
        if self.bytes > self.memory {
            self.spill()?;
        }
        Ok(())
    }

    fn partition(&mut self, hashes: &[u64]) {
        for hash in hashes {
            if let Some(partition) = self.partitions.get_mut((hash >> 56) as usize) {
                partition.push(*hash);
            }
        }
        self.bytes += BYTES_PER_HASH * hashes.len() as u64;
    }

    /// Removes what is not needed from the partitions that are much longer than the others, because of ids that occur very
    /// often: two of equal hashes are enough to know them as candidates.
    fn compact(&mut self) {
        let hashes: usize = self.partitions.iter().map(Vec::len).sum();
        let usual = 2 * hashes / PARTITIONS + SMALL_LIST_IDS;
        for partition in self.partitions.iter_mut().filter(|partition| partition.len() > usual) {
            partition.sort_unstable();
            let (mut last, mut equal) = (None, 0);
            partition.retain(|hash| {
                equal = if last == Some(*hash) { equal + 1 } else { 1 };
                last = Some(*hash);
                equal <= 2
            });
        }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        self.compact();
        for (i, partition) in self.partitions.iter_mut().enumerate() {
            self.spilled.append(i, bytemuck::cast_slice(partition))?;
            // A partition that was much longer than the others frees its memory.
            *partition = Vec::new();
        }
        self.bytes = 0;
        Ok(())
    }

    /// Counts the duplicate ids, and finds the first rows with a blank or duplicated id.
    pub fn finish(mut self, chunks: &Store, threads: usize) -> Result<reprieve_model::IdFacts, LookupError> {
        let max_candidates =
            usize::try_from(self.memory / BYTES_PER_CANDIDATE).unwrap_or(usize::MAX).max(SMALL_LIST_IDS);
        self.compact();
        self.unpartitioned.sort_unstable();
        let pairs = self.unpartitioned.array_windows();
        let mut found: Vec<u64> = pairs.filter(|[a, b]| a == b).map(|[hash, _]| *hash).collect();
        found.dedup();
        let (spilled, partitions) = (std::mem::take(&mut self.spilled), std::mem::take(&mut self.partitions));
        let repeated_in = |i: usize| -> std::io::Result<Vec<u64>> {
            let spilled: &[u64] = &bytemuck::allocation::pod_collect_to_vec(&spilled.read(i)?);
            Ok(repeated(spilled, partitions.get(i).map(Vec::as_slice).unwrap_or_default()))
        };
        in_order(threads, 0..partitions.len(), repeated_in, |hashes| -> Result<(), LookupError> {
            let failed = |error| LookupError::Spilled(format!("spilled ids cannot be read: {error}"));
            found.extend(hashes.map_err(failed)?);
            while found.len() > max_candidates {
                let some = found.drain(..max_candidates).collect();
                self.compare(&some, chunks)?;
            }
            Ok(())
        })?;
        drop((spilled, partitions));
        if !found.is_empty() {
            self.compare(&found.into_iter().collect(), chunks)?;
        }
        Ok(self.found())
    }

    /// Returns what was found, with the duplicate ids that were found elsewhere: their number, and the first rows.
    pub fn finish_with(mut self, duplicate: u64, examples: &[u64]) -> reprieve_model::IdFacts {
        self.found.duplicate = duplicate;
        self.found.examples.extend(examples);
        self.found()
    }

    fn found(mut self) -> reprieve_model::IdFacts {
        self.found.examples.sort_unstable();
        self.found.examples.truncate(MAX_EXAMPLES);
        self.found
    }

    /// Counts the ids with these hashes that are also in an earlier row.
    fn compare(&mut self, candidates: &HashSet<u64>, chunks: &Store) -> Result<(), LookupError> {
        let mut seen: HashSet<Box<[u8]>> = HashSet::new();
        let mut examples = 0;
        for chunk in chunks.iter() {
            let chunk = chunk?;
            for (row, id) in (chunk.first_row..).zip(chunk.id_bytes()) {
                let Some(id) = id.filter(|id| candidates.contains(&self.hasher.hash_one(id)) && !is_blank(id)) else {
                    continue;
                };
                let mut digest = [0; MAX_COMPARED_BYTES + 1];
                let id = if id.len() > MAX_COMPARED_BYTES {
                    blake3::Hasher::new().update(id).finalize_xof().fill(&mut digest);
                    &digest
                } else {
                    id
                };
                if seen.contains(id) {
                    self.found.duplicate += 1;
                    if examples < MAX_EXAMPLES {
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

/// Returns the values that occur more than once in the two lists together, each of them once.
fn repeated(a: &[u64], b: &[u64]) -> Vec<u64> {
    // A table with open addressing, half empty. 0 marks a free slot, so 0 itself always counts as repeated.
    let slots = (2 * (a.len() + b.len())).next_power_of_two().max(2);
    let mut table = vec![0_u64; slots];
    let mut found = Vec::new();
    for &hash in a.iter().chain(b) {
        let mut at = hash as usize & (slots - 1);
        loop {
            match table.get_mut(at) {
                Some(slot) if *slot == hash => {
                    found.push(hash);
                    break;
                }
                Some(slot) if *slot == 0 => {
                    *slot = hash;
                    break;
                }
                _ => at = (at + 1) & (slots - 1),
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

    /// The same count with a table of all ids.
    fn naive(lists: &[Vec<Option<&str>>]) -> reprieve_model::IdFacts {
        let mut facts = reprieve_model::IdFacts::default();
        let mut seen = HashSet::new();
        for (row, id) in (0_u64..).zip(lists.iter().flatten()) {
            let count = match id {
                None => &mut facts.null,
                Some(id) if id.trim().is_empty() || ["NULL", "n/a"].contains(id) => &mut facts.empty,
                Some(id) if !seen.insert(*id) => &mut facts.duplicate,
                Some(_) => continue,
            };
            *count += 1;
            if facts.examples.len() < MAX_EXAMPLES {
                facts.examples.push(row);
            }
        }
        facts
    }

    proptest! {
        #[test]
        fn the_count_equals_that_of_a_table_of_all_ids(
            lists in prop::collection::vec(prop::collection::vec(prop::option::of("[ab]{0,3}| |ü|NULL|n/a"), 0..40), 0..6)
        ) {
            let lists: Vec<Vec<Option<&str>>> =
                lists.iter().map(|list| list.iter().map(Option::as_deref).collect()).collect();
            prop_assert_eq!(count(&lists, u64::MAX, 1), naive(&lists));
        }
    }

    #[test]
    fn the_count_does_not_depend_on_memory_or_threads() {
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
    fn finds_values_that_repeat_within_or_across_lists() {
        assert!(repeated(&[], &[]).is_empty());
        assert!(repeated(&[5, (1 << 40) | 5], &[7]).is_empty());
        assert_eq!(repeated(&[5, 9], &[9, 5, 9]), [5, 9]);
        assert_eq!(repeated(&[u64::MAX], &[u64::MAX]), [u64::MAX]);
    }
}
