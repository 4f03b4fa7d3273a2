//! The bytes of a file as they are when its digest is taken. A file in columns is not read from its beginning to its
//! end, and somebody may write to it meanwhile. A small file is read into memory first. Of a large one, the first that
//! reads a block notes its hash, and whoever reads it later holds it against that; the digest is taken of every block in
//! the same way. So what is vetted is what the digest is of.

use super::super::folder::describe;
use super::super::{Folder, Place, Unreadable};
use crate::spill::Memory;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read, Result, Seek, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Bytes of a block that is checked by itself.
pub(super) const BLOCK: usize = 64 << 10;

/// The bytes of a file.
#[derive(Clone, Debug)]
pub(super) enum Snapshot {
    Memory(Bytes),
    File(Arc<Checked>),
}

/// A file, and the hashes of the blocks that were read of it.
#[derive(Debug)]
pub(super) struct Checked {
    file: Mutex<File>,
    size: u64,
    blocks: Vec<OnceLock<blake3::Hash>>,
    /// Blocks that were read last, each in the place that its number gives it: the header of a page is read apart from
    /// the page.
    last: Mutex<Vec<Option<(usize, Bytes)>>>,
}

/// Blocks that are kept.
const KEPT: usize = 64;

impl Snapshot {
    /// Opens a file below a folder.
    pub fn open(folder: &Folder, name: &str, memory: Memory) -> std::result::Result<Self, Unreadable> {
        let mut file = folder.file(name)?.into_std();
        let opened = || -> Result<Self> {
            let size = file.metadata()?.len();
            if size <= memory.file() {
                let mut bytes = Vec::with_capacity(size as usize + 1);
                file.read_to_end(&mut bytes)?;
                return Ok(Self::Memory(bytes.into()));
            }
            let blocks = (0..size.div_ceil(BLOCK as u64)).map(|_| OnceLock::new()).collect();
            Ok(Self::File(Arc::new(Checked {
                file: Mutex::new(file),
                size,
                blocks,
                last: Mutex::new(vec![None; KEPT]),
            })))
        };
        opened().map_err(|error| Unreadable::new(&folder.shown(name), Place::Whole, describe(&error)))
    }

    /// The digest of all of it, lower-case hex.
    pub fn digest(&self) -> Result<String> {
        Ok(hex::encode(match self {
            Self::Memory(bytes) => Sha256::digest(bytes),
            Self::File(file) => file.digest()?,
        }))
    }

    /// Bytes of all of it.
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.size,
        }
    }

    /// A part of it.
    pub fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size()).ok_or_else(cut_off)?;
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(start as usize..end as usize)),
            Self::File(file) => file.bytes(start, length),
        }
    }
}

fn cut_off() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file is cut off")
}

fn changed() -> std::io::Error {
    std::io::Error::other("the file changed while it was read; find out who writes to it")
}

impl Checked {
    fn digest(&self) -> Result<sha2::digest::Output<Sha256>> {
        let mut hash = Sha256::new();
        for number in 0..self.blocks.len() {
            hash.update(self.block(number)?);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.seek(SeekFrom::End(0))? == self.size { Ok(hash.finalize()) } else { Err(changed()) }
    }

    fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let at = start + bytes.len() as u64;
            let block = self.recent((at / BLOCK as u64) as usize)?;
            let from = (at % BLOCK as u64) as usize;
            let to = block.len().min(from + length - bytes.len());
            if to - from == length {
                return Ok(block.slice(from..to));
            }
            bytes.reserve_exact(length - bytes.len());
            bytes.extend_from_slice(block.get(from..to).unwrap_or_default());
        }
        Ok(bytes.into())
    }

    /// A block, which may have been read before.
    fn recent(&self, number: usize) -> Result<Bytes> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some((_, block))) =
            last().get(number % KEPT).filter(|kept| matches!(kept, Some((of, _)) if *of == number))
        {
            return Ok(block.clone());
        }
        let block = Bytes::from(self.block(number)?);
        if let Some(place) = last().get_mut(number % KEPT) {
            *place = Some((number, block.clone()));
        }
        Ok(block)
    }

    /// Reads a block, which has to be what it was when it was read before.
    fn block(&self, number: usize) -> Result<Vec<u8>> {
        let first = (number * BLOCK) as u64;
        let mut block = vec![0; (self.size - first).min(BLOCK as u64) as usize];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(first))?;
        file.read_exact(&mut block)?;
        drop(file);
        let hash = self.blocks.get(number).ok_or_else(changed)?;
        let found = blake3::hash(&block);
        if *hash.get_or_init(|| found) == found { Ok(block) } else { Err(changed()) }
    }
}

