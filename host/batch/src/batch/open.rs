//! Reading a batch: its request, and the targets in it or in files.

use super::Batch;
use crate::error::{Place, ReadError};
use crate::read::{
    Document, Folder, GivenTargets, ReadOptions, TargetSource, read_inline_targets, read_request, read_target_files,
    read_target_table,
};
use reprieve_model::TargetFiles;
use std::io::Read;
use std::path::Path;

impl Batch {
    /// Reads a request file, and the targets in it or in a file of its folder. The decision is made for the current time;
    /// [`at`](Self::at) sets another.
    ///
    /// # Errors
    /// [`ReadError`] with the file and the line or JSON pointer.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::open_with(path, ReadOptions::default())
    }

    /// Reads a request file as [`open`](Self::open) does, with options.
    ///
    /// # Errors
    /// [`ReadError`] with the file and the line or JSON pointer.
    pub fn open_with(path: &Path, options: ReadOptions<'_>) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        Self::assemble(Document::open(&folder, &name)?, &folder, options)
    }

    /// Reads a request from a stream; `name` is its name in messages. A target file is opened below `folder`.
    ///
    /// # Errors
    /// [`ReadError`] with the file and the line or JSON pointer.
    pub fn read(request: impl Read, name: &str, folder: &Folder) -> Result<Self, ReadError> {
        Self::read_with(request, name, folder, ReadOptions::default())
    }

    /// Reads a request from a stream as [`read`](Self::read) does, with options.
    ///
    /// # Errors
    /// [`ReadError`] with the file and the line or JSON pointer.
    pub fn read_with(
        request: impl Read,
        name: &str,
        folder: &Folder,
        options: ReadOptions<'_>,
    ) -> Result<Self, ReadError> {
        Self::assemble(read_request(request, name)?, folder, options)
    }

    fn assemble(mut document: Document, folder: &Folder, mut options: ReadOptions<'_>) -> Result<Self, ReadError> {
        document.add(options.caller.take(), std::mem::take(&mut options.approvals))?;
        let in_columns = |error: String| {
            let place = Place::Pointer { pointer: "/targets/columns".to_owned(), line: 1 };
            ReadError::new(&document.file, place, error)
        };
        let read = |folder: &Folder, files: &TargetFiles, options: &mut ReadOptions<'_>| {
            let mapping = options.mapping(files).map_err(in_columns)?;
            read_target_files(folder, files, &mapping, options).map(|(list, files)| (list, Some(files)))
        };
        let (list, files) = match (options.targets.take(), &document.targets) {
            (Some(GivenTargets::Table(table)), _) => {
                let mapping = options.mapping(&TargetFiles::default()).map_err(in_columns)?;
                read_target_table(table, &mapping, &mut options).map(|(list, files)| (list, Some(files)))?
            }
            (Some(GivenTargets::File(path)), _) => {
                let (folder, name) = Folder::of(&path)?;
                read(&folder, &TargetFiles { path: Some(name), ..TargetFiles::default() }, &mut options)?
            }
            (None, TargetSource::Absent) => {
                let place = Place::Pointer { pointer: String::new(), line: 1 };
                return Err(ReadError::new(&document.file, place, "there is no `targets`")
                    .with_help("list them, or name their file: `\"targets\": { \"path\": \"targets.ndjson\" }`"));
            }
            (None, TargetSource::Inline { line, .. }) if options.is_about_a_file() => {
                let place = Place::Pointer { pointer: "/targets".to_owned(), line: *line };
                return Err(ReadError::new(&document.file, place, "inline targets have no columns to rename")
                    .with_help("put the targets into a file, or do not rename columns"));
            }
            (None, TargetSource::Inline { json, line }) => {
                (read_inline_targets(json, &document.file, *line, &mut options)?, None)
            }
            (None, TargetSource::Files(_)) if options.no_files => {
                let place = Place::Pointer { pointer: "/targets".to_owned(), line: 1 };
                return Err(ReadError::new(
                    &document.file,
                    place,
                    "the list is in a file, and files are not read here",
                )
                .with_help("put the targets into the request"));
            }
            (None, TargetSource::Files(files)) => read(folder, files, &mut options)?,
        };
        let (memory, threads) = (options.memory, options.threads);
        Ok(Self { files, memory, threads, ..Self::new(document.claims, document.sha256, list) })
    }
}
