//! Threads of one process that write to one ledger: `cargo bench -p reprieve-ledger --bench writers -- [SECONDS] [LEDGER]`.
//!
//! Each thread decides about batches of ten targets with the nine policies, all of which are allowed, or records the smallest
//! entry there is. `LEDGER` is the URL of an empty PostgreSQL database, or a new SQLite file; without it, SQLite in a temporary
//! folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::{Batch, Decision, Folder, Gate, ReadOptions};
use reprieve_ledger::{Reload, SqlLedger};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const POLICIES: [&str; 9] =
    ["mode", "identity", "provenance", "blast-radius", "rehearsal", "recovery", "authority", "timing", "retention"];

/// Calls `write` from several threads at once, at a rate or as fast as it returns, and prints how long it takes. The time of a
/// call begins when it is due.
fn measure(what: &str, threads: u64, rate: Option<f64>, length: Duration, write: &(dyn Fn() + Sync)) {
    let begun = Instant::now();
    let one = |number: u64| {
        let (mut times, mut calls) = (Vec::new(), 0_u64);
        loop {
            let mut due = Instant::now();
            if let Some(rate) = rate {
                due = begun + Duration::from_secs_f64((calls * threads + number) as f64 / rate);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            if begun.elapsed() > length {
                return times;
            }
            write();
            times.push(due.elapsed());
            calls += 1;
        }
    };
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let one = &one;
        let threads: Vec<_> = (0..threads).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seen = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
    let offered = rate.map_or_else(String::new, |rate| format!("{rate}/s"));
    println!(
        "{what:>10} {threads:>8} {offered:>8} {seen:>10.0}/s {:>10.2} {:>10.2} {:>10.2}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let length = Duration::from_secs(arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3));
    let temporary = tempfile::tempdir().unwrap();
    let name = arguments.next().unwrap_or_else(|| temporary.path().join("reprieve.db").display().to_string());
    let ledger = SqlLedger::create(&name, None, None).unwrap();
    let config = temporary.path().join("reprieve.toml");
    let policies = POLICIES.map(|policy| format!("[[policy]]\nuse = \"builtin:{policy}\"\nmissing = \"warn\"\n"));
    let any = "settings = { tenants_a_day_soft = 1000000000 }\n[[policy]]\nuse = \"builtin:retention\"";
    std::fs::write(&config, policies.concat().replace("[[policy]]\nuse = \"builtin:retention\"", any)).unwrap();
    let (folder, _) = Folder::of(&config).unwrap();
    let gate = Gate::builder().config(&config).unwrap().ledger(ledger.clone()).threads(1).build().unwrap();
    let next = AtomicU64::new(0);
    let decide = || {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let target = |i| format!(r#"{{"id":"a-{n}-{i}","kind":"app","tenant":"t-{n}"}}"#);
        let targets = (0..10).map(target).collect::<Vec<_>>().join(",");
        let request = format!(
            r#"{{"id":"r-{n}","mode":"soft","environment":"staging","target_kind":"app","campaign":"c-{n}","targets":[{targets}]}}"#
        );
        let options = ReadOptions::default().threads(1).without_files();
        match gate.vet(Batch::read_with(request.as_bytes(), "request", &folder, options).unwrap()) {
            Decision::Allow(permit) => drop(permit.hand_over()),
            Decision::Deny(withheld) | Decision::Undecided(withheld) => panic!("{:?}", withheld.document()),
        }
    };
    let reload = Reload { from: "a".to_owned(), to: "b".to_owned(), by: "a bench".to_owned() };
    let record = || drop(ledger.reload(&reload).unwrap());
    println!(
        "{:>10} {:>8} {:>8} {:>12} {:>10} {:>10} {:>10}",
        "writes", "threads", "offered", "rate", "median ms", "p99 ms", "max ms"
    );
    for (threads, rate) in [(1, None), (2, None), (8, None), (16, None), (8, Some(500.0))] {
        measure("decisions", threads, rate, length, &decide);
    }
    for threads in [1, 2, 4, 16, 64] {
        measure("entries", threads, None, length, &record);
    }
    ledger.verify(None).unwrap().unwrap();
}
