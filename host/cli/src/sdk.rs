//! The SDKs. This program contains their sources, and writes those that a project needs into the project.

use crate::error::fail;
use crate::files::{Readers, write_whole};
use crate::project::Language;
use anyhow::Context;
use flate2::read::GzDecoder;
use reprieve::read_file;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// The version of the SDKs, which is that of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder of a project that contains its SDK. Tools of all languages skip hidden folders.
pub const FOLDER: &str = ".reprieve-sdk";

/// The file in that folder with the digest of every other, for `sha256sum --check`.
const SUMS: &str = "SHA256SUMS";

/// A file of an SDK has at most this many bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Packed by the build script.
const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sdks.json.gz"));

/// The files of an SDK, from paths in [`FOLDER`] to texts. The last is [`SUMS`], in the order of writing.
#[derive(Debug)]
pub struct Sdk {
    files: BTreeMap<String, String>,
    sums: String,
}

impl Sdk {
    /// Unpacks the SDK of a language.
    pub fn of(language: Language) -> anyhow::Result<Self> {
        let part = match language {
            Language::Rust => ["rust", "model", "wit"].as_slice(),
            Language::Js => &["js", "wit"],
            Language::Python => &["python", "wit"],
        };
        let mut files: BTreeMap<String, String> = serde_json::from_reader(GzDecoder::new(ARCHIVE))
            .context("the SDKs in this program cannot be unpacked")?;
        files.retain(|path, _| path.split_once('/').is_none_or(|(folder, _)| part.contains(&folder)));
        files.insert("VERSION".to_owned(), format!("{VERSION}\n"));
        let sums = files.iter().map(|(path, text)| format!("{}  {path}\n", digest(text.as_bytes()))).collect();
        Ok(Self { files, sums })
    }

    /// The digest of [`SUMS`], which stands for all files.
    pub fn sha256(&self) -> String {
        digest(self.sums.as_bytes())
    }

    /// Writes the files into a project.
    pub fn write(&self, project: &Path) -> anyhow::Result<()> {
        let sums = [(SUMS, self.sums.as_str())];
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        for (name, text) in files.chain(sums) {
            let path = project.join(FOLDER).join(name);
            path.parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| write_whole(&path, text.as_bytes(), Readers::All))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Replaces the SDK in a project, if no file of it was changed. Returns the version that it had.
    pub fn replace(&self, project: &Path) -> anyhow::Result<String> {
        let folder = project.join(FOLDER);
        let old = read(&folder.join(SUMS))?;
        let mut unneeded = Vec::new();
        for line in old.lines() {
            let (sum, name) = line.split_once("  ").unwrap_or(("", line));
            let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            let path = folder.join(name);
            let is_unchanged = is_inside && read_file(&path, MAX_FILE_BYTES).is_ok_and(|bytes| digest(&bytes) == sum);
            if !is_unchanged {
                let help =
                    format!("restore it, or remove {FOLDER} and create it with `reprieve policy new` elsewhere");
                return Err(fail(format!("{} is not the file that {SUMS} lists", path.display()), help));
            }
            if !self.files.contains_key(name) {
                unneeded.push(path);
            }
        }
        let version = read(&folder.join("VERSION"))?;
        self.write(project)?;
        for path in unneeded {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(version.trim_end().to_owned())
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = read_file(path, MAX_FILE_BYTES)?;
    String::from_utf8(bytes).map_err(|_| fail(format!("{} is not UTF-8", path.display()), "restore the file"))
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
