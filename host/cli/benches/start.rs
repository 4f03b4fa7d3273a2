//! A whole `reprieve check` as a process, with ten targets: on a machine where it never ran, with a home, without a ledger,
//! with a new one, and with one that contains a million decisions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use std::path::Path;
use std::process::{Command, Stdio};

fn start(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut targets = String::from("id,kind,tenant\n");
    (0..10).for_each(|i| targets += &format!("a-{i},app,t-{i}\n"));
    std::fs::write(folder.path().join("targets.csv"), targets).unwrap();
    let request = r#"{"id":"bench","mode":"soft","environment":"test","target_kind":"app","actor":{"id":"svc"},"campaign":"bench","targets":{"path":"targets.csv"}}"#;
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(folder.path()).args(arguments).env("XDG_CACHE_HOME", folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
    };
    run(&["check", "request.json"]);
    // One decision in each ledger, so that `fill` has a first row to copy.
    for ledger in ["new.db", "million.db"] {
        run(&["ledger", "new", "--ledger", ledger]);
        run(&["check", "request.json", "--ledger", ledger]);
    }
    fill(&folder.path().join("million.db"));
    let mut group = criterion.benchmark_group("process");
    group.bench_function("first check of 10 targets, without a home", |bencher| {
        bencher.iter(|| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
            command.current_dir(folder.path()).args(["check", "request.json"]).env_clear();
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
        });
    });
    group.bench_function("check of 10 targets", |bencher| bencher.iter(|| run(&["check", "request.json"])));
    for (name, ledger) in [("a new ledger", "new.db"), ("a ledger of a million", "million.db")] {
        let arguments = ["check", "request.json", "--ledger", ledger];
        group.bench_function(format!("check of 10 targets with {name}"), |bencher| bencher.iter(|| run(&arguments)));
    }
    group.bench_function("--version, for comparison", |bencher| bencher.iter(|| run(&["--version"])));
}

/// Writes a million allows into a ledger, one every five seconds until now. All of them affect the next decision.
fn fill(ledger: &Path) {
    let connection = rusqlite::Connection::open(ledger).unwrap();
    connection
        .execute_batch(
            "PRAGMA synchronous = OFF;
             BEGIN;
             CREATE TEMP TABLE first AS SELECT entry AS number, at AS until FROM head;
             CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
               SELECT number + i AS entry, until - 5 * (1000000 - i) AS at FROM n, first;
             INSERT INTO entries SELECT entry, at, 'decision', hex(zeroblob(150)), hex(zeroblob(32)) FROM n;
             INSERT INTO decisions (entry, at, request, decision, mode, environment, kind, actor, campaign, targets,
               tenants, targets_sha256, counts_at, state, succeeded)
               SELECT entry, at, 'bench', 'allow', 'soft', 'test', 'app', 'svc', 'bench', 10, 10, hex(zeroblob(32)), at,
               'committed', 1 FROM n;
             INSERT INTO sums (key, hour, batches, targets, tenants) SELECT key, at / 3600, count(*), 10 * count(*), 10 * count(*)
               FROM n, (SELECT '[\"mode\",\"test\",\"soft\"]' AS key UNION SELECT '[\"kind\",\"test\",\"app\"]'
                 UNION SELECT '[\"actor\",\"svc\"]' UNION SELECT '[\"campaign\",\"bench\"]')
               GROUP BY key, at / 3600 ON CONFLICT (key, hour) DO UPDATE SET batches = batches + excluded.batches,
               targets = targets + excluded.targets, tenants = tenants + excluded.tenants;
             UPDATE head SET entry = entry + 1000000, version = entry + 1000000, sha256 = hex(zeroblob(32));
             COMMIT;
             ANALYZE;",
        )
        .unwrap();
}

criterion_group!(benches, start);
criterion_main!(benches);
