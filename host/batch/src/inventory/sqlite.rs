//! An inventory that is queried in place: a table or view `inventory` in an SQLite file, with the columns of the text
//! formats. The queries of a decision run in one transaction, so all answers are from the same moment.
//!
//! The text formats trim an id, and so a row of this table must not have an id that differs from another one by surrounding
//! blanks or control characters only, or that is not text: a query by id would not find that row.

use super::interface::{Inventory, MAX_ANSWER_BYTES, Snapshot, too_long_an_answer};
use crate::error::{LookupError, ReadError};
use crate::read::{Folder, check_database};
use crate::record::{InventoryRow, PoolRecord, Record, check_inventory_column};
use hashbrown::{HashMap, HashSet};
use rusqlite::limits::Limit;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// How long a decision waits for a writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum length of a value, and of a row, in bytes.
const MAX_LENGTH: i32 = 4 << 20;
/// The maximum length of a pattern in bytes, because a comparison with it is one step.
const MAX_PATTERN_LENGTH: i32 = 1 << 10;
/// The maximum number of steps of SQLite's virtual machine in one query. A scan of a hundred million rows takes fewer.
const MAX_STEPS: u64 = 2_000_000_000;
/// The number of steps between two checks.
const STEPS_AT_ONCE: i32 = 1_000_000;

/// Ids that begin with a blank or a control character, by their order: below `!`, DEL to U+00A0, and the other blanks of
/// Unicode. Numbers and blobs are no texts; numbers are below all texts, and blobs are above.
const INVALID_IDS: &str = "SELECT id FROM inventory WHERE id IS NULL
    UNION ALL SELECT id FROM inventory WHERE id < '!'
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x7f) AND id < char(0xa1)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x1680) AND id < char(0x1681)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x2000) AND id < char(0x200b)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x2028) AND id < char(0x2030)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x205f) AND id < char(0x2060)
    UNION ALL SELECT id FROM inventory WHERE id >= char(0x3000) AND id < char(0x3001)
    UNION ALL SELECT id FROM inventory WHERE id >= x''
    LIMIT 1";

/// Ids that continue one of the ids that are looked up with a blank, a control character, or a character that is not ASCII.
const CONTINUED_IDS: &str = "SELECT inventory.id FROM rarray(?1) AS asked CROSS JOIN inventory
        WHERE inventory.id > asked.value AND inventory.id < asked.value || '!'
    UNION ALL SELECT inventory.id FROM rarray(?1) AS asked CROSS JOIN inventory
        WHERE inventory.id >= asked.value || char(0x7f) AND inventory.id < asked.value || char(0x3001)";

/// An SQLite file with a table or view `inventory`. Indexes on `id`, `kind`, `tenant` and `pool` make it fast.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    columns: Vec<String>,
    max_steps: u64,
}

/// Why a query by id may not find a row.
fn check_id(id: ValueRef<'_>) -> Result<(), LookupError> {
    let wrong = |shown: &str, what: &str| Err(LookupError::Invalid(format!("the id `{shown}` {what}")));
    match id {
        ValueRef::Text(bytes) => {
            let id = String::from_utf8_lossy(bytes);
            if id.trim().is_empty() {
                wrong(&id, "is empty")
            } else if id.trim() != id {
                wrong(&id, "begins or ends with a blank")
            } else if id.contains(char::is_control) {
                wrong(&id, "has a control character")
            } else {
                Ok(())
            }
        }
        ValueRef::Null => wrong("NULL", "is not text"),
        ValueRef::Integer(number) => wrong(&number.to_string(), "is a number; store ids as text"),
        ValueRef::Real(number) => wrong(&number.to_string(), "is a number; store ids as text"),
        ValueRef::Blob(_) => wrong("BLOB", "is not text"),
    }
}

impl Sqlite {
    /// Opens a file below a folder, and checks its columns.
    ///
    /// # Errors
    /// [`ReadError`] if it is not an SQLite file, or has no such table.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        let shown = folder.display_name(name);
        let path = folder.real_path(name)?;
        let columns = connect(&path).and_then(|connection| columns(&connection));
        let columns = columns.map_err(|error| match error.to_string() {
            text if text.starts_with("no such table") => {
                ReadError::of_file(&shown, "there is no table or view `inventory`")
                    .with_help("CREATE VIEW inventory AS SELECT … AS id, … AS kind, … AS tenant, …")
            }
            text => ReadError::of_file(&shown, text),
        })?;
        columns
            .iter()
            .try_for_each(|column| check_inventory_column(column))
            .map_err(|message| ReadError::of_file(&shown, message))?;
        if !columns.iter().any(|column| column == "id") {
            return Err(ReadError::of_file(&shown, "the table `inventory` has no column `id`"));
        }
        Ok(Self { path, columns, max_steps: MAX_STEPS })
    }
}

