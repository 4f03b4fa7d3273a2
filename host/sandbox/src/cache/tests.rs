//! A cache on disk: what it keeps, and what it does not use.
#![allow(clippy::disallowed_methods)] // the tests change files

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
    for bytes in [&whole[..0], &whole[..20], &whole[1..], &whole[..whole.len() - 1], &flipped, &longer, &unsigned] {
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
