//! A warm decision with every built-in policy, and with each of them alone. Every decision uses fresh instances.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use reprieve::inventory::{Record, Table};
use reprieve::model::Timestamp;
use reprieve::policy::{ModuleCache, PolicyEntry, builtin_names};
use reprieve::{Batch, Folder, Gate, GateBuilder, PolicySet};
use std::fmt::Write;
use std::path::Path;

fn cache() -> ModuleCache {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    ModuleCache::new(temporary.join("compiled"), temporary.join("state"))
}

/// A request for `rows` apps, each of another tenant. It passes except for missing evidence.
fn request(rows: usize) -> String {
    let mut targets = String::new();
    for row in 0..rows {
        let comma = if row == 0 { "" } else { "," };
        write!(targets, r#"{comma}{{"id":"app-{row:08}","kind":"app","tenant":"tenant-{row:06}"}}"#).unwrap();
    }
    format!(
        r#"{{"id":"bench/1","mode":"soft","environment":"production","target_kind":"app",
        "operation":{{"verb":"delete","cascade":false}},
        "reason":{{"ticket":"CHG-1","text":"retired","trigger":"request","trigger_source":"explicit"}},
        "actor":{{"id":"svc-cleanup","type":"automation","on_behalf_of":"carol"}},
        "provenance":{{"source":"cmdb","query":"select id from apps where retired","selection":"explicit",
        "complete":true,"id_kind":"app","row_count":{rows},"source_total":{rows},"sha256":"0","extracted_by":"carol",
        "extracted_at":"2026-03-02T11:30:00Z"}},"targets":[{targets}]}}"#
    )
}

fn batch(request: &str) -> Batch {
    let folder = Folder::open(".".as_ref()).unwrap();
    let at = Timestamp::parse("2026-03-02T12:00:00Z").unwrap();
    Batch::read(request.as_bytes(), "bench", &folder).unwrap().at(at)
}

fn builder() -> GateBuilder {
    Gate::builder().cache(cache())
}

fn inventory(rows: usize) -> Table {
    let mut table = Table::default();
    for row in 0..rows {
        let record = Record {
            kind: Some("app".into()),
            tenant: Some(format!("tenant-{row:06}")),
            environment: Some("production".into()),
            state: Some("disabled".into()),
            dependents: Some(Vec::new()),
            ..Default::default()
        };
        table.add(&format!("app-{row:08}"), record, None).unwrap();
    }
    table
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    for rows in [1, 10, 1_000] {
        let gate = builder().inventory(inventory(rows)).build().unwrap();
        let request = request(rows);
        group.bench_with_input(BenchmarkId::new("all", rows), &request, |bencher, request| {
            bencher.iter_batched(|| batch(request), |batch| gate.vet(batch), criterion::BatchSize::SmallInput);
        });
    }
    // The instances of a large batch leave memory behind that every later one has to clear.
    let gate = builder().inventory(inventory(10)).build().unwrap();
    drop(gate.vet(batch(&request(100_000))));
    group.bench_with_input(BenchmarkId::new("all after 100,000", 10), &request(10), |bencher, request| {
        bencher.iter_batched(|| batch(request), |batch| gate.vet(batch), criterion::BatchSize::SmallInput);
    });
    let request = request(10);
    for name in builtin_names() {
        let set = PolicySet::of(vec![PolicyEntry::builtin(name)]);
        let gate = builder().policies(set, None).inventory(inventory(10)).build().unwrap();
        group.bench_with_input(BenchmarkId::new(name, 10), &request, |bencher, request| {
            bencher.iter_batched(|| batch(request), |batch| gate.vet(batch), criterion::BatchSize::SmallInput);
        });
    }
    let set = PolicySet::of(Vec::new());
    let gate = builder().policies(set, None).inventory(inventory(10)).build().unwrap();
    group.bench_with_input(BenchmarkId::new("none", 10), &request, |bencher, request| {
        bencher.iter_batched(|| batch(request), |batch| gate.vet(batch), criterion::BatchSize::SmallInput);
    });
}

criterion_group!(benches, decisions);
criterion_main!(benches);