/// Opens the file for reading. Links are not followed, because the folder checked the path itself.
fn connect(path: &PathBuf) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN_LENGTH)?;
    rusqlite::vtab::array::load_module(&connection)?;
    Ok(connection)
}

/// Interrupts the next query after the maximum number of steps: a view may have rows without end.
fn limit_steps(connection: &Connection, max_steps: u64) {
    let mut steps = 0;
    connection.progress_handler(
        STEPS_AT_ONCE,
        Some(move || {
            steps += STEPS_AT_ONCE as u64;
            steps > max_steps
        }),
    );
}

fn columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    limit_steps(connection, MAX_STEPS);
    let statement = connection.prepare("SELECT * FROM inventory LIMIT 0")?;
    Ok(statement.column_names().into_iter().map(str::to_owned).collect())
}

impl From<rusqlite::Error> for LookupError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Self::Invalid(String::from(
                "SQLite: the query was interrupted, because it took too many steps; index `id`, `kind`, `tenant` and `pool`, and \
                 make sure that the view `inventory` ends",
            )),
            Some(ErrorCode::TooBig) => Self::Invalid(format!("SQLite: a row is longer than {MAX_LENGTH} bytes")),
            _ => Self::Unavailable(format!("SQLite: {error}")),
        }
    }
}

impl Inventory for Sqlite {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        check_database(&self.path).map_err(|error| LookupError::Unavailable(error.to_string()))?;
        let connection = connect(&self.path)?;
        connection.execute_batch("BEGIN")?;
        if columns(&connection)? != self.columns {
            return Err(LookupError::Invalid(
                "the columns of the table `inventory` changed after the gate was built".to_owned(),
            ));
        }
        let moment = Moment {
            connection,
            columns: &self.columns,
            max_steps: self.max_steps,
            answers: RefCell::default(),
            has_index: false,
        };
        let has_index = moment.has_index()?;
        if has_index {
            moment.run(INVALID_IDS, &[], |row| check_id(row.get_ref(0)?))?;
        } else {
            // Every query reads the whole table, so this one may as well.
            moment.run("SELECT id FROM inventory", &[], |row| check_id(row.get_ref(0)?))?;
        }
        Ok(Box::new(Moment { has_index, ..moment }))
    }
}

/// The inventory as it is at one moment.
struct Moment<'a> {
    connection: Connection,
    columns: &'a [String],
    max_steps: u64,
    /// A hash over every answer. A decision is based on the answers, and hashing a large database takes too long.
    answers: RefCell<Sha256>,
    /// Whether rows are found by their id without reading the whole table.
    has_index: bool,
}

impl Moment<'_> {
    /// Runs a query, with `values` as its parameter if it has one.
    fn run(
        &self,
        query: &str,
        values: &[&str],
        mut each: impl FnMut(&Row<'_>) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        let list = Rc::new(values.iter().map(|text| Value::from((*text).to_owned())).collect::<Vec<_>>());
        let mut statement = self.connection.prepare_cached(query)?;
        limit_steps(&self.connection, self.max_steps);
        let mut rows = match statement.parameter_count() {
            0 => statement.query([])?,
            _ => statement.query([list])?,
        };
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// Runs a query and hashes the answer.
    fn query(
        &self,
        query: &str,
        values: &[&str],
        mut each: impl FnMut(&Row<'_>) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        self.run(query, values, |row| {
            let mut hash = self.answers.borrow_mut();
            for i in 0..row.as_ref().column_count() {
                let text = text(row.get_ref(i)?)?;
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
            each(row)
        })
    }

    /// Whether rows are found by their id without reading the whole table.
    fn has_index(&self) -> Result<bool, LookupError> {
        let mut searches = true;
        let plan = "EXPLAIN QUERY PLAN SELECT id FROM inventory WHERE id > ?1 AND id < ?2";
        let mut statement = self.connection.prepare(plan)?;
        let mut rows = statement.query(["a", "b"])?;
        while let Some(row) = rows.next()? {
            searches &= row.get::<_, String>("detail")?.starts_with("SEARCH");
        }
        Ok(searches)
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|known| known == column)
    }
}

/// Returns a value as the text formats write it; NULL is blank.
fn text(value: ValueRef<'_>) -> Result<Cow<'_, str>, LookupError> {
    match value {
        ValueRef::Null => Ok(Cow::Borrowed("")),
        ValueRef::Integer(number) => Ok(Cow::Owned(number.to_string())),
        ValueRef::Real(number) => Ok(Cow::Owned(number.to_string())),
        ValueRef::Text(bytes) => str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|_| LookupError::Invalid("a value is not UTF-8".to_owned())),
        ValueRef::Blob(_) => Err(LookupError::Invalid("expected text or a number, found a BLOB".to_owned())),
    }
}

