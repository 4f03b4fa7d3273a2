//! Compiled code: that of the built-in policies, which is part of this program, and a cache on disk for that of others, so
//! that the next start does not compile. This is the only module of the host with unsafe code: wasmtime runs compiled code
//! without checking it. Code comes from the build script of this program, from the compiler of this program, or from a file
//! that has a valid code of authentication (MAC):
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
#![allow(unsafe_code)]

use crate::private::{PrivateFile, PrivateFolder};
use crate::refusal::CONTRACT;
use crate::worker::VERSION;
use reprieve_builtin::Builtin;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Error;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use wasmtime::component::Component;
use wasmtime::{CustomCodeMemory, Engine};

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
            // SAFETY: see `component` below. `authentic` has authenticated this file, and since then it has not changed:
            // only this user can write to it or to its folder, and every change of a file changes the time that is part
            // of its mark, which no program can set. The path is that of the open file.
            if let Ok(component) = unsafe { Component::deserialize_file(engine, file.path()) } {
                return Some(component);
            }
        }
        component(engine, &self.authentic(entry, &file)?).ok()
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

/// Loads code that [`compile`](crate::compile) returned, in this process or in a worker, or that an authentic file has.
///
/// # Errors
/// It is of another version of wasmtime, of another configuration or for another processor, or there is no memory for it.
pub(crate) fn component(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `Component::deserialize` runs what a compiler of wasmtime has written. `policy.rs` calls this with the output
    // of that compiler, in this process or read from the pipe of a worker that this process started, and with bytes that
    // `ModuleCache::authentic` has authenticated: only this user has the key, and this program applies it only to such output.
    // `builtin` calls it with the output of that compiler in the build script. The bytes are in the memory of this process since before they were authenticated, so nothing else can change them.
    unsafe { Component::deserialize(engine, code) }
}

/// The built-in policies whose code was loaded where it is in this program. Wasmtime finds code by its address, so it cannot
/// load it there a second time.
static LOADED_IN_PLACE: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

/// Loads the code of a built-in policy. For the first engine of a process it stays where it is in this program, and
/// processes share it; a further engine has a copy.
///
/// # Errors
/// Nothing is embedded, it needs another processor or configuration than this engine has, or it cannot be made executable.
pub(crate) fn builtin(engine: &Engine, builtin: &'static Builtin) -> wasmtime::Result<Component> {
    let code = builtin.code();
    if code.is_empty() {
        return Err(wasmtime::Error::msg("it was not compiled for this target"));
    }
    let is_first = || LOADED_IN_PLACE.lock().unwrap_or_else(PoisonError::into_inner).insert(builtin.name());
    if code_memory().is_none() || !is_first() {
        return component(engine, code);
    }
    // SAFETY: only the build script of `reprieve-builtin` makes a `Builtin`, and its code is what the compiler of wasmtime
    // has returned there. It is a constant of this program: it lives as long as the process, and nothing can change it.
    unsafe { Component::deserialize_raw(engine, NonNull::from(code)) }
}

/// What makes code executable that is part of this program: wasmtime does that only for memory that it has mapped itself.
/// `None`: code is copied into such memory. Some other processors would have to be told that their instructions changed.
pub(crate) fn code_memory() -> Option<Arc<dyn CustomCodeMemory>> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    return Some(Arc::new(Executable));
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    None
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
struct Executable;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
impl CustomCodeMemory for Executable {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, start: *const u8, bytes: usize) -> wasmtime::Result<()> {
        use rustix::mm::{MprotectFlags, mprotect};
        // SAFETY: wasmtime passes the whole pages of the text of compiled code that `component`, `builtin` or
        // `Component::deserialize_file` loads. Nothing writes to them: those of the program are constants, and those that
        // wasmtime has mapped are complete.
        let protected =
            unsafe { mprotect(start.cast_mut().cast(), bytes, MprotectFlags::READ | MprotectFlags::EXEC) };
        protected.map_err(|error| wasmtime::Error::msg(format!("code cannot be made executable: {error}")))
    }

    /// Code in this program stays executable for as long as the process lives. Wasmtime unmaps memory of its own.
    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModuleCache").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(unix)]
