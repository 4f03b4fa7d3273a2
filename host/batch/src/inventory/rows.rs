//! The rows of an inventory in partitions by the hash of their ids. Rows that do not fit into memory are spilled to a
//! temporary file, and their partitions are read again one by one.
//!
//! Before each row are its length and the number of lines since the row before it in the partition.

use crate::error::LookupError;
use crate::parallel::in_order;
use crate::record::{EncodedBlock, IdHasher, Row, push_number, take_number, take_row};
use crate::spill::Partitions;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// With fewer rows, passing a partition to another thread costs more than its work. Tests have few rows, and use threads.
const MIN_ROWS_OF_THREADS: usize = if cfg!(test) { 1 } else { 1 << 16 };

/// The number of partitions. They are small enough for a processor cache, and for memory if there are a billion rows.
pub(super) const PARTITIONS: usize = 512;
/// The maximum bytes of the two numbers before a row.
const MAX_HEAD_BYTES: usize = 20;
/// The factor by which a partition grows. Each growth copies its rows; room that is not used takes no memory.
const GROWTH: usize = 4;
/// Bytes of memory that a row takes in the index of its partition.
const INDEX_BYTES: u64 = 12;
/// The maximum length of a partition in bytes: its index has offsets of 32 bits.
const MAX_PARTITION_BYTES: usize = u32::MAX as usize;

/// Returns the partition of a hash. These bits are not those that an index uses.
pub(super) const fn partition_of(hash: u64) -> usize {
    (hash >> 32) as usize % PARTITIONS
}

/// Rows while they are added.
#[derive(Debug)]
pub(super) struct RowsBuilder {
    pub hasher: IdHasher,
    partitions: Vec<PartitionBuilder>,
    /// Bytes of the rows in memory, with an index.
    bytes: u64,
    /// The maximum of `bytes`.
    memory: u64,
    spilled: Partitions,
}

#[derive(Clone, Debug, Default)]
struct PartitionBuilder {
    bytes: Vec<u8>,
    rows: usize,
    /// The line of the last row.
    position: u64,
}

/// Why rows have no answer.
#[derive(Debug)]
pub(super) enum RowsError {
    Duplicate(Duplicate),
    Spill(String),
}

/// An id that two rows have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Duplicate {
    /// The line of the second row.
    pub position: u64,
    pub id: String,
}

impl RowsBuilder {
    /// Rows may use this many bytes of memory.
    pub fn new(memory: u64) -> Self {
        let partitions = vec![PartitionBuilder::default(); PARTITIONS];
        Self { hasher: IdHasher::default(), partitions, bytes: 0, memory, spilled: Partitions::default() }
    }

    /// Adds rows. `before` is the number of lines before the block.
    pub fn push(&mut self, block: &EncodedBlock, before: u64) -> Result<(), String> {
        for row in block.rows() {
            let Some(partition) = self.partitions.get_mut(partition_of(row.hash)) else { continue };
            let (position, length) = (before + row.position, partition.bytes.len());
            partition.push(position, row.bytes);
            self.bytes += (partition.bytes.len() - length) as u64 + INDEX_BYTES;
            if partition.bytes.len() > MAX_PARTITION_BYTES {
                return Err("it has too many rows".to_owned());
            }
        }
        if self.bytes > self.memory { self.spill().map_err(|error| spilling(&error)) } else { Ok(()) }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        for (i, partition) in self.partitions.iter_mut().enumerate() {
            self.spilled.append(i, &partition.bytes)?;
            partition.bytes = Vec::new();
        }
        self.bytes = 0;
        Ok(())
    }

    /// Returns the rows, if no two of them have one id.
    pub fn finish(mut self, threads: usize) -> Result<Rows, RowsError> {
        if !self.spilled.is_empty() {
            self.spill().map_err(|error| RowsError::Spill(spilling(&error)))?;
        }
        let Self { hasher, partitions, spilled, .. } = self;
        let rows: Vec<usize> = partitions.iter().map(|partition| partition.rows).collect();
        let bytes = partitions.into_iter().map(|partition| partition.bytes);
        let place =
            if spilled.is_empty() { Place::Memory(Vec::with_capacity(PARTITIONS)) } else { Place::File(spilled) };
        let mut all = Rows { hasher, rows, place };
        let (mut found, mut indexed) = (None, Vec::new());
        let index = |(i, bytes): (usize, Vec<u8>)| match &all.place {
            Place::Memory(_) => all.index(i, bytes).map(Some),
            Place::File(_) => all.load(i).map(|_| None),
        };
        let each = |partition: Result<Option<Partition>, RowsError>| {
            match partition {
                Ok(partition) => indexed.extend(partition),
                Err(RowsError::Duplicate(duplicate)) => {
                    found = Some(found.take().map_or(duplicate.clone(), |first: Duplicate| first.min(duplicate)));
                }
                Err(error) => return Err(error),
            }
            Ok(())
        };
        in_order(all.threads(threads), bytes.enumerate(), index, each)?;
        if let Some(duplicate) = found {
            return Err(RowsError::Duplicate(duplicate));
        }
        if let Place::Memory(partitions) = &mut all.place {
            *partitions = indexed;
        }
        Ok(all)
    }
}

