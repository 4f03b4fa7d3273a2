//! Whole checks as processes, with lists of growing length: seconds, the ratio to the shortest list, and max memory.
//!
//! `cargo bench -p reprieve-cli --bench scale` measures up to 10 million targets; `REPRIEVE_ROWS=100000000` raises that to
//! 100 million. Lists are written into the folder for temporary files and removed at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use arrow_array::builder::{StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of rows of a row group.
const GROUP_ROWS: u64 = 1 << 20;

fn id(row: u64) -> String {
    format!("app-{:016x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn columns(rows: std::ops::Range<u64>) -> RecordBatch {
    let (mut ids, mut kinds) = (StringBuilder::new(), StringDictionaryBuilder::<Int32Type>::new());
    let mut tenants = StringDictionaryBuilder::<Int32Type>::new();
    for row in rows {
        ids.append_value(id(row));
        kinds.append_value("app");
        tenants.append_value(format!("t-{}", row % 5_000));
    }
    let columns: [(&str, ArrayRef); 3] =
        [("id", Arc::new(ids.finish())), ("kind", Arc::new(kinds.finish())), ("tenant", Arc::new(tenants.finish()))];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write(path: &Path, rows: u64) {
    let file = BufWriter::new(File::create(path).unwrap());
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let mut writer = ArrowWriter::try_new(file, columns(0..1).schema(), None).unwrap();
        for start in (0..rows).step_by(GROUP_ROWS as usize) {
            writer.write(&columns(start..rows.min(start + GROUP_ROWS))).unwrap();
            writer.flush().unwrap();
        }
        writer.close().unwrap();
    } else {
        let mut file = file;
        for row in 0..rows {
            writeln!(file, r#"{{"id":"{}","kind":"app","tenant":"t-{}"}}"#, id(row), row % 5_000).unwrap();
        }
        file.flush().unwrap();
    }
}

/// The max memory that a process has used so far, in MiB.
fn memory(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kib| kib >> 10)
}

/// Measures the seconds and the MiB of a check.
fn check(folder: &Path, list: &str, threads: usize) -> (f64, u64) {
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(folder).env("XDG_CACHE_HOME", folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(["check", "request.json", "--targets", list, "--threads", &threads.to_string()]);
    let mut child = command.spawn().unwrap();
    let mut max_mib = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        max_mib = max_mib.max(memory(&child).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(status.code(), Some(1), "the list reaches too many tenants");
    (start.elapsed().as_secs_f64(), max_mib)
}

fn main() {
    // `cargo test --benches` only checks that it runs.
    let max_rows = if std::env::args().any(|argument| argument == "--bench") {
        std::env::var("REPRIEVE_ROWS").map_or(10_000_000, |rows| rows.parse().unwrap())
    } else {
        10_000
    };
    let folder = tempfile::tempdir().unwrap();
    let request = r#"{"id":"scale","mode":"soft","environment":"test","target_kind":"app","targets":[]}"#;
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    println!("| list | targets | threads | seconds | against 1 M | MiB |\n|---|---|---|---|---|---|");
    for list in ["targets.ndjson", "targets.parquet"] {
        for threads in [1, 2] {
            let mut first = None;
            for rows in [1_000_000, 10_000_000, 100_000_000].map(|rows| max_rows.min(rows)) {
                write(&folder.path().join(list), rows);
                let runs = if rows <= 10_000_000 { 5 } else { 3 };
                let mut measured: Vec<(f64, u64)> = (0..runs).map(|_| check(folder.path(), list, threads)).collect();
                measured.sort_by(|a, b| a.0.total_cmp(&b.0));
                let (seconds, mib) = measured[runs / 2];
                let ratio = seconds / *first.get_or_insert(seconds);
                println!("| {list} | {rows} | {threads} | {seconds:.3} | {ratio:.1} | {mib} |");
                if rows == max_rows {
                    break;
                }
            }
        }
    }
}
