//! Work on modules of unknown origin in a process of its own. No bound on the shape of a module is known to bound what
//! every pass of a compiler takes, and a process that runs out of memory or of stack ends at once. So another process
//! does the work: it limits its own memory and processor time ([`run_worker`](crate::run_worker)), reads a job and a module
//! on its standard input, and answers on its standard output. Its end is a refusal of the module.

use crate::limits::Limits;
use crate::refusal::AdmissionError;
use crate::schema::SchemaError;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The maximum size of an answer in bytes.
const MAX_ANSWER_BYTES: u64 = 128 << 20;
/// The maximum number of bytes of the standard error of a worker that are read.
const MAX_STDERR_BYTES: u64 = 4 << 10;
/// How often a worker that has closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(2);

/// How to start a worker: a program that calls [`run_worker`](crate::run_worker) when it is started with these arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// Why a worker has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The operating system has no limits on memory and processor time that this version can set.
    #[error("this operating system cannot limit the memory and processor time of a process that compiles it")]
    Unsupported,
    /// It cannot be started.
    #[error("`{}` cannot be started to compile it: {message}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// It used too much memory.
    #[error("compiling it used more than {mib} MiB of memory")]
    Memory {
        /// The limit.
        mib: u64,
    },
    /// It used too much processor time.
    #[error("compiling it used more than {seconds} s of processor time")]
    CpuTime {
        /// The limit.
        seconds: u64,
    },
    /// It did not end in time.
    #[error("compiling it took more than {seconds} s")]
    WallClock {
        /// The limit.
        seconds: u64,
    },
    /// It ended without an answer.
    #[error("the process that compiled it ended without an answer ({status}): {message}")]
    Ended {
        /// How it ended.
        status: String,
        /// The beginning of what it wrote on its standard error.
        message: String,
    },
}

/// What a worker does with the bytes that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// They are a module, which it admits, validates and compiles.
    Compile { trace: bool },
    /// They are a [`Check`].
    Check,
}

/// A settings schema, and settings to check against it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    pub schema: serde_json::Value,
    pub settings: Option<serde_json::Value>,
}

/// The first line that a worker reads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub version: String,
    pub task: Task,
    pub limits: Limits,
}

/// The first line that a worker writes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The module is compiled; this many bytes of code follow.
    Code { bytes: u64 },
    /// The module is not admitted.
    Refused(AdmissionError),
    /// The result of a check.
    Checked(Result<(), SchemaError>),
}

/// What both ends must have in common.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Worker {
    /// Names the program and the arguments of a worker.
    pub fn new<A: Into<OsString>>(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = A>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// Starts a worker, has it do a task, and ends it. Returns its answer and the code that follows.
    pub(crate) fn run(&self, task: Task, bytes: &[u8], limits: &Limits) -> Result<(Answer, Vec<u8>), WorkerError> {
        if !cfg!(target_os = "linux") {
            return Err(WorkerError::Unsupported);
        }
        let failed = |message: String| WorkerError::Start { program: self.program.clone(), message };
        let job = Job { version: VERSION.to_owned(), task, limits: limits.clone() };
        let job = serde_json::to_string(&job).map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            end(&mut child);
            return Err(failed("its pipes are closed".to_owned()));
        };
        std::thread::scope(|scope| {
            // A worker that ends early does not read to the end; its status says why.
            scope.spawn(move || {
                stdin
                    .write_all(job.as_bytes())
                    .and_then(|()| stdin.write_all(b"\n"))
                    .and_then(|()| stdin.write_all(bytes))
            });
            let message = scope.spawn(move || read_message(stderr));
            let (send, answers) = mpsc::channel();
            scope.spawn(move || send.send(read_answer(stdout)));
            let answer = answers.recv_timeout(Duration::from_secs(limits.compile_wall_seconds));
            // After an answer, and after the wall-clock limit, the process is ended. Else it has closed its output, so it
            // has ended or is about to.
            let status = match &answer {
                Ok(None) => wait(&mut child, limits.compile_wall_seconds),
                Ok(Some(_)) | Err(_) => None,
            };
            end(&mut child);
            match (answer, status) {
                (Ok(Some(answer)), _) => Ok(answer),
                (Ok(None), Some(status)) => Err(cause(status, message.join().unwrap_or_default(), limits)),
                (Err(_), _) | (Ok(None), None) => {
                    Err(WorkerError::WallClock { seconds: limits.compile_wall_seconds })
                }
            }
        })
    }
}

/// Reads an answer, and the code after it. `None` if it is not complete.
fn read_answer(output: impl Read) -> Option<(Answer, Vec<u8>)> {
    let mut output = BufReader::new(output.take(MAX_ANSWER_BYTES));
    let mut line = String::new();
    output.read_line(&mut line).ok()?;
    let answer = serde_json::from_str(&line).ok()?;
    let mut code = Vec::new();
    if let Answer::Code { bytes } = answer {
        output.read_to_end(&mut code).ok()?;
        if code.len() as u64 != bytes {
            return None;
        }
    }
    Some((answer, code))
}

/// Reads the beginning of what a worker wrote on its standard error.
fn read_message(output: impl Read) -> String {
    let mut bytes = Vec::new();
    // What can be read of it is enough.
    drop(output.take(MAX_STDERR_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until a process ends, at most `seconds` seconds.
fn wait(child: &mut Child, seconds: u64) -> Option<ExitStatus> {
    let polls = u128::from(seconds) * 1_000 / POLL.as_millis();
    (0..=polls).find_map(|_| match child.try_wait() {
        Ok(None) => {
            std::thread::sleep(POLL);
            None
        }
        Ok(Some(status)) => Some(status),
        Err(_) => None,
    })
}

/// Ends a process and removes it from the table of processes. Neither fails for a child that has ended.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

/// Why a process ended without an answer.
fn cause(status: ExitStatus, message: String, limits: &Limits) -> WorkerError {
    // The allocator of Rust ends the process with this message if the operating system has no memory for it.
    if message.contains("memory allocation of ") {
        return WorkerError::Memory { mib: limits.compile_memory_bytes >> 20 };
    }
    if is_of_cpu_time(status) {
        return WorkerError::CpuTime { seconds: limits.compile_cpu_seconds };
    }
    let message = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message").to_owned();
    WorkerError::Ended { status: status.to_string(), message }
}

#[cfg(target_os = "linux")]
fn is_of_cpu_time(status: ExitStatus) -> bool {
    use rustix::process::Signal;
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(Signal::XCPU.as_raw())
}

#[cfg(not(target_os = "linux"))]
fn is_of_cpu_time(_: ExitStatus) -> bool {
    false
}
