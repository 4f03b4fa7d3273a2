//! Target lists: every format has the same content and facts, and decisions do not depend on memory, threads or
//! partitions.

mod manifest;
mod tables;

use arrow_array::builder::{Int64Builder, StringBuilder, StringDictionaryBuilder, UInt64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use reprieve::inventory::{Record, Table};
use reprieve::model::{Facts, PolicyResult, Review, Timestamp};
use reprieve::policy::ModuleCache;
use reprieve::{Batch, Gate, ReadOptions};
use std::fmt::Write;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Row {
    id: Option<String>,
    kind: Option<String>,
    tenant: Option<String>,
    last_used_at: Option<i64>,
    size_bytes: Option<u64>,
    own: Option<String>,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c]{1,2}", 1 => "", 1 => " ", 1 => "NULL|n/a|-|\\(none\\)", 1 => Just("ü, \"x\"\\".to_owned()), 1 => Just("x".repeat(3_000))]
}

fn row() -> impl Strategy<Value = Row> {
    let texts = (prop::option::weighted(0.9, text()), prop::option::of(text()), prop::option::of(text()));
    let numbers = (prop::option::of(1_i64..14), prop::option::of(0_u64..=i64::MAX as u64));
    (texts, numbers, prop::option::of(text())).prop_map(|((id, kind, tenant), (last_used_at, size_bytes), own)| Row {
        id,
        kind,
        tenant,
        last_used_at,
        size_bytes,
        own,
    })
}

/// A blank field and a word for nothing are unknown. Such an id is kept, because it is counted as a bad one.
fn non_blank(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.trim().is_empty() && !["NULL", "n/a", "-", "(none)"].contains(&text.as_str()))
}

fn time(seconds: i64) -> String {
    Timestamp::from_seconds(seconds).to_string()
}

/// The list as `reprieve targets` prints it.
fn canonical(rows: &[Row]) -> String {
    rows.iter().map(|row| object(row, |text| non_blank(text)) + "\n").collect()
}

fn object<'a>(row: &'a Row, known: impl Fn(Option<&'a String>) -> Option<&'a String>) -> String {
    let mut fields = Vec::new();
    let mut add = |name: &str, value: Option<String>| fields.extend(value.map(|value| format!("\"{name}\":{value}")));
    let json = |text: &String| serde_json::to_string(text).unwrap();
    add("id", row.id.as_ref().map(json));
    add("kind", known(row.kind.as_ref()).map(json));
    add("tenant", known(row.tenant.as_ref()).map(json));
    add("last_used_at", row.last_used_at.map(|at| format!("\"{}\"", time(at))));
    add("size_bytes", row.size_bytes.map(|size| size.to_string()));
    add("x_own", known(row.own.as_ref()).map(json));
    format!("{{{}}}", fields.join(","))
}

fn batch_of(rows: &[Row]) -> RecordBatch {
    let (mut ids, mut own, mut sizes, mut times) =
        (StringBuilder::new(), StringBuilder::new(), UInt64Builder::new(), Int64Builder::new());
    let mut kinds = StringBuilder::new();
    let mut tenants = StringDictionaryBuilder::<Int32Type>::new();
    for row in rows {
        ids.append_option(row.id.as_deref());
        kinds.append_option(row.kind.as_deref());
        tenants.append_option(row.tenant.as_deref());
        times.append_option(row.last_used_at.map(|at| at * 1_000));
        sizes.append_option(row.size_bytes);
        own.append_option(row.own.as_deref());
    }
    let times = times.finish();
    let times = TimestampMillisecondArray::new(times.values().clone(), times.nulls().cloned()).with_timezone("UTC");
    let column = |name, array: ArrayRef| (name, array, true);
    RecordBatch::try_from_iter_with_nullable([
        column("x_own", Arc::new(own.finish())),
        column("app", Arc::new(ids.finish())),
        column("last_used_at", Arc::new(times)),
        column("unrelated", Arc::new(arrow_array::BooleanArray::from(vec![true; rows.len()]))),
        column("tenant", Arc::new(tenants.finish())),
        column("kind", Arc::new(kinds.finish())),
        column("size_bytes", Arc::new(sizes.finish())),
    ])
    .unwrap()
}

fn parquet(batch: &RecordBatch, group_rows: usize) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows))
        .set_data_page_row_count_limit(group_rows / 2 + 1)
        .set_write_batch_size(16)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn arrow(batch: &RecordBatch) -> [Vec<u8>; 2] {
    let mut file = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    let half = batch.num_rows() / 2;
    for part in [batch.slice(0, half), batch.slice(half, batch.num_rows() - half)] {
        file.write(&part).unwrap();
        stream.write(&part).unwrap();
    }
    [file.into_inner().unwrap(), stream.into_inner().unwrap()]
}

