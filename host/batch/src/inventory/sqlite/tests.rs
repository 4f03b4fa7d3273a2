use super::*;
use crate::inventory::Table;

const CSV: &str = "id,kind,tenant,environment,state,state_since,last_used_at,size_bytes,dependents,legal_hold,\
    retain_until,pool,pool_minimum,tenants\n\
    a,app,t-1,production,disabled,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,7,b c,true,none,p,2,t-1;t-2;u-1\n\
    b,disk,t-2,,,,,,none,false,2027-01-01T00:00:00Z,p,3,NULL;u-1\n\
    c,app,,,,,,,,,,,,3\n\
    d,NULL,n/a,(none),-,\\N,nil,undefined,None,NULL,\\N,null,nan,n/a\n\
    e,NULL,NULL,,,,,,,,,,,\n";

/// The same inventory in both formats.
fn both() -> (tempfile::TempDir, Table, Sqlite) {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("i.csv"), CSV).unwrap();
    let connection = Connection::open(place.path().join("i.db")).unwrap();
    let mut lines = CSV.lines();
    connection.execute_batch(&format!("CREATE TABLE inventory ({})", lines.next().unwrap())).unwrap();
    for line in lines {
        let values: Vec<Option<&str>> =
            line.split(',').map(|text| Some(text).filter(|text| !text.is_empty())).collect();
        let marks = vec!["?"; values.len()].join(",");
        connection
            .execute(&format!("INSERT INTO inventory VALUES ({marks})"), rusqlite::params_from_iter(values))
            .unwrap();
    }
    let folder = Folder::open(place.path()).unwrap();
    let (table, sqlite) = (Table::read(&folder, "i.csv").unwrap(), Sqlite::read(&folder, "i.db").unwrap());
    (place, table, sqlite)
}

#[test]
fn answers_like_a_table() {
    let (_place, table, sqlite) = both();
    let (table, sqlite) = (table.snapshot().unwrap(), sqlite.snapshot().unwrap());
    let ids = ["b", "nobody", "a", "c", "a"];
    assert_eq!(sqlite.records(&ids).unwrap(), table.records(&ids).unwrap());
    let kinds = ["app", "disk", "nothing"];
    assert_eq!(sqlite.population(&kinds).unwrap(), table.population(&kinds).unwrap());
    assert_eq!(sqlite.tenants().unwrap(), table.tenants().unwrap());
    assert_eq!(sqlite.pools(&["p", "q"]).unwrap(), table.pools(&["p", "q"]).unwrap());
    assert_eq!(table.pools(&["p"]).unwrap(), [PoolRecord { members: 1, minimum: Some(3) }], "`a` is disabled");
    let tenants = ["t-2", "nobody", "t-1", "u-1"];
    assert_eq!(sqlite.things(&tenants).unwrap(), table.things(&tenants).unwrap());
    assert_eq!(table.things(&tenants).unwrap(), Some(vec![2, 0, 1, 2]));
    assert_eq!(table.tenants().unwrap(), 3, "`t-1`, `t-2` and `u-1`");
    let ids = ["B", "nobody", " a"];
    assert_eq!(sqlite.nearly(&ids).unwrap(), table.nearly(&ids).unwrap());
    assert_eq!(table.nearly(&ids).unwrap(), Some(vec![Some("b".to_owned()), None, Some("a".to_owned())]));
}

#[test]
fn the_digest_is_that_of_the_answers() {
    let (place, _, sqlite) = both();
    let digest = |ids: &[&str]| {
        let moment = sqlite.snapshot().unwrap();
        moment.records(ids).unwrap();
        moment.sha256()
    };
    let before = digest(&["a"]);
    assert_eq!(before, digest(&["a"]));
    assert_ne!(before, digest(&["b"]));
    let writer = Connection::open(place.path().join("i.db")).unwrap();
    writer.execute_batch("UPDATE inventory SET tenant = 't-9' WHERE id = 'a'").unwrap();
    assert_ne!(before, digest(&["a"]));
}

#[test]
fn all_answers_of_a_snapshot_are_from_one_moment() {
    let (place, _, sqlite) = both();
    let writer = Connection::open(place.path().join("i.db")).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let moment = sqlite.snapshot().unwrap();
    assert_eq!(moment.tenants().unwrap(), 3);
    writer.execute_batch("UPDATE inventory SET tenant = 't-3' WHERE id = 'c'").unwrap();
    assert_eq!(moment.tenants().unwrap(), 3);
    assert_eq!(sqlite.snapshot().unwrap().tenants().unwrap(), 4);
}

#[test]
fn rejects_columns_that_changed() {
    let (place, _, sqlite) = both();
    let writer = Connection::open(place.path().join("i.db")).unwrap();
    writer.execute_batch("ALTER TABLE inventory RENAME COLUMN tenant TO x_tenant").unwrap();
    let Err(error) = sqlite.snapshot() else { panic!("it answered") };
    assert!(error.to_string().contains("columns of the table `inventory` changed"), "{error}");
}

