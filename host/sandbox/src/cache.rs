//! A cache of compiled code on disk, so that the next start does not compile. Compiled code runs without a check, so a file
//! is used only if it has a valid code of authentication (MAC):
//!
//! - The MAC is keyed with a random key that only this user can read. It is in another folder than the cache, which a
//!   continuous integration may restore from elsewhere. So a file of another user or machine is not valid.
//! - It covers the name of the file as well. So a file that was copied over another is not valid.
//! - The name contains the digest of the module and of everything that affects compilation.
//! - The bytes are read into memory, checked there, and used from there.
//!
//! Reading and checking code takes longer than everything else of a start. So the folder of the key has a mark for each
//! file that was checked, named after the file, its inode, its size and the time of its last change. A file with such a
//! mark has not changed since, and is mapped.
//!
//! If a cached file cannot be used, the policy is compiled again: a cache can make a start slow, never wrong.

use crate::code;
use crate::private::{PrivateFile, PrivateFolder};
use crate::refusal::CONTRACT;
use crate::worker::VERSION;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The maximum number of files in a cache. The oldest are removed first.
const MAX_FILES: usize = 128;
/// The maximum size of a file in bytes.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// The name of the file of the key.
const KEY_NAME: &str = "cache.key";
/// The name of the folder of the marks, in the folder of the key.
const MARKS_NAME: &str = "checked";

/// A folder that keeps compiled policies from one start to the next. It is opened when the first policy that is not built
/// in is loaded.
#[derive(Clone, Debug)]
pub struct ModuleCache(Arc<Lazy>);

#[derive(Debug)]
struct Lazy {
    folder: PathBuf,
    key_folder: PathBuf,
    opened: OnceLock<Result<Opened, String>>,
}

struct Opened {
    folder: PrivateFolder,
    /// A mark for each file that was checked.
    marks: PrivateFolder,
    key: [u8; blake3::KEY_LEN],
}

/// The name of what is kept.
#[derive(Clone, Debug)]
pub(crate) struct Entry(String);

impl Entry {
    /// The code of the module with this digest, compiled by this version and for this engine.
    pub fn code(engine: &Engine, sha256: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        (CONTRACT, VERSION).hash(&mut hasher);
        Self(format!("{sha256}-{:016x}.cwasm", hasher.finish()))
    }

    /// That a settings schema and settings passed the check of this version.
    pub fn check(check: &[u8]) -> Self {
        let digest = blake3::Hasher::new_derive_key(VERSION).update(check).finalize();
        Self(format!("{}.checked", digest.to_hex()))
    }
}

impl ModuleCache {
    /// A cache in a folder. Its key is in `key_folder`, which must not be where the cache may be restored from another
    /// machine. Folders and key are created when they are needed, if there are none. A cache cannot be used if that fails,
    /// if they belong to another user, or if other users can write to them or to a parent of them that is not sticky: they
    /// could run code in this process.
    pub fn new(folder: impl Into<PathBuf>, key_folder: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Lazy { folder: folder.into(), key_folder: key_folder.into(), opened: OnceLock::new() }))
    }

    fn opened(&self) -> Result<&Opened, &str> {
        let Lazy { folder, key_folder, opened } = &*self.0;
        let opened = opened.get_or_init(|| Opened::open(folder, key_folder).map_err(|error| error.to_string()));
        opened.as_ref().map_err(String::as_str)
    }

    /// Returns the code that is kept under a name, if it is authentic and of this engine.
    pub(crate) fn component(&self, engine: &Engine, entry: &Entry) -> Option<Component> {
        self.opened().ok()?.component(engine, entry)
    }

    /// Whether something is kept under a name, and is authentic.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        self.opened().is_ok_and(|opened| opened.has(entry))
    }

    /// Keeps bytes under a name.
    ///
    /// # Errors
    /// Why they cannot be kept.
    pub(crate) fn put(&self, entry: &Entry, bytes: &[u8]) -> Result<(), String> {
        self.opened()?.put(entry, bytes).map_err(|error| format!("{}: {error}", self.0.folder.display()))
    }
}

