//! Reading one section of a list.

use super::folder::Folder;
use super::list_builder::ListBuilder;
use super::options::ReadOptions;
use super::sections::sizes;
use super::targets::{check_digest, read_file};
use crate::columns::Store;
use crate::error::ReadError;
use reprieve_model::{ListedFile, TargetFiles};

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
