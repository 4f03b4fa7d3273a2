//! Whole processes: the time from their start to their exit, and their peak memory.

use crate::engines::{Engine, POLICY, Part};
use crate::inputs::{Input, Variant};
use crate::table::{markdown, ratio, shown, thousands};
use crate::timing::{Effort, median};
use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The exit status of a denial.
pub const DENIED: i32 = 1;
/// The engines that run in a process of their own.
const ALONE: &[&str] = &[
    "native",
    "extism, a fresh instance",
    "regorus",
    "regorus, its virtual machine",
    "cel",
    "cedar-policy, each target",
    "cedar-policy, the set of kinds",
];
/// The unit of `ru_maxrss` in bytes.
const UNIT: u64 = if cfg!(target_vendor = "apple") { 1 } else { 1 << 10 };

/// A process and its measurements.
struct Process {
    name: String,
    command: Vec<OsString>,
    times: Vec<Duration>,
    bytes: Vec<u64>,
}

/// The table of the processes, for a denied request with this number of targets.
///
/// # Errors
/// The error of a process, or an exit status that is not a denial.
pub fn table(engines: &[Engine], targets: usize, effort: Effort) -> Result<String> {
    let input = Input::of(targets, Variant::Denied)?;
    let mut processes = processes(engines, &input)?;
    for run in 0..=effort.runs {
        for process in &mut processes {
            let (time, bytes) = measure_apart(&process.command, &input.folder).context(process.name.clone())?;
            // The first run only fills the caches of compiled policies and plug-ins.
            if run > 0 {
                process.times.push(time);
                process.bytes.push(bytes);
            }
        }
    }
    let medians: Vec<(Duration, u64)> =
        processes.iter().map(|process| (median(process.times.clone()), median(process.bytes.clone()))).collect();
    let Some((base_time, base_bytes)) = medians.first() else { bail!("there is no process to measure") };
    let rows: Vec<Vec<String>> = processes
        .iter()
        .zip(&medians)
        .map(|(process, (time, bytes))| {
            vec![
                process.name.clone(),
                shown(*time),
                ratio(time.as_secs_f64() / base_time.as_secs_f64()),
                format!("{} MiB", thousands(bytes >> 20)),
                ratio(*bytes as f64 / *base_bytes as f64),
            ]
        })
        .collect();
    let process = format!("process, {} targets, denied", thousands(targets as u64));
    Ok(markdown(&[process, "time".into(), "ratio".into(), "peak memory".into(), "ratio".into()], &rows))
}

/// The `reprieve` command, and this program with each engine.
fn processes(engines: &[Engine], input: &Input) -> Result<Vec<Process>> {
    let process = |name: &str, command: Vec<OsString>| Process {
        name: name.to_owned(),
        command,
        times: Vec::new(),
        bytes: Vec::new(),
    };
    let (reprieve, this) = (reprieve()?, env::current_exe()?);
    let check = |more: &[&str]| {
        let arguments = ["check", "request.json"].iter().chain(more).map(OsString::from);
        [reprieve.clone().into()].into_iter().chain(arguments).collect::<Vec<OsString>>()
    };
    std::fs::write(input.folder.join("peers.wasm"), POLICY)?;
    std::fs::write(input.folder.join("peers.toml"), "[[policy]]\nuse = \"peers.wasm\"\n")?;
    let mut processes = vec![
        process("`reprieve check`, the four rules", check(&["--config", "peers.toml"])),
        process("`reprieve check`, its nine policies", check(&[])),
    ];
    let whole = input.write_whole()?;
    for engine in engines.iter().filter(|engine| engine.part == Part::Whole && ALONE.contains(&engine.name)) {
        let request = if engine.name == "native" { input.folder.join("request.json") } else { whole.clone() };
        let command = vec![this.clone().into(), "decide".into(), engine.name.into(), request.into()];
        processes.push(process(&format!("{}, {} of 4 rules", engine.name, engine.rules.len()), command));
    }
    Ok(processes)
}

/// The path of the `reprieve` command.
fn reprieve() -> Result<PathBuf> {
    let path = match env::var_os("REPRIEVE_BIN") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/reprieve"),
    };
    path.canonicalize()
        .with_context(|| format!("{}: build it with `cargo build --release`, or set REPRIEVE_BIN", path.display()))
}

/// Measures a process from a small process of this program. The kernel counts the memory of the parent as that of the new
/// process until its program is loaded, and this process may be large.
fn measure_apart(command: &[OsString], folder: &Path) -> Result<(Duration, u64)> {
    let output = Command::new(env::current_exe()?)
        .args(["measure", "--"])
        .args(command)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the process could not be measured");
    let output = String::from_utf8(output.stdout)?;
    let mut words = output.split_whitespace().map(str::parse::<u64>);
    let mut next = || words.next().context("too few figures")?.context("not a figure");
    let (nanoseconds, bytes, status) = (next()?, next()?, next()?);
    ensure!(status == DENIED as u64, "the exit status is {status}, but a denial is {DENIED}");
    Ok((Duration::from_nanos(nanoseconds), bytes))
}

/// Runs a command and prints its time in nanoseconds, its peak memory in bytes, and its exit status.
///
/// # Errors
/// If it cannot be run, or has no exit status.
pub fn measure(command: &[OsString]) -> Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let elapsed = start.elapsed();
    // This covers all processes that were waited for, and there is only one.
    let bytes = u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())? * UNIT;
    println!("{} {bytes} {}", elapsed.as_nanos(), status.code().context("a signal ended the process")?);
    Ok(())
}
