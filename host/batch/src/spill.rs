//! Data that does not fit into memory is spilled to a temporary file. The file has no name, so nothing is left of it
//! when the process ends, even if it is killed.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// The bytes of memory that a batch may use, and the share of each part of it. The rest is spilled.
///
/// A check uses these bytes and a constant amount of memory besides: 256 MiB, and 64 MiB for each thread. That is for the
/// policies and their instances, for the parts of files that are being decoded, and for what the allocator does not reuse.
/// No size, length or count in a file changes it: what would take more is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryBudget(pub u64);

impl Default for MemoryBudget {
    /// 1 GiB.
    fn default() -> Self {
        Self(1 << 30)
    }
}

/// A record batch of this size is always read.
const MIN_RECORD_BATCH_BYTES: u64 = 64 << 20;

impl MemoryBudget {
    /// For the targets themselves.
    pub const fn columns(self) -> u64 {
        self.0 / 8
    }

    /// For the file of a list in columns.
    pub const fn file(self) -> u64 {
        self.0 / 8
    }

    /// For finding duplicate ids.
    pub const fn ids(self) -> u64 {
        self.0 / 4
    }

    /// For counting distinct tenants, and again for those of the resolved targets.
    pub const fn tenants(self) -> u64 {
        self.0 / 8
    }

    /// For the resolved columns.
    pub const fn resolved(self) -> u64 {
        self.0 / 8
    }

    /// For the share of each tenant in the batch.
    pub const fn shares(self) -> u64 {
        self.0 / 8
    }

    /// For an inventory. It is read at the same time as the list.
    pub const fn inventory(self) -> u64 {
        self.0 / 8 * 3
    }

    /// For the rows of an inventory.
    pub const fn inventory_rows(self) -> u64 {
        self.inventory() / 4 * 3
    }

    /// For the counts of an inventory.
    pub const fn inventory_totals(self) -> u64 {
        self.inventory() / 4
    }

    /// For a record batch or the dictionaries of an Arrow file, which are decoded as a whole.
    pub fn record_batch(self) -> u64 {
        (self.0 / 8).max(MIN_RECORD_BATCH_BYTES)
    }
}

/// A temporary file, created when something is first written to it.
#[derive(Debug, Default)]
pub(crate) struct SpillFile {
    file: Option<Mutex<File>>,
    length: u64,
}

impl SpillFile {
    /// Whether nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The number of bytes that were written.
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// Appends bytes. Returns their offset.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(Mutex::new(tempfile::tempfile()?)),
        };
        let offset = self.length;
        let file = file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(offset)
    }

    /// Fills `bytes` from an offset.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let Some(file) = &self.file else { return Err(std::io::ErrorKind::UnexpectedEof.into()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }
}

/// Partitioned bytes in a temporary file. Each partition keeps the order in which its bytes were appended.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    file: SpillFile,
    runs: Vec<Vec<Run>>,
}

/// Consecutive bytes of one partition.
#[derive(Clone, Debug)]
struct Run {
    offset: u64,
    length: usize,
}

impl Partitions {
    /// Whether nothing was appended.
    pub const fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// Appends bytes to a partition.
    pub fn append(&mut self, partition: usize, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let offset = self.file.append(bytes)?;
        if self.runs.len() <= partition {
            self.runs.resize(partition + 1, Vec::new());
        }
        if let Some(runs) = self.runs.get_mut(partition) {
            runs.push(Run { offset, length: bytes.len() });
        }
        Ok(())
    }

    /// The number of bytes of a partition.
    pub fn length(&self, partition: usize) -> u64 {
        self.runs.get(partition).into_iter().flatten().map(|run| run.length as u64).sum()
    }

    /// The number of times that bytes were appended to a partition.
    pub fn runs(&self, partition: usize) -> usize {
        self.runs.get(partition).map_or(0, Vec::len)
    }

    /// Returns the bytes that were appended to a partition at once.
    pub fn read_run(&self, partition: usize, run: usize) -> Result<Vec<u8>> {
        let run = self.runs.get(partition).and_then(|runs| runs.get(run));
        let run = run.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
        let mut bytes = vec![0; run.length];
        self.file.read(run.offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns all bytes of a partition.
    pub fn read(&self, partition: usize) -> Result<Vec<u8>> {
        let runs = self.runs.get(partition).map(Vec::as_slice).unwrap_or_default();
        let mut all = vec![0; runs.iter().map(|run| run.length).sum()];
        let mut rest = all.as_mut_slice();
        for run in runs {
            let (bytes, after) = rest.split_at_mut(run.length);
            self.file.read(run.offset, bytes)?;
            rest = after;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_keep_the_order_of_their_bytes() {
        let mut partitions = Partitions::default();
        assert!(partitions.is_empty() && partitions.read(3).unwrap().is_empty());
        for (partition, bytes) in [(3, "ab"), (0, "c"), (3, ""), (3, "de")] {
            partitions.append(partition, bytes.as_bytes()).unwrap();
        }
        assert_eq!([0, 1, 3].map(|i| partitions.read(i).unwrap()), [b"c".to_vec(), vec![], b"abde".to_vec()]);
    }
}
