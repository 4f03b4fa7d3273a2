//! What does not fit into memory, set aside in a temporary file. The file has no name, so nothing is left of it when
//! the process ends, however it ends.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// How much memory a batch may take, and what of it each part may. What is more is set aside on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory(pub u64);

impl Memory {
    /// For the targets themselves.
    pub const fn columns(self) -> u64 {
        self.0 / 8
    }

    /// For the file of a list in columns.
    pub const fn file(self) -> u64 {
        self.0 / 8
    }

    /// For telling ids apart.
    pub const fn ids(self) -> u64 {
        self.0 / 2
    }

    /// For telling tenants apart.
    pub const fn tenants(self) -> u64 {
        self.0 / 8
    }

    /// For what the inventory says of each target.
    pub const fn resolved(self) -> u64 {
        self.0 / 8
    }
}

/// A temporary file.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: Mutex<File>,
    end: u64,
}

impl SpillFile {
    pub fn new() -> Result<Self> {
        Ok(Self { file: Mutex::new(tempfile::tempfile()?), end: 0 })
    }

    /// Puts bytes at the end; gives their place.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let at = self.end;
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// Fills `bytes` from a place.
    pub fn read(&self, at: u64, bytes: &mut [u8]) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }
}

/// Bytes in a temporary file that belong to one of several parts, in the order in which they were set aside.
#[derive(Debug)]
pub(crate) struct Runs {
    file: SpillFile,
    parts: Vec<Vec<(u64, usize)>>,
}

impl Runs {
    pub fn new(parts: usize) -> Result<Self> {
        Ok(Self { file: SpillFile::new()?, parts: vec![Vec::new(); parts] })
    }

    /// Sets bytes of a part aside.
    pub fn append(&mut self, part: usize, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let at = self.file.append(bytes)?;
        if let Some(runs) = self.parts.get_mut(part) {
            runs.push((at, bytes.len()));
        }
        Ok(())
    }

    /// All bytes of a part.
    pub fn read(&self, part: usize) -> Result<Vec<u8>> {
        let runs = self.parts.get(part).map(Vec::as_slice).unwrap_or_default();
        let mut all = vec![0; runs.iter().map(|(_, length)| length).sum()];
        let mut rest = all.as_mut_slice();
        for (at, length) in runs {
            let (run, after) = rest.split_at_mut(*length);
            self.file.read(*at, run)?;
            rest = after;
        }
        Ok(all)
    }
}
