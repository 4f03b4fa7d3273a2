//! Building a list: chunks are joined, counted and stored.

use super::chunker::FinishedChunk;
use super::joiner::Joiner;
use super::options::{Progress, ReadOptions};
use super::read_as::ReadAs;
use crate::columns::{Chunk, LongValue, Origin, Store};
use crate::error::ReadError;
use crate::facts::{Aggregate, ChunkCounts, Counts, Hasher};
use crate::spill::MemoryBudget;
use crate::text::too_long;

/// What to do about a name that may not be one.
const NAME_HELP: &str = "write it without that character; names that only look alike must not count as different";

/// The maximum number of ways to read a file that are kept of a list; of further ones only the rows are.
const MAX_WAYS: usize = 16;

/// A target list that was read.
#[derive(Debug)]
pub(crate) struct List {
    pub chunks: Store,
    pub counts: Counts,
    pub sha256: String,
    /// The ways in which its files were read.
    pub read_as: Vec<ReadAs>,
}

/// A list while chunks are added to it, from one file after the other.
pub(super) struct ListBuilder<'a, 'b> {
    /// The name of the current file in messages.
    shown: String,
    options: &'a mut ReadOptions<'b>,
    pub hasher: Hasher,
    /// How the current file is read.
    pub read_as: ReadAs,
    /// How the files before it were read.
    ways: Vec<ReadAs>,
    joiner: Joiner,
    chunks: Store,
    /// The number of rows in `chunks`.
    stored: u64,
    /// The number of rows, and of those before the current file.
    rows: u64,
    rows_before: u64,
    files: Option<FileBytes>,
    /// None: nothing is counted.
    counts: Option<Aggregate>,
}

/// The bytes of several files.
struct FileBytes {
    before: u64,
    /// Those of the current file.
    current: u64,
    all: u64,
}

impl<'a, 'b> ListBuilder<'a, 'b> {
    /// Begins a list; `shown` is its name in messages.
    pub fn new(shown: &str, options: &'a mut ReadOptions<'b>) -> Self {
        let hasher = Hasher::default();
        Self {
            shown: shown.to_owned(),
            read_as: ReadAs::default(),
            ways: Vec::new(),
            joiner: Joiner::new(hasher.clone()),
            chunks: Store::new(options.memory.columns()),
            stored: 0,
            rows: 0,
            rows_before: 0,
            files: None,
            counts: Some(Aggregate::new(hasher.clone(), options.memory)),
            options,
            hasher,
        }
    }

    /// Begins a list of several files, which have this many bytes together.
    pub fn of_several(bytes: u64, options: &'a mut ReadOptions<'b>) -> Self {
        let files = Some(FileBytes { before: 0, current: 0, all: bytes });
        Self { files, ..Self::new("the list", options) }
    }

    /// Begins a section of a list, whose files have this many bytes together.
    pub fn of_section(bytes: u64, options: &'a mut ReadOptions<'b>) -> Self {
        Self { counts: None, ..Self::of_several(bytes, options) }
    }

    /// Begins the next file of several, which has this many bytes.
    pub fn next_file(&mut self, shown: &str, bytes: u64) {
        shown.clone_into(&mut self.shown);
        self.rows_before = self.rows;
        if let Some(files) = &mut self.files {
            files.before += std::mem::replace(&mut files.current, bytes);
        }
    }

    /// Keeps how the current file was read.
    pub fn end_file(&mut self) {
        let read_as = std::mem::take(&mut self.read_as).of_file(&self.shown);
        if self.ways.len() < MAX_WAYS && !self.ways.iter().any(|way| way.is_like(&read_as)) {
            self.ways.push(read_as);
        }
    }

    /// The number of threads that read the list.
    pub const fn threads(&self) -> usize {
        self.options.threads
    }

    /// The memory of the batch.
    pub const fn memory(&self) -> MemoryBudget {
        self.options.memory
    }

    /// The number of rows of all files.
    pub const fn rows_of_list(&self) -> u64 {
        self.rows
    }

    /// The number of rows of the current file.
    pub const fn rows(&self) -> u64 {
        self.rows - self.rows_before
    }

    /// Sets the file that chunks can be read from again. Several files are not kept open for that.
    pub fn read_again_from(&mut self, origin: Box<dyn Origin>) {
        if self.files.is_none() {
            self.chunks.read_again_from(origin);
        }
    }

    /// Appends a chunk.
    pub fn add(&mut self, finished: FinishedChunk) -> Result<(), ReadError> {
        if let Some((row, flaw)) = &finished.name_flaw {
            let row = self.rows() + row + 1;
            return Err(ReadError::of_file(&self.shown, format!("row {row}: {flaw}")).with_help(NAME_HELP));
        }
        if let Some(LongValue { row, column, bytes }) = &finished.long_value {
            let row = self.rows() + row + 1;
            return Err(ReadError::of_file(&self.shown, format!("row {row}: {}", too_long(column, *bytes))));
        }
        self.rows += u64::from(finished.chunk.rows);
        self.joiner.add(finished).into_iter().try_for_each(|chunk| self.store(chunk))
    }

    /// Counts and stores a chunk.
    fn store(&mut self, finished: FinishedChunk) -> Result<(), ReadError> {
        let FinishedChunk { chunk, ids, at, .. } = finished;
        let chunk = Chunk { first_row: self.stored, ..chunk };
        self.stored += u64::from(chunk.rows);
        if let Some(counts) = &mut self.counts {
            let counted = counts.add(chunk.first_row, &ChunkCounts::of(&chunk), ids);
            counted.map_err(|message| ReadError::of_file(&self.shown, message))?;
        }
        self.chunks.push_from(chunk, at).map_err(|error| {
            ReadError::of_file(&self.shown, format!("it cannot be spilled to a temporary file: {error}")).with_help(
                "the list is larger than its memory; free space for temporary files, or allow it more memory",
            )
        })
    }

    /// Reports the progress in the current file.
    pub fn progress(&mut self, bytes: u64, of: u64) {
        let (bytes, of) = self.files.as_ref().map_or((bytes, of), |files| (files.before + bytes, files.all));
        if let Some(each) = &mut self.options.progress {
            each(Progress { rows: self.rows, bytes, of });
        }
    }

    /// Ends a section: the next row begins a chunk.
    pub fn end_section(&mut self) -> Result<(), ReadError> {
        self.joiner.cut().map_or(Ok(()), |chunk| self.store(chunk))?;
        self.chunks.end_section();
        Ok(())
    }

    /// Returns the list. `sha256` is its digest.
    pub fn finish(mut self, sha256: String) -> Result<List, ReadError> {
        self.end_section()?;
        let Self { shown, chunks, counts, options, ways, hasher, .. } = self;
        let counts = counts.unwrap_or_else(|| Aggregate::new(hasher, options.memory));
        let counts = counts.finish(&chunks, options.threads);
        let counts = counts.map_err(|error| ReadError::of_file(&shown, error.to_string()))?;
        Ok(List { counts, chunks, sha256, read_as: ways })
    }

    /// Returns the chunks of a section.
    pub fn finish_section(mut self) -> Result<Store, ReadError> {
        self.end_section()?;
        Ok(self.chunks)
    }
}
