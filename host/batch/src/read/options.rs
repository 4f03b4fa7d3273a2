//! How a target list is read: its memory, its threads, and the columns of its fields.

use super::columnar::TableStream;
use super::mapping::Mapping;
use crate::parallel::threads;
use crate::spill::MemoryBudget;
use reprieve_model::{Approval, NumericTimes, SourceColumns, TargetFiles};
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
    pub(crate) columns: BTreeMap<String, SourceColumns>,
    pub(crate) skip_lines: Option<u64>,
    pub(crate) header: Option<bool>,
    pub(crate) times: Option<NumericTimes>,
    pub(crate) targets: Option<GivenTargets>,
    pub(crate) progress: Option<&'a mut dyn FnMut(Progress)>,
    pub(crate) caller: Option<String>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) no_files: bool,
}

/// Targets in place of those of the request.
#[derive(Debug)]
pub(crate) enum GivenTargets {
    File(PathBuf),
    Table(TableStream),
}

/// The progress of reading a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The number of rows that were read.
    pub rows: u64,
    /// The number of bytes of its files that were read.
    pub bytes: u64,
    /// The size of its files in bytes.
    pub of: u64,
}

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        Self {
            memory: MemoryBudget::default(),
            threads: threads(),
            columns: BTreeMap::new(),
            skip_lines: None,
            header: None,
            times: None,
            targets: None,
            progress: None,
            caller: None,
            approvals: Vec::new(),
            no_files: false,
        }
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
        self.columns.insert(field.to_owned(), column.into());
        self
    }

    /// Joins a field of the targets from several columns. Only `id` can be joined: its values are separated by `/`, and a
    /// `/` in a value is written `%2F`, a `%` is written `%25`.
    pub fn joined_columns(mut self, field: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.columns.insert(field.to_owned(), SourceColumns::Several(columns));
        self
    }

    /// Skips lines before the header of a CSV file (default: 0).
    pub const fn skip_lines(mut self, lines: u64) -> Self {
        self.skip_lines = Some(lines);
        self
    }

    /// Sets whether a CSV file has a header (default: true). Without one, fields are read from numbers of columns, counted
    /// from 1.
    pub const fn header(mut self, header: bool) -> Self {
        self.header = Some(header);
        self
    }

    /// Sets what a number means in a column of times (default: it is an error).
    pub const fn times(mut self, times: NumericTimes) -> Self {
        self.times = Some(times);
        self
    }

    /// Reads the targets from this file instead of those of the request, which are ignored. The request may then have none.
    pub fn targets(mut self, path: impl Into<PathBuf>) -> Self {
        self.targets = Some(GivenTargets::File(path.into()));
        self
    }

    /// Reads the targets from this table instead of those of the request, which are ignored. It is read once: the batch cannot
    /// hand it on as it was.
    pub fn table(mut self, table: TableStream) -> Self {
        self.targets = Some(GivenTargets::Table(table));
        self
    }

    /// Calls `each` with the progress, every few tens of thousands of rows.
    pub fn progress(mut self, each: &'a mut dyn FnMut(Progress)) -> Self {
        self.progress = Some(each);
        self
    }

    /// Sets who submits the request, as it was authenticated. It is the actor; a request that names another one is refused.
    pub fn caller(mut self, name: &str) -> Self {
        self.caller = Some(name.to_owned());
        self
    }

    /// Adds approvals to those of the request.
    pub fn approvals(mut self, approvals: Vec<Approval>) -> Self {
        self.approvals = approvals;
        self
    }

    /// Refuses lists in files: the request has to contain its targets.
    pub const fn without_files(mut self) -> Self {
        self.no_files = true;
        self
    }

    /// Returns the list of a request with what was set here, which takes precedence.
    pub(crate) fn applied_to(&self, mut files: TargetFiles) -> TargetFiles {
        files.columns.extend(self.columns.iter().map(|(field, columns)| (field.clone(), columns.clone())));
        files.header = self.header.or(files.header);
        files.skip_lines = self.skip_lines.or(files.skip_lines);
        files.times = self.times.or(files.times);
        files
    }

    /// Returns the columns of the request, overridden by those that were set here, and how else the file is read.
    pub(crate) fn mapping(&self, files: &TargetFiles) -> Result<Mapping, String> {
        let files = self.applied_to(files.clone());
        let mut mapping = Mapping::of(&files.columns)?;
        mapping.no_header = !files.header.unwrap_or(true);
        mapping.skip_lines = files.skip_lines.unwrap_or_default();
        mapping.times = files.times;
        mapping.check_numbers()?;
        Ok(mapping)
    }

    /// Whether something is set that only a list in a file has.
    pub(crate) fn is_about_a_file(&self) -> bool {
        !self.columns.is_empty() || self.skip_lines.is_some() || self.header.is_some() || self.times.is_some()
    }
}

impl std::fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { memory, threads, columns, skip_lines, header, times, targets, caller, .. } = self;
        f.debug_struct("ReadOptions")
            .field("memory", memory)
            .field("threads", threads)
            .field("columns", columns)
            .field("skip_lines", skip_lines)
            .field("header", header)
            .field("times", times)
            .field("targets", targets)
            .field("caller", caller)
            .finish_non_exhaustive()
    }
}
