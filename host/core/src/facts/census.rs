//! What is counted over the targets, chunk by chunk, as they come in.

use super::{ChunkIds, Counter, Counts, Distinct, Hasher, Ids};
use crate::columns::{Chunk, Store, Values};
use crate::spill::Memory;
use crate::unavailable::Unavailable;
use reprieve_model::TenantFacts;

/// Different kinds, or environments, that a list may have.
const MOST_NAMES: usize = 100_000;

/// The counts of a list that is being read.
#[derive(Debug)]
pub(crate) struct Census {
    targets: u64,
    ids: Ids,
    tenants: Distinct,
    tenants_unknown: u64,
    kinds: Counter,
    environments: Counter,
}

impl Census {
    pub fn new(hasher: Hasher, memory: Memory) -> Self {
        Self {
            targets: 0,
            ids: Ids::new(hasher, memory.ids()),
            tenants: Distinct::new(memory.tenants()),
            tenants_unknown: 0,
            kinds: Counter::default(),
            environments: Counter::default(),
        }
    }

    /// Counts a chunk.
    pub fn add(&mut self, chunk: &Chunk, ids: ChunkIds) -> Result<(), String> {
        let cannot = |error: std::io::Error| format!("the count cannot be kept on disk: {error}");
        self.targets += u64::from(chunk.rows);
        self.ids.add(chunk.first_row, ids).map_err(cannot)?;
        self.tenants_unknown += match chunk.column("tenant") {
            None => u64::from(chunk.rows),
            Some(column) => {
                if let Values::Codes(codes) = &column.values {
                    let names = &codes.dictionary;
                    (0..names.len()).try_for_each(|i| self.tenants.add(names.bytes(i))).map_err(cannot)?;
                }
                column.unknown()
            }
        };
        for (name, counter) in [("kind", &mut self.kinds), ("environment", &mut self.environments)] {
            match chunk.column(name) {
                None => counter.add(None, u64::from(chunk.rows)),
                Some(column) => {
                    let (counts, unknown) = column.count();
                    counter.add_all(&counts, unknown);
                }
            }
            if counter.len() > MOST_NAMES {
                return Err(format!("there are more than {MOST_NAMES} different values of `{name}`"));
            }
        }
        Ok(())
    }

    /// What it came to. The memory that only counting needed is given back.
    pub fn finish(self, chunks: &Store, threads: usize) -> Result<Counts, Unavailable> {
        let tenants = self.tenants.finish();
        let distinct = tenants.map_err(|error| {
            Unavailable(format!("tenants that were set aside on disk cannot be read again: {error}"))
        })?;
        Ok(Counts {
            targets: self.targets,
            ids: self.ids.finish(chunks, threads)?,
            tenants: TenantFacts { distinct, unknown: self.tenants_unknown },
            kinds: self.kinds.tally(),
            environments: self.environments.tally(),
        })
    }
}
