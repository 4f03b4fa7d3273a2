//! The rows of a scan that are asked for, in partitions by the hash of their ids.

use super::ids::check_id;
use crate::columns::{Chunk, Store};
use crate::error::LookupError;
use crate::inventory::asked::Asked;
use crate::inventory::rows::{PARTITIONS, damaged, partition_of};
use crate::parallel::in_order;
use crate::record::{IdHasher, push_bytes, take_bytes};
use crate::text::is_plain;
use hashbrown::hash_table::Entry;
use hashbrown::{HashSet, HashTable};
use rusqlite::types::ValueRef;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Range;

/// Of the filter, the number of bits for each id. One other id in eight passes it.
const BITS: usize = 8;

/// Which ids are asked for. A few others pass it.
pub(super) struct Filter {
    hasher: IdHasher,
    bits: Vec<u64>,
}

/// The rows that one thread keeps: those that are asked for, and a few others.
pub(super) struct Piece {
    /// Each row is its id after its length, and its bytes after their length.
    partitions: Vec<Vec<u8>>,
    /// Invalid ids, by the ids that they continue.
    invalid: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Bytes of the rows.
    pub bytes: u64,
}

/// The rows that are asked for.
pub(super) struct Kept {
    hasher: IdHasher,
    pieces: Vec<Piece>,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Place {
    #[default]
    Unknown,
    Duplicated,
    /// The place of its row in a partition of a piece.
    Row {
        partition: u16,
        at: At,
    },
}

/// A place in the pieces of a partition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct At {
    piece: u8,
    start: u32,
}

impl Filter {
    /// The ids of some chunks of targets.
    pub fn of(chunks: &Store, part: Range<usize>, threads: usize) -> Result<Self, LookupError> {
        let rows: usize = chunks.rows().take(part.end).skip(part.start).map(|rows| rows as usize).sum();
        let mut bits = vec![0; (rows * BITS).div_ceil(64).next_power_of_two()];
        let hasher = IdHasher::default();
        let hashes = |i: usize| -> Result<Vec<u64>, LookupError> {
            Ok(chunks.get(i)?.id_bytes().flatten().map(|id| hasher.hash_one(id)).collect())
        };
        in_order(threads, part, hashes, |hashes| {
            for hash in hashes? {
                let (word, bit) = bit_of(hash, &bits);
                bits[word] |= bit;
            }
            Ok::<_, LookupError>(())
        })?;
        Ok(Self { hasher, bits })
    }

    /// The hash of an id; `None` if it is not asked for.
    fn asked(&self, id: &[u8]) -> Option<u64> {
        let hash = self.hasher.hash_one(id);
        let (word, bit) = bit_of(hash, &self.bits);
        (self.bits[word] & bit != 0).then_some(hash)
    }
}

impl Piece {
    pub fn new() -> Self {
        Self { partitions: vec![Vec::new(); PARTITIONS], invalid: BTreeMap::new(), bytes: 0 }
    }

    /// Keeps a row if its id is asked for. `row` writes its bytes.
    pub fn add(
        &mut self,
        filter: &Filter,
        id: &[u8],
        row: impl FnOnce(&mut Vec<u8>) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        if !is_plain(id) || id.starts_with(b" ") || id.ends_with(b" ") {
            self.check(filter, id);
        }
        let Some(hash) = filter.asked(id) else { return Ok(()) };
        let Some(partition) = self.partitions.get_mut(partition_of(hash)) else { return Ok(()) };
        let start = partition.len();
        push_bytes(partition, id);
        row(partition)?;
        self.bytes += (partition.len() - start) as u64;
        Ok(())
    }

    /// Checks an id. An invalid one is an error if an id is asked for that it continues with a blank, a control character, or
    /// a character that is not ASCII: the text formats read some of those as the same id.
    fn check(&mut self, filter: &Filter, id: &[u8]) {
        if check_id(ValueRef::Text(id)).is_ok() {
            return;
        }
        let text = String::from_utf8_lossy(id);
        let continues = |c: char| c < '!' || ('\u{7f}'..'\u{3001}').contains(&c);
        let ends = text.char_indices().filter(|(_, c)| continues(*c)).map(|(end, _)| end).chain([text.len()]);
        for start in ends.filter_map(|end| text.as_bytes().get(..end)) {
            if filter.asked(start).is_some() {
                self.bytes += (start.len() + id.len()) as u64;
                self.invalid.entry(start.to_owned()).or_insert_with(|| id.to_owned());
            }
        }
    }
}

