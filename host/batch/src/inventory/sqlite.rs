//! An inventory that is queried in place: a table or view `inventory` in an SQLite file, with the columns of the text
//! formats. The queries of a decision run in one transaction, so all answers are from the same moment.

use super::interface::{Inventory, Snapshot};
use crate::error::{LookupError, ReadError};
use crate::read::Folder;
use crate::record::{InventoryRow, PoolRecord, Record, check_inventory_column};
use hashbrown::HashMap;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Row};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// How long a decision waits for a writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// An SQLite file with a table or view `inventory`. Indexes on `id`, `kind`, `tenant` and `pool` make it fast.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    columns: Vec<String>,
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
        Ok(Self { path, columns })
    }
}

/// Opens the file for reading. Links are not followed, because the folder checked the path itself.
fn connect(path: &PathBuf) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    rusqlite::vtab::array::load_module(&connection)?;
    Ok(connection)
}

fn columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let statement = connection.prepare("SELECT * FROM inventory LIMIT 0")?;
    Ok(statement.column_names().into_iter().map(str::to_owned).collect())
}

impl From<rusqlite::Error> for LookupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(format!("SQLite: {error}"))
    }
}

impl Inventory for Sqlite {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        let connection = connect(&self.path)?;
        connection.execute_batch("BEGIN")?;
        if columns(&connection)? != self.columns {
            return Err(LookupError::Invalid(
                "the columns of the table `inventory` changed after the gate was built".to_owned(),
            ));
        }
        Ok(Box::new(Moment { connection, columns: &self.columns, answers: RefCell::default() }))
    }
}

/// The inventory as it is at one moment.
struct Moment<'a> {
    connection: Connection,
    columns: &'a [String],
    /// A hash over every answer. A decision is based on the answers, and hashing a large database takes too long.
    answers: RefCell<Sha256>,
}

impl Moment<'_> {
    /// Runs a query, with `values` as its parameter if it has one, and hashes the answer.
    fn query<T>(
        &self,
        query: &str,
        values: &[&str],
        mut each: impl FnMut(&Row<'_>) -> Result<T, LookupError>,
    ) -> Result<Vec<T>, LookupError> {
        let list = Rc::new(values.iter().map(|text| Value::from((*text).to_owned())).collect::<Vec<_>>());
        let mut statement = self.connection.prepare(query)?;
        let width = statement.column_count();
        let mut rows = match statement.parameter_count() {
            0 => statement.query([])?,
            _ => statement.query([list])?,
        };
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let mut hash = self.answers.borrow_mut();
            for i in 0..width {
                let text = text(row.get_ref(i)?)?;
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
            all.push(each(row)?);
        }
        Ok(all)
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
        // The order makes the digest independent of SQLite's query plan.
        let query = "SELECT inventory.* FROM inventory WHERE id IN rarray(?1) ORDER BY id";
        let found = self.query(query, ids, |row| {
            let fields = self.columns.iter().enumerate().map(|(i, name)| Ok((name.as_str(), text(row.get_ref(i)?)?)));
            let fields = fields.collect::<Result<Vec<_>, LookupError>>()?;
            let row = InventoryRow::from_texts(fields.iter().map(|(name, text)| (*name, text.as_ref())))
                .map_err(|message| LookupError::Invalid(format!("{}: {message}", row_name(&fields))))?;
            Ok((row.id, row.record))
        })?;
        let mut records = HashMap::with_capacity(found.len());
        for (id, record) in found {
            if let Some((id, _)) = records.insert(id.clone(), record).map(|other| (id, other)) {
                return Err(LookupError::Invalid(format!("the id `{id}` is duplicated")));
            }
        }
        Ok(ids.iter().map(|id| records.get(*id).cloned().map(Cow::Owned)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let mut counts: BTreeMap<String, u64> = kinds.iter().map(|kind| ((*kind).to_owned(), 0)).collect();
        if self.has("kind") {
            let query = "SELECT kind, count(*) FROM inventory WHERE kind IN rarray(?1) GROUP BY kind ORDER BY kind";
            counts.extend(self.query(query, kinds, |row| Ok((row.get(0)?, row.get(1)?)))?);
        }
        Ok(counts)
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        if !self.has("tenant") {
            return Ok(0);
        }
        let query = "SELECT count(DISTINCT tenant) FROM inventory WHERE tenant <> ''";
        Ok(self.query(query, &[], |row| Ok(row.get::<_, u64>(0)?))?.into_iter().sum())
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        let minimum =
            if self.has("pool_minimum") { "max(CAST(nullif(pool_minimum, '') AS INTEGER))" } else { "NULL" };
        let query = format!(
            "SELECT pool, count(*), {minimum} FROM inventory WHERE pool IN rarray(?1) GROUP BY pool ORDER BY pool"
        );
        let found: HashMap<String, PoolRecord> = match names {
            [] => HashMap::new(),
            _ => {
                let pool =
                    |row: &Row<'_>| Ok((row.get(0)?, PoolRecord { members: row.get(1)?, minimum: row.get(2)? }));
                self.query(&query, names, pool)?.into_iter().collect()
            }
        };
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

    fn open_database(folder: &Folder, place: &tempfile::TempDir, sql: &str) -> Sqlite {
        let _ = std::fs::remove_file(place.path().join("j.db"));
        Connection::open(place.path().join("j.db")).unwrap().execute_batch(sql).unwrap();
        Sqlite::read(folder, "j.db").unwrap()
    }
}