#[allow(clippy::disallowed_methods)] // the tests change files
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn folder(&self) -> PathBuf {
            self.0.path().join("cache/deep/down")
        }

        fn key_folder(&self) -> PathBuf {
            self.0.path().join("state")
        }

        fn open(&self) -> Result<Opened, Error> {
            Opened::open(&self.folder(), &self.key_folder())
        }

        fn files(&self) -> Vec<PathBuf> {
            std::fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path()).collect()
        }
    }

    fn get(cache: &Opened, name: &str) -> Option<Vec<u8>> {
        cache.authentic(&entry(name), &cache.folder.file(name).ok()??)
    }

    fn is_marked(cache: &Opened, name: &str) -> bool {
        let file = cache.folder.file(name).unwrap().unwrap();
        cache.marks.has(&cache.mark(&entry(name), &file))
    }

    fn entry(name: &str) -> Entry {
        Entry(name.to_owned())
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    #[test]
    fn keeps_bytes_from_one_start_to_the_next() {
        let place = Place::new();
        let cache = place.open().unwrap();
        assert_eq!(get(&cache, "a"), None);
        cache.put(&entry("a"), b"code").unwrap();
        cache.put(&entry("a"), b"code").unwrap();
        assert_eq!(get(&place.open().unwrap(), "a").unwrap(), b"code");
        assert_eq!(place.files().len(), 1);
    }

    #[test]
    fn names_differ_by_module_and_configuration() {
        let engine = |fuel| Engine::new(wasmtime::Config::new().consume_fuel(fuel)).unwrap();
        let names =
            [("ab", true), ("ab", false), ("cd", true)].map(|(sha256, fuel)| Entry::code(&engine(fuel), sha256).0);
        assert!(names[0] != names[1] && names[0] != names[2] && names[1] != names[2], "{names:?}");
    }

    #[test]
    fn uses_only_bytes_that_it_has_written_under_this_name() {
        let place = Place::new();
        let cache = place.open().unwrap();
        cache.put(&entry("a"), b"code of a").unwrap();
        cache.put(&entry("b"), b"code of b").unwrap();
        let (a, b) = (place.folder().join("a"), place.folder().join("b"));
        let whole = std::fs::read(&a).unwrap();
        let mut flipped = whole.clone();
        flipped[0] ^= 1;
        let longer = [&whole[..], &[0]].concat();
        let unsigned = [&whole[..whole.len() - 32], &[0; 32]].concat();
        for bytes in [&whole[..0], &whole[..20], &whole[1..], &whole[..whole.len() - 1], &flipped, &longer, &unsigned]
        {
            std::fs::write(&a, bytes).unwrap();
            assert_eq!(get(&cache, "a"), None, "{bytes:?}");
        }
        std::fs::copy(&b, &a).unwrap();
        assert_eq!(get(&cache, "a"), None, "a file that was copied over another");
        assert!(get(&cache, "b").is_some());
    }

    #[test]
    fn maps_only_files_that_have_not_changed_since_they_were_checked() {
        let place = Place::new();
        let cache = place.open().unwrap();
        let engine = Engine::default();
        let code = engine.precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
        cache.put(&entry("a"), &code).unwrap();
        assert!(!is_marked(&cache, "a"), "it is not checked yet");
        for _ in 0..2 {
            assert!(cache.component(&engine, &entry("a")).is_some());
            assert!(is_marked(&cache, "a"));
        }
        // The same bytes in another file, and other bytes in the same file at the same time of modification.
        let a = place.folder().join("a");
        std::fs::copy(&a, place.folder().join("b")).unwrap();
        assert!(!is_marked(&cache, "b"));
        assert!(cache.component(&engine, &entry("b")).is_none());
        let modified = std::fs::metadata(&a).unwrap().modified().unwrap();
        let mut bytes = std::fs::read(&a).unwrap();
        bytes[100] ^= 1;
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&a, bytes).unwrap();
        std::fs::File::options().write(true).open(&a).unwrap().set_modified(modified).unwrap();
        assert!(!is_marked(&cache, "a"));
        assert!(cache.component(&engine, &entry("a")).is_none());
    }

    #[test]
    fn uses_no_bytes_that_were_written_with_another_key() {
        let (here, elsewhere) = (Place::new(), Place::new());
        let cache = here.open().unwrap();
        elsewhere.open().unwrap().put(&entry("a"), b"code").unwrap();
        std::fs::copy(elsewhere.folder().join("a"), here.folder().join("a")).unwrap();
        assert_eq!(get(&cache, "a"), None);
    }

    #[test]
    fn uses_no_links_and_no_files_that_others_can_write_to() {
        let place = Place::new();
        let cache = place.open().unwrap();
        cache.put(&entry("a"), b"code").unwrap();
        let a = place.folder().join("a");
        mode(&a, 0o620);
        assert_eq!(get(&cache, "a"), None);
        mode(&a, 0o600);
        assert!(get(&cache, "a").is_some());
        std::fs::rename(&a, place.folder().join("b")).unwrap();
        symlink("b", &a).unwrap();
        assert_eq!(get(&cache, "a"), None);
        std::fs::remove_file(&a).unwrap();
        std::fs::create_dir(&a).unwrap();
        assert_eq!(get(&cache, "a"), None);
    }

    #[test]
    fn refuses_folders_that_others_can_write_to() {
        let place = Place::new();
        drop(place.open().unwrap());
        for (path, name) in [
            (place.folder(), "cache/deep/down"),
            (place.0.path().join("cache"), "its parent ../.."),
            (place.key_folder(), "state"),
        ] {
            mode(&path, 0o770);
            let error = place.open().unwrap_err().to_string();
            assert!(error.contains("others can write to it") && error.contains(name), "{error}");
            mode(&path, 0o700);
        }
        // In a sticky folder, others cannot rename what they do not own.
        mode(&place.0.path().join("cache"), 0o1777);
        drop(place.open().unwrap());
        let moved = place.0.path().join("moved");
        std::fs::rename(place.folder(), &moved).unwrap();
        symlink(&moved, place.folder()).unwrap();
        place.open().unwrap_err();
    }

    #[test]
    fn only_this_user_can_read_the_key() {
        let place = Place::new();
        drop(place.open().unwrap());
        let key = place.key_folder().join(KEY_NAME);
        let metadata = std::fs::metadata(&key).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, 32));
        assert!(!std::fs::read_dir(place.folder()).unwrap().any(|_| true), "it is not in the cache");
        mode(&key, 0o640);
        let error = place.open().unwrap_err().to_string();
        assert!(error.contains("others can read cache.key"), "{error}");
        mode(&key, 0o600);
        std::fs::write(&key, b"short").unwrap();
        assert!(place.open().unwrap_err().to_string().contains("cache.key has 5 bytes"));
    }

    #[test]
    fn supports_concurrent_starts() {
        let place = Place::new();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let cache = place.open().unwrap();
                    (0..20).for_each(|_| {
                        cache.put(&entry("a"), b"code").unwrap();
                        assert_eq!(get(&cache, "a").unwrap(), b"code");
                    });
                });
            }
        });
        assert_eq!(place.files().len(), 1);
    }

    #[test]
    fn removes_the_oldest_files() {
        let place = Place::new();
        let cache = place.open().unwrap();
        for i in 0..MAX_FILES + 3 {
            cache.put(&entry(&format!("{i:03}")), b"code").unwrap();
        }
        assert_eq!(place.files().len(), MAX_FILES);
        assert!(get(&cache, &format!("{:03}", MAX_FILES + 2)).is_some());
    }
}
