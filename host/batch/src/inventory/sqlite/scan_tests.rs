//! A scan answers as queries do: with the same records, digest and errors.

use super::tests::open_database;
use super::*;
use crate::batch::Batch;
use crate::columns::Chunk;
use crate::read::ReadOptions;
use reprieve_model::InventoryFacts;
use std::fmt::Write;
use std::path::Path;

const REQUEST: &str =
    r#"{"id": "r", "mode": "soft", "environment": "test", "target_kind": "app", "targets": {"path": "list.ndjson"}}"#;

/// The answer with scans, or with queries.
type Answer = Result<(InventoryFacts, Vec<Chunk>), String>;

fn open(place: &Path, memory: u64, threads: usize) -> Batch {
    std::fs::write(place.join("request.json"), REQUEST).unwrap();
    let options = ReadOptions::default().memory(memory).threads(threads);
    Batch::open_with(&place.join("request.json"), options).unwrap()
}

fn resolve(batch: &Batch, sqlite: &Sqlite) -> Answer {
    let found = batch.resolve(sqlite, false).map_err(|error| error.to_string())?;
    Ok((found.facts, found.columns.iter().map(|chunk| chunk.unwrap().into_owned()).collect()))
}

impl Sqlite {
    /// With 0 lookups per page it is always scanned, by several connections; with the maximum never.
    pub(in crate::inventory) fn with(&self, lookups_per_page: u64) -> Self {
        self.with_connections(lookups_per_page, 0)
    }

    /// A file with fewer bytes is read by one connection.
    fn with_connections(&self, lookups_per_page: u64, min_shared_bytes: u64) -> Self {
        let Self { path, columns, max_steps, .. } = self;
        let (path, columns, max_steps) = (path.clone(), columns.clone(), *max_steps);
        Self { path, columns, max_steps, lookups_per_page, min_shared_bytes }
    }
}

/// The answers about these targets with scans and with queries.
fn both(folder: &Folder, place: &tempfile::TempDir, sql: &str, ids: &[&str]) -> [Answer; 2] {
    let lines: String = ids.iter().map(|id| format!("{}\n", serde_json::json!({ "id": id }))).collect();
    std::fs::write(place.path().join("list.ndjson"), lines).unwrap();
    let batch = open(place.path(), 1 << 30, 2);
    let sqlite = open_database(folder, place, sql);
    let [scan, queries] = [0, u64::MAX].map(|lookups_per_page| resolve(&batch, &sqlite.with(lookups_per_page)));
    assert_eq!(resolve(&batch, &sqlite.with_connections(0, u64::MAX)), scan, "one connection scans as several do");
    [scan, queries]
}

#[test]
fn connections_that_do_not_see_the_same_moment_are_not_used() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let sqlite = open_database(&folder, &place, "PRAGMA journal_mode = WAL; CREATE TABLE inventory (id TEXT)");
    let begun = |between: &str| {
        let helpers = Helpers::open(&sqlite.path, 0);
        let first = connect(&sqlite.path).unwrap();
        begin(&first).unwrap();
        Connection::open(&sqlite.path).unwrap().execute_batch(between).unwrap();
        helpers.begin().len()
    };
    let all = crate::parallel::threads().min(4) - 1;
    assert_eq!((begun(""), begun("INSERT INTO inventory (id) VALUES ('a')"), begun("")), (all, 0, all));
    assert_eq!(Helpers::open(&sqlite.path, u64::MAX).begin().len(), 0);
}

#[test]
fn a_scan_answers_as_queries_do_in_any_memory() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let mut lines = String::new();
    // Some ids are not known, and some are in the list several times, in one chunk or in two.
    for i in 0..150_000_u64 {
        let id = if i % 10 == 0 { i / 20 } else { i * 7919 % 150_000 };
        writeln!(lines, r#"{{"id": "id-{id}", "tenant": "t-{}"}}"#, i % 9).unwrap();
    }
    std::fs::write(place.path().join("list.ndjson"), lines).unwrap();
    let table = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
        INSERT INTO inventory SELECT 'id-' || i, iif(i % 3, 'app', 'disk'), 't-' || (i % 7), i,
            iif(i % 5, 'none', 'id-' || (i + 1)) FROM n";
    for schema in [
        "(id TEXT PRIMARY KEY, kind, tenant, size_bytes INTEGER, dependents",
        "(id, kind, tenant, size_bytes, dependents",
    ] {
        let create = format!("CREATE TABLE inventory {schema}); {table}");
        let sqlite = open_database(&folder, &place, &create);
        let batch = open(place.path(), 1 << 30, 2);
        let expected = resolve(&batch, &sqlite.with(u64::MAX));
        assert!(expected.as_ref().is_ok_and(|(facts, _)| facts.resolved > 100_000 && facts.unresolved > 10_000));
        for (memory, threads) in [(1 << 30, 1), (1 << 30, 3), (64 << 20, 2), (16 << 20, 2), (0, 2)] {
            let batch = open(place.path(), memory, threads);
            assert!(resolve(&batch, &sqlite.with(0)) == expected, "{schema}, {memory} bytes, {threads} threads");
        }
    }
}

