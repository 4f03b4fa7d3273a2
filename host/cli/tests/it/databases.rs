//! `reprieve read sql --connect` and `reprieve inventory from sqlite|postgres`: the rows that a statement deletes are those that
//! are gone when it has run.

use crate::support::fixture::{command, document, says, write};
use reprieve_tests::postgres::Server;
use rusqlite::Connection;
use std::collections::BTreeSet;
use tempfile::TempDir;

const TABLES: &str = "
CREATE TABLE tenant (id TEXT PRIMARY KEY, env TEXT);
CREATE TABLE app (id INTEGER PRIMARY KEY, tenant TEXT REFERENCES tenant (id) ON DELETE CASCADE, stage TEXT);
CREATE TABLE event (app INTEGER, no INTEGER, PRIMARY KEY (app, no), FOREIGN KEY (app) REFERENCES app (id) ON DELETE CASCADE);
CREATE TABLE note (id INTEGER PRIMARY KEY, app INTEGER REFERENCES app (id) ON DELETE SET NULL);
INSERT INTO tenant VALUES ('t-1', 'production'), ('t-2', 'staging');
INSERT INTO app VALUES (1, 't-1', 'closed'), (2, 't-1', 'live'), (3, 't-2', 'closed');
INSERT INTO event VALUES (1, 1), (1, 2), (3, 1);
INSERT INTO note VALUES (1, 1);
";

/// What goes when the closed apps are deleted.
const CLOSED: [&str; 5] = ["app/1", "app/3", "event/1/1", "event/1/2", "event/3/1"];

fn sqlite() -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    Connection::open(fixture.path().join("app.db")).unwrap().execute_batch(TABLES).unwrap();
    fixture
}

