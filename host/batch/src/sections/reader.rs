//! Reading the sections of a planned batch, in any process.

use super::part::{ChunkPart, ResolvedPart, SectionPart};
use super::plan::BatchPlan;
use crate::columns::Store;
use crate::error::{LookupError, ReadError, SectionError};
use crate::facts::{BUCKETS, Bucket, ChunkCounts, ChunkIds, Duplicates, Hasher, IdDigests};
use crate::inventory::{Inventory, resolve_section, seen_evidence};
use crate::read::{Folder, ReadOptions, Section, read_section};
use crate::spill::MemoryBudget;
use serde::{Deserialize, Serialize};

/// Reads the sections of a planned batch.
#[derive(Debug)]
pub struct SectionReader {
    pub(super) plan: BatchPlan,
    pub(super) folder: Folder,
    pub(super) memory: MemoryBudget,
    pub(super) threads: usize,
}

/// What was counted in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionCounts {
    /// The counts of its chunks.
    pub counts: Vec<u8>,
    /// The digests of its ids in [`SectionReader::BUCKETS`] buckets. Those of one bucket are compared with each other.
    pub buckets: Vec<Vec<u8>>,
}

/// A section in the list that it is a part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedSection {
    /// Its first row in the list.
    pub first_row: u64,
    /// The digest of each of its files.
    pub sha256: Vec<String>,
}

/// The targets of a section in columns.
#[derive(Debug)]
pub struct SectionTargets {
    /// Its chunks. Their rows are counted from the beginning of the section.
    pub chunks: Store,
    /// The resolved columns of each chunk, if there is an inventory.
    pub resolved: Option<Store>,
}

impl SectionReader {
    /// The number of buckets for digests of ids.
    pub const BUCKETS: usize = BUCKETS;

    /// Creates a reader that may use this many bytes of memory and threads.
    ///
    /// # Errors
    /// [`ReadError`] if the folder of the list is not there.
    pub fn new(plan: BatchPlan, memory: u64, threads: usize) -> Result<Self, ReadError> {
        let folder = Folder::open(plan.folder()).map_err(|error| {
            error.with_help("mount the folder of the list where every process finds it by this path")
        })?;
        Ok(Self { plan, folder, memory: MemoryBudget(memory), threads })
    }

    /// The plan.
    pub fn plan(&self) -> &BatchPlan {
        &self.plan
    }

    pub(super) fn read(&self, section: usize) -> Result<Section, SectionError> {
        let files = self.plan.files(section);
        if files.is_empty() {
            let count = self.plan.sections();
            return Err(SectionError::Invalid(format!("there is no section {section}; the plan has {count}")));
        }
        let mut options = ReadOptions::default().memory(self.memory.0).threads(self.threads);
        Ok(read_section(&self.folder, &self.plan.targets, &files, &mut options)?)
    }

    /// Reads a section whose files still have to be those that were counted.
    pub(super) fn read_again(&self, section: usize, counted: &[String]) -> Result<Store, SectionError> {
        let Section { chunks, sha256 } = self.read(section)?;
        let files = self.plan.files(section);
        match files.iter().zip(counted).zip(&sha256).find(|((_, counted), found)| counted != found) {
            None if counted.len() == sha256.len() => Ok(chunks),
            None => Err(SectionError::Invalid(format!("section {section} has other files than were counted"))),
            Some(((file, counted), found)) => {
                let message =
                    format!("the file changed after it was counted: its digest was `{counted}` and is `{found}`");
                let shown = self.folder.display_name(&file.path);
                Err(ReadError::of_file(&shown, message)
                    .with_help("find out what writes to it, and plan again")
                    .into())
            }
        }
    }

    /// Reads a section and counts it. `key` is that of the digests of ids.
    ///
    /// # Errors
    /// [`SectionError`] if a file cannot be read.
    pub fn count(
        &self,
        section: usize,
        key: [u8; 32],
        inventory: Option<&dyn Inventory>,
    ) -> Result<SectionCounts, SectionError> {
        let Section { chunks, sha256 } = self.read(section)?;
        let resolved = inventory.map(|inventory| self.resolve(&chunks, inventory).map_err(|error| error.to_string()));
        let mut counts = encode(&SectionPart { sha256, chunks: chunks.len() as u32, resolved })?;
        let (mut digests, hasher) = (IdDigests::new(key), Hasher::default());
        for (chunk, bytes) in chunks.iter().zip(chunks.bytes()) {
            let chunk = chunk?;
            digests.add(&chunk);
            let part = ChunkPart { bytes, counts: ChunkCounts::of(&chunk), ids: ChunkIds::of(&chunk, &hasher) };
            counts = postcard::to_extend(&part, counts).map_err(unencoded)?;
        }
        let buckets = digests.finish().map(|bucket| encode(&bucket)).collect::<Result<_, _>>()?;
        Ok(SectionCounts { counts, buckets })
    }

