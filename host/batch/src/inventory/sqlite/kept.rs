//! The rows of a scan that are asked for, in partitions by the hash of their ids.

use super::block::{Block, Stop};
use super::ids::check_id;
use crate::columns::{Chunk, Store};
use crate::error::LookupError;
use crate::inventory::asked::Asked;
use crate::inventory::rows::{PARTITIONS, damaged, partition_of};
use crate::parallel::in_order;
use crate::record::{IdHasher, push_bytes, take_bytes};
use crate::text::is_plain;
use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashSet, HashTable};
use rusqlite::types::ValueRef;
use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Range;

/// Of the filter, the number of bits for each id. One other id in eight passes it.
const BITS: usize = 8;

/// Rows while they are kept.
pub(super) struct KeptBuilder {
    kept: Kept,
    /// Has the bit of each hash that is asked for, and of a few others.
    filter: Vec<u64>,
    /// Bytes of the rows.
    bytes: u64,
    /// The maximum of `bytes`.
    max_bytes: u64,
}

/// The rows that are asked for, and a few others.
pub(super) struct Kept {
    hasher: IdHasher,
    /// Each row is its id after its length, and its bytes after their length.
    partitions: Vec<Vec<u8>>,
    /// Invalid ids, by the ids that they continue.
    invalid: HashMap<Vec<u8>, Vec<u8>>,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Place {
    #[default]
    Unknown,
    Duplicated,
    /// The place of its row in a partition.
    Row {
        partition: u16,
        start: u32,
    },
}

impl KeptBuilder {
    /// Keeps the rows that some chunks of targets ask for. They may take this many bytes of memory.
    pub fn new(chunks: &Store, part: Range<usize>, threads: usize, max_bytes: u64) -> Result<Self, LookupError> {
        let rows: usize = chunks.rows().take(part.end).skip(part.start).map(|rows| rows as usize).sum();
        let mut filter = vec![0; (rows * BITS).div_ceil(64).next_power_of_two()];
        let hasher = IdHasher::default();
        let hashes = |i: usize| -> Result<Vec<u64>, LookupError> {
            Ok(chunks.get(i)?.id_bytes().flatten().map(|id| hasher.hash_one(id)).collect())
        };
        in_order(threads, part, hashes, |hashes| {
            for hash in hashes? {
                let (word, bit) = bit_of(hash, &filter);
                filter[word] |= bit;
            }
            Ok::<_, LookupError>(())
        })?;
        let kept = Kept { hasher, partitions: vec![Vec::new(); PARTITIONS], invalid: HashMap::new() };
        Ok(Self { kept, filter, bytes: 0, max_bytes })
    }

    /// The hash of an id; `None` if it is not asked for.
    fn asked(&self, id: &[u8]) -> Option<u64> {
        let hash = self.kept.hasher.hash_one(id);
        let (word, bit) = bit_of(hash, &self.filter);
        (self.filter[word] & bit != 0).then_some(hash)
    }

    /// Adds the rows that are asked for.
    pub fn add(&mut self, block: &Block) -> Result<(), Stop> {
        for (id, row) in block.rows() {
            if !is_plain(id) || id.starts_with(b" ") || id.ends_with(b" ") {
                self.check(id);
            }
            let Some(hash) = self.asked(id) else { continue };
            let Some(partition) = self.kept.partitions.get_mut(partition_of(hash)) else { continue };
            let start = partition.len();
            push_bytes(partition, id);
            push_bytes(partition, row);
            self.bytes += (partition.len() - start) as u64;
        }
        if self.bytes > self.max_bytes.min(u32::MAX.into()) { Err(Stop::TooLong) } else { Ok(()) }
    }

    /// Checks an id. An invalid one is an error if an id is asked for that it continues with a blank, a control character, or
    /// a character that is not ASCII: the text formats read some of those as the same id.
    fn check(&mut self, id: &[u8]) {
        if check_id(ValueRef::Text(id)).is_ok() {
            return;
        }
        let text = String::from_utf8_lossy(id);
        let continues = |c: char| c < '!' || ('\u{7f}'..'\u{3001}').contains(&c);
        let ends = text.char_indices().filter(|(_, c)| continues(*c)).map(|(end, _)| end).chain([text.len()]);
        for start in ends.filter_map(|end| text.as_bytes().get(..end)) {
            if self.asked(start).is_some() && !self.kept.invalid.contains_key(start) {
                self.bytes += (start.len() + id.len()) as u64;
                self.kept.invalid.insert(start.to_owned(), id.to_owned());
            }
        }
    }

