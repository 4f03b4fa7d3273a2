//! The targets of a batch while an inventory resolves them.

use super::resolved_chunk::{ResolvedChunk, ResolvedChunkBuilder};
use crate::columns::Store;
use crate::error::LookupError;
use crate::record::{CodedFields, Record};
use crate::spill::MemoryBudget;
use std::borrow::Cow;
use std::ops::Range;

/// The targets of a batch that are to be resolved.
pub struct Targets<'a> {
    pub(super) chunks: &'a Store,
    pub(super) memory: MemoryBudget,
    pub(super) threads: usize,
    /// Receives every chunk with what is known of it, in their order.
    pub(super) each: &'a mut (dyn FnMut(ResolvedChunk) -> Result<(), LookupError> + 'a),
}

impl Targets<'_> {
    /// Looks the targets of some chunks up, chunk by chunk.
    pub(super) fn look_up<'r>(
        &mut self,
        chunks: Range<usize>,
        records: impl Fn(&[&str]) -> Result<Vec<Option<Cow<'r, Record>>>, LookupError>,
    ) -> Result<(), LookupError> {
        for i in chunks {
            let chunk = self.chunks.get(i)?;
            let ids: Vec<&str> = chunk.ids().map(Option::unwrap_or_default).collect();
            let records = records(&ids)?;
            if records.len() != ids.len() {
                let (found, expected) = (records.len(), ids.len());
                return Err(LookupError::Invalid(format!(
                    "the inventory returned {found} records for {expected} ids"
                )));
            }
            let mut resolved = ResolvedChunkBuilder::new(&chunk);
            records.iter().for_each(|record| {
                let fields = record.as_deref().map(|record| CodedFields::from(record.fields()));
                resolved.push(fields.as_ref());
            });
            (self.each)(resolved.finish())?;
        }
        Ok(())
    }

    /// The chunks from `start` on that have at most `max_rows` targets together, at least one.
    pub(super) fn part(&self, start: usize, max_rows: u64) -> Range<usize> {
        let mut rows = 0;
        let fits = |count: &u32| {
            rows += u64::from(*count);
            rows <= max_rows
        };
        start..start + self.chunks.rows().skip(start).take_while(fits).count().max(1)
    }

    /// The number of targets of some chunks.
    pub(super) fn rows(&self, chunks: Range<usize>) -> u64 {
        self.chunks.rows().take(chunks.end).skip(chunks.start).map(u64::from).sum()
    }
}
