//! Modules that cost a compiler, a validator or a schema checker far more than their size suggests. Each is refused or
//! compiled within the bounds, pinned or not, and none ends or hangs the process that decides.
#![cfg(target_os = "linux")]

use crate::support::hostile::*;
use reprieve::policy::{LoadError, Worker, WorkerError};
use reprieve::{BuildError, Gate, Limits};
use reprieve_tests::guest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// MiB that a worker may use: its data, and about 40 MiB of the program itself.
const WORKER_MIB: u64 = 512 + 64;
/// MiB that the process that decides may use for a module of these tests that a worker compiles.
const HOST_MIB: u64 = 256;

/// What became of a process and those that it started.
#[derive(Debug)]
struct Cost {
    /// Its exit status; `None` if a signal ended it.
    status: Option<i32>,
    text: String,
    /// The peak of its own resident memory, in MiB.
    host_mib: u64,
    /// The peak of the resident memory of the processes that it started.
    worker_mib: u64,
    /// Their processor time in seconds, to the hundredth.
    cpu_seconds: f64,
}

/// The number after a label in a file of `/proc`.
fn kib(status: &str, label: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(label));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn proc(pid: u32, name: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default()
}

/// Processor time of a process in hundredths of a second.
fn ticks(pid: u32) -> u64 {
    let stat = proc(pid, "stat");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_task = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    tasks
        .flat_map(|task| of_task(task).split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Loads a policy set with this module, and measures the processes.
fn load(module: &[u8], pinned: bool) -> Cost {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bomb.wasm"), module).unwrap();
    let pin = if pinned { format!("sha256 = \"{}\"\n", sha256(module)) } else { String::new() };
    let set = format!("[[policy]]\nuse = \"bomb.wasm\"\n{pin}");
    std::fs::write(folder.path().join("reprieve.toml"), set).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_reprieve"))
        .arg("policies")
        .current_dir(folder.path())
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let (mut host, mut worker, mut cpu) = (0, 0, BTreeMap::new());
    while child.try_wait().unwrap().is_none() {
        host = host.max(kib(&proc(pid, "status"), "VmHWM:"));
        cpu.insert(pid, ticks(pid));
        for pid in children(pid) {
            worker = worker.max(kib(&proc(pid, "status"), "VmHWM:"));
            cpu.insert(pid, ticks(pid));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    Cost {
        status: output.status.code(),
        text: String::from_utf8_lossy(&output.stderr).into_owned(),
        host_mib: host >> 10,
        worker_mib: worker >> 10,
        cpu_seconds: cpu.values().sum::<u64>() as f64 / 100.0,
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Loads a module as an unknown one and as a pinned one, and expects these messages; "" expects a success.
fn costs(name: &str, module: &[u8], unknown: &str, pinned: &str) {
    for (expected, is_pinned) in [(unknown, false), (pinned, true)] {
        let cost = load(module, is_pinned);
        let Cost { status, text, host_mib, worker_mib, cpu_seconds } = &cost;
        println!(
            "{name:<36} pinned {is_pinned:<5} {:>8} bytes {host_mib:>4} + {worker_mib:>4} MiB {cpu_seconds:>6.2} s",
            module.len()
        );
        let message = format!("{name}, pinned {is_pinned}: {cost:?}");
        assert_eq!(*status, Some(if expected.is_empty() { 0 } else { 2 }), "{message}");
        assert!(text.contains(expected), "expected {expected}: {message}");
        assert!(*worker_mib <= WORKER_MIB, "{message}");
        assert!(*host_mib <= if is_pinned { WORKER_MIB } else { HOST_MIB }, "{message}");
    }
}

/// It was compiled, and then found not to export the contract.
const COMPILED: &str = "it is not a policy";
const CPU: &str =
    "compiling it used more than 10 s of processor time\nhelp: if you know the module, pin it: sha256 = \"";

const COMPLEX: &str = "function 1's complexity is";

#[test]
fn blocks_and_signatures_are_bounded() {
    for (values, loops, expected) in [
        (1_000, 500, "the parameters and results of a type is 2000; at most 128 is allowed"),
        (65, 10, "the parameters and results of a type is 130; at most 128 is allowed"),
        (64, 10_000, COMPLEX),
        (64, 180, COMPLEX),
        (64, 170, COMPILED),
        (1, 20_000, COMPLEX),
        (1, 1_100, COMPILED),
    ] {
        costs("block parameters", &block_parameters(values, loops), expected, expected);
    }
    for (values, expected) in [(20_000, COMPLEX), (1_900, COMPILED)] {
        costs("values of blocks", &block_results(values), expected, expected);
    }
    for (parameters, loops, expected) in [
        (128, 8_000, COMPLEX),
        (128, 1_200, COMPILED),
        (1, 20_000, COMPLEX),
        (1_000, 10, "the parameters and results of a type is 1000"),
    ] {
        costs("parameters and loops", &parameters_and_loops(parameters, loops), expected, expected);
    }
    for (values, calls, count, expected) in [
        (64, 100_000, 1, COMPLEX),
        (64, 180, 1, COMPLEX),
        (64, 160, 100, "the complexity of all functions"),
        (64, 160, 20, COMPILED),
    ] {
        costs("wide calls", &wide_calls(values, calls, count), expected, expected);
    }
    for (targets, tables, depth, expected) in [
        (1_000, 200, 1, COMPILED),
        (60_000, 4, 1, COMPILED),
        (100_000, 2, 1, "not a valid wasm module or component: failed to compile"),
        (2_500, 90, 9_990, COMPILED),
        (200, 6_000, 1, "function 1's size in bytes"),
    ] {
        costs("branch tables", &branch_tables(targets, tables, depth), expected, expected);
    }
    for (depth, count, expected) in [
        (10_000, 1, COMPILED),
        (10_000, 10, COMPILED),
        (10_001, 1, "function 1's depth of blocks is 10001; at most 10000 is allowed"),
        (80_000, 1, "function 1's depth of blocks is 80000"),
    ] {
        costs("deep blocks", &deep_blocks(depth, count), expected, expected);
    }
}

#[test]
fn many_and_long_functions_are_bounded() {
    costs(
        "many functions",
        &many_functions(60_001, 0),
        "the number of functions is 60001",
        "the number of functions",
    );
    costs("many functions", &many_functions(60_000, 0), COMPILED, COMPILED);
    costs("many functions", &many_functions(10_000, 20), COMPILED, COMPILED);
    costs("long functions", &long_functions(1, 250_000), COMPILED, COMPILED);
    // No bound on its shape: a worker ends when it has used its time.
    let long = long_functions(180, 250_000);
    let cost = load(&long, false);
    println!("180 functions of 250 KB: {cost:?}");
    assert!(cost.status == Some(2) && cost.text.contains(CPU), "{cost:?}");
    assert!(cost.text.contains(&sha256(&long)), "the exact line to add: {cost:?}");
    assert!(cost.worker_mib <= WORKER_MIB && cost.host_mib <= HOST_MIB, "{cost:?}");
}

#[test]
fn components_and_types_in_each_other_are_bounded() {
    for depth in [65, 1_000, 10_000] {
        let expected = "the number of nested components is 65; at most 64 is allowed";
        costs("nested components", &nested_components(depth), expected, expected);
    }
    costs("nested components", &nested_components(64), COMPILED, COMPILED);
    for levels in [9, 20, 60] {
        let expected = "the number of instances is 1023; at most 1000 is allowed";
        costs("doubled instances", &doubled_instances(levels), expected, expected);
    }
    costs("doubled instances", &doubled_instances(8), COMPILED, COMPILED);
    costs(
        "an imported component",
        &imported_component(),
        "it imports the component `a`",
        "it imports the component `a`",
    );
    for depth in [256, 5_000, 100_000] {
        costs("nested types", &nested_types(depth), "the number of nested types is", "the number of nested types is");
    }
    costs("nested types", &nested_types(90), COMPILED, COMPILED);
    costs("nested types", &nested_types(255), COMPILED, COMPILED);
    costs("doubled types", &doubled_types(15), COMPILED, COMPILED);
    for levels in [24, 60] {
        costs("doubled types", &doubled_types(levels), "not a valid wasm module", "not a valid wasm module");
    }
}

#[test]
fn names_exports_and_segments_are_bounded() {
    let too_many = "the number of types, imports, exports and segments is";
    costs("exports", &exports(99_999, 8), COMPILED, COMPILED);
    costs("exports", &exports(100_000, 8), too_many, too_many);
    costs("exports with long names", &exports(400, 99_990), COMPILED, COMPILED);
    costs("names", &names(60_000, 8), COMPILED, COMPILED);
    costs("names", &names(160, 100_000), COMPILED, COMPILED);
    costs("names", &names(2_000_000, 8), "the bytes of custom sections is", "the bytes of custom sections is");
    costs("segments", &segments(100_000), COMPILED, COMPILED);
    costs("segments", &segments(100_001), too_many, too_many);
}

#[test]
fn settings_schemas_are_bounded() {
    let policy = |schema: &str| policy_with_schema(guest("passes"), schema);
    let once = |part: Value| json!({"allOf": [part]});
    let twice = |part: Value| json!({"allOf": [part.clone(), part]});
    let either = |part: Value| json!({"anyOf": [part.clone(), part]});
    for (name, schema, expected) in [
        ("a chain of references", chain(20, once), ""),
        ("a chain of references", chain(100, once), "levels deep"),
        ("a chain of references", chain(250, |part| part), "levels deep"),
        ("a chain of references", chain(2_000, once), "bytes; at most 65536 are allowed"),
        ("a chain of references", chain(7_900, once), "bytes; at most 65536 are allowed"),
        ("doubled references", chain(8, twice), ""),
        ("doubled references", chain(14, twice), "takes more than 100000 steps"),
        ("doubled references", chain(20, twice), "takes more than 100000 steps"),
        ("doubled references", chain(28, either), "takes more than 100000 steps"),
        ("a cycle", json!({"properties": {"a": {"$ref": "#/properties/a"}}}).to_string(), "leads back to itself"),
        ("patterns", pattern("^(a|a)*$", &"a".repeat(50_000)), ""),
        ("patterns", pattern("^(a+)+$", &format!("{}b", "a".repeat(50_000))), "the default of the setting `/a`"),
        ("patterns", pattern("^(\\w{999}){999}$", "a"), "is not a valid JSON Schema"),
        ("patterns", pattern("(a)\\1", "aa"), "is not a valid JSON Schema"),
        ("patterns", pattern(&"a".repeat(513), "a"), "a pattern has 513 bytes; at most 512 are allowed"),
    ] {
        costs(name, &policy(&schema), expected, expected);
    }
}

fn describe(module: &[u8], worker: Option<Worker>, limits: Limits) -> Result<(), LoadError> {
    let builder = Gate::builder().limits(limits);
    let builder = match worker {
        Some(worker) => builder.worker(worker),
        None => builder,
    };
    match builder.describe(module, None) {
        Ok(_) => Ok(()),
        Err(BuildError::Module(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// Why a worker that is started with these limits does not compile a module.
fn cause(module: &[u8], worker: Worker, limits: Limits) -> WorkerError {
    match describe(module, Some(worker), limits).unwrap_err() {
        LoadError::Worker { cause, help } => {
            assert_eq!(help, format!("if you know the module, pin it: sha256 = \"{}\"", sha256(module)));
            cause
        }
        error => panic!("{error}"),
    }
}

fn worker() -> Worker {
    Worker::new(env!("CARGO_BIN_EXE_reprieve"), ["compile-worker"])
}

#[test]
fn a_worker_keeps_to_its_limits() {
    let module = long_functions(40, 250_000);
    let little_memory = Limits { compile_memory_bytes: 32 << 20, ..Limits::default() };
    assert_eq!(cause(&module, worker(), little_memory), WorkerError::Memory { mib: 32 });
    let little_time = Limits { compile_cpu_seconds: 1, ..Limits::default() };
    assert_eq!(cause(&module, worker(), little_time), WorkerError::CpuTime { seconds: 1 });
    for (memory, seconds) in [(0, 10), (512 << 20, 0)] {
        let nothing = Limits { compile_memory_bytes: memory, compile_cpu_seconds: seconds, ..Limits::default() };
        assert!(describe(guest("passes"), Some(worker()), nothing).is_err(), "a limit of 0 allows nothing");
    }
    describe(guest("passes"), Some(worker()), Limits::default()).unwrap();
}

#[test]
fn a_worker_that_does_not_answer_is_a_refusal() {
    let module = guest("passes");
    let soon = Limits { compile_wall_seconds: 1, ..Limits::default() };
    // `exec` keeps the shell's process: a worker that starts others is not a worker.
    let run = |program: &str, arguments: &[&str]| cause(module, Worker::new(program, arguments), soon.clone());
    assert_eq!(run("/bin/sleep", &["86399"]), WorkerError::WallClock { seconds: 1 });
    assert_eq!(run("/bin/sh", &["-c", "kill -STOP $$"]), WorkerError::WallClock { seconds: 1 });
    // It closes its output and goes on.
    assert_eq!(run("/bin/sh", &["-c", "exec >&- 2>&-; exec sleep 86399"]), WorkerError::WallClock { seconds: 1 });
    for (program, arguments) in [
        ("/bin/true", &[][..]),
        ("/bin/cat", &[]),
        ("/bin/sh", &["-c", "yes"]),
        ("/bin/sh", &["-c", "echo '{\"Code\":{\"bytes\":5}}'; printf 1234"]),
        ("/bin/sh", &["-c", "echo 'it is broken' >&2; exit 3"]),
    ] {
        let ended = run(program, arguments);
        assert!(matches!(ended, WorkerError::Ended { .. }), "{arguments:?}: {ended}");
    }
    let other = run(env!("CARGO_BIN_EXE_reprieve"), &["--version"]);
    assert!(matches!(other, WorkerError::Ended { .. }), "{other}");
    assert!(matches!(run("/nowhere/worker", &[]), WorkerError::Start { .. }));
    // Code that no compiler has written.
    let error =
        describe(module, Some(Worker::new("/bin/sh", ["-c", "echo '{\"Code\":{\"bytes\":4}}'; printf 1234"])), soon);
    assert!(matches!(error, Err(LoadError::Admission(_))), "{error:?}");
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains("86399")
    });
    assert_eq!(left.count(), 0, "every worker was ended");
    assert!(children(std::process::id()).iter().all(|pid| !proc(*pid, "status").contains("(zombie)")), "and reaped");
}

#[test]
fn a_module_of_unknown_origin_without_a_worker_is_refused() {
    let error = describe(guest("passes"), None, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "its digest is not pinned, and no worker is named to compile it within limits");
    let pin = format!("sha256 = \"{}\"", sha256(guest("passes")));
    assert_eq!(error.help().unwrap(), format!("name a worker, or if you know the module, pin it: {pin}"));
}

fn policies(folder: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_reprieve"))
        .arg("policies")
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_worker_compiles_a_module_once_and_a_note_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let module = policy_with_schema(guest("passes"), &pattern("^a*$", "a"));
    std::fs::write(folder.path().join("a.wasm"), &module).unwrap();
    let set = |more: &str| {
        std::fs::write(folder.path().join("reprieve.toml"), format!("[[policy]]\nuse = \"a.wasm\"\n{more}"))
    };
    set("settings = { a = \"aa\" }\n").unwrap();
    let note = format!(
        "note: the policy `hostile` is not pinned, so a process of its own compiled it; if you know the module, add\n      \
         sha256 = \"{}\"\n",
        sha256(&module)
    );
    assert_eq!(policies(folder.path()), note);
    assert_eq!(policies(folder.path()), "", "its code is kept");
    // So is what the check of its settings resulted in: no process is started, even if none can be.
    let kept = || std::fs::read_dir(folder.path().join("cache/reprieve")).unwrap().count();
    assert_eq!(kept(), 2);
    set("settings = { a = \"aaa\" }\n").unwrap();
    assert_eq!(policies(folder.path()), "");
    assert_eq!(kept(), 3, "other settings are another check");
    set(&format!("sha256 = \"{}\"\n", sha256(&module))).unwrap();
    std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    assert_eq!(policies(folder.path()), "");
}
