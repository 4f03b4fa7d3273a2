//! The bytes of a file as they were when its digest was taken. A file in columns is not read from its beginning to its
//! end, so it is copied first, into memory or aside: what is vetted is what the digest is of, whoever writes to the file
//! meanwhile.

use super::super::folder::describe;
use super::super::hashing::Hashing;
use super::super::{Folder, Place, Unreadable};
use crate::spill::{Memory, SpillFile};
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{BufReader, Read, Result, Seek, SeekFrom};
use std::sync::Arc;

/// How much is copied at once.
const BLOCK: usize = 1 << 20;

/// A copy of a file.
#[derive(Clone, Debug)]
pub(super) enum Snapshot {
    Memory(Bytes),
    Aside(Arc<SpillFile>),
}

impl Snapshot {
    /// Copies a file below a folder; gives the copy and the digest.
    pub fn take(folder: &Folder, name: &str, memory: Memory) -> std::result::Result<(Self, String), Unreadable> {
        let file = folder.file(name)?;
        let size = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        let mut reader = Hashing::new(file);
        let copied = if size <= memory.file() { in_memory(&mut reader, size) } else { aside(&mut reader) };
        let copy = copied.map_err(|error| {
            Unreadable::new(&folder.shown(name), Place::Whole, format!("it cannot be copied: {}", describe(&error)))
        })?;
        Ok((copy, reader.finish()))
    }

    fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Aside(file) => file.end(),
        }
    }

    fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file is cut off");
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size()).ok_or_else(cut)?;
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(start as usize..end as usize)),
            Self::Aside(file) => {
                let mut bytes = vec![0; length];
                file.read(start, &mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

fn in_memory(reader: &mut impl Read, size: u64) -> Result<Snapshot> {
    let mut bytes = Vec::with_capacity(size as usize + 1);
    // What was appended meanwhile is not part of it, and neither of the digest.
    reader.take(size).read_to_end(&mut bytes)?;
    Ok(Snapshot::Memory(bytes.into()))
}

fn aside(reader: &mut impl Read) -> Result<Snapshot> {
    let mut file = SpillFile::new()?;
    let mut buffer = vec![0; BLOCK];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(Snapshot::Aside(Arc::new(file)));
        }
        file.append(buffer.get(..count).unwrap_or_default())?;
    }
}

/// A place in a copy, to read from.
#[derive(Debug)]
pub(super) struct Cursor {
    snapshot: Snapshot,
    at: u64,
}

impl Cursor {
    pub const fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, at: 0 }
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = (self.snapshot.size().saturating_sub(self.at)).min(buffer.len() as u64) as usize;
        let target = buffer.get_mut(..length).unwrap_or_default();
        match &self.snapshot {
            Snapshot::Aside(file) => file.read(self.at, target)?,
            Snapshot::Memory(bytes) => {
                let from = self.at as usize;
                target.copy_from_slice(bytes.get(from..from + length).unwrap_or_default());
            }
        }
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.snapshot.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Length for Snapshot {
    fn len(&self) -> u64 {
        self.size()
    }
}

impl ChunkReader for Snapshot {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(Cursor { snapshot: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.bytes(start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}
