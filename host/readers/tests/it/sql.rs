//! Changes to files of the format `sql`: a deletion is still there, or the file is refused.

use crate::support::altered::*;

#[test]
fn truncations() {
    truncations_never_alter_an_item("sql");
}

#[test]
fn changed_bytes() {
    changed_bytes_never_hide_an_item("sql");
}

/// Reads statements; returns the ids with the selector, or the message of the refusal.
fn statements(text: &str) -> Result<(Vec<String>, Option<String>), String> {
    match read("sql", "x.sql", text.as_bytes(), &reprieve_readers::Options::default()) {
        Ok((items, summary)) => Ok((items.into_iter().map(|item| item.id).collect(), summary.selector)),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_row_is_named_only_if_no_other_may_go() {
    for condition in [
        "id = 3",
        "(id) = (3)",
        "3 = id",
        "t.id = 3",
        "ID IN (3)",
        "id = 3 AND total > 0",
        "id = 3 AND id IN (3, 4)",
        "id = 3 OR id = 3",
        "id = 3 ORDER BY total LIMIT 1",
    ] {
        let found = statements(&format!("DELETE FROM t WHERE {condition};"));
        assert_eq!(found, Ok((vec!["3".to_owned()], None)), "{condition}");
    }
    for condition in [
        "NOT id = 3",
        "id <> 3",
        "id NOT IN (3)",
        "id = 3 OR total = 0",
        "id = 3 || id = 4",
        "id = 3 XOR id = 4",
        "id = 3 = 0",
        "id = 3 IS NULL",
        "id >= 3",
        "id LIKE '3'",
        "id = 3.0",
        "id = 3e0",
        "id = 03",
        "id = total",
        "id = $1",
        "id = ?",
        "id = lower('A')",
        "id IN (SELECT 3)",
        "id IN (3, total)",
        "u.id = 3",
        "\"ID\" = 3",
        "parent_id = 3",
        "id = ''",
        "id = NULL",
        "true",
    ] {
        let found = statements(&format!("DELETE FROM t WHERE {condition};"));
        assert!(matches!(&found, Ok((items, Some(_))) if items.is_empty()), "{condition}: {found:?}");
    }
}

#[test]
fn statements_that_may_delete_are_not_skipped() {
    for statement in [
        "CALL purge()",
        "EXECUTE purge",
        "PREPARE p AS DELETE FROM t",
        "DO $$ BEGIN DELETE FROM t; END $$",
        "CREATE FUNCTION f() RETURNS int AS 'DELETE FROM t' LANGUAGE sql",
        "REPLACE INTO t (id) VALUES (1)",
        "INSERT OR REPLACE INTO t VALUES (1)",
        "UPDATE OR REPLACE t SET id = 1",
        "EXPLAIN ANALYZE DELETE FROM t",
        "COPY t FROM PROGRAM 'x'",
        "LOAD DATA INFILE 'x' REPLACE INTO TABLE t",
        "ALTER TABLE t TRUNCATE PARTITION p",
        "DROP OWNED BY u",
        "DROP TABLESPACE s",
        "DELETE t",
        "/*M! DELETE FROM t */ SELECT 1",
        "\\i other.sql\nSELECT 1",
        "SELECT 'DROP TABLE t' \\gexec\nSELECT 1",
        "KILL 5",
        "ATTACH DATABASE 'x' AS y",
        "DELETE FORM t WHERE id = 3",
        "SELECT 1\nDELETE FROM t",
        "SELECT count(*) delete FROM t",
        "CREATE OR REPLACE SCHEMA s",
    ] {
        assert!(statements(&format!("SELECT 1;\n{statement};\n")).is_err(), "{statement}");
    }
}

#[test]
fn a_deletion_is_found_wherever_it_is() {
    for statement in [
        "WITH gone AS (DELETE FROM t WHERE id = 3 RETURNING *) SELECT * FROM gone",
        "WITH gone AS (DELETE FROM t WHERE id = 3 RETURNING *) INSERT INTO u SELECT * FROM gone",
        "CREATE TABLE u AS WITH gone AS (DELETE FROM t WHERE id = 3 RETURNING *) SELECT * FROM gone",
        "COPY (DELETE FROM t WHERE id = 3 RETURNING *) TO STDOUT",
        "/*!50000 DELETE FROM t WHERE id = 3 */",
        "SELECT '/*'; DELETE FROM t WHERE id = 3; SELECT '*/'",
        "SELECT 1 -- ; \n; DELETE FROM t WHERE id = 3",
        "/* /* */ DELETE FROM t WHERE id = 3; -- */ */\nSELECT 1",
        "SELECT '\\'; DELETE FROM t WHERE id = 3; -- '",
        "COPY u FROM stdin;\n1\n\\.\nDELETE FROM t WHERE id = 3",
    ] {
        let found = statements(&format!("{statement};\n"));
        assert_eq!(found, Ok((vec!["3".to_owned()], None)), "{statement}");
    }
}

#[test]
fn ids_are_exact() {
    let (ids, _) =
        statements("DELETE FROM t WHERE id IN (9007199254740993, -1, 'a''b', 'ü ', 00);").unwrap_or_default();
    assert!(ids.is_empty(), "`00` is no literal: {ids:?}");
    let found = statements("DELETE FROM t WHERE id IN (9007199254740993, -1, 'a''b', 'ü ');");
    assert_eq!(found.map(|(ids, _)| ids), Ok(["9007199254740993", "-1", "a'b", "ü "].map(str::to_owned).to_vec()));
}

#[test]
fn deep_and_long_statements_do_not_exhaust_the_stack() {
    let ors = |count: usize| format!("DELETE FROM t WHERE {};", vec!["id = 1"; count].join(" OR "));
    assert_eq!(statements(&ors(900)), Ok((vec!["1".to_owned()], None)));
    assert!(statements(&ors(100_000)).is_err());
    assert!(statements(&format!("SELECT {}1{};", "(".repeat(100_000), ")".repeat(100_000))).is_err());
    assert!(statements(&format!("SELECT 1{};", "::int".repeat(100_000))).is_err());
    let ids: Vec<String> = (0..20_000).map(|id| id.to_string()).collect();
    assert_eq!(statements(&format!("DELETE FROM t WHERE id IN ({});", ids.join(","))), Ok((ids, None)));
}

#[test]
fn rows_of_an_export_are_not_lost() {
    let read = |name: &str, text: &str, no_header: bool| {
        let id = if no_header { vec!["1".to_owned()] } else { Vec::new() };
        let options = reprieve_readers::Options { id, no_header, ..Default::default() };
        read("sql", name, text.as_bytes(), &options).map(|(items, _)| items.len()).map_err(|error| error.to_string())
    };
    assert_eq!(read("x.csv", "id,a\n1,\"x\ny\"\n\"2\",\"\"\"\"\n", false), Ok(2));
    assert_eq!(read("x.csv", "id,a\r\n1,x\r\n2,y\r\n", false), Ok(2));
    for (name, text, no_header) in [
        ("x.csv", "id,a\n1,\"x\n2,y\n", false),
        ("x.csv", "id,a\n1,x\n\n2,y\n", false),
        ("x.csv", "id,a\n1,x\"y\n2,y\n", false),
        ("x.csv", "id,a\n1,x\n2\n", false),
        ("x.csv", "id,a\n1,x\n2,y,z\n", false),
        ("x.csv", "id\n1\n2", false),
        ("x.csv", "id\n1\n1\n", false),
        ("x.csv", "id\n1\n\"\"\n", false),
        ("x.csv", "id\n1\n\\N\n", false),
        ("x.csv", "1\n2\n", false),
        ("x.csv", "id;a\n1;x\n", false),
        ("x.tsv", "id\ta\n1\t\"x\n2\ty\"\n", false),
        ("x.tsv", "1\n2\\t\n", true),
        ("x.tsv", "1\nNULL\n", true),
        ("x.csv", "id\n1\r2\n", false),
    ] {
        let found = read(name, text, no_header);
        assert!(found.is_err(), "{text:?}: {found:?}");
    }
}

#[test]
fn more_than_fits_into_memory_is_not_read() {
    let error = statements(&format!("SELECT 1;{}", " ".repeat(64 << 20))).unwrap_err();
    assert!(error.contains("the statements have 67108873 bytes, at most 67108864 are read"), "{error}");
}
