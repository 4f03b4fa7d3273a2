//! Lists in every format, and readers of them that do not know the gate.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use reprieve::{Batch, LookupError, ReadError};
use serde_json::Value;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

pub const FORMATS: [&str; 7] = ["inline", "csv", "csv.gz", "ndjson", "parquet", "arrow", "arrows"];

fn batch_of(ids: &[String]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    RecordBatch::try_from_iter([("id", ids)]).unwrap()
}

/// A list of these ids in a format.
fn list(format: &str, ids: &[String]) -> Vec<u8> {
    match format {
        "csv" | "csv.gz" => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["id"]).unwrap();
            ids.iter().for_each(|id| writer.write_record([id]).unwrap());
            let text = writer.into_inner().unwrap();
            if format == "csv" {
                return text;
            }
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &text).unwrap();
            encoder.finish().unwrap()
        }
        "ndjson" => {
            ids.iter().map(|id| serde_json::json!({ "id": id }).to_string() + "\n").collect::<String>().into()
        }
        "parquet" => {
            let mut writer = ArrowWriter::try_new(Vec::new(), batch_of(ids).schema(), None).unwrap();
            writer.write(&batch_of(ids)).unwrap();
            writer.into_inner().unwrap()
        }
        "arrow" => {
            let mut writer = FileWriter::try_new(Vec::new(), &batch_of(ids).schema()).unwrap();
            writer.write(&batch_of(ids)).unwrap();
            writer.into_inner().unwrap()
        }
        _ => {
            let mut writer = StreamWriter::try_new(Vec::new(), &batch_of(ids).schema()).unwrap();
            writer.write(&batch_of(ids)).unwrap();
            writer.into_inner().unwrap()
        }
    }
}

/// Opens a batch of these ids in a format.
pub fn open_ids(folder: &Path, format: &str, ids: &[String]) -> Result<Batch, ReadError> {
    if format == "inline" {
        return open(folder, ids.iter().map(|id| serde_json::json!({ "id": id })).collect());
    }
    open_file(folder, &format!("list.{format}"), &list(format, ids))
}

/// Opens a batch whose list is in a file of this name and content.
pub fn open_file(folder: &Path, name: &str, list: &[u8]) -> Result<Batch, ReadError> {
    std::fs::write(folder.join(name), list).unwrap();
    open(folder, serde_json::json!({ "path": name }))
}

fn open(folder: &Path, targets: Value) -> Result<Batch, ReadError> {
    let request = serde_json::json!({
        "id": "t", "mode": "soft", "environment": "test", "target_kind": "app", "targets": targets
    });
    std::fs::write(folder.join("request.json"), request.to_string()).unwrap();
    Batch::open(&folder.join("request.json"))
}

/// The lines of a text for a reader that ends lines wherever Unicode does.
fn unicode_lines(text: &str) -> usize {
    let is_end = |c: char| {
        matches!(c, '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\r')
    };
    text.replace("\r\n", "\n").split_terminator(is_end).count()
}

/// The ids of a list as independent readers see them.
pub fn read_back(name: &str, bytes: &[u8]) -> Vec<String> {
    let strings = |batch: &RecordBatch| {
        let column = batch.column_by_name("id").unwrap().as_string::<i32>().clone();
        (0..column.len()).map(|row| column.value(row).to_owned()).collect::<Vec<_>>()
    };
    if name.ends_with(".parquet") {
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes)).unwrap().build().unwrap();
        return reader.flat_map(|batch| strings(&batch.unwrap())).collect();
    }
    if name.ends_with(".arrow") {
        let file: Vec<String> = FileReader::try_new(Cursor::new(bytes), None)
            .unwrap()
            .flat_map(|batch| strings(&batch.unwrap()))
            .collect();
        // A file is a stream behind a padded magic number.
        let start = (8..bytes.len()).step_by(8).find(|at| bytes[*at..].starts_with(&[0xff; 4])).unwrap();
        let stream = StreamReader::try_new(Cursor::new(&bytes[start..]), None).unwrap();
        let stream: Vec<String> = stream.flat_map(|batch| strings(&batch.unwrap())).collect();
        assert_eq!(file, stream, "a file and its stream");
        return file;
    }
    if name.ends_with(".arrows") {
        let stream = StreamReader::try_new(Cursor::new(bytes), None).unwrap();
        return stream.flat_map(|batch| strings(&batch.unwrap())).collect();
    }
    let mut text = String::new();
    match name.strip_suffix(".gz") {
        Some(_) => flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).map(drop).unwrap(),
        None => text.push_str(std::str::from_utf8(bytes).unwrap()),
    }
    if name.contains(".csv") {
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
        let at = reader.headers().unwrap().iter().position(|name| name == "id").unwrap();
        let ids: Vec<String> = reader.records().map(|row| row.unwrap()[at].to_owned()).collect();
        assert_eq!(unicode_lines(&text), ids.len() + 1, "one line for each row: {text:?}");
        return ids;
    }
    let other_ends = |c: char| unicode_lines(&format!("a{c}b")) > 1 && !matches!(c, '\n' | '\r');
    assert!(!text.contains(other_ends), "a reader of lines may end one in a value: {text:?}");
    let id = |row: &Value| match &row["id"] {
        Value::Number(id) => id.to_string(),
        id => id.as_str().unwrap_or_default().to_owned(),
    };
    let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    documents
        .flat_map(|document| match document.unwrap() {
            Value::Array(rows) => rows.iter().map(id).collect(),
            row => vec![id(&row)],
        })
        .collect()
}

/// The ids that were counted.
pub fn counted(batch: &Batch) -> Vec<String> {
    let ids: Vec<Option<String>> = batch.ids().unwrap();
    let mut each = Vec::new();
    batch
        .each_id(|id| {
            each.push(id.to_owned());
            Ok::<(), LookupError>(())
        })
        .unwrap();
    assert_eq!(ids.iter().flatten().cloned().collect::<Vec<_>>(), each);
    assert_eq!(ids.len() as u64, batch.len());
    ids.into_iter().map(Option::unwrap_or_default).collect()
}

/// The list as `reprieve targets` prints it.
pub fn canonical(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::new();
    batch.write_targets(&mut bytes).unwrap();
    bytes
}

/// The length of the footer of an Arrow file, with its own length and the magic number.
pub fn length_of_footer(file: &[u8]) -> usize {
    u32::from_le_bytes(file[file.len() - 10..file.len() - 6].try_into().unwrap()) as usize + 10
}
