//! A whole `reprieve check` as a process: ten targets, compiled policies in the cache.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use std::process::{Command, Stdio};

fn start(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut targets = String::from("id,kind,tenant\n");
    (0..10).for_each(|i| targets += &format!("a-{i},app,t-{i}\n"));
    std::fs::write(folder.path().join("targets.csv"), targets).unwrap();
    let request =
        r#"{"id":"bench","mode":"soft","environment":"test","target_kind":"app","targets":{"path":"targets.csv"}}"#;
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(folder.path()).args(arguments).env("XDG_CACHE_HOME", folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
    };
    run(&["check", "request.json"]);
    let mut group = criterion.benchmark_group("process");
    group.bench_function("check of 10 targets", |bencher| bencher.iter(|| run(&["check", "request.json"])));
    group.bench_function("--version, for comparison", |bencher| bencher.iter(|| run(&["--version"])));
}

criterion_group!(benches, start);
criterion_main!(benches);
