//! Reading a million targets into columns, with everything that is counted on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use reprieve::Batch;
use std::fmt::Write;

const ROWS: usize = 1_000_000;

fn ingest(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (mut ndjson, mut csv) = (String::new(), String::from("id,kind,tenant\n"));
    for row in 0..ROWS {
        let (id, tenant) = (format!("app-{row:016x}"), row % 5_000);
        writeln!(ndjson, r#"{{"id":"{id}","kind":"app","tenant":"t-{tenant}"}}"#).unwrap();
        writeln!(csv, "{id},app,t-{tenant}").unwrap();
    }
    std::fs::write(folder.path().join("targets.ndjson"), ndjson).unwrap();
    std::fs::write(folder.path().join("targets.csv"), csv).unwrap();
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    for name in ["targets.ndjson", "targets.csv"] {
        let request = folder.path().join(format!("{name}.json"));
        let text = format!(
            r#"{{"id":"bench","mode":"soft","environment":"test","target_kind":"app","targets":{{"path":"{name}"}}}}"#
        );
        std::fs::write(&request, text).unwrap();
        group.bench_function(name, |bencher| bencher.iter(|| Batch::open(&request).unwrap().len()));
    }
}

criterion_group!(benches, ingest);
criterion_main!(benches);
