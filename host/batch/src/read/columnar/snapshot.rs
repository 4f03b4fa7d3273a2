//! A consistent view of a file that is read at random. Another process may write to a columnar file while it is read, so a
//! small file is read into memory first. For a large file, the hash of a block is kept when the block is first read, and
//! every later read of the block is compared with it. The digest of the file is computed from blocks that are checked in
//! the same way, so the digest is that of the bytes that are vetted.

use crate::error::{ReadError, describe};
use crate::read::folder::Folder;
use crate::spill::MemoryBudget;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read, Result, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The minimum size of a block in bytes.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
/// The maximum number of blocks. The blocks of a larger file are larger.
const MAX_BLOCKS: u64 = 1 << 19;

/// The bytes of a file.
#[derive(Clone, Debug)]
pub(super) enum Snapshot {
    InMemory(Bytes),
    File(Arc<CheckedFile>),
}

/// A file, and the hashes of its blocks that were read.
#[derive(Debug)]
pub(super) struct CheckedFile {
    file: Mutex<File>,
    size: u64,
    block_bytes: usize,
    blocks: Vec<OnceLock<blake3::Hash>>,
    /// The number of slots for cached blocks.
    cached_blocks: usize,
    /// The blocks that were read last; block `n` is in slot `n % cached_blocks`. The header of a page is read separately
    /// from the page, so the same block is read several times in a row.
    cache: Mutex<Vec<Option<CachedBlock>>>,
    /// Whether the digest is not needed any more.
    stopped: AtomicBool,
}

#[derive(Clone, Debug)]
struct CachedBlock {
    number: usize,
    bytes: Bytes,
}

/// The bytes of cached blocks.
const CACHED_BYTES: usize = 64 * BLOCK_BYTES;

impl Snapshot {
    /// Opens a file below a folder.
    pub fn open(folder: &Folder, name: &str, memory: MemoryBudget) -> std::result::Result<Self, ReadError> {
        let mut file = folder.file(name)?.into_std();
        let opened = || -> Result<Self> {
            let size = file.metadata()?.len();
            if size <= memory.file() {
                let mut bytes = Vec::with_capacity(size as usize + 1);
                // A file that grows meanwhile is not read further.
                file.by_ref().take(size + 1).read_to_end(&mut bytes)?;
                return if bytes.len() as u64 > size { Err(changed()) } else { Ok(Self::InMemory(bytes.into())) };
            }
            Ok(Self::File(Arc::new(CheckedFile::new(file, size))))
        };
        opened().map_err(|error| ReadError::of_file(&folder.display_name(name), describe(&error)))
    }

    /// Computes the digest of the file, lower-case hex.
    pub fn digest(&self) -> Result<String> {
        Ok(hex::encode(match self {
            Self::InMemory(bytes) => Sha256::digest(bytes),
            Self::File(file) => file.digest()?,
        }))
    }

    /// Stops a thread that computes the digest, which becomes an error.
    pub fn stop(&self) {
        if let Self::File(file) = self {
            file.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::InMemory(bytes) => bytes.len() as u64,
            Self::File(file) => file.size,
        }
    }

    /// Reads a part of the file.
    pub fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size()).ok_or_else(truncated)?;
        match self {
            Self::InMemory(bytes) => Ok(bytes.slice(start as usize..end as usize)),
            Self::File(file) => file.bytes(start, length),
        }
    }
}

fn truncated() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file is truncated")
}

fn changed() -> std::io::Error {
    std::io::Error::other("the file changed while it was read; find out what writes to it")
}

impl CheckedFile {
    fn new(file: File, size: u64) -> Self {
        let block_bytes = size.div_ceil(MAX_BLOCKS).next_power_of_two().max(BLOCK_BYTES as u64);
        let cached_blocks = (CACHED_BYTES / block_bytes as usize).max(1);
        Self {
            file: Mutex::new(file),
            size,
            block_bytes: block_bytes as usize,
            blocks: (0..size.div_ceil(block_bytes)).map(|_| OnceLock::new()).collect(),
            cached_blocks,
            cache: Mutex::new(vec![None; cached_blocks]),
            stopped: AtomicBool::new(false),
        }
    }

    fn digest(&self) -> Result<sha2::digest::Output<Sha256>> {
        let mut hash = Sha256::new();
        for number in 0..self.blocks.len() {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(std::io::Error::other("the digest is not needed any more"));
            }
            hash.update(self.block(number)?);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.seek(SeekFrom::End(0))? == self.size { Ok(hash.finalize()) } else { Err(changed()) }
    }

    fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let at = start + bytes.len() as u64;
            let block = self.cached_block((at / self.block_bytes as u64) as usize)?;
            let from = (at % self.block_bytes as u64) as usize;
            let to = block.len().min(from + length - bytes.len());
            if to - from == length {
                return Ok(block.slice(from..to));
            }
            bytes.reserve_exact(length - bytes.len());
            bytes.extend_from_slice(block.get(from..to).unwrap_or_default());
        }
        Ok(bytes.into())
    }

    /// Returns a block from the cache, or reads it.
    fn cached_block(&self, number: usize) -> Result<Bytes> {
        let cache = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = number % self.cached_blocks;
        if let Some(Some(cached)) = cache().get(slot)
            && cached.number == number
        {
            return Ok(cached.bytes.clone());
        }
        let bytes = Bytes::from(self.block(number)?);
        if let Some(slot) = cache().get_mut(slot) {
            *slot = Some(CachedBlock { number, bytes: bytes.clone() });
        }
        Ok(bytes)
    }

    /// Reads a block from the file. It must not have changed since it was first read.
    fn block(&self, number: usize) -> Result<Vec<u8>> {
        let first = number as u64 * self.block_bytes as u64;
        let mut block = vec![0; self.size.saturating_sub(first).min(self.block_bytes as u64) as usize];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(first))?;
        file.read_exact(&mut block)?;
        drop(file);
        let hash = self.blocks.get(number).ok_or_else(changed)?;
        let found = blake3::hash(&block);
        if *hash.get_or_init(|| found) == found { Ok(block) } else { Err(changed()) }
    }
}

/// A reader at a position of a file.
#[derive(Debug)]
pub(super) struct Cursor {
    snapshot: Snapshot,
    at: u64,
}

impl Cursor {
    pub const fn new(snapshot: Snapshot) -> Self {
        Self::at(snapshot, 0)
    }

    const fn at(snapshot: Snapshot, at: u64) -> Self {
        Self { snapshot, at }
    }

    /// The number of bytes from here to the end.
    pub fn left(&self) -> u64 {
        self.snapshot.size().saturating_sub(self.at)
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.left().min(buffer.len() as u64) as usize;
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
        self.at = at.ok_or_else(truncated)?;
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
        Snapshot::open(&folder, &name, MemoryBudget(memory)).unwrap()
    }

    /// A file of three blocks and 17 bytes.
    fn file() -> (tempfile::NamedTempFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..3 * BLOCK_BYTES as u32 + 17).map(|i| (i % 251) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    #[test]
    fn reads_any_part_from_memory_or_from_the_file() {
        let (file, bytes) = file();
        for memory in [0, u64::MAX] {
            let snapshot = open(file.path(), memory);
            for (start, length) in
                [(0, 0), (0, 1), (5, BLOCK_BYTES), (BLOCK_BYTES - 1, 2 * BLOCK_BYTES + 2), (3 * BLOCK_BYTES, 17)]
            {
                let part = snapshot.bytes(start as u64, length).unwrap();
                assert_eq!(part, bytes[start..start + length], "{start}, {length}");
            }
            for (start, length) in [(3 * BLOCK_BYTES, 18), (usize::MAX, 1), (bytes.len(), 1)] {
                assert!(snapshot.bytes(start as u64, length).is_err(), "{start}, {length}");
            }
            assert_eq!(snapshot.digest().unwrap(), hex::encode(Sha256::digest(&bytes)));
        }
    }

    #[test]
    fn detects_writes_while_the_file_is_read() {
        let change = |write: &dyn Fn(&mut File), first: &dyn Fn(&Snapshot), then: &dyn Fn(&Snapshot) -> bool| {
            let (mut file, _) = file();
            let snapshot = open(file.path(), 0);
            first(&snapshot);
            write(file.as_file_mut());
            then(&snapshot)
        };
        let overwrite = |file: &mut File| {
            file.seek(SeekFrom::Start(BLOCK_BYTES as u64 + 9)).unwrap();
            file.write_all(b"other").unwrap();
        };
        let read = |snapshot: &Snapshot| drop(snapshot.bytes(BLOCK_BYTES as u64, 4).unwrap());
        let digest = |snapshot: &Snapshot| drop(snapshot.digest().unwrap());
        // A write between a read and the digest, in either order, and between two reads.
        assert!(change(&overwrite, &read, &|snapshot| snapshot.digest().is_err()));
        assert!(change(&overwrite, &digest, &|snapshot| snapshot.bytes(BLOCK_BYTES as u64, 4).is_err()));
        let again = |snapshot: &Snapshot| match snapshot {
            Snapshot::File(file) => file.block(1).is_err(),
            Snapshot::InMemory(_) => false,
        };
        assert!(change(&overwrite, &read, &again));
        // A block that was not read before the write is not a conflict.
        assert!(change(&overwrite, &|_| (), &|snapshot| snapshot.digest().is_ok()));
        let longer = |file: &mut File| file.write_all(b"more").unwrap();
        assert!(change(&longer, &read, &|snapshot| snapshot.digest().is_err()));
        let shorter = |file: &mut File| file.set_len(7).unwrap();
        assert!(change(&shorter, &read, &|snapshot| snapshot.digest().is_err()));
    }
}
