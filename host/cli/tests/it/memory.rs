//! The max memory of whole checks as processes: hostile lists and inventories, and long ones. `--memory` and a stated
//! constant bound it.

use crate::support::fixture::{command, says, write};
use arrow_array::builder::{StringDictionaryBuilder, StringViewBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The budget of the checks in MiB.
const BUDGET: u64 = 64;
/// The memory that a check uses besides its budget, as `docs/performance.md` states it, in MiB: for two threads.
const CONSTANT: u64 = 256 + 2 * 64;

const REQUEST: &str = r#"{"id":"r-1","mode":"soft","environment":"test","target_kind":"app","targets":[]}"#;
const MIB: usize = 1 << 20;

/// A folder with a request whose list is named by an option.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "request.json", REQUEST);
    folder
}

/// The max memory that a process has used so far, in MiB.
fn memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() >> 10)
}

/// Runs a command, and asserts its exit status and that it stays within its memory. Returns its output.
fn bounded(folder: &TempDir, line: &str, status: i32) -> String {
    let mut command = command(folder, &format!("{line} --memory {BUDGET}MiB --threads 2"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let read = |mut stream: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let output = [read(Box::new(child.stdout.take().unwrap())), read(Box::new(child.stderr.take().unwrap()))];
    let mut max = 0;
    let found = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        max = max.max(memory(&child));
        std::thread::sleep(Duration::from_millis(1));
    };
    let output = output.map(|thread| thread.join().unwrap()).concat();
    println!("{max} MiB: {line}");
    assert_eq!(found.code(), Some(status), "{line}\n{}", output.get(..2_000).unwrap_or(&output));
    assert!(max <= BUDGET + CONSTANT, "{line}: {max} MiB");
    output
}

/// Checks a list, which is refused with this message, or is denied if no message is expected.
fn check(folder: &TempDir, list: &str, message: Option<&str>) {
    let output =
        bounded(folder, &format!("check request.json --targets {list}"), if message.is_some() { 2 } else { 1 });
    assert!(message.is_none_or(|message| output.contains(message)), "{list}: {output}");
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn ids(rows: usize) -> ArrayRef {
    Arc::new((0..rows).map(|row| Some(format!("id-{row}"))).collect::<StringArray>())
}

/// A column with one long text in every row, and that text once in its dictionary.
fn repeated(rows: usize, bytes: usize) -> ArrayRef {
    let (mut column, text) = (StringDictionaryBuilder::<Int32Type>::new(), "x".repeat(bytes));
    let key = column.append(&text).unwrap();
    (1..rows).for_each(|_| column.append_value(&text));
    assert_eq!(key, 0);
    Arc::new(column.finish())
}

fn parquet(
    folder: &TempDir,
    name: &str,
    columns: Vec<(&str, ArrayRef)>,
    set: fn(WriterPropertiesBuilder) -> WriterPropertiesBuilder,
) {
    let batch = batch(columns);
    let properties =
        set(WriterProperties::builder()).set_statistics_enabled(parquet::file::properties::EnabledStatistics::None);
    let file = File::create(folder.path().join(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn zstd(properties: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    // A dictionary of any length is kept.
    properties.set_compression(Compression::ZSTD(ZstdLevel::default())).set_dictionary_page_size_limit(usize::MAX)
}

#[test]
fn a_long_id_in_parquet_is_refused_with_every_compression() {
    let folder = folder();
    let compressions: [fn(WriterPropertiesBuilder) -> WriterPropertiesBuilder; 6] = [
        zstd,
        |properties| properties.set_compression(Compression::SNAPPY),
        |properties| properties.set_compression(Compression::GZIP(GzipLevel::default())),
        |properties| properties.set_compression(Compression::BROTLI(BrotliLevel::default())),
        |properties| properties.set_compression(Compression::LZ4),
        |properties| properties.set_compression(Compression::LZ4_RAW),
    ];
    for set in compressions {
        for (bytes, message) in [
            ((64 << 10) + 1, "row 1: `id` has a value of 65537 bytes"),
            (16 * MIB, "row 1: `id` has a value of 16777216 bytes"),
            (256 * MIB, "row group 0, column `id`: page 0: it takes 268435"),
        ] {
            let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(bytes)]));
            parquet(&folder, "t.parquet", vec![("id", long)], set);
            check(&folder, "t.parquet", Some(message));
        }
    }
    parquet(&folder, "t.parquet", vec![("id", Arc::new(StringArray::from(vec!["x".repeat(64 << 10)])))], zstd);
    check(&folder, "t.parquet", None);
}

/// A page whose header gives a smaller size than it decompresses to.
#[test]
fn a_page_that_is_longer_than_it_says_is_refused() {
    fn varint(number: usize, bytes: usize) -> Vec<u8> {
        let mut all: Vec<u8> = (0..bytes).map(|i| (number >> (7 * i)) as u8 | 0x80).collect();
        *all.last_mut().unwrap() &= 0x7f;
        all
    }
    let folder = folder();
    let compressions: [fn(WriterPropertiesBuilder) -> WriterPropertiesBuilder; 2] = [
        |properties| properties.set_compression(Compression::GZIP(GzipLevel::default())),
        |properties| properties.set_compression(Compression::BROTLI(BrotliLevel::default())),
    ];
    for set in compressions {
        let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(256 * MIB)]));
        parquet(&folder, "t.parquet", vec![("id", long)], |properties| properties.set_dictionary_enabled(false));
        let plain = std::fs::metadata(folder.path().join("t.parquet")).unwrap().len();
        let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(256 * MIB)]));
        parquet(&folder, "t.parquet", vec![("id", long)], set);
        let mut bytes = std::fs::read(folder.path().join("t.parquet")).unwrap();
        assert!(plain > 256 * MIB as u64 && bytes.len() < 2 * MIB);
        // The size is the second field of the header, in zigzag form, after the type.
        let at = bytes.windows(2).position(|pair| pair == [0x15, 0x04] || pair == [0x15, 0x00]).unwrap() + 3;
        let length = bytes[at..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        bytes.splice(at..at + length, varint(2 * 1_000, length));
        std::fs::write(folder.path().join("t.parquet"), bytes).unwrap();
        check(&folder, "t.parquet", Some("it decompresses to more bytes than its header says"));
    }
}

