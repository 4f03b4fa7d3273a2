//! Each stage of a decision on a million targets by itself, so that a regression can be located.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use reprieve::inventory::{Record, Table};
use reprieve::model::Timestamp;
use reprieve::policy::{Cost, ModuleCache, PolicyEntry};
use reprieve::{Batch, Folder, Gate, PolicySet};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

const ROWS: u64 = 1_000_000;

/// Selects the cost of a stage.
type Part = fn(&Cost) -> Duration;

fn cache() -> ModuleCache {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    ModuleCache::new(temporary.join("compiled"), temporary.join("state"))
}

fn write(folder: &Path, rows: u64, tenants: u64) {
    let mut csv = String::from("id,kind,tenant\n");
    (0..rows).for_each(|row| writeln!(csv, "app-{row:08},app,t-{}", row % tenants).unwrap());
    std::fs::write(folder.join("targets.csv"), csv).unwrap();
}

fn batch(folder: &Path) -> Batch {
    let request =
        r#"{"id":"bench","mode":"hard","environment":"test","target_kind":"app","targets":{"path":"targets.csv"}}"#;
    let batch = Batch::read(request.as_bytes(), "bench", &Folder::open(folder).unwrap()).unwrap();
    batch.at(Timestamp::parse("2026-03-02T12:00:00Z").unwrap())
}

fn inventory(rows: u64) -> Table {
    let mut table = Table::default();
    for row in 0..rows {
        let record = Record {
            kind: Some("app".to_owned()),
            tenant: Some(format!("t-{}", row % 5_000)),
            environment: Some("test".to_owned()),
            state: Some("disabled".to_owned()),
            dependents: Some(Vec::new()),
            legal_hold: Some(false),
            ..Record::default()
        };
        table.add(&format!("app-{row:08}"), record, None).unwrap();
    }
    table
}

fn stages(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let gate = |set: PolicySet, inventory: Option<Table>| {
        let builder = Gate::builder().cache(cache());
        let builder = builder.policies(set, None);
        match inventory {
            Some(inventory) => builder.inventory(inventory),
            None => builder,
        }
        .build()
        .unwrap()
    };
    let only = |name: &str| PolicySet::of(vec![PolicyEntry::builtin(name)]);
    let mut group = criterion.benchmark_group("stage");
    group.sample_size(10).measurement_time(Duration::from_secs(2));

    // Counting distinct tenants needs a set of all of them.
    for tenants in [1, 5_000, ROWS] {
        group.throughput(Throughput::Elements(ROWS));
        write(folder.path(), ROWS, tenants);
        group.bench_function(BenchmarkId::new("read and count, with tenants", tenants), |bencher| {
            bencher.iter(|| batch(folder.path()).len());
        });
    }
    write(folder.path(), ROWS, 5_000);
    let batch = batch(folder.path());
    let table = inventory(ROWS);
    group.bench_function("facts and review", |bencher| bencher.iter(|| batch.review(None).unwrap().0.len()));
    group.bench_function("facts and review, with an inventory", |bencher| {
        bencher.iter(|| batch.review(Some(&table)).unwrap().0.len());
    });
    drop(table);

    // A policy without columns, one with a few, and the one with the most.
    for (name, of) in [("blast-radius", None), ("provenance", None), ("identity", Some(inventory(ROWS)))] {
        let gate = gate(only(name), of);
        let cost = || gate.measure(&batch).unwrap().remove(0);
        let stages: [(&str, Part); 4] = [
            ("instantiate", |cost| cost.instantiate),
            ("begin", |cost| cost.begin),
            ("observe", |cost| cost.observe),
            ("finish", |cost| cost.finish),
        ];
        for (stage, part) in stages {
            group.bench_function(BenchmarkId::new(stage, name), |bencher| {
                bencher.iter_custom(|times| (0..times).map(|_| part(&cost())).sum());
            });
        }
        for count in [1, 4, 16] {
            let size = ROWS / count;
            let partition = |i: u64| std::iter::once(i * size..(i + 1) * size).collect();
            let partitions: Vec<Vec<_>> = (0..count).map(partition).collect();
            group.bench_function(
                BenchmarkId::new(format!("evaluate in {} partitions", partitions.len()), name),
                |bencher| {
                    bencher.iter(|| gate.evaluate_partitions(&batch, &partitions).unwrap().len());
                },
            );
        }
    }

    let decision = gate(PolicySet::builtins(), None).vet(batch);
    group.throughput(Throughput::Elements(1));
    group.bench_function("report", |bencher| {
        bencher.iter(|| serde_json::to_string_pretty(decision.document()).unwrap().len());
    });
}

criterion_group!(benches, stages);
criterion_main!(benches);
