//! Sections: the parts of a list that several processes can read. A section is a run of files. Where it ends depends on the
//! sizes of the files alone, so it ends there on one machine, too: no chunk has rows of two sections.

use super::folder::Folder;
use super::list_builder::ListBuilder;
use super::options::ReadOptions;
use super::targets::{check_digest, read_file};
use crate::columns::Store;
use crate::error::ReadError;
use reprieve_model::{ListedFile, TargetFiles};
use std::ops::Range;

/// A section ends with the file in which it reaches this number of bytes.
const SECTION_BYTES: u64 = if cfg!(test) { 100 } else { 4 << 20 };

/// The sections of a list whose files have these sizes, as ranges of its files.
pub(crate) fn sections(sizes: &[u64]) -> Vec<Range<usize>> {
    let (mut sections, mut start, mut bytes) = (Vec::new(), 0, 0_u64);
    for (i, size) in sizes.iter().enumerate() {
        bytes = bytes.saturating_add(*size);
        if bytes >= SECTION_BYTES {
            sections.push(start..i + 1);
            (start, bytes) = (i + 1, 0);
        }
    }
    if start < sizes.len() {
        sections.push(start..sizes.len());
    }
    sections
}

/// The files of a list, whether it is one file or several.
pub(crate) fn listed_files(files: &TargetFiles) -> Vec<ListedFile> {
    match (&files.files, &files.path) {
        (Some(listed), _) => listed.clone(),
        (None, Some(path)) => vec![ListedFile { path: path.clone(), sha256: files.sha256.clone() }],
        (None, None) => Vec::new(),
    }
}

/// The sizes of the files of a list in bytes. All are opened once for that, so that one that is missing is found before much
/// is read.
pub(crate) fn sizes(folder: &Folder, listed: &[ListedFile]) -> Result<Vec<u64>, ReadError> {
    let size = |file: &ListedFile| {
        let opened = folder.file(&file.path).map_err(|error| match error.help {
            None => error.with_help("the list is whole only with every file that the request names"),
            Some(_) => error,
        })?;
        Ok(opened.metadata().map(|metadata| metadata.len()).unwrap_or_default())
    };
    listed.iter().map(size).collect()
}

/// A section that was read.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its chunks. Their rows are counted from the beginning of the section.
    pub chunks: Store,
    /// The digest of each file.
    pub sha256: Vec<String>,
}

/// Reads the files of a section. Nothing is counted.
pub(crate) fn read_section(
    folder: &Folder,
    targets: &TargetFiles,
    files: &[ListedFile],
    options: &mut ReadOptions<'_>,
) -> Result<Section, ReadError> {
    let mapping = options.mapping(targets).map_err(|error| ReadError::of_file("the list", error))?;
    let sizes = sizes(folder, files)?;
    let mut list = ListBuilder::of_section(sizes.iter().sum(), options);
    let mut sha256 = Vec::with_capacity(files.len());
    for (file, size) in files.iter().zip(sizes) {
        let shown = folder.display_name(&file.path);
        list.next_file(&shown, size);
        let found = read_file(folder, &file.path, &mapping, &mut list)?;
        check_digest(&shown, file.sha256.as_deref(), &found)?;
        sha256.push(found);
    }
    Ok(Section { chunks: list.finish_section()?, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_end_with_the_file_in_which_they_are_large_enough() {
        let ends = |sizes: &[u64]| sections(sizes).iter().map(|files| files.end).collect::<Vec<_>>();
        assert_eq!((ends(&[]), ends(&[0]), ends(&[1, 2, 3])), (vec![], vec![1], vec![3]));
        assert_eq!(ends(&[SECTION_BYTES - 1, 1, 7, SECTION_BYTES, SECTION_BYTES, 0]), [2, 4, 5, 6]);
        assert_eq!(ends(&[u64::MAX, u64::MAX]), [1, 2]);
    }
}
