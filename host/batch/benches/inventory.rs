//! Reads inventories of several sizes in each format, and resolves as many targets with each. The rows are those of
//! `benches/peers/inventory.py`; the ids of the list and of the inventory are in different orders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use arrow_array::builder::{Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use reprieve_batch::{Batch, open_inventory};
use rusqlite::{Connection, params};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
const FORMATS: [&str; 5] = ["csv", "ndjson", "parquet", "arrow", "sqlite"];
/// The rows of a row group of Parquet and of a record batch of Arrow: those that DuckDB writes.
const GROUP_ROWS: usize = 122_880;
/// The columns of an inventory.
const COLUMNS: [&str; 9] =
    ["id", "kind", "tenant", "environment", "state", "last_used_at", "size_bytes", "dependents", "legal_hold"];

fn id(row: u64, step: u64, rows: u64) -> String {
    format!("app-{:016x}", row * step % rows)
}

/// What an inventory has of one thing: its id, its size, and its other columns.
struct Thing {
    texts: [String; 8],
    size_bytes: i64,
}

impl Thing {
    fn of(row: u64, rows: u64) -> Self {
        let (day, second) = (1 + row * 37 % 28, row * 37 % 86_400);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let texts = [
            id(row, 104_729, rows),
            if row.is_multiple_of(20) { "disk" } else { "app" }.to_owned(),
            format!("t-{}", row % 5_000),
            if row.is_multiple_of(10) { "production" } else { "test" }.to_owned(),
            if row.is_multiple_of(3) { "disabled" } else { "soft-deleted" }.to_owned(),
            format!("2024-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", 1 + row % 12),
            "none".to_owned(),
            "false".to_owned(),
        ];
        Self { texts, size_bytes: (row * 1_009 % 100_000_000) as i64 }
    }
}

/// The rows as text: CSV and NDJSON.
fn texts(rows: u64) -> (String, String) {
    let (mut csv, mut ndjson) = (COLUMNS.join(","), String::new());
    csv.push('\n');
    for row in 0..rows {
        let Thing { texts: [id, kind, tenant, environment, state, used, dependents, hold], size_bytes } =
            Thing::of(row, rows);
        writeln!(csv, "{id},{kind},{tenant},{environment},{state},{used},{size_bytes},{dependents},{hold}").unwrap();
        writeln!(
            ndjson,
            r#"{{"id":"{id}","kind":"{kind}","tenant":"{tenant}","environment":"{environment}","state":"{state}","last_used_at":"{used}","size_bytes":{size_bytes},"dependents":[],"legal_hold":{hold}}}"#
        )
        .unwrap();
    }
    (csv, ndjson)
}

/// The rows in columns.
fn columns(rows: u64) -> RecordBatch {
    let mut texts: [StringBuilder; 8] = std::array::from_fn(|_| StringBuilder::new());
    let mut sizes = Int64Builder::new();
    for row in 0..rows {
        let thing = Thing::of(row, rows);
        texts.iter_mut().zip(&thing.texts).for_each(|(column, text)| column.append_value(text));
        sizes.append_value(thing.size_bytes);
    }
    let mut columns = texts.map(|mut column| Arc::new(column.finish()) as ArrayRef).to_vec();
    columns.insert(6, Arc::new(sizes.finish()));
    RecordBatch::try_from_iter(COLUMNS.into_iter().zip(columns)).unwrap()
}

fn write_parquet(path: &Path, columns: &RecordBatch) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, columns.schema(), Some(properties)).unwrap();
    writer.write(columns).unwrap();
    writer.close().unwrap();
}

fn write_arrow(path: &Path, columns: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &columns.schema()).unwrap();
    for start in (0..columns.num_rows()).step_by(GROUP_ROWS) {
        writer.write(&columns.slice(start, GROUP_ROWS.min(columns.num_rows() - start))).unwrap();
    }
    writer.finish().unwrap();
}

fn write_sqlite(path: &Path, rows: u64) {
    let mut things: Vec<Thing> = (0..rows).map(|row| Thing::of(row, rows)).collect();
    things.sort_unstable_by(|a, b| a.texts[0].cmp(&b.texts[0]));
    let mut database = Connection::open(path).unwrap();
    let create = format!("CREATE TABLE inventory (id TEXT PRIMARY KEY, {}) WITHOUT ROWID", COLUMNS[1..].join(", "));
    database.execute_batch(&create).unwrap();
    let transaction = database.transaction().unwrap();
    let mut insert = transaction.prepare("INSERT INTO inventory VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").unwrap();
    for Thing { texts: [id, kind, tenant, environment, state, used, dependents, hold], size_bytes } in things {
        insert.execute(params![id, kind, tenant, environment, state, used, size_bytes, dependents, hold]).unwrap();
    }
    drop(insert);
    transaction
        .execute_batch("CREATE INDEX by_kind ON inventory (kind); CREATE INDEX by_tenant ON inventory (tenant)")
        .unwrap();
    transaction.commit().unwrap();
}

/// Writes a request whose list has the ids of an inventory, and the inventory in every format.
fn write(folder: &Path, rows: u64) {
    let (csv, ndjson) = texts(rows);
    std::fs::write(folder.join("inventory.csv"), csv).unwrap();
    std::fs::write(folder.join("inventory.ndjson"), ndjson).unwrap();
    let columns = columns(rows);
    write_parquet(&folder.join("inventory.parquet"), &columns);
    write_arrow(&folder.join("inventory.arrow"), &columns);
    write_sqlite(&folder.join("inventory.sqlite"), rows);
    let mut targets = String::from("id,kind,tenant\n");
    (0..rows).for_each(|row| writeln!(targets, "{},app,t-{}", id(row, 7_919, rows), row % 5_000).unwrap());
    std::fs::write(folder.join("targets.csv"), targets).unwrap();
    let request =
        r#"{"id":"bench","mode":"soft","environment":"test","target_kind":"app","targets":{"path":"targets.csv"}}"#;
    std::fs::write(folder.join("request.json"), request).unwrap();
}

fn inventory(criterion: &mut Criterion) {
    for rows in SIZES {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), rows);
        let batch = Batch::open(&folder.path().join("request.json")).unwrap();
        let mut group = criterion.benchmark_group("inventory");
        group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(rows));
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        for format in FORMATS {
            let path = folder.path().join(format!("inventory.{format}"));
            group.bench_function(BenchmarkId::new(format!("read {format}"), rows), |bencher| {
                bencher.iter(|| open_inventory(&path).unwrap());
            });
            let inventory = open_inventory(&path).unwrap();
            group.bench_function(BenchmarkId::new(format!("resolve {format}"), rows), |bencher| {
                bencher.iter(|| {
                    let resolution = batch.resolve(&*inventory, false).unwrap();
                    assert_eq!(resolution.facts.resolved, rows);
                });
            });
        }
    }
}

criterion_group!(benches, inventory);
criterion_main!(benches);
