//! Finding duplicate ids in a list that several processes read. Each computes a keyed digest of 128 bits for every id of its
//! section. The digests are distributed to buckets, and each bucket of all sections is compared on its own. Ids whose
//! digests are equal are taken for equal: without the key, nobody can find two others.

use super::ids::{MAX_EXAMPLES, is_blank};
use crate::columns::Chunk;
use serde::{Deserialize, Serialize};

/// The number of buckets: the first byte of a digest.
pub(crate) const BUCKETS: usize = 256;

/// A digest, and the first row of the section that has it.
type Entry = ([u8; 16], u64);

/// The digests of a section's ids.
#[derive(Debug)]
pub(crate) struct IdDigests {
    key: [u8; 32],
    buckets: Vec<Vec<Entry>>,
}

/// The digests of a section in one bucket, each of them once.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// In ascending order.
    ids: Vec<Entry>,
    /// The number of rows whose id is in an earlier row of the section, too, and the first of them.
    repeated: u64,
    examples: Vec<u64>,
}

/// The rows whose id is also in an earlier row: their number, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Duplicates<Row = u64> {
    pub count: u64,
    pub examples: Vec<Row>,
}

/// A row of a section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SectionRow {
    pub section: u32,
    pub row: u64,
}

impl IdDigests {
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, buckets: vec![Vec::new(); BUCKETS] }
    }

    /// Adds the ids of a chunk. Blank ones are counted elsewhere, and are not duplicates.
    pub fn add(&mut self, chunk: &Chunk) {
        for (row, id) in (chunk.first_row..).zip(chunk.id_bytes()) {
            let Some(id) = id.filter(|id| !is_blank(id)) else { continue };
            let [digest, _]: [[u8; 16]; 2] = bytemuck::cast(*blake3::keyed_hash(&self.key, id).as_bytes());
            if let Some(bucket) = self.buckets.get_mut(usize::from(digest[0])) {
                bucket.push((digest, row));
            }
        }
    }

    /// Returns the buckets in their order.
    pub fn finish(self) -> impl Iterator<Item = Bucket> {
        self.buckets.into_iter().map(|mut ids| {
            ids.sort_unstable();
            let mut examples: Vec<u64> =
                ids.array_windows().filter(|[a, b]| a.0 == b.0).map(|[_, (_, row)]| *row).collect();
            let repeated = examples.len() as u64;
            keep_first(&mut examples);
            ids.dedup_by_key(|(digest, _)| *digest);
            Bucket { ids, repeated, examples }
        })
    }
}

impl Duplicates<SectionRow> {
    /// Compares one bucket of several sections.
    pub fn of_bucket(parts: impl IntoIterator<Item = (u32, Bucket)>) -> Self {
        let (mut found, mut all) = (Self::default(), Vec::new());
        for (section, Bucket { ids, repeated, examples }) in parts {
            found.count += repeated;
            found.examples.extend(examples.into_iter().map(|row| SectionRow { section, row }));
            all.extend(ids.into_iter().map(|(digest, row)| (digest, SectionRow { section, row })));
        }
        all.sort_unstable();
        let before = found.examples.len();
        found.examples.extend(all.array_windows().filter(|[a, b]| a.0 == b.0).map(|[_, (_, row)]| *row));
        found.count += (found.examples.len() - before) as u64;
        keep_first(&mut found.examples);
        found
    }

    /// Adds those of another bucket.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        keep_first(&mut self.examples);
    }
}

fn keep_first<T: Ord>(rows: &mut Vec<T>) {
    rows.sort_unstable();
    rows.truncate(MAX_EXAMPLES);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{ChunkBuilder, Row, Store};
    use crate::facts::ids::Ids;
    use crate::facts::{ChunkIds, Hasher};
    use proptest::prelude::*;
    use std::borrow::Cow;

    fn chunk(first_row: u64, ids: &[Option<String>]) -> Chunk {
        let mut builder = ChunkBuilder::default();
        ids.iter().for_each(|id| builder.push(&Row { id: id.as_deref().map(Cow::Borrowed), ..Row::default() }));
        Chunk { first_row, ..builder.finish() }
    }

    /// The ids of these sections, each of which has several chunks, as several processes find them and as one does.
    fn facts(sections: &[Vec<Vec<Option<String>>>]) -> [reprieve_model::IdFacts; 2] {
        let hasher = Hasher::default();
        let (mut merged, mut whole) = (Ids::new(hasher.clone(), 1 << 20), Ids::new(hasher.clone(), 1 << 20));
        let (mut store, mut first, mut firsts) = (Store::new(1 << 20), 0, Vec::new());
        let mut buckets: Vec<Vec<(u32, Bucket)>> = (0..BUCKETS).map(|_| Vec::new()).collect();
        for (section, chunks) in (0..).zip(sections) {
            firsts.push(first);
            let (mut digests, mut row) = (IdDigests::new([7; 32]), 0);
            for ids in chunks {
                let chunk = chunk(row, ids);
                digests.add(&chunk);
                row += u64::from(chunk.rows);
                whole.add(first, ChunkIds::of(&chunk, &hasher)).unwrap();
                let sent = postcard::to_allocvec(&ChunkIds::of(&chunk, &hasher)).unwrap();
                merged.add(first, postcard::from_bytes(&sent).unwrap()).unwrap();
                let first_row = std::mem::replace(&mut first, firsts[section as usize] + row);
                store.push(Chunk { first_row, ..chunk }).unwrap();
            }
            buckets.iter_mut().zip(digests.finish()).for_each(|(all, bucket)| all.push((section, bucket)));
        }
        let mut found = Duplicates::<SectionRow>::default();
        buckets.into_iter().rev().for_each(|parts| found.add(Duplicates::of_bucket(parts.into_iter().rev())));
        let rows = found.examples.iter().map(|at| firsts[at.section as usize] + at.row);
        let found = Duplicates { count: found.count, examples: rows.collect() };
        [merged.finish_with(found.count, &found.examples), whole.finish(&store, 1).unwrap()]
    }

    proptest! {
        #[test]
        fn several_processes_find_what_one_finds(
            sections in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(prop::option::of("[ab]{0,3}| |NULL"), 1..20), 0..3), 0..6)
        ) {
            let [merged, whole] = facts(&sections);
            prop_assert_eq!(merged, whole);
        }
    }

    #[test]
    fn an_id_that_is_everywhere_takes_little_room() {
        let many = vec![Some("same".to_owned()); 1_000];
        let [merged, whole] = facts(&[vec![many.clone()], vec![many.clone(), many]]);
        assert_eq!((merged.duplicate, merged.examples.as_slice()), (2_999, &[1, 2, 3, 4, 5][..]));
        assert_eq!(merged, whole);
    }
}
