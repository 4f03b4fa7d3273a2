//! Waiting for files to be saved.

use crate::Status;
use anyhow::Context;
use notify::{Event, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Saving one file is several events; after this long without another it is over.
const QUIET: Duration = Duration::from_millis(200);

/// What tools make, and nobody saves.
const MADE: [&str; 7] = ["build", "target", "node_modules", ".venv", "__pycache__", ".git", "Cargo.lock"];

/// Calls `each` now, and again after every change of a file below `folder`. Ends with the program.
pub fn each_change(folder: &Path, each: impl Fn()) -> anyhow::Result<Status> {
    let (send, receive) = channel();
    let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
    let mut watcher = notify::recommended_watcher(send).context("files cannot be watched here")?;
    watcher.watch(&folder, RecursiveMode::Recursive).context("files cannot be watched here")?;
    let is_saved = |event: &Event| {
        let made = |path: &Path| {
            path.strip_prefix(&folder).is_ok_and(|path| path.iter().any(|part| MADE.iter().any(|made| part == *made)))
        };
        !event.kind.is_access() && event.paths.iter().any(|path| !made(path))
    };
    loop {
        each();
        while !receive.recv().context("files are not watched any more")?.is_ok_and(|event| is_saved(&event)) {}
        while !matches!(receive.recv_timeout(QUIET), Err(RecvTimeoutError::Timeout)) {}
    }
}
