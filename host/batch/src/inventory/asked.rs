//! Ids that are looked up in a table, by the partitions of their hashes. The ids of one partition are one after another, so
//! that they are compared with the rows of the partition while these are in the processor's cache.

use super::rows::{PARTITIONS, Partition, partition_of};
use crate::columns::Chunk;
use crate::error::LookupError;
use crate::parallel::in_order;
use crate::record::IdHasher;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// Some ids.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where the ids of each partition begin, and the end of the last one.
    starts: Vec<u32>,
    hashes: Vec<u64>,
    /// The place of each id in the order in which they were given.
    numbers: Vec<u32>,
    /// The end of each id.
    ends: Vec<usize>,
    ids: Vec<u8>,
}

/// Where the row of an id is.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundRow {
    /// The place of the id in the order in which they were given.
    pub number: u32,
    /// Its part of the rows that were found.
    pub start: u32,
    pub length: u32,
}

/// An id that is looked up.
pub(super) struct AskedId<'a> {
    /// Its place in the order in which the ids were given.
    pub number: u32,
    pub hash: u64,
    pub id: &'a [u8],
}

impl Asked {
    /// The ids of each chunk.
    pub fn of_all(chunks: &[Cow<'_, Chunk>], hasher: &IdHasher, threads: usize) -> Result<Vec<Self>, LookupError> {
        let mut all = Vec::with_capacity(chunks.len());
        in_order(
            threads,
            chunks,
            |chunk| Self::of(chunk.id_bytes(), hasher),
            |asked| {
                all.push(asked);
                Ok::<_, LookupError>(())
            },
        )?;
        Ok(all)
    }

    /// The ids, at most 2^32; `None` is a row without an id.
    pub fn of<'a>(ids: impl Iterator<Item = Option<&'a [u8]>> + Clone, hasher: &IdHasher) -> Self {
        let hashes: Vec<Option<u64>> = ids.clone().map(|id| id.map(|id| hasher.hash_one(id))).collect();
        let mut starts = vec![0_u32; PARTITIONS + 1];
        for hash in hashes.iter().flatten() {
            starts[partition_of(*hash) + 1] += 1;
        }
        (0..PARTITIONS).for_each(|i| starts[i + 1] += starts[i]);
        let all: Vec<&[u8]> = ids.map(Option::unwrap_or_default).collect();
        let (mut next, mut numbers) = (starts.clone(), vec![0_u32; hashes.iter().flatten().count()]);
        for (number, hash) in (0..).zip(&hashes) {
            if let Some(hash) = hash {
                let at = &mut next[partition_of(*hash)];
                numbers[*at as usize] = number;
                *at += 1;
            }
        }
        let mut asked = Self {
            starts,
            hashes: Vec::with_capacity(numbers.len()),
            ends: Vec::with_capacity(numbers.len()),
            ids: Vec::with_capacity(all.iter().map(|id| id.len()).sum()),
            numbers,
        };
        for number in &asked.numbers {
            asked.ids.extend_from_slice(all[*number as usize]);
            asked.ends.push(asked.ids.len());
            asked.hashes.push(hashes[*number as usize].unwrap_or_default());
        }
        asked
    }

    /// Whether some ids are in a partition.
    pub fn has(&self, partition: usize) -> bool {
        self.starts[partition] < self.starts[partition + 1]
    }

    /// The number of its ids in a partition.
    pub fn count(&self, partition: usize) -> usize {
        (self.starts[partition + 1] - self.starts[partition]) as usize
    }

    /// Calls `each` with its ids in a partition.
    pub fn each(&self, partition: usize, mut each: impl FnMut(AskedId<'_>)) {
        let range = self.starts[partition] as usize..self.starts[partition + 1] as usize;
        let mut from = range.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        for i in range {
            each(AskedId { number: self.numbers[i], hash: self.hashes[i], id: &self.ids[from..self.ends[i]] });
            from = self.ends[i];
        }
    }

    /// Finds the rows of its ids in a partition, and appends what follows the id in each.
    pub fn find(&self, number: usize, partition: &Partition, rows: &mut Vec<u8>, mut each: impl FnMut(FoundRow)) {
        self.each(number, |AskedId { number, hash, id }| {
            if let Some(row) = partition.find(hash, id) {
                let (start, length) = (rows.len() as u32, row.len() as u32);
                rows.extend_from_slice(row);
                each(FoundRow { number, start, length });
            }
        });
    }

    /// The partitions that have some of these ids.
    pub fn partitions(all: &[Self]) -> Vec<usize> {
        (0..PARTITIONS).filter(|i| all.iter().any(|asked| asked.has(*i))).collect()
    }
}
