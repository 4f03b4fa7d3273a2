//! Joining targets with the rows of a table, partition by partition, for as many targets at once as fit into memory. A
//! partition that is in a temporary file is read for that. The rows that were found are then decoded in the order of the
//! targets.

use super::answer::{MAX_ANSWER_BYTES, too_long_an_answer};
use super::asked::{Asked, FoundRow};
use super::resolved_chunk::{ResolvedChunk, ResolvedChunkBuilder};
use super::rows::{Partition, damaged};
use super::table::Table;
use super::targets::Targets;
use crate::columns::Chunk;
use crate::error::LookupError;
use crate::parallel::in_order;
use std::borrow::Cow;
use std::ops::Range;

/// Bytes of memory that a target takes while it is joined, with a short row.
const TARGET_BYTES: u64 = 96;

/// The bytes that most rows take after their ids.
const ROW_BYTES: usize = 24;

/// The maximum number of targets that are joined at once with rows in memory. More would not make it faster.
const MAX_ROWS: u64 = 1 << 18;

impl Table {
    /// Passes all targets on with what is known of them.
    pub(super) fn join(&self, targets: &mut Targets<'_>) -> Result<(), LookupError> {
        let max_rows = self.memory.inventory() / TARGET_BYTES;
        let mut max_rows = if self.rows.in_memory() { max_rows.min(MAX_ROWS) } else { max_rows };
        let mut start = 0;
        while start < targets.chunks.len() {
            let part = targets.part(start, max_rows);
            let end = part.end;
            match self.join_part(targets, part.clone())? {
                // The rows are longer than most, so fewer fit.
                Part::TooLong if part.len() > 1 => max_rows /= 2,
                Part::TooLong => return Err(too_long_an_answer(targets.rows(part) as usize)),
                Part::Done => start = end,
            }
        }
        Ok(())
    }

    fn join_part(&self, targets: &mut Targets<'_>, part: Range<usize>) -> Result<Part, LookupError> {
        let (chunks, threads) = (targets.chunks, targets.threads);
        let chunks: Vec<Cow<'_, Chunk>> = part.map(|i| chunks.get(i)).collect::<Result<_, LookupError>>()?;
        let max_bytes = match chunks.len() {
            1 if self.rows.in_memory() => u64::MAX,
            1 => MAX_ANSWER_BYTES,
            _ => self.memory.inventory().min(MAX_ANSWER_BYTES),
        };
        let Some(found) = self.find_all(&chunks, threads, max_bytes)? else { return Ok(Part::TooLong) };
        let one = |(chunk, places): (&Cow<'_, Chunk>, &Vec<FoundAt>)| -> Result<ResolvedChunk, LookupError> {
            let mut resolved = ResolvedChunkBuilder::new(chunk);
            for at in places {
                let fields = found.row(*at).map(|row| self.decode(row)).transpose()?;
                resolved.push(fields.as_ref());
            }
            Ok(resolved.finish())
        };
        in_order(threads, chunks.iter().zip(&found.places), one, |resolved| (targets.each)(resolved?))?;
        Ok(Part::Done)
    }

    /// Returns the rows of all ids of these chunks; `None` if they have more bytes.
    fn find_all(
        &self,
        chunks: &[Cow<'_, Chunk>],
        threads: usize,
        max_bytes: u64,
    ) -> Result<Option<Found>, LookupError> {
        let asked = Asked::of_all(chunks, &self.rows.hasher, threads)?;
        let probe = |number: usize, partition: &Partition| {
            let count = asked.iter().map(|asked| asked.count(number)).sum::<usize>();
            partition.prefetch_for(count);
            let (mut rows, mut places) = (Vec::with_capacity(count * ROW_BYTES), Vec::with_capacity(count));
            for (chunk, asked) in asked.iter().enumerate() {
                asked.find(number, partition, &mut rows, |found| places.push((chunk, found)));
            }
            (rows, places)
        };
        let places = chunks.iter().map(|chunk| vec![FoundAt::default(); chunk.rows as usize]).collect();
        let mut found = Found { rows: Vec::new(), places };
        let mut bytes = 0;
        self.rows.probe(threads, Asked::partitions(&asked), probe, |(rows, places)| {
            bytes += rows.len() as u64;
            if bytes > max_bytes {
                return Ok(());
            }
            for (chunk, FoundRow { number, start, length }) in places {
                let at = found.places.get_mut(chunk).and_then(|places| places.get_mut(number as usize));
                *at.ok_or_else(damaged)? = FoundAt { rows: found.rows.len() as u32 + 1, start, length };
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
    /// The place of the row of each target, by the chunks.
    places: Vec<Vec<FoundAt>>,
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
