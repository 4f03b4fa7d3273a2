//! Runs of tenants in a temporary file.

use crate::inventory::share::{Share, Who};
use crate::spill::SpillFile;
use serde::{Deserialize, Serialize};

/// The bytes of a run that are read at once.
pub(super) const MAX_BUFFER_BYTES: u64 = 64 << 10;
pub(super) const MIN_BUFFER_BYTES: u64 = 4 << 10;

/// A tenant in a file, after its length in bytes.
#[derive(Serialize, Deserialize)]
struct Spilled {
    tenant: String,
    things: u64,
    owner: Option<String>,
    contact: Option<String>,
}

/// Writes tenants to a file.
pub(super) struct Writer<'a> {
    file: &'a mut SpillFile,
    buffer: Vec<u8>,
    /// The number of tenants that were written.
    pub tenants: u64,
}

impl<'a> Writer<'a> {
    pub const fn new(file: &'a mut SpillFile) -> Self {
        Self { file, buffer: Vec::new(), tenants: 0 }
    }

    pub fn write(&mut self, tenant: String, Share { things, who }: Share) -> std::io::Result<()> {
        let Who { owner, contact } = who.map(|who| *who).unwrap_or_default();
        let spilled = postcard::to_allocvec(&Spilled { tenant, things, owner, contact });
        let spilled = spilled.map_err(std::io::Error::other)?;
        self.buffer.extend_from_slice(&(spilled.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(&spilled);
        self.tenants += 1;
        if self.buffer.len() as u64 > MAX_BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> std::io::Result<()> {
        self.file.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads the tenants in a part of a file.
pub(super) struct Reader<'a> {
    file: &'a SpillFile,
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    /// The bytes of the buffer that were read.
    read: usize,
    buffer_bytes: u64,
}

impl<'a> Reader<'a> {
    pub const fn new(file: &'a SpillFile, at: u64, end: u64, buffer_bytes: u64) -> Self {
        Self { file, at, end, buffer: Vec::new(), read: 0, buffer_bytes }
    }

    /// Returns the next bytes, and reads them into the buffer before.
    fn bytes(&mut self, length: usize) -> std::io::Result<&[u8]> {
        if self.buffer.len() - self.read < length {
            self.buffer.drain(..self.read);
            self.read = 0;
            let known = self.buffer.len();
            let more = (self.end - self.at).min(self.buffer_bytes.max((length - known) as u64));
            self.buffer.resize(known + more as usize, 0);
            self.file.read(self.at, self.buffer.get_mut(known..).unwrap_or_default())?;
            self.at += more;
        }
        let bytes = self.buffer.get(self.read..self.read + length);
        self.read += length;
        bytes.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }

    pub fn next(&mut self) -> std::io::Result<Option<(String, Share)>> {
        if self.at == self.end && self.read == self.buffer.len() {
            return Ok(None);
        }
        let length = self.bytes(4)?.try_into().map(u32::from_le_bytes).map_err(std::io::Error::other)?;
        let spilled = postcard::from_bytes(self.bytes(length as usize)?).map_err(std::io::Error::other)?;
        let Spilled { tenant, things, owner, contact } = spilled;
        let who = (owner.is_some() || contact.is_some()).then(|| Box::new(Who { owner, contact }));
        Ok(Some((tenant, Share { things, who })))
    }
}

/// A run while the runs are merged, in the order of its next tenant, and then of the runs.
pub(super) struct Head<'a> {
    pub head: (String, Share),
    pub number: usize,
    pub run: Reader<'a>,
}

impl Head<'_> {
    fn key(&self) -> (&str, usize) {
        (&self.head.0, self.number)
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head<'_> {}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
