//! How a target list is read: how much memory it may take, on how many threads, from which columns.

use super::fields::Mapping;
use crate::parallel;
use crate::spill::Memory;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Bytes of memory that a batch may take where nobody says.
const MEMORY: u64 = 1 << 30;

/// How a batch is read. What comes out depends on none of it but the columns and the file.
///
/// ```no_run
/// # fn main() -> Result<(), reprieve::Unreadable> {
/// let batch = reprieve::Reading::default()
///     .memory(256 << 20)
///     .column("id", "app_id")
///     .open("request.json".as_ref())?;
/// # Ok(()) }
/// ```
#[must_use = "it says how to read; `open` reads"]
pub struct Reading<'a> {
    pub(crate) memory: Memory,
    pub(crate) threads: usize,
    pub(crate) columns: BTreeMap<String, String>,
    pub(crate) targets: Option<PathBuf>,
    pub(crate) progress: Option<&'a mut dyn FnMut(Progress)>,
}

/// How far reading a list has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows that were read.
    pub rows: u64,
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Bytes of the file.
    pub of: u64,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        let (columns, targets, progress) = (BTreeMap::new(), None, None);
        Self { memory: Memory(MEMORY), threads: parallel::threads(), columns, targets, progress }
    }
}

impl<'a> Reading<'a> {
    /// Sets how many bytes of memory a batch may take (1 GiB). What does not fit is set aside in temporary files, and
    /// every count stays exact.
    pub const fn memory(mut self, bytes: u64) -> Self {
        self.memory = Memory(bytes);
        self
    }

    /// Sets on how many threads a list is read (one a core).
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Reads a field of the targets (`id`, `kind`, …) from the column of another name. This goes before what the
    /// request says of its columns.
    pub fn column(mut self, field: &str, column: &str) -> Self {
        self.columns.insert(field.to_owned(), column.to_owned());
        self
    }

    /// Takes the targets from this file instead of those that the request names, which are not looked at.
    pub fn targets(mut self, path: impl Into<PathBuf>) -> Self {
        self.targets = Some(path.into());
        self
    }

    /// Is told how far reading has come, after every few tens of thousands of rows.
    pub fn progress(mut self, each: &'a mut dyn FnMut(Progress)) -> Self {
        self.progress = Some(each);
        self
    }

    /// What the request says of its columns, and what was set here.
    pub(crate) fn mapping(&self, columns: &BTreeMap<String, String>) -> Result<Mapping, String> {
        let mut all = columns.clone();
        all.extend(self.columns.iter().map(|(field, column)| (field.clone(), column.clone())));
        Mapping::of(&all)
    }
}

impl std::fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { memory, threads, columns, targets, progress: _ } = self;
        f.debug_struct("Reading")
            .field("memory", memory)
            .field("threads", threads)
            .field("columns", columns)
            .field("targets", targets)
            .finish_non_exhaustive()
    }
}
