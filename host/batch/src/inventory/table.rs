//! An inventory that was read from a file, or built by the embedding program. Its rows are bytes, in memory or in a temporary
//! file; no answer depends on which.

use super::answer::{MAX_ANSWER_BYTES, too_long_an_answer};
use super::asked::{Asked, FoundRow};
use super::rows::{Duplicate, Partition, Rows, RowsBuilder, RowsError, damaged};
use super::totals::SpillingTotals;
use crate::error::{LookupError, Place, ReadError};
use crate::parallel::threads;
use crate::read::{Folder, InventoryFile, counts_lines, read_inventory_file};
use crate::record::{CodedFields, Encoder, Encoders, Names, Record, Totals, decode};
use crate::spill::MemoryBudget;
use reprieve_model::InventorySource;
use std::path::Path;

/// An inventory read from a file, or built by the embedding program.
#[derive(Debug)]
pub struct Table {
    pub(super) sha256: String,
    pub(super) source: Option<InventorySource>,
    pub(super) rows: Rows,
    names: Names,
    pub(super) totals: SpillingTotals,
    pub(super) memory: MemoryBudget,
    pub(super) threads: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            sha256: String::new(),
            source: None,
            rows: Rows::default(),
            names: Names::default(),
            totals: SpillingTotals::new(u64::MAX),
            memory: MemoryBudget::default(),
            threads: threads(),
        }
    }
}

impl Table {
    /// Reads an inventory that the operator or the embedding program named: `.csv`, `.ndjson`, `.jsonl`, Parquet or Arrow.
    /// What does not fit into 384 MiB is spilled to a temporary file.
    ///
    /// # Errors
    /// [`ReadError`] with the line.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        Self::read(&folder, &name)
    }

    /// Reads an inventory below a folder.
    ///
    /// # Errors
    /// [`ReadError`] with the line.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        Self::read_within(folder, name, MemoryBudget::default(), threads())
    }

    pub(super) fn read_within(
        folder: &Folder,
        name: &str,
        memory: MemoryBudget,
        threads: usize,
    ) -> Result<Self, ReadError> {
        let of_file = |message: String| ReadError::of_file(&folder.display_name(name), message);
        let mut rows = RowsBuilder::new(memory.inventory_rows());
        let mut totals = SpillingTotals::new(memory.inventory_totals());
        let encoders = Encoders::new(rows.hasher.clone());
        let read = read_inventory_file(folder, name, memory, threads, &encoders, |mut block, before| {
            rows.push(&block, before)?;
            block.totals.take().map_or(Ok(()), |counts| totals.add(counts))
        });
        // A duplicated id is an error of its line, which may be before the line of another error.
        let rows = rows.finish(threads).map_err(|error| match error {
            RowsError::Spill(message) => of_file(message),
            RowsError::Duplicate(Duplicate { position, id }) if counts_lines(name) => {
                let message = format!("the id `{id}` is duplicated");
                ReadError::new(&folder.display_name(name), Place::Line(position), message)
            }
            RowsError::Duplicate(Duplicate { position, id }) => {
                of_file(format!("row {position}: the id `{id}` is duplicated"))
            }
        })?;
        let InventoryFile { sha256, source } = read?;
        let (names, rest) = encoders.finish();
        rest.into_iter().try_for_each(|counts| totals.add(counts)).map_err(of_file)?;
        let totals = totals.finish().map_err(of_file)?;
        Ok(Self { sha256, source, rows, names, totals, memory, threads })
    }

    /// Adds a thing. `pool_minimum` is the number of members that its pool requires; the largest one counts.
    ///
    /// # Errors
    /// [`LookupError::Invalid`] if the id was added before, because its record would be ambiguous, or if the table was read
    /// from a file and is not in memory.
    pub fn add(&mut self, id: &str, record: Record, pool_minimum: Option<u64>) -> Result<(), LookupError> {
        if !self.rows.in_memory() {
            return Err(LookupError::Invalid("nothing can be added to a table that is not in memory".to_owned()));
        }
        let mut encoder = Encoder::new(self.rows.hasher.clone());
        encoder.push(0, id, &record.fields(), pool_minimum);
        if !self.rows.add(&encoder.finish_block()) {
            return Err(LookupError::Invalid(format!("the id `{id}` is duplicated")));
        }
        let counts: &mut Totals = self.totals.in_memory();
        counts.count(&record.fields(), pool_minimum);
        Ok(())
    }

    /// Decodes what follows the id in a row.
    pub(super) fn decode<'a>(&'a self, row: &'a [u8]) -> Result<CodedFields<'a>, LookupError> {
        decode(row, &self.names).ok_or_else(damaged)
    }

    /// Returns the records of ids whose rows are in a temporary file.
    pub(super) fn spilled_records(&self, ids: &[&str]) -> Result<Vec<Option<Record>>, LookupError> {
        let asked = [Asked::of(ids.iter().map(|id| Some(id.as_bytes())), &self.rows.hasher)];
        let mut records: Vec<Option<Record>> = vec![None; ids.len()];
        let mut bytes = 0_u64;
        let probe = |number: usize, partition: &Partition| {
            let (mut rows, mut found) = (Vec::new(), Vec::new());
            asked.iter().for_each(|asked| asked.find(number, partition, &mut rows, |row| found.push(row)));
            (rows, found)
        };
        self.rows.probe(self.threads, Asked::partitions(&asked), probe, |(rows, found)| {
            bytes += (size_of::<Record>() * found.len() + 2 * rows.len()) as u64;
            if bytes > MAX_ANSWER_BYTES {
                return Err(too_long_an_answer(ids.len()));
            }
            for FoundRow { number, start, length } in found {
                let row = rows.get(start as usize..).and_then(|rows| rows.get(..length as usize));
                if let Some(record) = records.get_mut(number as usize) {
                    *record = Some(self.decode(row.ok_or_else(damaged)?)?.fields.to_record());
                }
            }
            Ok(())
        })?;
        Ok(records)
    }
}
