//! Handing a batch on: its list exactly as it was vetted, and its targets in their canonical form.

use super::Batch;
use crate::error::ReadError;
use crate::read::{ListFiles, ListSection, Manifest, ManifestFile, write_ndjson};
use std::io::Write;

impl Batch {
    /// The files that hold the list and the digest of each, if there are several.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.files.as_ref().and_then(ListFiles::manifest)
    }

    /// The sections of the list, each of which one process can delete. Empty if the list is not in files.
    pub fn sections(&self) -> Vec<ListSection> {
        let sections = |files: &ListFiles| files.sections(self.len(), self.targets_sha256());
        self.files.as_ref().map(sections).unwrap_or_default()
    }

    /// Returns a name for a copy of the list, with the extension of its format: `targets.csv.gz`. For a list in several files
    /// it is `targets.sha256`, which names them.
    pub fn list_name(&self) -> String {
        format!("targets.{}", self.files.as_ref().map_or("ndjson", ListFiles::extension))
    }

    /// Checks that the format of the list can escape the ids in it. A list in CSV with ids that contain control characters
    /// cannot be handed on.
    ///
    /// # Errors
    /// [`ReadError`] with the formats that can.
    pub fn check_format(&self) -> Result<(), ReadError> {
        match self.files.as_ref().and_then(ListFiles::lines).filter(|_| self.counts.ids.control.is_some()) {
            Some(file) => Err(ReadError::of_file(&file, "the list has ids with control characters").with_help(
                "submit the list as NDJSON, Parquet or Arrow, where no reader takes them for the end of a line",
            )),
            None => Ok(()),
        }
    }

    /// Writes the list byte for byte as it was vetted: the file it was read from, or NDJSON for inline targets. For a list in
    /// several files it writes the lines of the manifest; [`write_file`](Self::write_file) writes each of them. It fails if the
    /// digest of the written bytes is not [`targets_sha256`](Self::targets_sha256).
    ///
    /// # Errors
    /// [`ReadError`] if the file has changed, or `out` cannot be written.
    pub fn write_list(&self, out: &mut impl Write) -> Result<(), ReadError> {
        self.check_format()?;
        match &self.files {
            Some(files) => files.write(&self.digests.targets, out),
            None => self
                .write_targets(out)
                .map_err(|error| ReadError::of_file("the list", format!("cannot be written: {error}"))),
        }
    }

    /// Writes a file of the [`manifest`](Self::manifest) byte for byte as it was vetted.
    ///
    /// # Errors
    /// [`ReadError`] if the file has changed, or `out` cannot be written.
    pub fn write_file(&self, file: &ManifestFile, out: &mut impl Write) -> Result<(), ReadError> {
        self.files.as_ref().map_or(Ok(()), |files| files.write_file(file, out))
    }

    /// Writes the targets as NDJSON. The digest of inline targets is that of this form.
    ///
    /// # Errors
    /// The error of writing.
    pub fn write_targets(&self, out: &mut impl Write) -> std::io::Result<()> {
        write_ndjson(&self.chunks, out)
    }
}
