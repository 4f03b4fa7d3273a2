//! How a target list is read: its memory, its threads, and the columns of its fields.

use super::mapping::Mapping;
use crate::parallel::threads;
use crate::spill::MemoryBudget;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How a batch is read. The result depends on the columns and the file, not on memory or threads.
///
/// ```no_run
/// # use reprieve_batch::{Batch, ReadError, ReadOptions};
/// # fn main() -> Result<(), ReadError> {
/// let options = ReadOptions::default().memory(256 << 20).column("id", "app_id");
/// let batch = Batch::open_with("request.json".as_ref(), options)?;
/// # Ok(()) }
/// ```
#[must_use = "options do nothing until a batch is read with them"]
pub struct ReadOptions<'a> {
    pub(crate) memory: MemoryBudget,
    pub(crate) threads: usize,
    pub(crate) columns: BTreeMap<String, String>,
    pub(crate) targets: Option<PathBuf>,
    pub(crate) progress: Option<&'a mut dyn FnMut(Progress)>,
}

/// The progress of reading a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The number of rows that were read.
    pub rows: u64,
    /// The number of bytes of the file that were read.
    pub bytes: u64,
    /// The size of the file in bytes.
    pub of: u64,
}

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        let (columns, targets, progress) = (BTreeMap::new(), None, None);
        Self { memory: MemoryBudget::default(), threads: threads(), columns, targets, progress }
    }
}

impl<'a> ReadOptions<'a> {
    /// Sets the bytes of memory that a batch may use (default: 1 GiB). Data that does not fit is spilled to temporary
    /// files, and every count stays exact. A check uses a constant amount of memory besides: 256 MiB, and 64 MiB for each
    /// thread.
    pub const fn memory(mut self, bytes: u64) -> Self {
        self.memory = MemoryBudget(bytes);
        self
    }

    /// Sets the number of threads that read a list (default: one per core).
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Reads a field of the targets (`id`, `kind`, …) from a column of another name. This takes precedence over the
    /// columns of the request.
    pub fn column(mut self, field: &str, column: &str) -> Self {
        self.columns.insert(field.to_owned(), column.to_owned());
        self
    }

    /// Reads the targets from this file instead of those of the request, which are ignored.
    pub fn targets(mut self, path: impl Into<PathBuf>) -> Self {
        self.targets = Some(path.into());
        self
    }

    /// Calls `each` with the progress, every few tens of thousands of rows.
    pub fn progress(mut self, each: &'a mut dyn FnMut(Progress)) -> Self {
        self.progress = Some(each);
        self
    }

    /// Returns the columns of the request, overridden by those that were set here.
    pub(crate) fn mapping(&self, columns: &BTreeMap<String, String>) -> Result<Mapping, String> {
        let mut all = columns.clone();
        all.extend(self.columns.iter().map(|(field, column)| (field.clone(), column.clone())));
        Mapping::of(&all)
    }
}

impl std::fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { memory, threads, columns, targets, progress: _ } = self;
        f.debug_struct("ReadOptions")
            .field("memory", memory)
            .field("threads", threads)
            .field("columns", columns)
            .field("targets", targets)
            .finish_non_exhaustive()
    }
}
