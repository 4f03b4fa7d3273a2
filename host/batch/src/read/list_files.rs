//! The files that hold a list, and handing them on exactly as they were vetted.

use super::folder::Folder;
use super::hashing::Hashing;
use super::manifest::{Manifest, ManifestFile};
use super::text_file::is_lines;
use crate::error::{ReadError, describe};
use std::io::Write;
use std::path::Path;

/// The file, or the files, that hold a list.
#[derive(Clone, Debug)]
pub(crate) enum ListFiles {
    One {
        folder: Folder,
        name: String,
    },
    Several {
        folder: Folder,
        manifest: Manifest,
        sections: Vec<SectionEnd>,
    },
    /// A table that was in memory, and its name in messages.
    Table {
        name: String,
    },
}

/// Where a section of a list ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionEnd {
    /// The number of files up to its end.
    pub files: usize,
    /// The number of targets up to its end.
    pub targets: u64,
}

/// A section of a list: a run of its files, which one process reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSection {
    /// The number of its targets.
    pub targets: u64,
    /// The digest of its files, lower-case hex: that of a list that consists of them.
    pub sha256: String,
}

impl ListFiles {
    /// The extension of a file with the list, or with the lines of its manifest.
    pub fn extension(&self) -> &str {
        match self {
            Self::One { name, .. } => {
                let name = name.rsplit('/').next().unwrap_or(name);
                name.split_once('.').map_or("ndjson", |(_, extension)| extension)
            }
            Self::Several { .. } => "sha256",
            Self::Table { .. } => "arrows",
        }
    }

    /// The name in messages of the first file that cannot escape a control character.
    pub fn lines(&self) -> Option<String> {
        match self {
            Self::One { folder, name } => is_lines(name).then(|| folder.display_name(name)),
            Self::Several { folder, manifest, .. } => {
                let file = manifest.files().iter().find(|file| is_lines(&file.path));
                file.map(|file| folder.display_name(&file.path))
            }
            Self::Table { .. } => None,
        }
    }

    /// The sections of the list, which has this many targets and this digest.
    pub fn sections(&self, targets: u64, sha256: &str) -> Vec<ListSection> {
        let (manifest, sections) = match self {
            Self::One { .. } => return vec![ListSection { targets, sha256: sha256.to_owned() }],
            Self::Several { manifest, sections, .. } => (manifest, sections),
            Self::Table { .. } => return Vec::new(),
        };
        let starts = std::iter::once(SectionEnd { files: 0, targets: 0 }).chain(sections.iter().copied());
        let section = |(start, end): (SectionEnd, &SectionEnd)| {
            let files = manifest.files().get(start.files..end.files).unwrap_or_default();
            ListSection { targets: end.targets - start.targets, sha256: Manifest::new(files.to_vec()).sha256() }
        };
        starts.zip(sections).map(section).collect()
    }

    pub const fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::One { .. } | Self::Table { .. } => None,
            Self::Several { manifest, .. } => Some(manifest),
        }
    }

    /// Writes the list in one file, whose digest is `sha256`, or the lines of the manifest.
    pub fn write(&self, sha256: &str, out: &mut impl Write) -> Result<(), ReadError> {
        match self {
            Self::One { folder, name } => copy(folder, name, sha256, out),
            Self::Several { manifest, .. } => out
                .write_all(manifest.to_text().as_bytes())
                .map_err(|error| ReadError::of_file("the manifest", format!("cannot be written: {error}"))),
            Self::Table { name } => Err(ReadError::of_file(name, "a table is read once, so it cannot be handed on")
                .with_help("write it to a file, and vet that")),
        }
    }

    /// Writes a file of the manifest.
    pub fn write_file(&self, file: &ManifestFile, out: &mut impl Write) -> Result<(), ReadError> {
        match self {
            Self::One { folder, .. } | Self::Several { folder, .. } => copy(folder, &file.path, &file.sha256, out),
            Self::Table { .. } => self.write(&file.sha256, out),
        }
    }
}

/// Copies a file, if it still has the digest that it was read with.
fn copy(folder: &Folder, name: &str, sha256: &str, out: &mut impl Write) -> Result<(), ReadError> {
    let shown = folder.display_name(name);
    let mut reader = Hashing::new(folder.file(name)?);
    std::io::copy(&mut reader, out)
        .map_err(|error| ReadError::of_file(&shown, format!("cannot be copied: {error}")))?;
    let found = reader.finish();
    if found == sha256 {
        return Ok(());
    }
    let message = format!("the file changed after it was vetted: its digest was `{sha256}` and is `{found}`");
    Err(ReadError::of_file(&shown, message)
        .with_help("nothing was deleted; find out what writes to it, and submit the list again"))
}

/// Computes the digest of a list, as evidence and permits name it: SHA-256 of the bytes of a file, lower-case hex. A file
/// `….sha256` has the lines of a manifest; every file that it names, relative to its own folder, has to have the digest
/// that its line states.
///
/// # Errors
/// [`ReadError`] if a file cannot be read, or does not have the digest that its line states.
pub fn list_sha256(path: &Path) -> Result<String, ReadError> {
    let (folder, name) = Folder::of(path)?;
    if !Manifest::is_named(&name) {
        return digest(&folder, &name);
    }
    let manifest = Manifest::open(&folder, &name)?;
    for ManifestFile { path, sha256 } in manifest.files() {
        let found = digest(&folder, path)?;
        if found != *sha256 {
            let (shown, of) = (folder.display_name(path), folder.display_name(&name));
            let message = format!("its digest is `{found}`, but {of} states `{sha256}`");
            return Err(
                ReadError::of_file(&shown, message).with_help("delete nothing; find out what changed the file")
            );
        }
    }
    Ok(manifest.sha256())
}

/// Computes the digest of a file.
pub(crate) fn digest(folder: &Folder, name: &str) -> Result<String, ReadError> {
    let mut reader = Hashing::new(folder.file(name)?);
    std::io::copy(&mut reader, &mut std::io::sink())
        .map_err(|error| ReadError::of_file(&folder.display_name(name), describe(&error)))?;
    Ok(reader.finish())
}
