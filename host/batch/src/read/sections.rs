//! Sections: the parts of a list that several processes can read. A section is a run of files. Where it ends depends on the
//! sizes of the files alone, so it ends there on one machine, too: no chunk has rows of two sections.

use super::folder::Folder;
use crate::error::{ReadError, describe};
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
        let metadata = opened.metadata();
        let unknown = |error| ReadError::of_file(&folder.display_name(&file.path), describe(&error));
        Ok(metadata.map_err(unknown)?.len())
    };
    listed.iter().map(size).collect()
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
