//! What the fuzz targets share: a folder in memory for the files of one run, and the checks on a list that was read.

pub mod tokens;

use reprieve::{Batch, Folder, ReadOptions};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The memory that a list may use in a run, in bytes.
const MEMORY: u64 = 64 << 20;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    // Some decoders panic on a damaged file. The host catches that, and reports an error of the file.
    reprieve::silence_decoder_panics();
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(parent).expect("a temporary folder")
});

/// Writes a file into the folder of this process and returns its path.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("the file can be written");
    path
}

/// The folder of this process.
pub fn folder() -> Folder {
    Folder::open(FOLDER.path()).expect("the folder exists")
}

/// Reads a list of this name. If it is accepted, the ids that are handed on must be those that were counted.
pub fn read_list(name: &str, bytes: &[u8]) {
    file(name, bytes);
    let request = format!(
        r#"{{"id":"fuzz","mode":"soft","environment":"test","target_kind":"app","targets":{{"path":"{name}"}}}}"#
    );
    let options = ReadOptions::default().memory(MEMORY).threads(1);
    if let Ok(batch) = Batch::read_with(request.as_bytes(), "request.json", &folder(), options) {
        check_list(&batch);
    }
}

/// Checks that the canonical form, `each_id` and the count of a batch agree.
pub fn check_list(batch: &Batch) {
    let mut ids = Vec::new();
    let each = batch.each_id(|id| {
        ids.push(id.to_owned());
        Ok::<(), reprieve::LookupError>(())
    });
    each.expect("the ids of a list that was read");
    let mut text = Vec::new();
    if batch.write_targets(&mut text).is_err() {
        return;
    }
    let text = String::from_utf8(text).expect("the canonical form is UTF-8");
    let written: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(written.len() as u64, batch.len(), "one line for each target");
    let known: Vec<&str> = written.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(known, ids, "the ids that are handed on");
}
