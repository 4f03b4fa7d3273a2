//! A ledger in an SQLite file, for one machine.

use crate::database::{Database, Row, Transaction, Value, damaged, not_stored};
use reprieve::ledger::LedgerError;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How long to wait before the next try while another process writes, and how often: 20 seconds. Threads that write without a
/// pause leave the lock for moments only. SQLite's own waits grow to 100 ms, and miss most of them.
const BUSY_WAIT: Duration = Duration::from_millis(1);
const MAX_BUSY_WAITS: i32 = 20_000;

/// An SQLite file. A thread that reads while another writes uses another connection, so that it neither waits while the writer waits
/// for the disk, nor sees what is not committed.
pub(crate) struct SqliteStore {
    writer: Arc<Seat>,
    reader: Arc<Seat>,
    clock: fn() -> i64,
}

/// A connection, and the version of the schema whose objects were checked. SQLite changes the version with every object, and a
/// connection works with the objects that it read at its version.
struct Session {
    connection: Connection,
    checked: Option<i64>,
}

/// A connection that one transaction at a time uses.
struct Seat {
    /// `None` while a transaction uses it.
    connection: Mutex<Option<Session>>,
    returned: Condvar,
}

impl Seat {
    fn new(connection: Connection) -> Arc<Self> {
        let session = Session { connection, checked: None };
        Arc::new(Self { connection: Mutex::new(Some(session)), returned: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection, if it is free.
    fn try_take(self: &Arc<Self>) -> Option<Taken> {
        let connection = self.lock().take()?;
        Some(Taken { connection: Some(connection), seat: Arc::clone(self) })
    }

    /// Waits for the connection.
    fn take(self: &Arc<Self>) -> Taken {
        let free = self.returned.wait_while(self.lock(), |connection| connection.is_none());
        let connection = free.unwrap_or_else(PoisonError::into_inner).take();
        Taken { connection, seat: Arc::clone(self) }
    }
}

/// A connection in use. It is returned when it is dropped.
struct Taken {
    /// `None` once it was returned.
    connection: Option<Session>,
    seat: Arc<Seat>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.seat.lock() = self.connection.take();
        self.seat.returned.notify_one();
    }
}

impl SqliteStore {
    /// Opens an existing file.
    pub fn open(path: &Path, clock: fn() -> i64) -> Result<Self, LedgerError> {
        reprieve::check_database(path).map_err(|error| LedgerError::misuse(format!("the ledger: {error}")))?;
        let [writer, reader] = [Self::connect(path)?, Self::connect(path)?].map(Seat::new);
        Ok(Self { writer, reader, clock })
    }

    fn connect(path: &Path) -> Result<Connection, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(explain)?;
        connection.busy_handler(Some(wait)).map_err(explain)?;
        // A decision that was returned must survive a power failure, so every commit is synchronized to the disk.
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(explain)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    fn begin(&self, taken: Taken, sql: &str) -> Result<Box<dyn Transaction>, LedgerError> {
        let transaction = SqliteTransaction { taken, clock: self.clock, committed: false, checked: None };
        transaction.connection()?.execute_batch(sql).map_err(explain)?;
        Ok(Box::new(transaction))
    }
}

/// Waits while another process writes. Whether to try again.
fn wait(waits: i32) -> bool {
    std::thread::sleep(BUSY_WAIT);
    waits < MAX_BUSY_WAITS
}

/// The SQL of an object on one line, without comments.
fn without_comments(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Creates an empty file that only its owner can read, unless it exists.
pub(crate) fn create_file(path: &Path) -> Result<(), LedgerError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            Err(LedgerError::unavailable(format!("the ledger: cannot create `{}`: {error}", path.display()))
                .with_help("check that its folder exists and is writable"))
        }
    }
}

/// The clock of this machine, in seconds since 1970.
pub(crate) fn system_clock() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl Database for SqliteStore {
    fn read(&self) -> Result<Box<dyn Transaction>, LedgerError> {
        // What the writer wrote is in its cache. The reader has to read all of it again after each commit.
        self.begin(self.writer.try_take().unwrap_or_else(|| self.reader.take()), "BEGIN")
    }

    fn write(&self) -> Result<Box<dyn Transaction>, LedgerError> {
        self.begin(self.writer.take(), "BEGIN IMMEDIATE")
    }

    fn column_types(&self) -> (&'static str, &'static str) {
        ("INTEGER", "BLOB")
    }

    fn expected_objects(&self) -> &'static str {
        include_str!("schema/sqlite.txt")
    }
}

struct SqliteTransaction {
    taken: Taken,
    clock: fn() -> i64,
    committed: bool,
    /// The version of the schema whose objects were checked in this transaction.
    checked: Option<i64>,
}

impl SqliteTransaction {
    fn session(&self) -> Result<&Session, LedgerError> {
        let session = self.taken.connection.as_ref();
        session.ok_or_else(|| LedgerError::unavailable("the ledger (SQLite): there is no connection"))
    }

    fn connection(&self) -> Result<&Connection, LedgerError> {
        self.session().map(|session| &session.connection)
    }

    fn schema_version(&mut self) -> Result<Option<i64>, LedgerError> {
        let rows = self.query("PRAGMA schema_version", &[])?;
        rows.first().map(|row| row.int(0)).transpose()
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let (Ok(connection), false) = (self.connection(), self.committed) {
            // If this fails, there is no transaction left to roll back.
            drop(connection.execute_batch("ROLLBACK"));
        }
    }
}