impl Opened {
    fn open(folder: &Path, key_folder: &Path) -> Result<Self, Error> {
        let in_folder =
            |folder: &Path, error: Error| Error::new(error.kind(), format!("{}: {error}", folder.display()));
        let opened = |folder: &Path| PrivateFolder::open(folder).map_err(|error| in_folder(folder, error));
        let key = read_key(&opened(key_folder)?).map_err(|error| in_folder(key_folder, error))?;
        let (folder, marks) = (opened(folder)?, opened(&key_folder.join(MARKS_NAME))?);
        Ok(Self { folder, marks, key })
    }

    /// Returns the code that is kept under a name, if it is authentic and of this engine.
    fn component(&self, engine: &Engine, entry: &Entry) -> Option<Component> {
        let file = self.folder.file(&entry.0).ok()??;
        if self.marks.has(&self.mark(entry, &file)) {
            // `authentic` has authenticated this file, and since then it has not changed: only this user can write to it or
            // to its folder, and every change of a file changes the time that is part of its mark, which no program can
            // set. The path is that of the open file.
            if let Ok(component) = code::mapped(engine, &file.path()) {
                return Some(component);
            }
        }
        code::copied(engine, &self.authentic(entry, &file)?).ok()
    }

    /// Whether something is kept under a name, and is authentic.
    fn has(&self, entry: &Entry) -> bool {
        let file = self.folder.file(&entry.0).ok().flatten();
        file.is_some_and(|file| self.authentic(entry, &file).is_some())
    }

    /// Reads what is kept, and marks the file if that is authentic.
    fn authentic(&self, entry: &Entry, file: &PrivateFile) -> Option<Vec<u8>> {
        let mut bytes = file.read(MAX_FILE_BYTES).ok()?;
        let length = bytes.len().checked_sub(blake3::OUT_LEN)?;
        let (kept, mac) = bytes.split_at_checked(length)?;
        // The comparison of two such hashes takes constant time.
        if self.mac(entry, kept) != blake3::Hash::from_slice(mac).ok()? {
            return None;
        }
        bytes.truncate(length);
        let is_unchanged = |now: &PrivateFile| now.stamp() == file.stamp();
        if self.folder.file(&entry.0).ok().flatten().as_ref().is_some_and(is_unchanged) {
            // Without a mark, the next start is slow and nothing else is lost.
            let marked = self.marks.write(&self.mark(entry, file), &[]);
            drop(marked.and_then(|()| self.marks.remove_oldest(MAX_FILES)));
        }
        Some(bytes)
    }

    /// The name of the mark of a file in its present state.
    fn mark(&self, entry: &Entry, file: &PrivateFile) -> String {
        let state = format!("{} {}", entry.0, file.stamp());
        blake3::keyed_hash(&self.key, state.as_bytes()).to_hex().to_string()
    }

    /// Keeps bytes under a name.
    fn put(&self, entry: &Entry, bytes: &[u8]) -> Result<(), Error> {
        self.folder.write(&entry.0, &[bytes, self.mac(entry, bytes).as_bytes()])?;
        self.folder.remove_oldest(MAX_FILES)
    }

    fn mac(&self, entry: &Entry, bytes: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(entry.0.len() as u64).to_le_bytes()).update(entry.0.as_bytes()).update(bytes);
        hasher.finalize()
    }
}

/// Reads the key, and creates it first if it does not exist.
fn read_key(folder: &PrivateFolder) -> Result<[u8; blake3::KEY_LEN], Error> {
    let mut new = [0; blake3::KEY_LEN];
    let read = || match folder.file(KEY_NAME)? {
        Some(file) if !file.is_secret() => Err(Error::other(format!("others can read {KEY_NAME}; remove it"))),
        Some(file) => file.read(MAX_FILE_BYTES).map(Some),
        None => Ok(None),
    };
    let kept = match read()? {
        Some(kept) => kept,
        None => {
            getrandom::fill(&mut new).map_err(Error::other)?;
            folder.write_first(KEY_NAME, &[&new])?;
            // Another process may have been first.
            read()?.unwrap_or_default()
        }
    };
    let length = kept.len();
    kept.try_into().map_err(|_| Error::other(format!("{KEY_NAME} has {length} bytes; remove it")))
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModuleCache").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
