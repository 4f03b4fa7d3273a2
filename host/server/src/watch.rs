//! Notices that a file of the policy set has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How deep below the folder of the policy set files are looked at.
const MAX_DEPTH: usize = 3;
/// The maximum number of files that are looked at.
const MAX_FILES: usize = 10_000;

/// The endings of files that a policy set consists of. A ledger, which changes with every decision, has none of them.
const ENDINGS: &[&str] = &["toml", "wasm", "json", "pem", "crt", "key", "csv", "ndjson", "parquet", "arrow", "txt"];

/// The files of a policy set, each with its size and the time of its last change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Files(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Files {
    /// Looks at the files below a folder, and not in its folder of lists.
    pub fn of(folder: &Path, lists: Option<&str>) -> Self {
        let lists = lists.and_then(|lists| folder.join(lists).canonicalize().ok());
        let mut files = Self::default();
        files.add(folder, lists.as_deref(), 0);
        files
    }

    fn add(&mut self, folder: &Path, lists: Option<&Path>, depth: usize) {
        // What cannot be read is not part of a set that can be read.
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            // Links are followed: a mounted set is often a link to a folder that is replaced.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let is_list = || path.canonicalize().is_ok_and(|path| Some(path.as_path()) == lists);
            let is_part = || {
                path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
            };
            if metadata.is_dir() && depth < MAX_DEPTH && !is_list() {
                self.add(&path, lists, depth + 1);
            } else if metadata.is_file() && self.0.len() < MAX_FILES && is_part() {
                self.0.insert(path, (metadata.len(), metadata.modified().ok()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_part_is_noticed_and_that_of_a_ledger_or_list_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("reprieve.toml", "a");
        write("lists/a.ndjson", "a");
        let look = || Files::of(folder.path(), Some("lists"));
        let before = look();
        write("reprieve.db", "a");
        write("lists/b.ndjson", "b");
        assert_eq!(look(), before);
        for (name, text) in [("reprieve.toml", "ab"), ("keys/alice.json", "{}"), ("own.wasm", "x")] {
            let before = look();
            write(name, text);
            assert_ne!(look(), before, "{name}");
        }
    }
}