fn csv(rows: &[Row]) -> Vec<u8> {
    let mut text = String::from("kind,app,last_used_at,x_own,size_bytes,tenant\r\n");
    let quoted = |text: Option<&String>| match text {
        Some(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        None => String::new(),
    };
    for row in rows {
        let Row { id, kind, tenant, last_used_at, size_bytes, own } = row;
        let size = size_bytes.map(|size| size.to_string()).unwrap_or_default();
        let fields = [
            quoted(kind.as_ref()),
            quoted(id.as_ref()),
            last_used_at.map(time).unwrap_or_default(),
            quoted(own.as_ref()),
            size,
            quoted(tenant.as_ref()),
        ];
        writeln!(text, "{}", fields.join(",")).unwrap();
    }
    text.into_bytes()
}

const HEADER: &str = r#""id":"lists/1","mode":"soft","environment":"production","target_kind":"app""#;

/// Writes a list and a request that maps its column `app` to `id`, and reads them.
fn read(folder: &Path, name: &str, bytes: &[u8], options: ReadOptions<'_>) -> Batch {
    std::fs::write(folder.join(name), bytes).unwrap();
    let request = format!(r#"{{{HEADER},"targets":{{"path":"{name}","columns":{{"id":"app"}}}}}}"#);
    std::fs::write(folder.join("request.json"), request).unwrap();
    let batch = Batch::open_with(&folder.join("request.json"), options).unwrap();
    batch.at(Timestamp::from_seconds(1_772_452_800))
}

fn targets(batch: &Batch) -> String {
    let mut out = Vec::new();
    batch.write_targets(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The facts without the digests, which depend on the file.
fn facts(batch: &Batch) -> Facts {
    let (review, _) = batch.review(None).unwrap();
    let review: Review = serde_json::from_str(&review).unwrap();
    Facts { request_sha256: String::new(), targets_sha256: String::new(), ..review.facts }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_format_has_the_same_content_and_facts(
        rows in prop::collection::vec(row(), 0..120), group in 1_usize..50, memory in 0_u64..5_000, threads in 1_usize..4
    ) {
        let folder = tempfile::tempdir().unwrap();
        let ndjson: String =
            rows.iter().map(|row| object(row, |text| text).replacen("\"id\"", "\"app\"", 1) + "\n").collect();
        let columns = batch_of(&rows);
        let [file, stream] = arrow(&columns);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(ndjson.as_bytes()).unwrap();
        let lists = [
            ("t.ndjson", ndjson.clone().into_bytes()),
            ("t.ndjson.gz", gzip.finish().unwrap()),
            ("t.parquet", parquet(&columns, group)),
            ("t.arrow", file),
            ("t.arrows", stream),
        ];
        let mut first = None;
        for (name, bytes) in &lists {
            let batch = read(folder.path(), name, bytes, ReadOptions::default().memory(memory).threads(threads));
            prop_assert_eq!(targets(&batch), canonical(&rows), "{}", name);
            let facts = facts(&batch);
            prop_assert_eq!(first.get_or_insert_with(|| facts.clone()), &facts, "{}", name);
        }
        // CSV cannot tell a missing id from an empty one.
        let rows: Vec<Row> =
            rows.into_iter().map(|row| Row { id: Some(row.id.unwrap_or_default()), ..row }).collect();
        let batch = read(folder.path(), "t.csv", &csv(&rows), ReadOptions::default().memory(memory).threads(threads));
        prop_assert_eq!(targets(&batch), canonical(&rows), "t.csv");
    }
}

/// A list with some bad rows that is longer than a partition.
fn long_list() -> Vec<Row> {
    let row = |i: u64| Row {
        id: Some(format!("app-{}", if i % 50_021 == 50_020 { i / 2 } else { i })),
        kind: Some(if i % 100_003 == 7 { "site" } else { "app" }.to_owned()),
        tenant: (i % 70_001 != 9).then(|| format!("t-{}", i % 5_003)),
        last_used_at: None,
        size_bytes: Some(i),
        own: None,
    };
    (0..300_000).map(row).collect()
}

fn inventory() -> Table {
    let mut table = Table::default();
    for i in (0..300_000).step_by(3) {
        let record = Record {
            kind: Some(if i % 90_000 == 0 { "database" } else { "app" }.to_owned()),
            tenant: Some(format!("t-{}", i % 5_003)),
            environment: Some("production".to_owned()),
            state: Some("live".to_owned()),
            dependents: (i % 2 == 0).then(|| vec![format!("app-{}", i + 1), format!("disk-{}", i % 1_000)]),
            ..Record::default()
        };
        table.add(&format!("app-{i}"), record, None).unwrap();
    }
    table
}

/// Compares whole documents, with findings, faults and fuel.
#[test]
fn decisions_do_not_depend_on_memory_or_threads() {
    let rows = long_list();
    let columns = batch_of(&rows);
    let folder = tempfile::tempdir().unwrap();
    let inventory: Arc<Table> = Arc::new(inventory());
    let lists = [("t.parquet", parquet(&columns, 100_000)), ("t.csv", csv(&rows))];
    for (name, bytes) in &lists {
        let mut first = None;
        for (threads, memory) in [(1, 1 << 30), (2, 1 << 30), (1, 0), (5, 100_000), (2, 8 << 20)] {
            let cache = ModuleCache::new(folder.path().join("compiled"), folder.path().join("state"));
            let builder = Gate::builder().cache(cache).threads(threads);
            let gate = builder.inventory(Arc::clone(&inventory)).build().unwrap();
            let batch = read(folder.path(), name, bytes, ReadOptions::default().memory(memory).threads(threads));
            let document = gate.vet(batch).document().clone();
            assert!(document.policies.iter().all(|policy| policy.fuel > 0 && policy.result != PolicyResult::Fault));
            assert!(document.findings.iter().any(|finding| finding.code == "provenance/bad-ids"));
            assert!(document.findings.iter().any(|finding| finding.code == "identity/kind-mismatch"));
            let first = first.get_or_insert_with(|| document.clone());
            assert_eq!(*first, document, "{name} with {threads} threads and {memory} bytes");
        }
    }
}

/// Rows of a list, cut at random into partitions of several ranges.
fn cuts(rows: u64) -> impl Strategy<Value = Vec<Vec<std::ops::Range<u64>>>> {
    prop::collection::vec((0..rows, prop::bool::ANY), 0..12).prop_map(move |mut cuts| {
        cuts.sort_unstable();
        let mut partitions = vec![Vec::new()];
        let mut start = 0;
        for (end, new_partition) in cuts.into_iter().chain([(rows, false)]) {
            partitions.last_mut().unwrap().push(start..end);
            if new_partition {
                partitions.push(Vec::new());
            }
            start = end;
        }
        partitions
    })
}

#[test]
fn findings_do_not_depend_on_partitions() {
    let rows: Vec<Row> = long_list().into_iter().step_by(400).take(700).collect();
    let folder = tempfile::tempdir().unwrap();
    let batch = read(folder.path(), "t.csv", &csv(&rows), ReadOptions::default());
    let gate = Gate::builder().inventory(inventory_of(&rows)).build().unwrap();
    let all = std::iter::once(0..700).collect::<Vec<_>>();
    let whole = gate.evaluate_partitions(&batch, &[all]).unwrap();
    assert!(whole.iter().filter(|policy| !policy.findings.is_empty()).count() > 4, "most policies have findings");
    proptest!(ProptestConfig::with_cases(64), |(partitions in cuts(700))| {
        let cut = gate.evaluate_partitions(&batch, &partitions).unwrap();
        for (whole, cut) in whole.iter().zip(&cut) {
            prop_assert!(whole.fault.is_none() && cut.fault.is_none(), "{}", whole.policy);
            prop_assert_eq!(&whole.findings, &cut.findings, "{}", whole.policy);
        }
    });
}

/// An inventory that contradicts the list in every other row.
fn inventory_of(rows: &[Row]) -> Table {
    let mut table = Table::default();
    for (i, row) in rows.iter().enumerate().filter(|(i, _)| i % 2 == 0) {
        let record = Record {
            kind: Some(if i % 20 == 0 { "site" } else { "app" }.to_owned()),
            state: Some("live".to_owned()),
            legal_hold: Some(i % 30 == 0),
            last_used_at: Some(1_772_452_000),
            ..Record::default()
        };
        drop(table.add(row.id.as_deref().unwrap_or_default(), record, None));
    }
    table
}

/// A truncated file is refused, and never read as a shorter list.
#[test]
fn invalid_and_truncated_columnar_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let columns = batch_of(&long_list().into_iter().take(50).collect::<Vec<_>>());
    let [file, stream] = arrow(&columns);
    let refused = |name: &str, bytes: &[u8], what: &str| {
        let request = format!(r#"{{{HEADER},"targets":{{"path":"{name}","columns":{{"id":"app"}}}}}}"#);
        std::fs::write(folder.path().join("request.json"), request).unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let error = Batch::open(&folder.path().join("request.json")).unwrap_err();
        assert!(error.to_string().contains(what), "{} bytes of {name}: {error}", bytes.len());
    };
    refused("t.arrows", &[stream.as_slice(), &stream].concat(), "there is more after the end of the stream");
    for (name, bytes) in [("t.parquet", parquet(&columns, 20)), ("t.arrow", file), ("t.arrows", stream)] {
        // The messages of a stream begin at multiples of 8.
        (0..bytes.len()).step_by(8).for_each(|end| refused(name, &bytes[..end], "it cannot be decoded"));
    }
    // A program that ignores the mapping would read the other column as the ids.
    let ids = || columns.column_by_name("app").unwrap().clone();
    let both = RecordBatch::try_from_iter([("app", ids()), ("id", ids())]).unwrap();
    let [file, stream] = arrow(&both);
    for (name, bytes) in [("t.parquet", parquet(&both, 20)), ("t.arrow", file), ("t.arrows", stream)] {
        refused(name, &bytes, "`id` is mapped to the column `app`, but the list has a column `id` as well");
    }
    let dictionary = columns.column(4).as_dictionary::<Int32Type>();
    assert_eq!(dictionary.len(), 50, "tenants are a dictionary, as most programs write them");
}