    pub fn finish(self) -> Kept {
        self.kept
    }
}

/// The word and the bit of a hash. They differ from those that make the partition.
fn bit_of(hash: u64, filter: &[u64]) -> (usize, u64) {
    ((hash >> 6) as u32 as usize & (filter.len() - 1), 1 << (hash % 64))
}

/// The rows of a partition.
struct Index<'a> {
    rows: &'a [u8],
    /// Where each row begins, by the hash of its id.
    starts: HashTable<u32>,
    /// The ids that several rows have.
    duplicated: HashSet<&'a [u8]>,
}

/// Takes a row off: its id, and its bytes.
fn take<'a>(rows: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    Some((take_bytes(rows)?, take_bytes(rows)?))
}

fn id_at(rows: &[u8], start: u32) -> &[u8] {
    rows.get(start as usize..).and_then(|mut rows| take_bytes(&mut rows)).unwrap_or_default()
}

impl<'a> Index<'a> {
    fn of(rows: &'a [u8], hasher: &IdHasher) -> Result<Self, LookupError> {
        let mut index = Self { rows, starts: HashTable::new(), duplicated: HashSet::new() };
        let mut rest = rows;
        while !rest.is_empty() {
            let start = (rows.len() - rest.len()) as u32;
            let (id, _) = take(&mut rest).ok_or_else(damaged)?;
            let hash_at = |start: &u32| hasher.hash_one(id_at(rows, *start));
            match index.starts.entry(hasher.hash_one(id), |start| id_at(rows, *start) == id, hash_at) {
                Entry::Occupied(_) => drop(index.duplicated.insert(id)),
                Entry::Vacant(entry) => drop(entry.insert(start)),
            }
        }
        Ok(index)
    }

    fn find(&self, partition: usize, hash: u64, id: &[u8]) -> Place {
        match self.starts.find(hash, |start| id_at(self.rows, *start) == id) {
            None => Place::Unknown,
            Some(_) if self.duplicated.contains(id) => Place::Duplicated,
            Some(start) => Place::Row { partition: partition as u16, start: *start },
        }
    }
}

impl Kept {
    /// Finds the rows of all ids of some chunks.
    pub fn find(&self, chunks: &[Cow<'_, Chunk>], threads: usize) -> Result<Vec<Vec<Place>>, LookupError> {
        if !self.invalid.is_empty() {
            let mut ids = chunks.iter().flat_map(|chunk| chunk.id_bytes()).flatten();
            if let Some(id) = ids.find_map(|id| self.invalid.get(id)) {
                check_id(ValueRef::Text(id))?;
            }
        }
        let asked = Asked::of_all(chunks, &self.hasher, threads)?;
        let probe = |number: usize| -> Result<Vec<(usize, u32, Place)>, LookupError> {
            let rows = self.partitions.get(number).ok_or_else(damaged)?;
            let (index, mut found) = (Index::of(rows, &self.hasher)?, Vec::new());
            for (chunk, asked) in asked.iter().enumerate() {
                asked.each(number, |id| found.push((chunk, id.number, index.find(number, id.hash, id.id))));
            }
            Ok(found)
        };
        let mut places: Vec<_> = chunks.iter().map(|chunk| vec![Place::Unknown; chunk.rows as usize]).collect();
        in_order(threads, Asked::partitions(&asked), probe, |found| {
            for (chunk, number, place) in found? {
                let at = places.get_mut(chunk).and_then(|places| places.get_mut(number as usize));
                *at.ok_or_else(damaged)? = place;
            }
            Ok::<_, LookupError>(())
        })?;
        Ok(places)
    }

    /// Returns a row.
    pub fn row(&self, partition: u16, start: u32) -> Result<&[u8], LookupError> {
        let rows = self.partitions.get(usize::from(partition)).and_then(|rows| rows.get(start as usize..));
        rows.and_then(|mut rows| take(&mut rows)).map(|(_, row)| row).ok_or_else(damaged)
    }
}