#[test]
fn rejects_invalid_databases_and_rows() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let rejected = |sql: &str| {
        let _ = std::fs::remove_file(place.path().join("i.db"));
        Connection::open(place.path().join("i.db")).unwrap().execute_batch(sql).unwrap();
        Sqlite::read(&folder, "i.db").unwrap_err().to_string()
    };
    assert!(rejected("CREATE TABLE other (id)").contains("there is no table or view `inventory`"));
    assert!(rejected("CREATE TABLE inventory (kind)").contains("has no column `id`"));
    assert!(rejected("CREATE TABLE inventory (id, kin)").contains("did you mean `kind`?"));
    std::fs::write(place.path().join("i.db"), "not a database, but long enough to be mistaken for one".repeat(9))
        .unwrap();
    assert!(Sqlite::read(&folder, "i.db").unwrap_err().to_string().contains("not a database"));

    let unavailable =
        |sql: &str| open_database(&folder, &place, sql).snapshot().unwrap().records(&["a"]).unwrap_err().to_string();
    assert!(
        unavailable("CREATE TABLE inventory (id); INSERT INTO inventory VALUES ('a'), ('a')")
            .contains("is duplicated")
    );
    assert!(
        unavailable("CREATE TABLE inventory (id, legal_hold); INSERT INTO inventory VALUES ('a', 'maybe')")
            .contains("the row `a`: `legal_hold`: expected `true` or `false`, found `maybe`")
    );
}

#[test]
fn rejects_ids_that_a_query_does_not_find() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    // The other row of each id, and whether it is one that must not be there.
    let others = [
        ("' a-1'", true),
        ("'a-1 '", true),
        ("'a-1' || char(9)", true),
        ("'a-1' || char(0)", true),
        ("'a-1' || char(0) || 'b'", true),
        ("'a-1' || char(0xa0)", true),
        ("'a-1' || char(0x2003)", true),
        ("'a-1' || char(0x3000)", true),
        ("'a-1' || char(0x7f)", true),
        ("char(0x85) || 'a-1'", true),
        ("char(0x1680) || 'a-1'", true),
        ("char(0x2009) || 'a-1'", true),
        ("char(0x2028) || 'a-1'", true),
        ("char(0x3000) || 'a-1'", true),
        ("char(0xfeff) || 'a-1'", false),
        ("'  '", true),
        ("''", true),
        ("NULL", true),
        ("7", true),
        ("7.5", true),
        ("x'612d31'", true),
        ("'A-1'", false),
        ("'a-12'", false),
        ("'a-1é'", false),
        ("'a 1'", false),
        ("'é'", false),
    ];
    for table in [
        "CREATE TABLE inventory (id)",
        "CREATE TABLE inventory (id); CREATE INDEX by_id ON inventory (id)",
        "CREATE TABLE inventory (id COLLATE NOCASE); CREATE INDEX by_id ON inventory (id)",
        "CREATE TABLE things (id); CREATE INDEX by_id ON things (id); CREATE VIEW inventory AS SELECT id FROM things",
        "CREATE TABLE things (id); CREATE VIEW inventory AS SELECT id FROM things UNION ALL SELECT 'other'",
    ] {
        let name = if table.contains("things") { "things" } else { "inventory" };
        for (other, is_wrong) in others {
            let sql = format!("{table}; INSERT INTO {name} VALUES ('a-1'), ({other})");
            let sqlite = open_database(&folder, &place, &sql);
            let found = sqlite.snapshot().and_then(|moment| moment.records(&["a-1"]).map(|found| found.len()));
            assert_eq!(found.is_err(), is_wrong, "{table}: {other}: {found:?}");
            assert!(found.err().is_none_or(|error| error.to_string().contains("the id `")), "{table}: {other}");
        }
    }
}

#[test]
fn interrupts_a_view_without_end_and_rejects_long_values() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    for (view, message) in [
        (format!("CREATE VIEW inventory AS {endless} SELECT 'id-' || i AS id FROM n"), "interrupted"),
        ("CREATE VIEW inventory AS SELECT zeroblob(2000000000) AS id".to_owned(), "longer than"),
        ("CREATE VIEW inventory AS SELECT 'a' AS id, hex(zeroblob(8000000)) AS kind".to_owned(), "longer than"),
    ] {
        let sqlite = Sqlite { max_steps: 10_000_000, ..open_database(&folder, &place, &view) };
        let answer = sqlite.snapshot().and_then(|moment| moment.records(&["a"]).map(|_| ()));
        let error = answer.unwrap_err().to_string();
        assert!(error.contains(message), "{view}: {error}");
    }
}

pub(super) fn open_database(folder: &Folder, place: &tempfile::TempDir, sql: &str) -> Sqlite {
    let _ = std::fs::remove_file(place.path().join("j.db"));
    Connection::open(place.path().join("j.db")).unwrap().execute_batch(sql).unwrap();
    Sqlite::read(folder, "j.db").unwrap()
}