/// The rows that a statement deletes, as `kind/id`.
fn list(fixture: &TempDir, statement: &str, connect: &str) -> Result<BTreeSet<String>, String> {
    write(fixture, "s.sql", statement);
    let output = command(fixture, &format!("read sql s.sql --list --connect {connect}")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    if !output.status.success() {
        assert_eq!(output.status.code(), Some(2));
        assert!(printed.is_empty(), "a refused statement has no list: {printed}");
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let item = |line: &str| {
        let item = document(line);
        format!("{}/{}", item["kind"].as_str().unwrap(), item["id"].as_str().unwrap())
    };
    Ok(printed.lines().map(item).collect())
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

#[test]
fn a_statement_is_vetted_by_the_rows_it_deletes() {
    let fixture = sqlite();
    let closed = "DELETE FROM app WHERE stage = 'closed';";
    assert_eq!(list(&fixture, closed, "app.db").unwrap(), set(&CLOSED));
    says(&fixture, "inventory from sqlite app.db --table app --table event --column tenant=tenant", 0, &["6 things"]);
    let inventory = std::fs::read_to_string(fixture.path().join("inventory.ndjson")).unwrap();
    let app = inventory.lines().find(|line| line.contains("\"id\":\"app/1\"")).unwrap();
    assert_eq!(document(app)["dependents"], serde_json::json!(["event/1/1", "event/1/2"]));
    assert_eq!(document(app)["tenant"], "t-1");
    let notes = ["rows of `note` lose their reference to `app`", "not seen: ", "s.sql"];
    write(&fixture, "s.sql", closed);
    says(&fixture, "read sql s.sql --connect app.db --mode hard --environment production --out f", 0, &notes[..2]);
    let list = std::fs::read_to_string(fixture.path().join("f/targets.ndjson")).unwrap();
    let ids: BTreeSet<String> = list.lines().map(|line| document(line)["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, set(&CLOSED));
    let line =
        "check s.sql --from sql --connect app.db --environment staging --inventory inventory.ndjson --format json";
    let output = command(&fixture, line).output().unwrap();
    let decision = document(&String::from_utf8(output.stdout).unwrap());
    assert_eq!((decision["targets"].as_u64(), output.status.code()), (Some(5), Some(1)));
}

#[test]
fn what_cannot_be_known_before_it_runs_is_refused() {
    let fixture = sqlite();
    let more = "CREATE TABLE nokey (a); CREATE VIEW v AS SELECT * FROM app;
        CREATE VIEW luck AS SELECT id FROM app WHERE random() > 0; CREATE VIEW lucky AS SELECT * FROM luck;
        CREATE TABLE loose (a TEXT PRIMARY KEY); INSERT INTO loose VALUES (NULL); CREATE VIRTUAL TABLE words USING fts5(t);";
    Connection::open(fixture.path().join("app.db")).unwrap().execute_batch(more).unwrap();
    for (statement, message) in [
        ("DELETE FROM nokey;", "the table `nokey` has no primary key"),
        ("DELETE FROM v;", "`v` is not an ordinary table (view)"),
        ("DELETE FROM words;", "is not an ordinary table (virtual)"),
        ("DELETE FROM none;", "there is no table `none`"),
        ("DELETE FROM other.app;", "is not in app.db"),
        ("DELETE FROM app WHERE random() > 0;", "the function `random` is volatile"),
        ("DELETE FROM app WHERE \"Random\"() > 0;", "is volatile"),
        ("DELETE FROM app WHERE id = randomblob(1);", "the function `randomblob` is volatile"),
        ("DELETE FROM app WHERE id IN (SELECT id FROM lucky);", "the function `random` is volatile"),
        ("WITH a AS (SELECT 1) DELETE FROM app;", "write what WITH defines as a subquery"),
        ("DELETE FROM loose;", "NULL in its primary key"),
        ("TRUNCATE app;", "SQLite has no TRUNCATE"),
        ("DELETE FROM event; DELETE FROM app;", "a second statement"),
        ("DELETE FROM app WHERE stage = ;", "s.sql:1"),
        ("DELETE FROM app WHERE no_such = 1;", "no such column"),
        ("DELETE FROM app WHERE \"closed\" = 'closed';", "no such column"),
        ("DELETE FROM app", "does not end with `;`"),
        ("UPDATE app SET stage = 'x';", "s.sql"),
    ] {
        let error = list(&fixture, statement, "app.db").expect_err(statement);
        assert!(error.contains(message), "{statement}: no `{message}` in {error}");
    }
    write(&fixture, "s.sql", "DELETE FROM app WHERE stage = 'none';");
    let line = "check s.sql --from sql --connect app.db --environment staging";
    says(&fixture, line, 2, &["matches no row now, so there is nothing to vet"]);
    for (connect, message) in [
        ("none.db", "none.db does not exist"),
        ("s.sql", "not a database"),
        ("mysql://a/b", "is not a file, and not a URL"),
    ] {
        let error = list(&fixture, "DELETE FROM app;", connect).expect_err(connect);
        assert!(error.contains(message), "{connect}: {error}");
    }
    // An inventory that a check would refuse is not written.
    let times = "CREATE TABLE dated (id INTEGER PRIMARY KEY, size, since, tenant);
        INSERT INTO dated VALUES (1, 12, '2024-01-01 10:00:00', 't'), (2, 12.5, '2024-01-01 10:00:00.25', 't');";
    Connection::open(fixture.path().join("app.db")).unwrap().execute_batch(times).unwrap();
    let from = "inventory from sqlite app.db --table dated --column";
    let help = ["`dated/2`: ", "12.5", "leave its column out"];
    says(&fixture, &format!("{from} size_bytes=size"), 2, &help);
    let help = ["`dated/1`: ", "has no time zone", "`--zone UTC`"];
    says(&fixture, &format!("{from} created_at=since"), 2, &help);
    says(&fixture, &format!("{from} created_at=since --zone noon"), 2, &["expected `UTC`, or an offset"]);
    says(&fixture, &format!("{from} tenant=tenant --out dated.csv"), 2, &["is written as NDJSON"]);
    assert!(!fixture.path().join("inventory.ndjson").exists());
    says(&fixture, &format!("{from} created_at=since --zone -02:00 --out dated.ndjson"), 0, &["2 things"]);
    let inventory = std::fs::read_to_string(fixture.path().join("dated.ndjson")).unwrap();
    assert!(inventory.contains("2024-01-01 10:00:00.25-02:00"), "{inventory}");
    write(
        &fixture,
        "r.json",
        r#"{"id":"r","mode":"soft","environment":"test","target_kind":"dated","targets":[{"id":"dated/2"}]}"#,
    );
    says(&fixture, "check r.json --inventory dated.ndjson", 1, &[]);
    // Nothing was changed.
    let rows = |table: &str| -> i64 {
        let database = Connection::open(fixture.path().join("app.db")).unwrap();
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((rows("app"), rows("event"), rows("note")), (3, 3, 1));
}

/// For random tables with foreign keys, also to themselves and in circles, the list is what is gone after the statement.
#[test]
fn the_list_is_what_is_gone_after_the_statement() {
    let mut compared = 0;
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let fixture = tempfile::tempdir().unwrap();
        let path = fixture.path().join("app.db");
        let database = Connection::open(&path).unwrap();
        database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let tables = random.usize(1..5);
        for table in 0..tables {
            let references: String = (0..random.usize(0..3))
                .map(|i| {
                    let action = ["CASCADE", "CASCADE", "SET NULL"][random.usize(0..3)];
                    format!(", r{i} INTEGER REFERENCES t{} (id) ON DELETE {action}", random.usize(0..tables))
                })
                .collect();
            database
                .execute_batch(&format!("CREATE TABLE t{table} (id INTEGER PRIMARY KEY, v INTEGER{references})"))
                .unwrap();
        }
        for table in 0..tables {
            let width = database.prepare(&format!("SELECT * FROM t{table}")).unwrap().column_count();
            for id in 1..=random.i64(1..12) {
                let rest: String = (2..width)
                    .map(|_| if random.bool() { format!(", {}", random.i64(1..12)) } else { ", NULL".to_owned() })
                    .collect();
                database
                    .execute_batch(&format!("INSERT INTO t{table} VALUES ({id}, {}{rest})", random.i64(0..4)))
                    .unwrap();
            }
        }
        let rows = || -> BTreeSet<String> {
            (0..tables)
                .flat_map(|table| {
                    let mut statement = database.prepare(&format!("SELECT id FROM t{table}")).unwrap();
                    let ids: Vec<i64> =
                        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
                    ids.into_iter().map(move |id| format!("t{table}/{id}")).collect::<Vec<_>>()
                })
                .collect()
        };
        let before = rows();
        let statement = format!("DELETE FROM t{} WHERE v = {};", random.usize(0..tables), random.i64(0..4));
        let found = list(&fixture, &statement, "app.db").unwrap();
        database.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        // A key that two actions touch may stop the statement; then nothing is gone.
        if database.execute_batch(&statement).is_err() {
            continue;
        }
        compared += usize::from(!found.is_empty());
        let gone: BTreeSet<String> = before.difference(&rows()).cloned().collect();
        assert_eq!(found, gone, "seed {seed}: {statement}");
    }
    assert!(compared >= 20, "{compared}");
}

#[test]
fn postgres_answers_in_one_transaction_that_only_reads() {
    let server = Server::start();
    let url = server.database("apps");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    client.batch_execute(TABLES).unwrap();
    let more = "CREATE TABLE self (id INT PRIMARY KEY, up INT REFERENCES self ON DELETE CASCADE);
        INSERT INTO self VALUES (1, NULL), (2, 1), (3, 2), (4, NULL);
        CREATE TABLE part (id INT, at INT, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
        CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
        INSERT INTO part VALUES (1, 1), (2, 11);
        CREATE TABLE hidden (id INT PRIMARY KEY); INSERT INTO hidden VALUES (1), (2);
        ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hidden USING (id = 1);
        CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
        CREATE FUNCTION wobble(app) RETURNS bool VOLATILE LANGUAGE sql AS 'SELECT random() > 0.5';
        CREATE FUNCTION \"Wobble\"() RETURNS bool VOLATILE LANGUAGE sql AS 'SELECT random() > 0.5';
        CREATE VIEW luck AS SELECT id FROM app WHERE random() > 0.5;
        CREATE VIEW lucky AS SELECT * FROM (SELECT id FROM luck UNION SELECT 4) AS l;
        CREATE VIEW calm AS SELECT id FROM app WHERE abs(id) = 1;
        CREATE FUNCTION like_this(int, text) RETURNS bool VOLATILE LANGUAGE sql AS 'SELECT random() > 0.5';
        CREATE OPERATOR @> (LEFTARG = int, RIGHTARG = text, FUNCTION = like_this);
        CREATE VIEW odd AS SELECT id FROM app WHERE id @> 'x';
        CREATE FUNCTION next_sum(int, int) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT $1 + (random() * 3)::int';
        CREATE AGGREGATE about(int) (SFUNC = next_sum, STYPE = int, INITCOND = '0');
        CREATE FUNCTION steady(app) RETURNS bool STABLE LANGUAGE sql AS 'SELECT $1.id = 1';
        CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN INSERT INTO note VALUES (9, NULL); RETURN 1; END $$;";
    client.batch_execute(more).unwrap();
    let fixture = tempfile::tempdir().unwrap();
    let found = |statement: &str| list(&fixture, statement, &url);
    assert_eq!(found("DELETE FROM app WHERE stage = 'closed';").unwrap(), set(&CLOSED));
    assert_eq!(
        found("DELETE FROM app USING tenant WHERE tenant.id = app.tenant AND env = 'staging';").unwrap(),
        set(&["app/3", "event/3/1"])
    );
    assert_eq!(found("DELETE FROM self WHERE id = 1;").unwrap(), set(&["self/1", "self/2", "self/3"]));
    assert_eq!(found("DELETE FROM part WHERE at > 10;").unwrap(), set(&["part/2/11"]));
    let quoted = "DELETE FROM \"app\" WHERE \"stage\" = 'closed' AND \"id\" = 3;";
    assert_eq!(found(quoted).unwrap(), set(&["app/3", "event/3/1"]));
    assert_eq!(found("DELETE FROM app WHERE app.steady;").unwrap(), set(&["app/1", "event/1/1", "event/1/2"]));
    let calm = "DELETE FROM app WHERE id IN (SELECT id FROM calm) AND stage LIKE 'c%' AND id BETWEEN 1 AND 2;";
    assert_eq!(found(calm).unwrap(), set(&["app/1", "event/1/1", "event/1/2"]));
    assert_eq!(found("TRUNCATE event;").unwrap(), set(&["event/1/1", "event/1/2", "event/3/1"]));
    for (statement, message) in [
        ("DELETE FROM app WHERE random() > 0;", "volatile"),
        ("DELETE FROM app WHERE app.wobble;", "the function `wobble` is volatile"),
        ("DELETE FROM app AS a WHERE (a) . WOBBLE;", "the function `wobble` is volatile"),
        ("DELETE FROM app WHERE \"Wobble\"();", "the function `Wobble` is volatile"),
        (
            "DELETE FROM app WHERE id IN (SELECT id FROM luck);",
            "the function `random` of the view `luck` is volatile",
        ),
        ("DELETE FROM app USING public.lucky AS l WHERE app.id = l.id;", "of the view `luck` is volatile"),
        ("DELETE FROM app WHERE id @> 'x';", "the function `like_this` of an operator `@>` is volatile"),
        ("DELETE FROM app WHERE id OPERATOR(public.@>) 'x';", "volatile"),
        (
            "DELETE FROM app WHERE id IN (SELECT id FROM odd);",
            "the function `like_this` of the view `odd` is volatile",
        ),
        ("DELETE FROM app WHERE id = (SELECT about(id) FROM app);", "the function `about` is volatile"),
        ("WITH a AS (SELECT 1) DELETE FROM app;", "write what WITH defines as a subquery"),
        ("DELETE FROM app WHERE writes() = 1;", "INSERT is not allowed"),
        ("DELETE FROM none;", "there is no table `none`"),
        ("DELETE FROM pg_catalog.pg_views;", "is a view"),
    ] {
        let error = found(statement).expect_err(statement);
        assert!(error.contains(message), "{statement}: no `{message}` in {error}");
    }
    // The server says once what is wrong.
    let error = found("DELETE FROM app WHERE no_such = 1;").expect_err("no such column");
    assert_eq!(error.matches("does not exist").count(), 1, "{error}");
    // A cast may be made where nothing says so.
    let cast = "CREATE TYPE pair AS (a int); \
        CREATE FUNCTION of_pair(pair) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT (random() * 3)::int'; \
        CREATE CAST (pair AS int) WITH FUNCTION of_pair(pair) AS IMPLICIT;";
    client.batch_execute(cast).unwrap();
    let error = found("DELETE FROM app WHERE id = 1;").expect_err("a volatile cast");
    assert!(error.contains("the function `of_pair` of the cast from pair to integer is volatile"), "{error}");
    client.batch_execute("DROP CAST (pair AS int)").unwrap();
    // Who does not see every row gets no list, and not a shorter one.
    let reader = url.replace("reprieve@", "reader@");
    let error = list(&fixture, "DELETE FROM hidden;", &reader).expect_err("rows are hidden");
    assert!(error.contains("row"), "{error}");
    let count: i64 = client.query_one("SELECT count(*) FROM note", &[]).unwrap().get(0);
    assert_eq!(count, 1);
    says(
        &fixture,
        &format!("inventory from postgres --connect {url} --table app --column tenant=tenant"),
        0,
        &["3 things"],
    );
    // A password is in no message.
    for url in [
        "postgres://u:secret-word@127.0.0.1:1/x",
        "postgres://u:secret-word@127.0.0.1:bad/x",
        "postgres:/u:secret-word@h/d",
        "postgre://u:secret-word@h/d",
        "u:secret-word@h/d",
    ] {
        let error = list(&fixture, "DELETE FROM app;", url).expect_err(url);
        assert!(!error.contains("secret-word"), "{error}");
    }
}
