//! Compiled code that is kept on disk, so that the next start maps it instead of compiling. The host's only module
//! with unsafe code: wasmtime runs what it maps as it is, so what makes that sound stands here beside it.
//!
//! - The folder belongs to this user and nobody else may write to it; that is looked at on every start.
//! - A file is written beside its place, synced and renamed, so it is there whole or not at all.
//! - Its name holds the digest of the component and all that decides how it is compiled; wasmtime checks the latter
//!   again and refuses a file of another version, configuration or processor.
//!
//! Whatever goes wrong with a kept file, the policy is compiled anew: a cache can make a start slow, never wrong.
#![allow(unsafe_code)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Error, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasmtime::Engine;
use wasmtime::component::Component;

/// How many files are kept; the oldest go.
const MOST_FILES: usize = 64;

/// A folder in which compiled policies are kept from one start to the next.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Takes a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// Where it cannot be made, belongs to somebody else, or others can write to it: they could run code in this
    /// process.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        match make(&folder).and_then(|()| check_private(&folder)) {
            Ok(()) => Ok(Self { folder }),
            Err(error) => Err(Error::new(error.kind(), format!("{}: {error}", folder.display()))),
        }
    }

    /// The component of which `sha256` is the digest: mapped if it is kept, else compiled and kept.
    pub(super) fn load(&self, engine: &Engine, sha256: &str, bytes: &[u8]) -> wasmtime::Result<Component> {
        let path = self.path(engine, sha256);
        if path.is_file() {
            // SAFETY: only this user can have written below the folder (`open` looked), and what this program writes
            // there is the code of a component that it compiled, put in its place whole. wasmtime refuses a file that
            // its own version and this engine's configuration did not make.
            if let Ok(component) = unsafe { Component::deserialize_file(engine, &path) } {
                return Ok(component);
            }
        }
        let component = Component::new(engine, bytes)?;
        // A cache that cannot be written to costs the next start its time and nothing else.
        let _ = self.keep(&path, &component.serialize()?);
        Ok(component)
    }

    fn path(&self, engine: &Engine, sha256: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{sha256}-{:016x}.cwasm", hasher.finish()))
    }

    fn keep(&self, path: &Path, code: &[u8]) -> Result<(), Error> {
        // A name of its own for every writer: two gates of one process may keep the same policy at the same time.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(code)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        self.drop_oldest()
    }

    fn drop_oldest(&self) -> Result<(), Error> {
        let mut files: Vec<(SystemTime, PathBuf)> = std::fs::read_dir(&self.folder)?
            .filter_map(|entry| entry.and_then(|entry| Ok((entry.metadata()?.modified()?, entry.path()))).ok())
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(MOST_FILES);
        files.iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))
    }
}

#[cfg(unix)]
fn make(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn check_private(folder: &Path) -> Result<(), Error> {
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::symlink_metadata(folder)?;
    let refuse = |what: &str| Err(Error::new(ErrorKind::PermissionDenied, what));
    if !metadata.is_dir() {
        return refuse("it is not a folder");
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user");
    }
    if metadata.mode() & 0o022 != 0 {
        return refuse("others can write to it (chmod go-w it)");
    }
    Ok(())
}

#[cfg(not(unix))]
fn make(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder)
}

// The profile of a user, below which the folder stands, is that user's alone.
#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the files are looked at from outside
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn files(folder: &Path) -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_is_kept_is_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("deep").join("down")).unwrap();
        cache.load(&Engine::default(), "ab", EMPTY).unwrap();
        cache.load(&Engine::default(), "ab", b"not looked at any more").unwrap();
        let files = files(&cache.folder);
        assert_eq!(files.len(), 1, "{files:?}");
    }

    #[test]
    fn a_file_that_is_cut_or_foreign_is_compiled_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let engine = Engine::default();
        cache.load(&engine, "ab", EMPTY).unwrap();
        let [path] = files(folder.path()).try_into().unwrap();
        let whole = std::fs::read(&path).unwrap();
        for broken in [&whole[..0], &whole[..100], &whole[..whole.len() / 2], b"\x7fELF rubbish"] {
            std::fs::write(&path, broken).unwrap();
            cache.load(&engine, "ab", EMPTY).unwrap();
            assert_eq!(std::fs::read(&path).unwrap().len(), whole.len());
        }
    }

    #[test]
    fn a_folder_of_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o770)).unwrap();
        let error = Cache::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("others can write to it"), "{error}");
    }

    #[test]
    fn many_may_keep_and_map_the_same_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let engine = Engine::default();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (0..20).for_each(|_| drop(cache.load(&engine, "ab", EMPTY).unwrap())));
            }
        });
        assert_eq!(files(folder.path()).len(), 1);
    }

    #[test]
    fn the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        for i in 0..MOST_FILES + 3 {
            cache.keep(&folder.path().join(format!("{i}.cwasm")), b"code").unwrap();
        }
        assert_eq!(files(folder.path()).len(), MOST_FILES);
        assert!(folder.path().join(format!("{}.cwasm", MOST_FILES + 2)).exists());
    }
}