impl Snapshot for Moment<'_> {
    fn sha256(&self) -> String {
        hex::encode(self.answers.borrow().clone().finalize())
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        let asked: HashSet<&str> = ids.iter().copied().collect();
        let mut records: HashMap<&str, Record> = HashMap::new();
        let mut bytes = 0;
        // The order makes the digest independent of SQLite's query plan.
        let query = "SELECT inventory.* FROM inventory WHERE id IN rarray(?1) ORDER BY id";
        self.query(query, ids, |row| {
            let fields = self.columns.iter().enumerate().map(|(i, name)| Ok((name.as_str(), text(row.get_ref(i)?)?)));
            let fields = fields.collect::<Result<Vec<_>, LookupError>>()?;
            check_id(row.get_ref("id")?)?;
            let row = InventoryRow::from_texts(fields.iter().map(|(name, text)| (*name, text.as_ref())))
                .map_err(|message| LookupError::Invalid(format!("{}: {message}", row_name(&fields))))?;
            // A collation may find an id that differs in case. It is the id of another thing.
            let Some(&id) = asked.get(row.id.as_str()) else { return Ok(()) };
            bytes += row.memory();
            if bytes > MAX_ANSWER_BYTES {
                return Err(too_long_an_answer(ids.len()));
            }
            match records.insert(id, row.record) {
                Some(_) => Err(LookupError::Invalid(format!("the id `{id}` is duplicated"))),
                None => Ok(()),
            }
        })?;
        if self.has_index {
            let ids: Vec<&str> = asked.into_iter().filter(|id| !id.is_empty()).collect();
            self.run(CONTINUED_IDS, &ids, |row| check_id(row.get_ref(0)?))?;
        }
        Ok(ids.iter().map(|id| records.get(*id).cloned().map(Cow::Owned)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let mut counts: BTreeMap<String, u64> = kinds.iter().map(|kind| ((*kind).to_owned(), 0)).collect();
        if self.has("kind") {
            let query = "SELECT kind, count(*) FROM inventory WHERE kind IN rarray(?1) GROUP BY kind ORDER BY kind";
            self.query(query, kinds, |row| {
                counts.insert(row.get(0)?, row.get(1)?);
                Ok(())
            })?;
        }
        Ok(counts)
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        let mut count = 0_u64;
        if self.has("tenant") {
            let query = "SELECT count(DISTINCT tenant) FROM inventory WHERE tenant <> ''";
            self.query(query, &[], |row| {
                count += row.get::<_, u64>(0)?;
                Ok(())
            })?;
        }
        Ok(count)
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        let minimum =
            if self.has("pool_minimum") { "max(CAST(nullif(pool_minimum, '') AS INTEGER))" } else { "NULL" };
        let query = format!(
            "SELECT pool, count(*), {minimum} FROM inventory WHERE pool IN rarray(?1) GROUP BY pool ORDER BY pool"
        );
        let mut found: HashMap<String, PoolRecord> = HashMap::new();
        if !names.is_empty() {
            self.query(&query, names, |row| {
                found.insert(row.get(0)?, PoolRecord { members: row.get(1)?, minimum: row.get(2)? });
                Ok(())
            })?;
        }
        Ok(names.iter().map(|name| found.get(*name).cloned().unwrap_or_default()).collect())
    }
}

fn row_name(fields: &[(&str, Cow<'_, str>)]) -> String {
    let id = fields.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.as_ref());
    format!("the row `{}`", id.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Table;

    const CSV: &str = "id,kind,tenant,environment,state,state_since,last_used_at,size_bytes,dependents,legal_hold,\
        retain_until,pool,pool_minimum\n\
        a,app,t-1,production,disabled,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,7,b c,true,none,p,2\n\
        b,disk,t-2,,,,,,none,false,2027-01-01T00:00:00Z,p,3\n\
        c,app,,,,,,,,,,,\n";

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
        assert_eq!(moment.tenants().unwrap(), 2);
        writer.execute_batch("UPDATE inventory SET tenant = 't-3' WHERE id = 'c'").unwrap();
        assert_eq!(moment.tenants().unwrap(), 2);
        assert_eq!(sqlite.snapshot().unwrap().tenants().unwrap(), 3);
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

        let unavailable = |sql: &str| {
            open_database(&folder, &place, sql).snapshot().unwrap().records(&["a"]).unwrap_err().to_string()
        };
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

    fn open_database(folder: &Folder, place: &tempfile::TempDir, sql: &str) -> Sqlite {
        let _ = std::fs::remove_file(place.path().join("j.db"));
        Connection::open(place.path().join("j.db")).unwrap().execute_batch(sql).unwrap();
        Sqlite::read(folder, "j.db").unwrap()
    }
}
