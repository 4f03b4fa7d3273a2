//! Waits for files to be saved.

use anyhow::Context;
use notify::{Event, RecursiveMode, Watcher};
use reprieve_report::status::Status;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Saving a file causes several events. They are over after this time without another one.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// Files and folders that tools write, whose changes are ignored.
const GENERATED: [&str; 8] =
    [".reprieve-sdk", "build", "target", "node_modules", ".venv", "__pycache__", ".git", "Cargo.lock"];

/// Calls `each` now, and again after every change of a file below `folder`. Returns only on an error.
pub fn each_change(folder: &Path, each: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<Status> {
    let (send, receive) = channel();
    let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
    let mut watcher = notify::recommended_watcher(send).context("files cannot be watched here")?;
    watcher.watch(&folder, RecursiveMode::Recursive).context("files cannot be watched here")?;
    let is_saved = |event: &Event| {
        let is_generated = |path: &Path| {
            path.strip_prefix(&folder)
                .is_ok_and(|path| path.iter().any(|part| GENERATED.iter().any(|generated| part == *generated)))
        };
        !event.kind.is_access() && event.paths.iter().any(|path| !is_generated(path))
    };
    loop {
        each()?;
        while !receive.recv().context("files are no longer watched")?.is_ok_and(|event| is_saved(&event)) {}
        while !matches!(receive.recv_timeout(DEBOUNCE), Err(RecvTimeoutError::Timeout)) {}
    }
}
