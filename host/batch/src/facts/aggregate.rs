//! Counting the targets, chunk by chunk, while they are read.

use super::chunk_counts::ChunkCounts;
use super::counts::{Counter, Counts, total};
use super::distinct::Distinct;
use super::duplicates::Duplicates;
use super::ids::{ChunkIds, Hasher, Ids};
use crate::columns::Store;
use crate::error::LookupError;
use crate::spill::MemoryBudget;
use reprieve_model::{IdFacts, TenantFacts};

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

    /// Counts the chunk that begins with `first_row`.
    pub fn add(&mut self, first_row: u64, chunk: &ChunkCounts<'_>, ids: ChunkIds) -> Result<(), String> {
        let in_spilling = |error: std::io::Error| format!("the count cannot be spilled to a temporary file: {error}");
        self.targets += u64::from(chunk.rows);
        self.bytes = total(self.bytes, chunk.bytes);
        self.ids.add(first_row, ids).map_err(in_spilling)?;
        if let Some(names) = &chunk.tenants {
            (0..names.len()).try_for_each(|i| self.tenants.add(names.bytes(i))).map_err(in_spilling)?;
        }
        self.tenants_unknown += chunk.tenants_unknown;
        self.kinds.add_all(&chunk.kinds);
        self.kinds.check("kind")?;
        self.environments.add_all(&chunk.environments);
        self.environments.check("environment")
    }

    /// Returns the counts. `chunks` are the chunks that were added.
    pub fn finish(self, chunks: &Store, threads: usize) -> Result<Counts, LookupError> {
        self.finish_with(|ids| ids.finish(chunks, threads))
    }

    /// Returns the counts, with the duplicate ids that were found elsewhere.
    pub fn finish_with_duplicates(self, duplicates: &Duplicates) -> Result<Counts, LookupError> {
        self.finish_with(|ids| Ok(ids.finish_with(duplicates.count, &duplicates.examples)))
    }

    fn finish_with(self, ids: impl FnOnce(Ids) -> Result<IdFacts, LookupError>) -> Result<Counts, LookupError> {
        let tenants = self.tenants.finish();
        let distinct =
            tenants.map_err(|error| LookupError::Spilled(format!("spilled tenants cannot be read: {error}")))?;
        Ok(Counts {
            targets: self.targets,
            bytes: self.bytes,
            ids: ids(self.ids)?,
            tenants: TenantFacts { distinct, unknown: self.tenants_unknown },
            kinds: self.kinds.tally(),
            environments: self.environments.tally(),
        })
    }
}
