//! The plan of a batch: its request, and the sections of its list.

use crate::error::{Place, ReadError};
use crate::read::{
    Document, Folder, GivenTargets, Manifest, ManifestFile, ReadOptions, TargetSource, digest, listed_files,
    read_request, sections, sizes,
};
use reprieve_model::{Claims, ListedFile, TargetFiles, Timestamp};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A batch whose list several processes read, in sections. A section is a run of files of the list; it ends with the file in
/// which it reaches 4 MiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchPlan {
    /// The file of the request.
    pub(super) request: String,
    /// What the request claims.
    pub(super) claims: Claims,
    pub(super) request_sha256: String,
    /// The folder that the paths of the list are relative to.
    pub(super) folder: PathBuf,
    /// The list, and how it is read.
    pub(super) targets: TargetFiles,
    /// The files of each section.
    pub(super) sections: Vec<Range<usize>>,
    /// The time that the decision is made for, if it is given.
    pub(super) at: Option<Timestamp>,
}

impl BatchPlan {
    /// Plans the batch of a request file. Its list has to be in files; none of them is read.
    ///
    /// # Errors
    /// [`ReadError`] with the file and the line or JSON pointer.
    pub fn open(path: &Path, options: ReadOptions<'_>) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        Self::of(Document::open(&folder, &name)?, &folder, parent, options)
    }

    /// Plans the batch of a request that is read from a stream; `name` is its name in messages. The files of its list are
    /// below `folder`.
    ///
    /// # Errors
    /// [`ReadError`] with the file and the line or JSON pointer.
    pub fn read(request: impl Read, name: &str, folder: &Path, options: ReadOptions<'_>) -> Result<Self, ReadError> {
        Self::of(read_request(request, name)?, &Folder::open(folder)?, folder, options)
    }

    fn of(
        mut document: Document,
        folder: &Folder,
        path: &Path,
        mut options: ReadOptions<'_>,
    ) -> Result<Self, ReadError> {
        document.add(options.caller.take(), std::mem::take(&mut options.approvals))?;
        let Document { claims, sha256: request_sha256, file, targets } = document;
        let (folder, path, files) = match (options.targets.take(), targets) {
            (Some(GivenTargets::Table(table)), _) => {
                return Err(ReadError::of_file(table.name(), "a table is in one process, so nothing can be divided")
                    .with_help("write it to a file, and name that"));
            }
            (Some(GivenTargets::File(list)), _) => {
                let (folder, name) = Folder::of(&list)?;
                let parent = list.parent().unwrap_or(Path::new("")).to_owned();
                (folder, parent, TargetFiles { path: Some(name), ..TargetFiles::default() })
            }
            (None, TargetSource::Files(files)) => (folder.clone(), path.to_owned(), files),
            (None, TargetSource::Inline { line, .. }) => {
                let place = Place::Pointer { pointer: "/targets".to_owned(), line };
                return Err(ReadError::new(
                    &file,
                    place,
                    "the targets are in the request, so nothing can be divided",
                )
                .with_help("check it on one machine, or put the targets into files"));
            }
            (None, TargetSource::Absent) => {
                let place = Place::Pointer { pointer: String::new(), line: 1 };
                return Err(ReadError::new(&file, place, "there is no `targets`")
                    .with_help("name the files of the list: `\"targets\": { \"files\": [{ \"path\": … }] }`"));
            }
        };
        let targets = options.applied_to(files);
        options.mapping(&targets).map_err(|error| {
            let place = Place::Pointer { pointer: "/targets/columns".to_owned(), line: 1 };
            ReadError::new(&file, place, error)
        })?;
        let sizes = sizes(&folder, &listed_files(&targets))?;
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        let folder = std::path::absolute(&path)
            .map_err(|error| ReadError::of_file(&path.display().to_string(), error.to_string()))?;
        Ok(Self { request: file, claims, request_sha256, folder, targets, sections: sections(&sizes), at: None })
    }

    /// Sets the time that the decision is made for.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at: Some(at), ..self }
    }

    /// The file of the request, as it was named.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// What the request claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The folder that the paths of the list are relative to. Every process that reads a section has to see it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sets another path of the same folder, as a process on another machine sees it.
    #[must_use]
    pub fn in_folder(self, folder: PathBuf) -> Self {
        Self { folder, ..self }
    }

    /// The number of sections.
    pub fn sections(&self) -> usize {
        self.sections.len()
    }

    /// Reads the files of a section, without looking at their rows. Returns their paths, and the digest of the section.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such section, or a file cannot be read.
    pub fn hash_section(&self, section: usize) -> Result<(Vec<PathBuf>, String), ReadError> {
        let (folder, files) = (Folder::open(&self.folder)?, self.files(section));
        if files.is_empty() {
            let message = format!("there is no section {section}; the plan has {}", self.sections());
            return Err(ReadError::of_file("the plan", message));
        }
        let sha256 = files.iter().map(|file| digest(&folder, &file.path)).collect::<Result<_, _>>()?;
        let paths = files.iter().map(|file| self.folder.join(&file.path)).collect();
        Ok((paths, self.section_sha256(section, sha256)))
    }

    /// The digest of a section whose files have these digests.
    pub(super) fn section_sha256(&self, section: usize, sha256: Vec<String>) -> String {
        let files = self.files(section).into_iter().zip(&sha256);
        let line = |(file, sha256): (ListedFile, &String)| ManifestFile { path: file.path, sha256: sha256.clone() };
        match sha256.as_slice() {
            [only] if self.targets.files.is_none() => only.clone(),
            _ => Manifest::new(files.map(line).collect()).sha256(),
        }
    }

    /// The files of a section.
    pub(super) fn files(&self, section: usize) -> Vec<ListedFile> {
        let all = listed_files(&self.targets);
        self.sections.get(section).and_then(|files| all.get(files.clone())).unwrap_or_default().to_vec()
    }
}