/// The word and the bit of a hash. They differ from those that make the partition.
fn bit_of(hash: u64, filter: &[u64]) -> (usize, u64) {
    ((hash >> 6) as u32 as usize & (filter.len() - 1), 1 << (hash % 64))
}

/// The rows of a partition.
struct Index<'a> {
    /// Those of each piece.
    pieces: Vec<&'a [u8]>,
    /// Where each row begins, by the hash of its id.
    starts: HashTable<At>,
    /// The ids that several rows have.
    duplicated: HashSet<&'a [u8]>,
}

/// Takes a row off: its id, and its bytes.
fn take<'a>(rows: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    Some((take_bytes(rows)?, take_bytes(rows)?))
}

fn id_at<'a>(pieces: &[&'a [u8]], at: At) -> &'a [u8] {
    let rows = pieces.get(usize::from(at.piece)).and_then(|rows| rows.get(at.start as usize..));
    rows.and_then(|mut rows| take_bytes(&mut rows)).unwrap_or_default()
}

impl<'a> Index<'a> {
    fn of(pieces: Vec<&'a [u8]>, hasher: &IdHasher) -> Result<Self, LookupError> {
        let mut index = Self { pieces, starts: HashTable::new(), duplicated: HashSet::new() };
        for (piece, rows) in (0..).zip(&index.pieces) {
            let mut rest: &'a [u8] = rows;
            while !rest.is_empty() {
                let at = At { piece, start: (rows.len() - rest.len()) as u32 };
                let (id, _) = take(&mut rest).ok_or_else(damaged)?;
                let hash_at = |at: &At| hasher.hash_one(id_at(&index.pieces, *at));
                match index.starts.entry(hasher.hash_one(id), |at| id_at(&index.pieces, *at) == id, hash_at) {
                    Entry::Occupied(_) => drop(index.duplicated.insert(id)),
                    Entry::Vacant(entry) => drop(entry.insert(at)),
                }
            }
        }
        Ok(index)
    }

    fn find(&self, partition: usize, hash: u64, id: &[u8]) -> Place {
        match self.starts.find(hash, |at| id_at(&self.pieces, *at) == id) {
            None => Place::Unknown,
            Some(_) if self.duplicated.contains(id) => Place::Duplicated,
            Some(at) => Place::Row { partition: partition as u16, at: *at },
        }
    }
}

impl Kept {
    pub fn new(filter: Filter, pieces: Vec<Piece>) -> Self {
        Self { hasher: filter.hasher, pieces }
    }

    /// Finds the rows of all ids of some chunks.
    pub fn find(&self, chunks: &[Cow<'_, Chunk>], threads: usize) -> Result<Vec<Vec<Place>>, LookupError> {
        if self.pieces.iter().any(|piece| !piece.invalid.is_empty()) {
            let mut ids = chunks.iter().flat_map(|chunk| chunk.id_bytes()).flatten();
            let invalid = |id: &[u8]| self.pieces.iter().filter_map(|piece| piece.invalid.get(id)).min();
            if let Some(id) = ids.find_map(invalid) {
                check_id(ValueRef::Text(id))?;
            }
        }
        let asked = Asked::of_all(chunks, &self.hasher, threads)?;
        let probe = |number: usize| -> Result<Vec<(usize, u32, Place)>, LookupError> {
            let pieces = self.pieces.iter().map(|piece| piece.partitions.get(number).map(Vec::as_slice));
            let pieces = pieces.collect::<Option<_>>().ok_or_else(damaged)?;
            let (index, mut found) = (Index::of(pieces, &self.hasher)?, Vec::new());
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
    pub fn row(&self, partition: u16, at: At) -> Result<&[u8], LookupError> {
        let piece =
            self.pieces.get(usize::from(at.piece)).and_then(|piece| piece.partitions.get(usize::from(partition)));
        let rows = piece.and_then(|rows| rows.get(at.start as usize..));
        rows.and_then(|mut rows| take(&mut rows)).map(|(_, row)| row).ok_or_else(damaged)
    }
}