#[test]
fn a_scan_rejects_what_queries_reject() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let table = "CREATE TABLE inventory (id, kind, legal_hold); CREATE INDEX by_id ON inventory (id);
        INSERT INTO inventory VALUES ('a', 'app', 'true'), ('b', 'disk', 'false'), ";
    for (row, message) in [
        ("('c', 'app', NULL)", None),
        ("('c', 7, 0.5)", Some("the row `c`: `legal_hold`: expected `true` or `false`, found `0.5`")),
        ("('c', 'app', 'maybe')", Some("the row `c`: `legal_hold`: expected `true` or `false`, found `maybe`")),
        ("('c', x'00', 'true')", Some("expected text or a number, found a BLOB")),
        ("('c', CAST(x'ff' AS TEXT), 'true')", Some("a value is not UTF-8")),
        ("('c', 'a' || char(10), 'true')", Some("the row `c`: `kind`: it contains the control character U+000A")),
        ("('c', 'app', NULL), ('c', 'app', NULL)", Some("the id `c` is duplicated")),
        ("('c ', 'app', NULL)", Some("the id `c ` begins or ends with a blank")),
        ("('c' || char(10) || 'd', 'app', NULL)", Some("has a control character")),
        ("('c' || char(160), 'app', NULL)", Some("begins or ends with a blank")),
    ] {
        let sql = format!("{table}{row}");
        for ids in [&["b", "c", "a", "c", "nobody"][..], &["a", "nobody"]] {
            let [scan, queries] = both(&folder, &place, &sql, ids);
            assert_eq!(scan, queries, "{row}, {ids:?}");
            let expected = message.filter(|_| ids.contains(&"c"));
            let found = scan.err();
            assert_eq!(found.is_some(), expected.is_some(), "{row}, {ids:?}: {found:?}");
            assert!(found.is_none_or(|found| expected.is_some_and(|expected| found.contains(expected))), "{row}");
        }
    }
}

/// With such a collation a query finds rows that are part of the digest and not of the answer.
#[test]
fn ids_of_other_collations_and_encodings_are_queried() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let rows = "INSERT INTO inventory VALUES ('B', 'disk'), ('\u{1f5d1}', 'app'), ('b', 'app'), ('\u{ffee}', 'app')";
    let things = "CREATE VIEW inventory AS SELECT x AS id, kind FROM things";
    for (sql, compares_by_bytes) in [
        (format!("CREATE TABLE inventory (id, kind); {rows}"), true),
        (format!("CREATE TABLE inventory (id TEXT PRIMARY KEY, kind) WITHOUT ROWID; {rows}"), true),
        (format!("CREATE TABLE inventory (id COLLATE NOCASE, kind); {rows}"), false),
        (format!("CREATE TABLE inventory (id COLLATE RTRIM, kind); CREATE INDEX i ON inventory (id); {rows}"), false),
        (format!("PRAGMA encoding = 'UTF-16'; CREATE TABLE inventory (id, kind); {rows}"), false),
        (format!("CREATE TABLE things (x, kind); {things}; {}", rows.replace("inventory", "things")), true),
        (
            format!(
                "CREATE TABLE things (x COLLATE NOCASE, kind); {things}; {}",
                rows.replace("inventory", "things")
            ),
            false,
        ),
        (
            format!(
                "CREATE TABLE things (x, kind); {}; {}",
                things.replace("x AS", "x COLLATE NOCASE AS"),
                rows.replace("inventory", "things")
            ),
            false,
        ),
    ] {
        let sqlite = open_database(&folder, &place, &sql);
        assert_eq!(scan::compares_bytes(&connect(&sqlite.path).unwrap()), Ok(compares_by_bytes), "{sql}");
        let [scan, queries] = both(&folder, &place, &sql, &["b", "\u{ffee}", "nobody", "\u{1f5d1}"]);
        assert_eq!(scan, queries, "{sql}");
        assert!(scan.is_ok_and(|(facts, _)| facts.resolved == 3), "{sql}");
    }
}