/// A place in a file, to read from.
#[derive(Debug)]
pub(super) struct Cursor {
    snapshot: Snapshot,
    at: u64,
    ran_out: bool,
}

impl Cursor {
    pub const fn new(snapshot: Snapshot) -> Self {
        Self::at(snapshot, 0)
    }

    const fn at(snapshot: Snapshot, at: u64) -> Self {
        Self { snapshot, at, ran_out: false }
    }

    /// Bytes from here to the end.
    pub fn left(&self) -> u64 {
        self.snapshot.size().saturating_sub(self.at)
    }

    /// Whether somebody wanted to read beyond the end.
    pub const fn ran_out(&self) -> bool {
        self.ran_out
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.left().min(buffer.len() as u64) as usize;
        self.ran_out |= length == 0 && !buffer.is_empty();
        let bytes = self.snapshot.bytes(self.at, length)?;
        buffer.get_mut(..length).unwrap_or_default().copy_from_slice(&bytes);
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
        self.at = at.ok_or_else(cut_off)?;
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
        Ok(BufReader::new(Cursor::at(self.clone(), start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.bytes(start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn open(path: &std::path::Path, memory: u64) -> Snapshot {
        let (folder, name) = Folder::of(path).unwrap();
        Snapshot::open(&folder, &name, Memory(memory)).unwrap()
    }

    /// A file of three blocks and a bit.
    fn file() -> (tempfile::NamedTempFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..3 * BLOCK as u32 + 17).map(|i| (i % 251) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    #[test]
    fn any_part_is_read_from_memory_or_from_the_file() {
        let (file, bytes) = file();
        for memory in [0, u64::MAX] {
            let snapshot = open(file.path(), memory);
            for (start, length) in [(0, 0), (0, 1), (5, BLOCK), (BLOCK - 1, 2 * BLOCK + 2), (3 * BLOCK, 17)] {
                let part = snapshot.bytes(start as u64, length).unwrap();
                assert_eq!(part, bytes[start..start + length], "{start}, {length}");
            }
            for (start, length) in [(3 * BLOCK, 18), (usize::MAX, 1), (bytes.len(), 1)] {
                assert!(snapshot.bytes(start as u64, length).is_err(), "{start}, {length}");
            }
            assert_eq!(snapshot.digest().unwrap(), hex::encode(Sha256::digest(&bytes)));
        }
    }

    #[test]
    fn what_was_written_meanwhile_is_noticed() {
        let change = |write: &dyn Fn(&mut File), first: &dyn Fn(&Snapshot), then: &dyn Fn(&Snapshot) -> bool| {
            let (mut file, _) = file();
            let snapshot = open(file.path(), 0);
            first(&snapshot);
            write(file.as_file_mut());
            then(&snapshot)
        };
        let overwrite = |file: &mut File| {
            file.seek(SeekFrom::Start(BLOCK as u64 + 9)).unwrap();
            file.write_all(b"other").unwrap();
        };
        let read = |snapshot: &Snapshot| drop(snapshot.bytes(BLOCK as u64, 4).unwrap());
        let digest = |snapshot: &Snapshot| drop(snapshot.digest().unwrap());
        // Between reading and the digest, in either order, and between two readings.
        assert!(change(&overwrite, &read, &|snapshot| snapshot.digest().is_err()));
        assert!(change(&overwrite, &digest, &|snapshot| snapshot.bytes(BLOCK as u64, 4).is_err()));
        let again = |snapshot: &Snapshot| match snapshot {
            Snapshot::File(file) => file.block(1).is_err(),
            Snapshot::Memory(_) => false,
        };
        assert!(change(&overwrite, &read, &again));
        // A block that nobody had read yet is of the file as the digest finds it.
        assert!(change(&overwrite, &|_| (), &|snapshot| snapshot.digest().is_ok()));
        let longer = |file: &mut File| file.write_all(b"more").unwrap();
        assert!(change(&longer, &read, &|snapshot| snapshot.digest().is_err()));
        let shorter = |file: &mut File| file.set_len(7).unwrap();
        assert!(change(&shorter, &read, &|snapshot| snapshot.digest().is_err()));
    }
}