impl PartitionBuilder {
    fn push(&mut self, position: u64, row: &[u8]) {
        if self.bytes.capacity() - self.bytes.len() < row.len() + MAX_HEAD_BYTES {
            self.bytes.reserve_exact((GROWTH - 1) * self.bytes.len() + row.len() + MAX_HEAD_BYTES);
        }
        push_number(&mut self.bytes, row.len() as u64);
        push_number(&mut self.bytes, position - self.position);
        self.bytes.extend_from_slice(row);
        self.position = position;
        self.rows += 1;
    }
}

fn spilling(error: &std::io::Error) -> String {
    format!("it cannot be spilled to a temporary file: {error}")
}

/// Rows of which each has an id of its own.
#[derive(Debug)]
pub(super) struct Rows {
    pub hasher: IdHasher,
    /// The number of rows of each partition.
    rows: Vec<usize>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<Partition>),
    File(Partitions),
}

/// The rows of a partition, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Partition {
    bytes: Vec<u8>,
    /// Where each row begins, by the hash of its id.
    index: HashTable<u32>,
}

impl Default for Rows {
    fn default() -> Self {
        let partitions = (0..PARTITIONS).map(|_| Partition::default()).collect();
        Self { hasher: IdHasher::default(), rows: vec![0; PARTITIONS], place: Place::Memory(partitions) }
    }
}

/// Takes the row at the beginning off, with the number of lines since the row before it.
fn take_next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Row<'a>)> {
    let length = usize::try_from(take_number(bytes)?).ok()?;
    let lines = take_number(bytes)?;
    let (row, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((lines, take_row(row)?))
}

impl Partition {
    /// Returns what follows the id in the row with this id.
    #[inline]
    pub fn find(&self, hash: u64, id: &[u8]) -> Option<&[u8]> {
        let mut rest = None;
        self.index.find(hash, |at| match self.row(*at) {
            Some(row) if row.id == id => {
                rest = Some(row.rest);
                true
            }
            _ => false,
        })?;
        rest
    }

    /// Reads its rows one after another, which brings them into the processor's cache, if this many of them are looked up:
    /// looking them up reads them in the order of the ids, and would wait for most.
    pub fn prefetch_for(&self, lookups: usize) {
        const CACHE_LINE: usize = 64;
        if lookups >= self.index.len() / 8 {
            std::hint::black_box(self.bytes.iter().step_by(CACHE_LINE).fold(0, |all, byte| all ^ byte));
        }
    }

    #[inline]
    fn row(&self, at: u32) -> Option<Row<'_>> {
        take_next(&mut self.bytes.get(at as usize..)?).map(|(_, row)| row)
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || take_next(&mut rest).map(|(_, row)| row))
    }
}

/// The error of a row that is not one any more.
pub(super) fn damaged() -> LookupError {
    LookupError::Spilled("a spilled record cannot be read".to_owned())
}

impl Rows {
    /// Indexes the rows of a partition.
    fn index(&self, number: usize, bytes: Vec<u8>) -> Result<Partition, RowsError> {
        let count = self.rows.get(number).copied().unwrap_or_default();
        let mut partition = Partition { bytes, index: HashTable::with_capacity(count) };
        partition.bytes.shrink_to_fit();
        let Partition { bytes, index } = &mut partition;
        let (mut rest, mut position) = (bytes.as_slice(), 0);
        while !rest.is_empty() {
            let at = (bytes.len() - rest.len()) as u32;
            let (lines, Row { id, .. }) =
                take_next(&mut rest).ok_or_else(|| RowsError::Spill(damaged().to_string()))?;
            position += lines;
            let id_at = |at: u32| {
                let row = bytes.get(at as usize..).and_then(|mut bytes| take_next(&mut bytes));
                row.map(|(_, row)| row.id).unwrap_or_default()
            };
            let hash = self.hasher.hash_one(id);
            let entry = index.entry(hash, |other| id_at(*other) == id, |other| self.hasher.hash_one(id_at(*other)));
            match entry {
                hashbrown::hash_table::Entry::Occupied(_) => {
                    let id = String::from_utf8_lossy(id).into_owned();
                    return Err(RowsError::Duplicate(Duplicate { position, id }));
                }
                hashbrown::hash_table::Entry::Vacant(entry) => drop(entry.insert(at)),
            }
        }
        Ok(partition)
    }

