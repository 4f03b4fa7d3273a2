//! Data that does not fit into memory is spilled to a temporary file. The file has no name, so nothing is left of it
//! when the process ends, even if it is killed.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// The bytes of memory that a batch may use, and the share of each part of it. The rest is spilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryBudget(pub u64);

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
        self.0 / 2
    }

    /// For counting distinct tenants.
    pub const fn tenants(self) -> u64 {
        self.0 / 8
    }

    /// For the resolved columns.
    pub const fn resolved(self) -> u64 {
        self.0 / 8
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
