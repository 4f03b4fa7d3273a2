//! Joining targets with the rows of a table. Rows in memory are looked up chunk by chunk. If they are in a temporary file,
//! the table's partitions are read one by one for many chunks at once, as many as fit into memory.

use super::interface::{MAX_ANSWER_BYTES, too_long_an_answer};
use super::rows::{Partition, damaged};
use super::table::Table;
use crate::columns::{Chunk, Store};
use crate::error::LookupError;
use crate::parallel::in_order;
use crate::record::Fields;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// Bytes of memory that a target takes while it is joined, with a short row.
const TARGET_BYTES: u64 = 96;

/// What to do with a chunk and the fields of its targets.
pub(super) type Work<'w, R> = dyn Fn(&Chunk, &[Option<Fields<'_>>]) -> Result<R, LookupError> + Sync + 'w;

impl Table {
    /// Calls `work` with every chunk and what is known of its targets, on several threads, and `each` with the results in
    /// their order.
    pub(super) fn join<R: Send>(
        &self,
        targets: &Store,
        threads: usize,
        work: &Work<'_, R>,
        mut each: impl FnMut(R) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        if self.rows.in_memory() {
            let one = |i: usize| {
                let chunk = targets.get(i)?;
                let find = |id: Option<&str>| self.rows.find(id.unwrap_or_default().as_bytes());
                let fields = chunk.ids().map(|id| find(id).map(|row| self.decode(row)).transpose());
                work(&chunk, &fields.collect::<Result<Vec<_>, _>>()?)
            };
            return in_order(threads, 0..targets.len(), one, |result| each(result?));
        }
        let (mut start, mut max_rows) = (0, self.memory.inventory() / TARGET_BYTES);
        while start < targets.len() {
            let mut rows = 0;
            let fits = |count: &u32| {
                rows += u64::from(*count);
                rows <= max_rows
            };
            let chunks = targets.rows().skip(start).take_while(fits).count().max(1);
            match self.join_part(targets, start, chunks, threads, work, &mut each)? {
                // The rows are longer than most, so fewer fit.
                Part::TooLong if chunks > 1 => max_rows /= 2,
                Part::TooLong => {
                    return Err(too_long_an_answer(targets.rows().nth(start).unwrap_or_default() as usize));
                }
                Part::Done => start += chunks,
            }
        }
        Ok(())
    }

    fn join_part<R: Send>(
        &self,
        targets: &Store,
        start: usize,
        chunks: usize,
        threads: usize,
        work: &Work<'_, R>,
        each: &mut impl FnMut(R) -> Result<(), LookupError>,
    ) -> Result<Part, LookupError> {
        let chunks: Vec<Cow<'_, Chunk>> =
            (start..start + chunks).map(|i| targets.get(i)).collect::<Result<_, LookupError>>()?;
        let max_bytes =
            if chunks.len() > 1 { self.memory.inventory().min(MAX_ANSWER_BYTES) } else { MAX_ANSWER_BYTES };
        let Some(found) = self.find_all(&chunks, threads, max_bytes)? else { return Ok(Part::TooLong) };
        let one = |(chunk, places): (&Cow<'_, Chunk>, &[FoundAt])| {
            let fields = places.iter().map(|at| found.row(*at).map(|row| self.decode(row)).transpose());
            work(chunk, &fields.collect::<Result<Vec<_>, _>>()?)
        };
        let mut rest = found.places.as_slice();
        let places = chunks.iter().map(|chunk| {
            let (places, after) = rest.split_at(chunk.rows as usize);
            rest = after;
            (chunk, places)
        });
        in_order(threads, places.collect::<Vec<_>>(), one, |result| each(result?))?;
        Ok(Part::Done)
    }

    /// Returns the rows of all ids of these chunks; `None` if they have more bytes.
    fn find_all(
        &self,
        chunks: &[Cow<'_, Chunk>],
        threads: usize,
        max_bytes: u64,
    ) -> Result<Option<Found>, LookupError> {
        let hash = |chunk: &Cow<'_, Chunk>| -> Vec<u64> {
            chunk.ids().map(|id| self.rows.hasher.hash_one(id.unwrap_or_default().as_bytes())).collect()
        };
        let mut hashes = Vec::new();
        in_order(threads, chunks, hash, |some| {
            hashes.extend(some);
            Ok::<_, LookupError>(())
        })?;
        let starts: Vec<usize> = chunks
            .iter()
            .scan(0, |next, chunk| {
                let start = *next;
                *next += chunk.rows as usize;
                Some(start)
            })
            .collect();
        let id = |number: usize| {
            let at = starts.partition_point(|start| *start <= number).checked_sub(1)?;
            let column = chunks.get(at)?.column("id")?;
            column.text(number - starts.get(at)?)
        };
        let probe = |partition: &Partition, numbers: &[u32]| {
            let (mut rows, mut places) = (Vec::new(), Vec::with_capacity(numbers.len()));
            for number in numbers {
                let (Some(hash), id) = (hashes.get(*number as usize), id(*number as usize)) else { continue };
                if let Some(row) = partition.find(*hash, id.unwrap_or_default().as_bytes()) {
                    let start = rows.len();
                    rows.extend_from_slice(row);
                    places.push((*number, start as u32, row.len() as u32));
                }
            }
            (rows, places)
        };
        let mut found = Found { rows: Vec::new(), places: vec![FoundAt::default(); hashes.len()] };
        let mut bytes = 0;
        self.rows.probe(threads, &hashes, probe, |(rows, places)| {
            bytes += rows.len() as u64;
            if bytes > max_bytes {
                return Ok(());
            }
            for (number, start, length) in places {
                let at = found.places.get_mut(number as usize).ok_or_else(damaged)?;
                *at = FoundAt { rows: found.rows.len() as u32 + 1, start, length };
            }
            found.rows.push(rows);
            Ok(())
        })?;
        Ok((bytes <= max_bytes).then_some(found))
    }
}

/// Whether some chunks were joined.
enum Part {
    Done,
    /// Their rows have too many bytes.
    TooLong,
}

/// The rows of some ids.
struct Found {
    rows: Vec<Vec<u8>>,
    places: Vec<FoundAt>,
}

/// Where the row of an id is.
#[derive(Clone, Copy, Default)]
struct FoundAt {
    /// One more than the number of the rows that it is in; 0 if it was not found.
    rows: u32,
    start: u32,
    length: u32,
}

impl Found {
    fn row(&self, at: FoundAt) -> Option<&[u8]> {
        let rows = self.rows.get((at.rows as usize).checked_sub(1)?)?;
        rows.get(at.start as usize..)?.get(..at.length as usize)
    }
}
