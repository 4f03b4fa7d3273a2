//! Counting the targets, chunk by chunk, while they are read.

use super::counts::{Counter, Counts, total};
use super::distinct::Distinct;
use super::ids::{ChunkIds, Hasher, Ids};
use crate::columns::{Chunk, Column, Store, Values};
use crate::error::LookupError;
use crate::spill::MemoryBudget;
use reprieve_model::TenantFacts;

/// The counts of a list that is being read.
#[derive(Debug)]
pub(crate) struct Aggregate {
    targets: u64,
    bytes: Option<u64>,
    ids: Ids,
    tenants: Distinct,
    tenants_unknown: u64,
    kinds: Counter,
    environments: Counter,
}

impl Aggregate {
    pub fn new(hasher: Hasher, memory: MemoryBudget) -> Self {
        Self {
            targets: 0,
            bytes: None,
            ids: Ids::new(hasher, memory.ids()),
            tenants: Distinct::new(memory.tenants()),
            tenants_unknown: 0,
            kinds: Counter::default(),
            environments: Counter::default(),
        }
    }

    /// Counts a chunk.
    pub fn add(&mut self, chunk: &Chunk, ids: ChunkIds) -> Result<(), String> {
        let in_spilling = |error: std::io::Error| format!("the count cannot be spilled to a temporary file: {error}");
        self.targets += u64::from(chunk.rows);
        self.bytes = total(self.bytes, chunk.column("size_bytes").and_then(Column::sum));
        self.ids.add(chunk.first_row, ids).map_err(in_spilling)?;
        self.tenants_unknown += match chunk.column("tenant") {
            None => u64::from(chunk.rows),
            Some(column) => {
                if let Values::Codes(codes) = &column.values {
                    let names = &codes.dictionary;
                    (0..names.len()).try_for_each(|i| self.tenants.add(names.bytes(i))).map_err(in_spilling)?;
                }
                column.unknown()
            }
        };
        for (name, counter) in [("kind", &mut self.kinds), ("environment", &mut self.environments)] {
            match chunk.column(name) {
                None => counter.add(None, u64::from(chunk.rows)),
                Some(column) => counter.add_all(&column.count()),
            }
            counter.check(name)?;
        }
        Ok(())
    }

    /// Returns the counts. `chunks` are the chunks that were added.
    pub fn finish(self, chunks: &Store, threads: usize) -> Result<Counts, LookupError> {
        let tenants = self.tenants.finish();
        let distinct =
            tenants.map_err(|error| LookupError::Spilled(format!("spilled tenants cannot be read: {error}")))?;
        Ok(Counts {
            targets: self.targets,
            bytes: self.bytes,
            ids: self.ids.finish(chunks, threads)?,
            tenants: TenantFacts { distinct, unknown: self.tenants_unknown },
            kinds: self.kinds.tally(),
            environments: self.environments.tally(),
        })
    }
}
