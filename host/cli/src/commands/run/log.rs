//! The log of the calls for single ids, one JSON object a line: what was begun, done and failed. An id that is not in it was
//! not begun. A later run with the same log leaves out what is done.

use crate::error::{fail, with_help};
use anyhow::{Context, ensure};
use reprieve::Batch;
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

/// What to do with a log that is not of this list.
const ANOTHER: &str = "name a file that does not exist";

/// The first line: what is deleted.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Head {
    targets_sha256: String,
    mode: String,
    environment: String,
}

/// What became of the call for an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Before it starts.
    Begun,
    Done,
    Failed,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    state: State,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A log that is open. Every line is written at once.
pub struct Log {
    file: File,
    /// The ids that earlier runs deleted.
    done: HashSet<String>,
}

impl Log {
    /// Opens the log of a batch, or creates it. No other run can use it while this run or one of its calls lives.
    pub fn open(path: &Path, batch: &Batch) -> anyhow::Result<Self> {
        Self::read(path, batch).with_context(|| format!("the log {}", path.display()))
    }

    fn read(path: &Path, batch: &Batch) -> anyhow::Result<Self> {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut file: File = openat(CWD, path, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?.into();
        ensure!(file.metadata()?.is_file(), "it is not a regular file");
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(fail("another run, or a call of it, still uses it", "wait until that has ended"));
            }
            Err(error) => return Err(anyhow::Error::from(error).context("it cannot be locked")),
        }
        fcntl_setfd(&file, FdFlags::empty())?;
        let claims = batch.claims();
        let head = Head {
            targets_sha256: batch.targets_sha256().to_string(),
            mode: claims.mode.as_str().to_owned(),
            environment: claims.environment.clone(),
        };
        let (mut done, mut undone) = (HashSet::new(), HashSet::new());
        let (mut reader, mut text, mut whole) = (BufReader::new(&file), Vec::new(), 0);
        for number in 1_u64.. {
            text.clear();
            // The end of a line that a killed run could not write is not read.
            let len = reader.read_until(b'\n', &mut text)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            let line = || format!("line {number}");
            if number == 1 {
                let of: Head =
                    serde_json::from_slice(&text).map_err(|error| with_help(error, ANOTHER)).with_context(line)?;
                if of != head {
                    return Err(fail("it is the log of another list, mode or environment", ANOTHER));
                }
            } else {
                let Line { id, state, .. } =
                    serde_json::from_slice(&text).map_err(|error| with_help(error, ANOTHER)).with_context(line)?;
                if state == State::Done {
                    undone.remove(&id);
                    done.insert(id);
                } else if !done.contains(&id) {
                    undone.insert(id);
                }
            }
            whole += len as u64;
        }
        ensure!(whole > 0 || text.is_empty(), "it is not the log of a run");
        file.set_len(whole)?;
        if whole == 0 {
            write(&mut file, &head)?;
        } else {
            errln!(
                "the log has {} done, and {} that failed or were cut off, which run again",
                done.len(),
                undone.len()
            );
        }
        Ok(Self { file, done })
    }

    /// Whether an earlier run deleted this id.
    pub fn is_done(&self, id: &str) -> bool {
        self.done.contains(id)
    }

    /// Writes a line.
    pub fn write(&mut self, id: &str, state: State, reason: Option<String>) -> anyhow::Result<()> {
        write(&mut self.file, &Line { id: id.to_owned(), state, reason }).context("the log cannot be written")
    }
}

fn write(file: &mut File, line: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(file.write_all(&text)?)
}
