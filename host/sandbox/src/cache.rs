//! A cache of compiled code on disk, so that the next start maps it instead of compiling. This is the only module of the
//! host with unsafe code: wasmtime runs mapped code without checking it. Three rules make that sound:
//!
//! - The folder belongs to this user, and no other user may write to it. Every start checks this.
//! - A file is written next to its final place, synced and renamed, so it is complete or does not exist.
//! - Its name contains the digest of the component and of everything that affects compilation. wasmtime checks the latter
//!   again and refuses a file of another version, configuration or processor.
//!
//! If a cached file cannot be used, the policy is compiled again: a cache can make a start slow, never wrong.
#![allow(unsafe_code)]
#![allow(clippy::disallowed_methods)] // the only module that touches files

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Error, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasmtime::Engine;
use wasmtime::component::Component;

/// The maximum number of files in a cache. The oldest are removed first.
const MAX_FILES: usize = 64;

/// A folder that keeps compiled policies from one start to the next.
#[derive(Clone, Debug)]
pub struct ModuleCache {
    folder: PathBuf,
}

impl ModuleCache {
    /// Opens a cache in a folder, and creates the folder if there is none.
    ///
    /// # Errors
    /// The folder cannot be created, belongs to another user, or other users can write to it: they could run code in this
    /// process.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        match create(&folder).and_then(|()| check_private(&folder)) {
            Ok(()) => Ok(Self { folder }),
            Err(error) => Err(Error::new(error.kind(), format!("{}: {error}", folder.display()))),
        }
    }

    /// Returns the component whose digest is `sha256`: mapped if it is in the cache, else compiled and added.
    pub(crate) fn load(&self, engine: &Engine, sha256: &str, bytes: &[u8]) -> wasmtime::Result<Component> {
        let path = self.path(engine, sha256);
        if path.is_file() {
            // SAFETY: only this user can write to the folder, which `open` checked, and this program writes only complete
            // files there, with the code of a component that it compiled. wasmtime refuses a file of another version or
            // of another engine configuration.
            if let Ok(component) = unsafe { Component::deserialize_file(engine, &path) } {
                return Ok(component);
            }
        }
        let component = Component::new(engine, bytes)?;
        // If the cache cannot be written, the next start is slow and nothing else is lost.
        let _ = self.add(&path, &component.serialize()?);
        Ok(component)
    }

    fn path(&self, engine: &Engine, sha256: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{sha256}-{:016x}.cwasm", hasher.finish()))
    }

    fn add(&self, path: &Path, code: &[u8]) -> Result<(), Error> {
        // Each writer has its own temporary file, because two gates of one process may add the same policy at once.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(code)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        self.remove_oldest()
    }

    fn remove_oldest(&self) -> Result<(), Error> {
        let mut files: Vec<(SystemTime, PathBuf)> = std::fs::read_dir(&self.folder)?
            .filter_map(|entry| entry.and_then(|entry| Ok((entry.metadata()?.modified()?, entry.path()))).ok())
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(MAX_FILES);
        files.iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))
    }
}

#[cfg(unix)]
fn create(folder: &Path) -> Result<(), Error> {
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
fn create(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder)
}

// The folder is below the profile of the user, to which other users have no access.
#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn files(folder: &Path) -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn stores_one_file_per_component() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModuleCache::open(folder.path().join("deep").join("down")).unwrap();
        cache.load(&Engine::default(), "ab", EMPTY).unwrap();
        cache.load(&Engine::default(), "ab", b"not read again").unwrap();
        let files = files(&cache.folder);
        assert_eq!(files.len(), 1, "{files:?}");
    }

    #[test]
    fn replaces_damaged_files() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModuleCache::open(folder.path()).unwrap();
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
    fn refuses_a_folder_that_others_can_write_to() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o770)).unwrap();
        let error = ModuleCache::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("others can write to it"), "{error}");
    }

    #[test]
    fn supports_concurrent_loads_of_one_component() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModuleCache::open(folder.path()).unwrap();
        let engine = Engine::default();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (0..20).for_each(|_| drop(cache.load(&engine, "ab", EMPTY).unwrap())));
            }
        });
        assert_eq!(files(folder.path()).len(), 1);
    }

    #[test]
    fn removes_the_oldest_files() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModuleCache::open(folder.path()).unwrap();
        for i in 0..MAX_FILES + 3 {
            cache.add(&folder.path().join(format!("{i}.cwasm")), b"code").unwrap();
        }
        assert_eq!(files(folder.path()).len(), MAX_FILES);
        assert!(folder.path().join(format!("{}.cwasm", MAX_FILES + 2)).exists());
    }
}
