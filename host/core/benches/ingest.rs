//! Reads a million targets into columns and counts them: each format, on one thread and on all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

use arrow_array::builder::{StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parquet::arrow::ArrowWriter;
use reprieve::{Batch, ReadOptions};
use std::fmt::Write;
use std::io::Write as _;
use std::sync::Arc;

const ROWS: u64 = 1_000_000;

fn id(row: u64) -> String {
    format!("app-{:016x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn columns() -> RecordBatch {
    let (mut ids, mut kinds) = (StringBuilder::new(), StringDictionaryBuilder::<Int32Type>::new());
    let mut tenants = StringDictionaryBuilder::<Int32Type>::new();
    for row in 0..ROWS {
        ids.append_value(id(row));
        kinds.append_value("app");
        tenants.append_value(format!("t-{}", row % 5_000));
    }
    let columns: [(&str, ArrayRef); 3] =
        [("id", Arc::new(ids.finish())), ("kind", Arc::new(kinds.finish())), ("tenant", Arc::new(tenants.finish()))];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The same list in every format: name and bytes.
fn lists() -> Vec<(&'static str, Vec<u8>)> {
    let (mut ndjson, mut csv) = (String::new(), String::from("id,kind,tenant\n"));
    let mut quoted = csv.clone();
    for row in 0..ROWS {
        let (id, tenant) = (id(row), row % 5_000);
        writeln!(ndjson, r#"{{"id":"{id}","kind":"app","tenant":"t-{tenant}"}}"#).unwrap();
        writeln!(csv, "{id},app,t-{tenant}").unwrap();
        writeln!(quoted, "\"{id}\",app,t-{tenant}").unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(ndjson.as_bytes()).unwrap();
    let columns = columns();
    let mut parquet = ArrowWriter::try_new(Vec::new(), columns.schema(), None).unwrap();
    parquet.write(&columns).unwrap();
    let mut arrow = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &columns.schema()).unwrap();
    arrow.write(&columns).unwrap();
    vec![
        ("targets.ndjson", ndjson.clone().into_bytes()),
        ("targets.ndjson.gz", gzip.finish().unwrap()),
        ("targets.ndjson.zst", zstd::encode_all(ndjson.as_bytes(), 3).unwrap()),
        ("targets.csv", csv.into_bytes()),
        ("quoted.csv", quoted.into_bytes()),
        ("targets.parquet", parquet.into_inner().unwrap()),
        ("targets.arrow", arrow.into_inner().unwrap()),
    ]
}

fn ingest(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).throughput(Throughput::Elements(ROWS));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for (name, bytes) in lists() {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let request = folder.path().join(format!("{name}.json"));
        let text = format!(
            r#"{{"id":"bench","mode":"soft","environment":"test","target_kind":"app","targets":{{"path":"{name}"}}}}"#
        );
        std::fs::write(&request, text).unwrap();
        for threads in [1, threads] {
            group.bench_function(BenchmarkId::new(name, threads), |bencher| {
                bencher.iter(|| Batch::open_with(&request, ReadOptions::default().threads(threads)).unwrap().len());
            });
        }
    }
    // The cost if nothing fits into memory.
    let request = folder.path().join("targets.ndjson.json");
    group.bench_function("targets.ndjson, all spilled", |bencher| {
        bencher.iter(|| Batch::open_with(&request, ReadOptions::default().memory(0)).unwrap().len());
    });
}

criterion_group!(benches, ingest);
criterion_main!(benches);
