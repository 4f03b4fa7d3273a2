//! The other end of a [`Worker`](crate::Worker): the process that compiles.

use crate::admission::admit;
use crate::compile::compile;
use crate::engine::limited;
use crate::limits::Limits;
use crate::refusal::AdmissionError;
use crate::schema::{check_schema, check_settings};
use crate::worker::{Answer, Check, Job, Task, VERSION};
use std::io::{BufRead, BufReader, Error, Read, Write};
use wasmtime::Engine;

/// The maximum size of the first line of a job in bytes.
const MAX_JOB_BYTES: u64 = 16 << 10;

/// Does the job of a worker: reads it on standard input, and answers on standard output. A program that embeds the gate
/// calls this when it is started as its own worker, before it does anything else, and then exits.
///
/// Before it reads a module, it limits its own memory and processor time for the rest of its life.
///
/// # Errors
/// The job is not that of a worker of this version, or the limits cannot be set.
pub fn run_worker() -> Result<(), Error> {
    let mut input = BufReader::new(std::io::stdin().lock());
    let mut line = String::new();
    input.by_ref().take(MAX_JOB_BYTES).read_line(&mut line)?;
    let Job { version, task, limits } = serde_json::from_str(&line)?;
    if version != VERSION {
        return Err(Error::other(format!("it is of version {VERSION}, and the gate is of version {version}")));
    }
    limit(&limits)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let (answer, code) = match task {
        Task::Compile { trace } => match compiled(&bytes, &limits, trace)? {
            Ok(code) => (Answer::Code { bytes: code.len() as u64 }, code),
            Err(error) => (Answer::Refused(error), Vec::new()),
        },
        Task::Check => {
            let Check { schema, settings } = serde_json::from_slice(&bytes)?;
            let settings = settings.map_or(Ok(()), |settings| check_settings(&schema, &settings));
            (Answer::Checked(check_schema(&schema).and(settings)), Vec::new())
        }
    };
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", serde_json::to_string(&answer)?)?;
    output.write_all(&code)?;
    output.flush()
}

fn compiled(module: &[u8], limits: &Limits, trace: bool) -> Result<Result<Vec<u8>, AdmissionError>, Error> {
    let mut config = limited(limits, trace);
    // One thread, so that the memory does not depend on the number of processors.
    config.parallel_compilation(false);
    let engine = Engine::new(&config).map_err(|error| Error::other(format!("{error:#}")))?;
    Ok(admit(module, limits).and_then(|form| compile(&engine, module, form)))
}

/// Limits the memory and the processor time of this process. It cannot raise them again.
#[cfg(target_os = "linux")]
fn limit(limits: &Limits) -> Result<(), Error> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let set = |resource, current: u64, maximum: u64| {
        // A lower limit that this process was started with stays.
        let hard = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let new = Rlimit { current: Some(current.min(hard)), maximum: Some(maximum.min(hard)) };
        setrlimit(resource, new).map_err(Error::from)
    };
    set(Resource::Core, 0, 0)?;
    set(Resource::Data, limits.compile_memory_bytes, limits.compile_memory_bytes)?;
    set(Resource::Cpu, limits.compile_cpu_seconds, limits.compile_cpu_seconds.saturating_add(1))
}

#[cfg(not(target_os = "linux"))]
fn limit(_: &Limits) -> Result<(), Error> {
    Err(Error::from(std::io::ErrorKind::Unsupported))
}