    /// Reads a partition from the temporary file.
    fn load(&self, number: usize) -> Result<Partition, RowsError> {
        let Place::File(spilled) = &self.place else { return Ok(Partition::default()) };
        let bytes = spilled.read(number);
        let bytes = bytes.map_err(|error| RowsError::Spill(format!("spilled records cannot be read: {error}")))?;
        self.index(number, bytes)
    }

    /// Adds a row. Returns false, and adds nothing, if there is a row with its id.
    pub fn add(&mut self, block: &EncodedBlock) -> bool {
        let Place::Memory(partitions) = &mut self.place else { return false };
        for row in block.rows() {
            let number = partition_of(row.hash);
            let (Some(partition), Some(count)) = (partitions.get_mut(number), self.rows.get_mut(number)) else {
                return false;
            };
            let id = take_row(row.bytes).map(|row| row.id).unwrap_or_default();
            let at = partition.bytes.len();
            if partition.find(row.hash, id).is_some() || at > MAX_PARTITION_BYTES {
                return false;
            }
            push_number(&mut partition.bytes, row.bytes.len() as u64);
            push_number(&mut partition.bytes, 0);
            partition.bytes.extend_from_slice(row.bytes);
            let (bytes, hasher) = (&partition.bytes, &self.hasher);
            partition.index.insert_unique(row.hash, at as u32, |other| {
                let row = bytes.get(*other as usize..).and_then(|mut bytes| take_next(&mut bytes));
                hasher.hash_one(row.map(|(_, row)| row.id).unwrap_or_default())
            });
            *count += 1;
        }
        true
    }

    /// Whether they are in memory.
    pub const fn in_memory(&self) -> bool {
        matches!(self.place, Place::Memory(_))
    }

    /// Returns what follows the id in the row with this id, if the rows are in memory.
    #[inline]
    pub fn find(&self, id: &[u8]) -> Option<&[u8]> {
        let Place::Memory(partitions) = &self.place else { return None };
        let hash = self.hasher.hash_one(id);
        partitions.get(partition_of(hash))?.find(hash, id)
    }

    /// Of these threads, the number that is worth it.
    fn threads(&self, threads: usize) -> usize {
        if self.rows.iter().sum::<usize>() < MIN_ROWS_OF_THREADS { 1 } else { threads }
    }

    /// Calls `probe` with these partitions, on several threads, and `each` with the results in their order.
    pub fn probe<R: Send>(
        &self,
        threads: usize,
        numbers: Vec<usize>,
        probe: impl Fn(usize, &Partition) -> R + Sync,
        mut each: impl FnMut(R) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        let probe = |i: usize| -> Result<R, LookupError> {
            match &self.place {
                Place::Memory(partitions) => {
                    partitions.get(i).map(|partition| probe(i, partition)).ok_or_else(damaged)
                }
                Place::File(_) => match self.load(i) {
                    Ok(partition) => Ok(probe(i, &partition)),
                    Err(RowsError::Spill(message)) => Err(LookupError::Spilled(message)),
                    Err(RowsError::Duplicate(_)) => Err(damaged()),
                },
            }
        };
        in_order(self.threads(threads), numbers, probe, |result| each(result?))
    }

    /// Calls `scan` with the ids of every partition, on several threads, and `merge` with the results.
    pub fn scan<R: Send>(
        &self,
        threads: usize,
        scan: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> R + Sync,
        mut merge: impl FnMut(R),
    ) -> Result<(), LookupError> {
        let one = |i: usize| -> Result<R, LookupError> {
            match &self.place {
                Place::Memory(partitions) => {
                    let partition = partitions.get(i).ok_or_else(damaged)?;
                    Ok(scan(&mut partition.rows().map(|row| row.id)))
                }
                Place::File(spilled) => {
                    let read = |error| LookupError::Spilled(format!("spilled records cannot be read: {error}"));
                    let bytes = spilled.read(i).map_err(read)?;
                    let mut rest = bytes.as_slice();
                    Ok(scan(&mut std::iter::from_fn(move || take_next(&mut rest).map(|(_, row)| row.id))))
                }
            }
        };
        in_order(self.threads(threads), 0..PARTITIONS, one, |result| {
            merge(result?);
            Ok(())
        })
    }
}