#[test]
fn texts_that_are_repeated_are_decoded_in_parts() {
    let folder = folder();
    for (rows, bytes, message) in [
        (20_000, 60 << 10, None),
        (200, 8 * MIB, Some("`x_a` has a value of 8388608 bytes")),
        (20, 33 * MIB, Some("row group 0, column `x_")),
    ] {
        let column = repeated(rows, bytes);
        let columns = || {
            let own = ["x_a", "x_b", "x_c"].map(|name| (name, column.clone()));
            [vec![("id", ids(rows))], own.to_vec()].concat()
        };
        parquet(&folder, "t.parquet", columns(), zstd);
        check(&folder, "t.parquet", message);
        // All dictionaries of an Arrow file are decoded first.
        let message = if bytes > 32 * MIB { Some("the dictionaries: ") } else { message };
        arrow(&folder, "t.arrow", &[batch(columns())], None);
        check(&folder, "t.arrow", message);
        arrow_stream(&folder, "t.arrows", &[batch(columns())], DictionaryHandling::Resend);
        check(&folder, "t.arrows", message);
    }
    // The kind is not repeated, because it stays a dictionary.
    parquet(&folder, "t.parquet", vec![("id", ids(20_000)), ("kind", repeated(20_000, 60 << 10))], zstd);
    check(&folder, "t.parquet", None);
}

#[test]
fn texts_that_share_their_beginnings_are_decoded_in_parts() {
    let folder = folder();
    let delta = |properties: WriterPropertiesBuilder| {
        zstd(properties).set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY)
    };
    for (rows, bytes, message) in [
        (20_000, 60 << 10, None),
        (200, 2 * MIB, Some("row 1: `id` has a value of 20971")),
        (200, 33 * MIB, Some("row group 0, column `id`: page 0: it takes")),
    ] {
        let start = "x".repeat(bytes);
        let mut column = arrow_array::builder::StringBuilder::new();
        if message.is_some() && bytes > 32 * MIB {
            column.append_value(&start);
        } else {
            (0..rows).for_each(|row| column.append_value(format!("{start}{row}")));
        }
        parquet(&folder, "t.parquet", vec![("id", Arc::new(column.finish()))], delta);
        check(&folder, "t.parquet", message);
    }
}

