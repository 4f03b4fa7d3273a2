//! Counting distinct names, exactly and in bounded memory. The names are in a hash table. A table that becomes too large
//! is spilled to a temporary file in partitions by hash, and each partition is counted on its own at the end.

use crate::columns::{FEW_ROWS, Strings};
use crate::spill::Partitions;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The number of partitions: the first six bits of a hash.
const PARTITIONS: usize = 64;
/// The maximum number of bytes of a table: offsets into the names have 32 bits.
const MAX_BYTES: u64 = 1 << 31;
/// The minimum number of bytes of a partition that are counted at once.
const MIN_PASS_BYTES: u64 = 1 << 10;
/// Bytes that a name takes in addition to its text.
const NAME_OVERHEAD: u64 = 16;

/// Distinct names.
#[derive(Debug)]
pub(crate) struct Distinct {
    names: Names,
    memory: u64,
    spilled: Partitions,
}

#[derive(Debug, Default)]
struct Names {
    texts: Strings,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl Names {
    fn add(&mut self, name: &[u8]) {
        let Self { texts, index, hasher } = self;
        let hash = hasher.hash_one(name);
        if index.find(hash, |i| texts.bytes(*i as usize) == name).is_none() {
            let i = texts.len() as u32;
            texts.push(name);
            if index.is_empty() {
                index.reserve(FEW_ROWS, |_| 0);
            }
            index.insert_unique(hash, i, |i| hasher.hash_one(texts.bytes(*i as usize)));
        }
    }

    fn bytes(&self) -> u64 {
        self.texts.bytes.len() as u64 + NAME_OVERHEAD * self.texts.len() as u64
    }
}

impl Distinct {
    /// Creates a count that may use this many bytes of memory.
    pub fn new(memory: u64) -> Self {
        Self { names: Names::default(), memory: memory.min(MAX_BYTES), spilled: Partitions::default() }
    }

    /// Counts a name, unless it was counted before.
    pub fn add(&mut self, name: &[u8]) -> std::io::Result<()> {
        self.names.add(name);
        if self.names.bytes() > self.memory { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        let hasher = self.names.hasher.clone();
        let emptied = Names { hasher: hasher.clone(), ..Names::default() };
        let names = std::mem::replace(&mut self.names, emptied);
        let mut partitions = vec![Vec::new(); PARTITIONS];
        for i in 0..names.texts.len() {
            let name = names.texts.bytes(i);
            let at = (hasher.hash_one(name) >> 58) as usize;
            if let Some(partition) = partitions.get_mut(at) {
                partition.extend_from_slice(&(name.len() as u32).to_le_bytes());
                partition.extend_from_slice(name);
            }
        }
        partitions.iter().enumerate().try_for_each(|(i, partition)| self.spilled.append(i, partition))
    }

    /// Returns the number of distinct names.
    pub fn finish(mut self) -> std::io::Result<u64> {
        if self.spilled.is_empty() {
            return Ok(self.names.texts.len() as u64);
        }
        self.spill()?;
        (0..PARTITIONS).try_fold(0, |count, partition| Ok(count + self.count(partition)?))
    }

    /// Counts the distinct names of a partition. A partition that does not fit into memory is read several times, each time
    /// for other names.
    fn count(&self, partition: usize) -> std::io::Result<u64> {
        let hasher = &self.names.hasher;
        let passes = (2 * self.spilled.length(partition)).div_ceil(self.memory.max(MIN_PASS_BYTES)).max(1);
        let mut count = 0;
        for pass in 0..passes {
            let mut names = Names { hasher: hasher.clone(), ..Names::default() };
            for run in 0..self.spilled.runs(partition) {
                let bytes = self.spilled.read_run(partition, run)?;
                let mut rest = bytes.as_slice();
                while let Some((length, after)) = rest.split_first_chunk() {
                    let (name, after) = after
                        .split_at_checked(u32::from_le_bytes(*length) as usize)
                        .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
                    if (hasher.hash_one(name) >> 32) % passes == pass {
                        names.add(name);
                    }
                    rest = after;
                }
            }
            count += names.texts.len() as u64;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_exact_with_any_amount_of_memory() {
        for memory in [0, 100, 5_000, 100_000, u64::MAX] {
            let mut distinct = Distinct::new(memory);
            for i in 0..5_000_u64 {
                distinct.add(format!("t-{}", i * i % 1_009).as_bytes()).unwrap();
            }
            distinct.add(b"").unwrap();
            // Squares modulo a prime: half of the others, and 0.
            assert_eq!(distinct.finish().unwrap(), 505 + 1, "{memory} bytes");
        }
    }
}
