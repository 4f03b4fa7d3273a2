//! Things that several tenants share, in every format of an inventory.

use crate::support::fixture::{command, document, fixture, says, write};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;
use tempfile::TempDir;

const REQUEST: &str = r#"{"id": "drop/1", "mode": "soft", "environment": "production", "target_kind": "database",
    "targets": [{"id": "db-1", "kind": "database", "tenant": "t-2"}]}"#;

/// How many tenants a batch of one shared database reaches.
fn tenants(fixture: &TempDir, inventory: &str) -> u64 {
    let line = format!("check request.json --format json --inventory {inventory}");
    let output = command(fixture, &line).output().unwrap();
    assert!(!output.stdout.is_empty(), "{inventory}: {}", String::from_utf8_lossy(&output.stderr));
    document(&String::from_utf8(output.stdout).unwrap())["tenants"].as_u64().unwrap()
}

fn parquet(fixture: &TempDir, name: &str, tenants: ArrayRef) {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["db-1"]));
    let owners: ArrayRef = Arc::new(StringArray::from(vec!["t-1"]));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("id", ids, false),
        ("tenant", owners, true),
        ("tenants", tenants, true),
    ])
    .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    std::fs::write(fixture.path().join(name), writer.into_inner().unwrap()).unwrap();
}

#[test]
fn tenants_are_counted_in_every_format() {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "request.json", REQUEST);
    // The owner, two others that are named, and one that is not.
    write(&fixture, "names.csv", "id,tenant,tenants\ndb-1,t-1,t-1;t-2;t-3;NULL\n");
    write(&fixture, "names.ndjson", r#"{"id": "db-1", "tenant": "t-1", "tenants": ["t-1", "t-2", "t-3", null]}"#);
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("t-1"), Some("t-2"), Some("t-3"), None]);
    parquet(&fixture, "list.parquet", Arc::new(list.finish()));
    parquet(&fixture, "text.parquet", Arc::new(StringArray::from(vec!["t-1;t-2;t-3;NULL"])));
    let sqlite = |name: &str, value: &str| {
        let rows = format!(
            "CREATE TABLE inventory (id, tenant, tenants); INSERT INTO inventory VALUES ('db-1', 't-1', {value})"
        );
        rusqlite::Connection::open(fixture.path().join(name)).unwrap().execute_batch(&rows).unwrap();
    };
    sqlite("names.sqlite", "'t-1;t-2;t-3;NULL'");
    for name in ["names.csv", "names.ndjson", "list.parquet", "text.parquet", "names.sqlite"] {
        assert_eq!(tenants(&fixture, name), 4, "{name}");
    }
    write(&fixture, "number.csv", "id,tenant,tenants\ndb-1,t-1,400\n");
    write(&fixture, "number.ndjson", r#"{"id": "db-1", "tenant": "t-1", "tenants": 400}"#);
    parquet(&fixture, "number.parquet", Arc::new(Int64Array::from(vec![400])));
    sqlite("number.sqlite", "400");
    for name in ["number.csv", "number.ndjson", "number.parquet", "number.sqlite"] {
        assert_eq!(tenants(&fixture, name), 401, "{name}");
    }
}

#[test]
fn what_may_be_a_shorter_list_is_rejected() {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "request.json", REQUEST);
    for text in ["\"t-1,t-2\"", "t-1|t-2", "\"[\"\"t-1\"\"]\"", "400.0", "-1", "99999999999"] {
        write(&fixture, "i.csv", &format!("id,tenants\ndb-1,{text}\n"));
        says(&fixture, "check request.json --inventory i.csv", 2, &["i.csv:2: `tenants`"]);
    }
    write(&fixture, "i.ndjson", r#"{"id": "db-1", "tenants": {"t-1": true}}"#);
    says(&fixture, "check request.json --inventory i.ndjson", 2, &["expected a list of the names of tenants"]);
}

#[test]
fn the_ledger_and_its_report_count_them() {
    let fixture = fixture();
    write(&fixture, "request.json", REQUEST);
    // The policy set allows five tenants a day.
    let row = |tenants: &str| {
        let rows = format!(
            "id,kind,tenant,environment,state,dependents,tenants,owner\ndb-1,database,t-1,production,live,none,{tenants},Ann\n"
        );
        write(&fixture, "inventory.csv", &(rows + "t-2,tenant,t-2,production,live,none,,Dora\n"));
    };
    row("5");
    says(&fixture, "check request.json", 1, &["timing/too-fast", "6 tenants in 24 hours"]);
    row("t-1;t-2;t-3;NULL");
    says(&fixture, "check request.json", 0, &["allow"]);
    let report = says(&fixture, "report drop/1", 0, &["t-2", "Dora", "t-3", "and at most 1 tenant without a name"]);
    assert!(
        report.lines().any(|line| line.contains("t-3") && line.contains("unknown")),
        "Ann is the owner of `t-1`: {report}"
    );
    let json = document(&says(&fixture, "report drop/1 --format json", 0, &[]));
    assert_eq!((json["tenants"].as_array().unwrap().len(), json["unnamed_tenants"].as_u64()), (3, Some(1)));
    says(&fixture, "check request.json", 1, &["8 tenants in 24 hours, 4 of them before this batch"]);
}
