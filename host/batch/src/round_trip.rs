//! Every list column of the table is read from every format.

use crate::batch::Batch;
use crate::columns::{Chunk, LIST_COLUMNS, Slot};
use crate::read::{Folder, ReadOptions};
use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use reprieve_model::Timestamp;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const SECONDS: i64 = 1_767_225_600; // 2026-01-01T00:00:00Z

fn time(seconds: i64) -> String {
    Timestamp::from_seconds(seconds).to_string()
}

fn csv(seconds: i64) -> String {
    let fields = LIST_COLUMNS.map(|column| match column.field.slot {
        Slot::Time(_) => time(seconds),
        Slot::Number(_) => "7".to_owned(),
        _ => column.name.to_owned(),
    });
    format!("{}\n{}\n", LIST_COLUMNS.map(|column| column.name).join(","), fields.join(","))
}

fn ndjson(seconds: i64) -> String {
    let fields = LIST_COLUMNS.map(|column| match column.field.slot {
        Slot::Time(_) => format!("\"{}\":\"{}\"", column.name, time(seconds)),
        Slot::Number(_) => format!("\"{}\":7", column.name),
        _ => format!("\"{0}\":\"{0}\"", column.name),
    });
    format!("{{{}}}\n", fields.join(","))
}

fn record_batch(seconds: i64) -> RecordBatch {
    let arrays = LIST_COLUMNS.map(|column| {
        let array: ArrayRef = match column.field.slot {
            Slot::Time(_) => Arc::new(TimestampMillisecondArray::from(vec![1_000 * seconds])),
            Slot::Number(_) => Arc::new(UInt64Array::from(vec![7])),
            _ => Arc::new(StringArray::from(vec![column.name])),
        };
        (column.name, array)
    });
    RecordBatch::try_from_iter(arrays).unwrap()
}

/// Reads the one chunk of a list. Also returns the list as NDJSON.
fn read(folder: &Path, name: &str) -> (Chunk, String) {
    let request = format!(
        r#"{{"id": "r", "mode": "soft", "environment": "test", "target_kind": "app", "targets": {{"path": "{name}"}}}}"#
    );
    let folder = Folder::open(folder).unwrap();
    let batch = Batch::read_with(request.as_bytes(), "r", &folder, ReadOptions::default()).unwrap();
    let mut text = Vec::new();
    batch.write_targets(&mut text).unwrap();
    (batch.chunk(0).unwrap().into_owned(), String::from_utf8(text).unwrap())
}

/// The names of the files with the list in every format.
const FILES: [&str; 5] = ["t.ndjson", "t.csv", "t.parquet", "t.arrow", "t.arrows"];

/// Writes the list in every format.
fn write(seconds: i64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("t.csv"), csv(seconds)).unwrap();
    std::fs::write(path("t.ndjson"), ndjson(seconds)).unwrap();
    let batch = record_batch(seconds);
    let mut parquet = ArrowWriter::try_new(File::create(path("t.parquet")).unwrap(), batch.schema(), None).unwrap();
    parquet.write(&batch).unwrap();
    parquet.close().unwrap();
    let mut arrow = FileWriter::try_new(File::create(path("t.arrow")).unwrap(), &batch.schema()).unwrap();
    arrow.write(&batch).unwrap();
    arrow.finish().unwrap();
    let mut stream = StreamWriter::try_new(File::create(path("t.arrows")).unwrap(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    stream.finish().unwrap();
    folder
}

#[test]
fn every_list_column_is_the_same_in_every_format() {
    let folder = write(SECONDS);
    let (expected, text) = read(folder.path(), "t.ndjson");
    assert_eq!(text, ndjson(SECONDS), "the canonical form has the columns in the order of the table");
    assert!(expected.columns.iter().map(|column| column.name.as_str()).eq(LIST_COLUMNS.map(|column| column.name)));
    for name in FILES {
        assert_eq!(read(folder.path(), name), (expected.clone(), text.clone()), "{name}");
    }
}

#[test]
fn times_that_stand_for_none_are_unknown_in_every_format() {
    let is_time = |name: &str| {
        LIST_COLUMNS.iter().any(|column| column.name == name && matches!(column.field.slot, Slot::Time(_)))
    };
    // 0001-01-01, 1970-01-01 and 9999-12-31.
    for seconds in [-62_135_596_800, 0, 253_402_214_400] {
        let folder = write(seconds);
        for name in FILES {
            let (chunk, _) = read(folder.path(), name);
            assert_eq!(chunk.columns.iter().filter(|column| is_time(&column.name)).count(), 0, "{name} {seconds}");
        }
    }
}
