//! Lists of several files: which files, in which order, and the digest of each. The digest of such a list is that of its
//! lines, as `sha256sum part-*.parquet | sha256sum` prints it.

use super::folder::Folder;
use crate::error::{Place, ReadError};
use crate::text::{control_character, describe_control};
use hashbrown::HashSet;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

/// The maximum number of files of a list.
pub(super) const MAX_FILES: usize = 10_000;
/// The maximum size of a manifest in bytes, as text or as a part of a request.
pub(super) const MAX_MANIFEST_BYTES: usize = 16 << 20;
/// The extension of a file with the lines of a manifest.
const EXTENSION: &str = ".sha256";
/// The number of hexadecimal digits of a digest.
const DIGEST_CHARS: usize = 64;

/// The files that hold a list, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    files: Vec<ManifestFile>,
}

/// A file of a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// The path, relative to the folder of the request.
    pub path: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
}

/// What is wrong with the paths of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PathFlaw {
    /// The number of the path, if it is about a single one.
    pub file: Option<usize>,
    pub message: String,
    pub help: &'static str,
}

impl Manifest {
    pub(crate) const fn new(files: Vec<ManifestFile>) -> Self {
        Self { files }
    }

    /// The files.
    pub fn files(&self) -> &[ManifestFile] {
        &self.files
    }

    /// Its lines, each the digest of a file, two spaces and the path.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for ManifestFile { path, sha256 } in &self.files {
            let written = writeln!(text, "{sha256}  {path}");
            debug_assert!(written.is_ok(), "a string can be written");
        }
        text
    }

    /// SHA-256 of its lines, lower-case hex.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.to_text()))
    }

    /// Whether a file of this name has the lines of a manifest.
    pub(super) fn is_named(name: &str) -> bool {
        name.to_ascii_lowercase().ends_with(EXTENSION)
    }

    /// Reads the lines of a manifest from a file.
    pub(super) fn open(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        let shown = folder.display_name(name);
        let bytes = folder.read(name, MAX_MANIFEST_BYTES as u64)?;
        let at_line = |line: usize, message: String| ReadError::new(&shown, Place::Line(line as u64), message);
        let help = "each line is the digest of a file, two spaces and its path, as `sha256sum` prints it";
        let text = str::from_utf8(&bytes).map_err(|_| ReadError::of_file(&shown, "not UTF-8").with_help(help))?;
        if !text.is_empty() && !text.ends_with('\n') {
            let message = "the last line has no end, so the file may be truncated";
            return Err(ReadError::of_file(&shown, message).with_help(help));
        }
        let mut files = Vec::new();
        for (i, line) in text.split_terminator('\n').enumerate() {
            let parts = line.split_once("  ").filter(|(sha256, path)| is_digest(sha256) && !path.is_empty());
            let (sha256, path) =
                parts.ok_or_else(|| at_line(i + 1, "not a line of a manifest".to_owned()).with_help(help))?;
            files.push(ManifestFile { path: path.to_owned(), sha256: sha256.to_owned() });
        }
        if let Some(PathFlaw { file, message, help }) = path_flaw(files.iter().map(|file| file.path.as_str())) {
            return Err(at_line(file.map_or(1, |file| file + 1), message).with_help(help));
        }
        Ok(Self { files })
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_CHARS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns what is wrong with the paths of a list: too few, too many, one twice, or one that a line cannot hold. Whether a
/// path leaves its folder is found when it is opened.
pub(super) fn path_flaw<'a>(paths: impl ExactSizeIterator<Item = &'a str>) -> Option<PathFlaw> {
    let count = paths.len();
    if count == 0 {
        let help = "name every file of the list; an empty list has a file without rows";
        return Some(PathFlaw { file: None, message: "it names no files".to_owned(), help });
    }
    if count > MAX_FILES {
        let message = format!("it names {count} files, at most {MAX_FILES} are allowed");
        return Some(PathFlaw { file: None, message, help: "write the list into fewer, larger files" });
    }
    let mut seen = HashSet::with_capacity(count);
    for (i, path) in paths.enumerate() {
        let flaw = |message, help| Some(PathFlaw { file: Some(i), message, help });
        if path.is_empty() {
            return flaw("the path is empty".to_owned(), "write the path of a file");
        }
        if let Some(control) = control_character(path) {
            return flaw(describe_control(control), "rename the file; a line of a manifest cannot hold its name");
        }
        if path.contains('\\') {
            let message = format!("the path `{path}` has a backslash");
            return flaw(message, "write `/` between folders; a name with a backslash has no place in a manifest");
        }
        // `./a` is `a`.
        let plain: PathBuf = Path::new(path).components().filter(|part| *part != Component::CurDir).collect();
        if !seen.insert(plain) {
            return flaw(format!("the file `{path}` is listed twice"), "list each file once");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_wrong_with_paths() {
        let flaw = |paths: &[&str]| path_flaw(paths.iter().copied()).map(|flaw| (flaw.file, flaw.message));
        assert_eq!(flaw(&["a.csv", "b/a.csv", "b/c.csv", "A.csv"]), None);
        for (paths, file) in [
            (&["a.csv", "./a.csv"][..], Some(1)),
            (&["b/a.csv", "c.csv", "b//./a.csv"], Some(2)),
            (&["a.csv", ""], Some(1)),
            (&["a\n.csv"], Some(0)),
            (&["a\u{2028}.csv"], Some(0)),
            (&["b\\a.csv"], Some(0)),
            (&[], None),
        ] {
            assert_eq!(flaw(paths).map(|flaw| flaw.0), Some(file), "{paths:?}");
        }
    }

    #[test]
    fn allows_as_many_files_as_it_says() {
        let names: Vec<String> = (0..=MAX_FILES).map(|i| format!("{i}.csv")).collect();
        assert_eq!(path_flaw(names[..MAX_FILES].iter().map(String::as_str)), None);
        let flaw = path_flaw(names.iter().map(String::as_str)).unwrap();
        assert_eq!(flaw.message, "it names 10001 files, at most 10000 are allowed");
    }

    #[test]
    fn reads_the_lines_that_it_writes_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let open = |text: &str| {
            std::fs::write(folder.path().join("list.sha256"), text).unwrap();
            Manifest::open(&Folder::open(folder.path()).unwrap(), "list.sha256")
        };
        let files =
            ["b.csv", "a  b/c.csv"].map(|path| ManifestFile { path: path.to_owned(), sha256: "5f".repeat(32) });
        let manifest = Manifest::new(files.to_vec());
        let text = manifest.to_text();
        assert_eq!(open(&text).unwrap(), manifest);
        let digest = "5f".repeat(32);
        for wrong in [
            String::new(),
            text.trim_end().to_owned(),
            text.to_uppercase(),
            text.replace("  b", " *b"),
            format!("{text}\n"),
            format!("{text}{text}"),
            format!("\\{text}"),
            format!("{digest}  \n"),
            format!("{}  a.csv\n", "5f".repeat(31)),
            format!("{digest}  a\r\n"),
        ] {
            assert!(open(&wrong).is_err(), "{wrong:?}");
        }
    }
}