impl Transaction for SqliteTransaction {
    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, LedgerError> {
        let mut statement = self.connection()?.prepare_cached(sql).map_err(explain)?;
        bind(&mut statement, values).map_err(explain)?;
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(explain)? {
            let value = |i| row.get_ref(i).map_err(explain).and_then(value);
            all.push(Row((0..width).map(value).collect::<Result<_, _>>()?));
        }
        Ok(all)
    }

    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, LedgerError> {
        let mut statement = self.connection()?.prepare_cached(sql).map_err(explain)?;
        bind(&mut statement, values).map_err(explain)?;
        statement.raw_execute().map(|rows| rows as u64).map_err(explain)
    }

    /// SQLite makes its tables, indexes, triggers and views from the SQL in this table alone, so equal SQL means equal
    /// objects. Its own statistics are left out.
    fn objects(&mut self) -> Result<Vec<String>, LedgerError> {
        let sql =
            "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT IN ('sqlite_stat1', 'sqlite_stat4')";
        let rows = self.query(sql, &[])?;
        let object = |row: &Row| {
            let sql = row.text_or_null(3)?.map_or_else(|| "automatic".to_owned(), without_comments);
            Ok(format!("{} {} of {}: {sql}", row.text(0)?, row.text(1)?, row.text(2)?))
        };
        rows.iter().map(object).collect()
    }

    fn objects_are_as_checked(&mut self) -> Result<bool, LedgerError> {
        let version = self.schema_version()?;
        Ok(version.is_some() && version == self.session()?.checked)
    }

    fn objects_are_checked(&mut self) -> Result<(), LedgerError> {
        // Another transaction may give other objects the version of one that was rolled back.
        self.checked = self.schema_version()?;
        Ok(())
    }

    fn store_blob(&mut self, sha256: &str, content: &mut dyn Read, length: u64) -> Result<(), LedgerError> {
        let insert = "INSERT INTO blobs (sha256, bytes) VALUES (?1, zeroblob(?2)) ON CONFLICT (sha256) DO NOTHING";
        let connection = self.connection()?;
        if connection.execute(insert, (sha256, length)).map_err(explain)? == 0 {
            return Ok(());
        }
        let row = connection.last_insert_rowid();
        let mut blob = connection.blob_open("main", "blobs", "bytes", row, false).map_err(explain)?;
        match std::io::copy(content, &mut blob) {
            Ok(written) if written == length => blob.close().map_err(explain),
            Ok(_) => Err(not_stored(sha256, &std::io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(not_stored(sha256, &error)),
        }
    }

    fn has_table(&mut self, name: &str) -> Result<bool, LedgerError> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1";
        Ok(!self.query(sql, &[name.into()])?.is_empty())
    }

    fn define(&mut self, sql: &str) -> Result<(), LedgerError> {
        self.connection()?.execute_batch(sql).map_err(explain)
    }

    fn clock(&mut self) -> Result<i64, LedgerError> {
        Ok((self.clock)())
    }

    fn integrity_flaw(&mut self) -> Result<Option<String>, LedgerError> {
        let rows = self.query("PRAGMA integrity_check(1)", &[])?;
        let result = rows.first().map(|row| row.text(0)).transpose()?;
        Ok(result.filter(|result| *result != "ok").map(str::to_owned))
    }

    fn commit(mut self: Box<Self>) -> Result<(), LedgerError> {
        self.connection()?.execute_batch("COMMIT").map_err(explain)?;
        self.committed = true;
        if let (Some(session), Some(checked)) = (&mut self.taken.connection, self.checked) {
            session.checked = Some(checked);
        }
        Ok(())
    }
}

/// Binds `$1`, `$2`, … by name, because SQLite numbers parameters in the order in which they appear.
fn bind(statement: &mut CachedStatement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let number: Option<usize> =
            statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(index, values.len()))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(value: ValueRef<'_>) -> Result<Value, LedgerError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(bytes) => {
            // A text that is not UTF-8 is damaged. What remains of it differs from what was written, so `verify` names it.
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(number) => {
            return Err(damaged(format!("it contains the number {number} in place of an integer")));
        }
    })
}

/// Classifies an error of SQLite.
fn explain(error: rusqlite::Error) -> LedgerError {
    let message = format!("the ledger (SQLite): {error}");
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            LedgerError::unavailable(message).with_help("try again, because another process is writing to it")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            LedgerError::unavailable(message).with_help("give this user write access to the file and its folder")
        }
        Some(ErrorCode::DiskFull) => LedgerError::unavailable(message).with_help("free space on the disk"),
        Some(ErrorCode::CannotOpen) => {
            LedgerError::unavailable(message).with_help("check that its folder exists and is writable")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            LedgerError::damaged(message).with_help("keep the file, verify the ledger, and restore it from a backup")
        }
        // The SQL is fixed, so an error in it means that the tables are not those of the schema.
        Some(ErrorCode::Unknown) => LedgerError::damaged(message).with_help("restore the ledger from a backup"),
        Some(ErrorCode::ConstraintViolation) => LedgerError::conflict(message),
        _ => LedgerError::unavailable(message),
    }
}