    fn resolve(&self, chunks: &Store, inventory: &dyn Inventory) -> Result<ResolvedPart, LookupError> {
        let mut counts = Vec::with_capacity(chunks.len());
        let sha256 = resolve_section(chunks, inventory, self.memory, self.threads, &mut |chunk| {
            counts.push(chunk.counts);
            Ok(())
        })?;
        Ok(ResolvedPart { sha256, chunks: counts, seen: seen_evidence(self.plan.claims(), chunks)? })
    }

    /// Reads the targets of a section that was counted, with what the inventory knows of them.
    ///
    /// # Errors
    /// [`SectionError`] if a file cannot be read or has changed, or the inventory has no answer.
    pub fn targets(
        &self,
        section: usize,
        counted: &CountedSection,
        inventory: Option<&dyn Inventory>,
    ) -> Result<SectionTargets, SectionError> {
        let chunks = self.read_again(section, &counted.sha256)?;
        let resolved = inventory.map(|inventory| self.resolved_columns(&chunks, inventory)).transpose()?;
        Ok(SectionTargets { chunks, resolved })
    }

    pub(super) fn resolved_columns(&self, chunks: &Store, inventory: &dyn Inventory) -> Result<Store, LookupError> {
        let mut columns = Store::new(self.memory.resolved());
        resolve_section(chunks, inventory, self.memory, self.threads, &mut |chunk| {
            let pushed = columns.push(chunk.columns);
            pushed.map_err(|error| LookupError::Spilled(format!("the resolved columns cannot be spilled: {error}")))
        })?;
        Ok(columns)
    }

    /// Reads the targets of a section that is to be deleted, and the digest of its files: that of a list that consists of them.
    ///
    /// # Errors
    /// [`SectionError`] if a file cannot be read.
    pub fn list(&self, section: usize) -> Result<(Store, String), SectionError> {
        let Section { chunks, sha256 } = self.read(section)?;
        Ok((chunks, self.plan.section_sha256(section, sha256)))
    }

    /// Finds the ids that are duplicated in one bucket of all sections. `parts` are the numbers of the sections and their
    /// buckets, in any order.
    ///
    /// # Errors
    /// [`SectionError::Invalid`] if they are not such buckets.
    pub fn duplicates<'a>(parts: impl IntoIterator<Item = (u32, &'a [u8])>) -> Result<Vec<u8>, SectionError> {
        let decode = |(section, bytes): (u32, &[u8])| Ok((section, decode::<Bucket>(bytes, "a bucket of ids")?));
        let parts = parts.into_iter().map(decode).collect::<Result<Vec<_>, SectionError>>()?;
        encode(&Duplicates::of_bucket(parts))
    }
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, SectionError> {
    postcard::to_allocvec(value).map_err(unencoded)
}

fn unencoded(error: postcard::Error) -> SectionError {
    SectionError::Invalid(format!("the result cannot be encoded: {error}"))
}

/// Reads a value at the beginning of some bytes, and moves them to its end. `what` names it in messages.
pub(super) fn take<'a, T: Deserialize<'a>>(bytes: &mut &'a [u8], what: &str) -> Result<T, SectionError> {
    let invalid = |error| SectionError::Invalid(format!("{what} cannot be read: {error}"));
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(invalid)?;
    *bytes = rest;
    Ok(value)
}

/// Reads a value that takes all of the bytes.
pub(super) fn decode<'a, T: Deserialize<'a>>(mut bytes: &'a [u8], what: &str) -> Result<T, SectionError> {
    let value = take(&mut bytes, what)?;
    match bytes {
        [] => Ok(value),
        _ => Err(SectionError::Invalid(format!("{what}: there are bytes after its end"))),
    }
}
