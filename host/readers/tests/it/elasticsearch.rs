//! Changes to files of the format `elasticsearch`: a deletion is still there, or the file is refused.

use crate::support::altered::*;

#[test]
fn truncations() {
    truncations_never_alter_an_item("elasticsearch");
}

#[test]
fn changed_bytes() {
    changed_bytes_never_hide_an_item("elasticsearch");
}

#[test]
fn disguised_deletions_are_refused() {
    let delete = r#"{ "delete" : { "_index" : "test", "_id" : "2" } }"#;
    for to in [
        r#"{ "Delete" : { "_index" : "test", "_id" : "2" } }"#,
        r#"{ "delete" : { "_index" : "test", "_id" : 2 } }"#,
        r#"{ "delete" : { "_index" : "test", "_id" : null } }"#,
        r#"{ "delete" : { "_index" : "test", "_id" : "" } }"#,
        r#"{ "delete" : { "_index" : "test", "_id" : "2", "_id" : "3" } }"#,
        r#"{ "delete" : { "_index" : "test", "_id" : "2" }, "index" : {} }"#,
        r#"{ "delete" : { "_index" : "test", "_id" : "2", "new" : 1 } }"#,
        r#"{ "delete" : [{ "_index" : "test", "_id" : "2" }] }"#,
        r#"{ "delete" : null }"#,
        r#"[{ "delete" : { "_index" : "test", "_id" : "2" } }]"#,
        r#"{ "actions" : { "delete" : { "_index" : "test", "_id" : "2" } } }"#,
        "\n",
        "POST _bulk",
    ] {
        refused("elasticsearch", "bulk.ndjson", delete, to);
    }
    refused(
        "elasticsearch",
        "bulk.ndjson",
        r#"{ "doc" : {"field2" : "value2"} }"#,
        r#"{ "script" : "ctx.op = 'delete'" }"#,
    );
    refused("elasticsearch", "bulk.ndjson", r#"{ "doc" : {"field2" : "value2"} }"#, "");
}

#[test]
fn lists_that_are_not_whole_are_refused() {
    for (file, from, to) in [
        ("search.json", r#""value": 2"#, r#""value": 1"#),
        ("search.json", r#""value": 2"#, r#""value": "2""#),
        ("search.json", r#""total": { "value": 2, "relation": "eq" },"#, ""),
        ("search.json", r#""failed": 0"#, r#""failed": 1"#),
        ("search.json", r#""timed_out": false"#, r#""timed_out": "true""#),
        ("search.json", r#""_id": "a/b""#, r#""_id": 7"#),
        ("cat-indices.json", r#""index": "my-index-000002""#, r#""index": null"#),
        ("cat-indices.json", r#""index": "my-index-000002""#, r#""Index": "my-index-000002""#),
        ("cat-indices.json", r#""index": "my-index-000002""#, r#""index": "my-index-000001""#),
        ("cat-indices.json", "]", "] done"),
        ("cat-indices.txt", "green  open   my-index-000002", "green  my-index-000002"),
        ("cat-indices.txt", "health", "curl: (7)\nhealth"),
        ("snapshots-success-with-failures.json", r#"{"snapshots""#, r#"{"total":2,"snapshots""#),
        ("snapshots-success-with-failures.json", r#""snapshot":"snapshot_1""#, r#""snapshot":["snapshot_1"]"#),
        ("snapshots-responses.json", r#""repository":"b","snapshots""#, r#""repository":"b","error":{},"snapshot""#),
        ("delete-by-query-all.json", r#""query""#, r#""script": {}, "query""#),
        ("delete-by-query-one.json", r#""max_docs": 1"#, r#""max_docs": "1""#),
    ] {
        refused("elasticsearch", file, from, to);
    }
}

#[test]
fn documents_are_not_copied() {
    for file in accepted("elasticsearch") {
        assert!(!format!("{:?}", file.items).contains("secret"), "{}", file.name);
    }
}