#[test]
fn one_id_in_very_many_rows_is_counted_within_the_memory() {
    let folder = folder();
    let column = repeated(1_000_000, 8);
    let batch = batch(vec![("id", column.clone()), ("tenant", column)]);
    let file = File::create(folder.path().join("t.parquet")).unwrap();
    let properties = zstd(WriterProperties::builder()).set_max_row_group_row_count(Some(usize::MAX)).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    (0..20).for_each(|_| writer.write(&batch).unwrap());
    writer.close().unwrap();
    check(&folder, "t.parquet", None);
}

fn arrow(folder: &TempDir, name: &str, batches: &[RecordBatch], compression: Option<CompressionType>) {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let file = File::create(folder.path().join(name)).unwrap();
    let mut writer = FileWriter::try_new_with_options(file, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

fn arrow_stream(folder: &TempDir, name: &str, batches: &[RecordBatch], dictionaries: DictionaryHandling) {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let options = options.with_dictionary_handling(dictionaries);
    let file = File::create(folder.path().join(name)).unwrap();
    let mut writer = StreamWriter::try_new_with_options(file, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

#[test]
fn long_buffers_and_dictionaries_in_arrow_are_refused() {
    let folder = folder();
    for compression in [None, Some(CompressionType::ZSTD), Some(CompressionType::LZ4_FRAME)] {
        for (bytes, message) in [
            ((64 << 10) + 1, "row 1: `id` has a value of 65537 bytes"),
            (16 * MIB, "row 1: `id` has a value of 16777216 bytes"),
            (256 * MIB, "record batch 0: 26"),
        ] {
            let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(bytes)]));
            arrow(&folder, "t.arrow", &[batch(vec![("id", long)])], compression);
            check(&folder, "t.arrow", Some(message));
        }
    }
    for (bytes, message) in [(60 << 10, None), (8 * MIB, Some("`x_a` has a value of 8388608 bytes"))] {
        let mut views = StringViewBuilder::new().with_deduplicate_strings();
        let text = "x".repeat(bytes);
        (0..20_000).for_each(|_| views.append_value(&text));
        arrow(&folder, "t.arrow", &[batch(vec![("id", ids(20_000)), ("x_a", Arc::new(views.finish()))])], None);
        check(&folder, "t.arrow", message);
    }
    // A dictionary that every batch continues.
    let mut column = StringDictionaryBuilder::<Int32Type>::new();
    let continued = (0..100).map(|i| {
        column.append_value(format!("{i}{}", "x".repeat(MIB)));
        batch(vec![("id", ids(1)), ("x_a", Arc::new(column.finish_preserve_values()))])
    });
    let continued: Vec<RecordBatch> = continued.collect();
    arrow_stream(&folder, "t.arrows", &continued, DictionaryHandling::Delta);
    check(&folder, "t.arrows", Some("the dictionaries: "));
}

/// Columns that are not read are not decoded.
#[test]
fn a_column_that_is_not_read_may_be_long() {
    let folder = folder();
    let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(256 * MIB)]));
    parquet(&folder, "t.parquet", vec![("id", ids(1)), ("note", long.clone())], zstd);
    check(&folder, "t.parquet", None);
    arrow(&folder, "t.arrow", &[batch(vec![("id", ids(1)), ("note", long)])], Some(CompressionType::ZSTD));
    check(&folder, "t.arrow", None);
}

#[test]
fn a_sparse_file_is_refused_before_it_is_read() {
    let folder = folder();
    for name in ["t.parquet", "t.arrow", "t.arrows"] {
        for size in [100 << 20, 1 << 40, 15 << 40] {
            let file = File::create(folder.path().join(name)).unwrap();
            // A file system may not have files of this size.
            if file.set_len(size).is_ok() {
                check(&folder, name, Some("t.arr").filter(|_| name != "t.parquet").or(Some("t.parquet")));
                bounded(&folder, &format!("check request.json --inventory {name}"), 2);
            }
        }
    }
}

