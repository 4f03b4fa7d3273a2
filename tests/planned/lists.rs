//! Lists in several files of any format, and their requests.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A section ends when its files have this many bytes.
pub(super) const SECTION_BYTES: usize = 4 << 20;

#[derive(Clone, Debug)]
pub(super) struct Row {
    id: String,
    kind: &'static str,
    tenant: &'static str,
    size: Option<u64>,
}

fn row() -> impl Strategy<Value = Row> {
    let id = prop_oneof![8 => "[a-e]{1,2}", 1 => Just(String::new()), 1 => Just("NULL".to_owned()), 1 => Just("a".repeat(300))];
    let kind = prop::sample::select(vec!["app", "app", "app", "site", ""]);
    let tenant = prop::sample::select(vec!["t", "u", "v", "w", ""]);
    (id, kind, tenant, prop::option::of(0_u64..1_000)).prop_map(|(id, kind, tenant, size)| Row {
        id,
        kind,
        tenant,
        size,
    })
}

/// A file of a list: its format, and its rows.
pub(super) fn file() -> impl Strategy<Value = (&'static str, Vec<Row>)> {
    let format = prop::sample::select(vec!["csv", "ndjson", "json", "parquet", "arrows", "txt", "large.json"]);
    (format, prop::collection::vec(row(), 0..12))
}

fn object(row: &Row) -> String {
    let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
    let fields = json!({ "id": row.id, "kind": text(row.kind), "tenant": text(row.tenant), "size_bytes": row.size });
    let known: serde_json::Map<String, Value> =
        fields.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
    Value::from(known).to_string()
}

fn columns(rows: &[Row]) -> arrow_array::RecordBatch {
    use arrow_array::{ArrayRef, StringArray, UInt64Array};
    use std::sync::Arc;
    let text = |of: fn(&Row) -> &str| -> ArrayRef {
        Arc::new(StringArray::from(
            rows.iter().map(|row| Some(of(row)).filter(|text| !text.is_empty())).collect::<Vec<_>>(),
        ))
    };
    let sizes: ArrayRef = Arc::new(UInt64Array::from(rows.iter().map(|row| row.size).collect::<Vec<_>>()));
    let ids: ArrayRef = Arc::new(StringArray::from(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>()));
    let columns =
        [("id", ids), ("kind", text(|row| row.kind)), ("tenant", text(|row| row.tenant)), ("size_bytes", sizes)];
    arrow_array::RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

pub(super) fn bytes(format: &str, rows: &[Row]) -> Vec<u8> {
    let objects: Vec<String> = rows.iter().map(object).collect();
    match format {
        "csv" => {
            let line = |row: &Row| {
                let size = row.size.map(|size| size.to_string()).unwrap_or_default();
                format!("\"{}\",{},{},{size}\n", row.id, row.kind, row.tenant)
            };
            format!("id,kind,tenant,size_bytes\n{}", rows.iter().map(line).collect::<String>()).into_bytes()
        }
        "ndjson" => objects.iter().map(|object| format!("{object}\n")).collect::<String>().into_bytes(),
        "json" => format!("[{}]", objects.join(",")).into_bytes(),
        // A file that ends a section, whatever is in it.
        "large.json" => format!("[{}{}]", objects.join(","), " ".repeat(SECTION_BYTES)).into_bytes(),
        "parquet" => {
            let batch = columns(rows);
            let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.into_inner().unwrap()
        }
        "arrows" => {
            let batch = columns(rows);
            let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
            writer.into_inner().unwrap()
        }
        _ => rows
            .iter()
            .filter(|row| !row.id.is_empty())
            .map(|row| format!("{}\n", row.id))
            .collect::<String>()
            .into_bytes(),
    }
}

/// Writes a list in several files, and its request.
pub(super) fn write(folder: &Path, files: &[(&str, Vec<u8>)]) -> PathBuf {
    let mut listed = Vec::new();
    for (number, (format, bytes)) in files.iter().enumerate() {
        let path = format!("part-{number}.{format}");
        std::fs::write(folder.join(&path), bytes).unwrap();
        listed.push(json!({ "path": path, "sha256": reprieve::list_sha256(&folder.join(&path)).unwrap() }));
    }
    let request = json!({
        "id": "planned/1", "mode": "hard", "environment": "production", "target_kind": "app",
        "reason": { "text": "a test" }, "actor": { "id": "svc-tests", "type": "automation" },
        "recovery": { "checkpoints": [{ "id": "e", "location": "offsite/vault" }] },
        "targets": { "files": listed },
    });
    let path = folder.join("request.json");
    std::fs::write(&path, request.to_string()).unwrap();
    path
}