/// An inventory and a list of as many rows, each of a tenant of its own.
fn tenants(folder: &TempDir, rows: u64) {
    let create = |name: &str| BufWriter::new(File::create(folder.path().join(name)).unwrap());
    let (mut list, mut inventory) = (create("t.ndjson"), create("i.csv"));
    writeln!(inventory, "id,kind,tenant,environment,state,dependents,owner,contact").unwrap();
    for row in 0..rows {
        let (id, tenant) = (row.wrapping_mul(0x9e37_79b9_7f4a_7c15), row.wrapping_mul(0xc2b2_ae3d_27d4_eb4f));
        writeln!(list, r#"{{"id":"app-{id:016x}","kind":"app","tenant":"t-{tenant:016x}"}}"#).unwrap();
        writeln!(inventory, "app-{id:016x},app,t-{tenant:016x},test,live,none,owner-{row},{row}@example.org")
            .unwrap();
    }
    list.flush().unwrap();
    inventory.flush().unwrap();
}

#[test]
fn the_decision_does_not_depend_on_the_memory() {
    let folder = folder();
    tenants(&folder, 100_000);
    let decide = |memory: &str, extra: &str| {
        let line = format!(
            "check request.json --targets t.ndjson {extra} --format json --at 2026-01-01T00:00:00Z --memory {memory}"
        );
        says(&folder, &line, 1, &[])
    };
    for extra in ["", "--inventory i.csv"] {
        let expected = decide("4GiB", extra);
        assert!(expected.contains("\"decision\": \"deny\"") && expected.len() > 1_000, "{expected}");
        for memory in ["1MiB", "2MiB", "16MiB"] {
            assert_eq!(decide(memory, extra), expected, "{memory} {extra}");
        }
    }
}

#[test]
fn a_memory_without_its_unit_is_an_error() {
    let folder = folder();
    for memory in ["64", "0", "1023KiB", "64MB", "MiB", "-1MiB", "99999999999GiB"] {
        says(&folder, &format!("check request.json --memory={memory}"), 2, &["--memory", "MiB"]);
    }
}

#[test]
fn a_million_tenants_with_an_inventory_and_a_ledger_stay_within_the_memory() {
    let folder = folder();
    tenants(&folder, 1_000_000);
    says(&folder, "ledger new --ledger l.db", 0, &[]);
    bounded(&folder, "check request.json --targets t.ndjson", 1);
    bounded(&folder, "check request.json --targets t.ndjson --inventory i.csv", 1);
    bounded(&folder, "check request.json --targets t.ndjson --ledger l.db", 1);
    bounded(&folder, "check request.json --targets t.ndjson --inventory i.csv --ledger l.db", 1);
    says(&folder, "ledger verify --ledger l.db", 0, &[]);
    let report = says(&folder, "report 2 --ledger l.db --format csv", 0, &[]);
    assert_eq!(report.lines().count(), 1_000_001);
    assert!(report.contains("owner-999999"));
}

#[test]
fn a_request_has_a_bounded_length_so_that_a_ledger_does_not_grow_by_it() {
    let folder = folder();
    let of = |fields: &str| {
        format!(r#"{{"id":"r-1","mode":"soft","environment":"test","target_kind":"app",{fields}"targets":[]}}"#)
    };
    let text = |bytes: usize| "x".repeat(bytes);
    let reasons = vec![format!(r#"{{"by":"{}"}}"#, text(60 << 10)); 20].join(",");
    for (fields, status, message) in [
        (format!(r#""annotations":{{"a":"{}"}},"#, text(65_536 - 8)), 1, ""),
        (
            format!(r#""annotations":{{"a":"{}"}},"#, text(65_536 - 7)),
            2,
            "`/annotations`: the annotations take 65537 bytes",
        ),
        (format!(r#""annotations":{{"a":"{}"}},"#, text(60 << 20)), 2, "`/annotations`: the annotations take"),
        (format!(r#""reason":{{"text":"{}"}},"#, text(65_536)), 1, ""),
        (format!(r#""reason":{{"text":"{}"}},"#, text(65_537)), 2, "`/reason/text`: the text has 65537 bytes"),
        (format!(r#""approvals":[{reasons}],"#), 2, "without its targets, the request has 12"),
        (" ".repeat(2 << 20), 2, "without its targets, the request has 2"),
    ] {
        write(&folder, "request.json", &of(&fields));
        let output = bounded(&folder, "check request.json", status);
        assert!(output.contains(message), "{message}: {}", output.get(..300).unwrap_or(&output));
    }
}
