//! A ledger in an SQLite file: for one machine.

use crate::database::{Database, Row, Transaction, Value};
use reprieve::Unavailable;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Sqlite {
    connection: Mutex<Connection>,
    clock: fn() -> i64,
}

impl Sqlite {
    /// Opens a file that is there.
    pub fn open(path: &Path, clock: fn() -> i64) -> Result<Self, Unavailable> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(explain)?;
        connection.busy_timeout(PATIENCE).map_err(explain)?;
        // What was answered must be there after a power cut, too.
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(explain)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { connection: Mutex::new(connection), clock })
    }

    fn begin(&self, how: &str) -> Result<Box<dyn Transaction + '_>, Unavailable> {
        // A thread that panicked has left no transaction behind: its guard rolled it back.
        let connection = self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        connection.execute_batch(how).map_err(explain)?;
        Ok(Box::new(Running { connection, clock: self.clock, done: false }))
    }
}

/// Makes an empty file that only its owner can read, if there is none.
pub(crate) fn make(path: &Path) -> Result<(), Unavailable> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Unavailable(format!("the ledger: cannot make {}: {error}", path.display()))),
    }
}

/// This machine's clock.
pub(crate) fn system_clock() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl Database for Sqlite {
    fn read(&self) -> Result<Box<dyn Transaction + '_>, Unavailable> {
        self.begin("BEGIN")
    }

    fn write(&self) -> Result<Box<dyn Transaction + '_>, Unavailable> {
        self.begin("BEGIN IMMEDIATE")
    }

    fn types(&self) -> (&'static str, &'static str) {
        ("INTEGER", "BLOB")
    }
}

struct Running<'a> {
    connection: MutexGuard<'a, Connection>,
    clock: fn() -> i64,
    done: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.done {
            // Where this fails there is no transaction left to end.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
    }
}

impl Transaction for Running<'_> {
    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, Unavailable> {
        let mut statement = self.connection.prepare_cached(sql).map_err(explain)?;
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

    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), Unavailable> {
        let mut statement = self.connection.prepare_cached(sql).map_err(explain)?;
        bind(&mut statement, values).map_err(explain)?;
        statement.raw_execute().map(drop).map_err(explain)
    }

    fn has_table(&mut self, name: &str) -> Result<bool, Unavailable> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1";
        Ok(!self.query(sql, &[name.into()])?.is_empty())
    }

    fn define(&mut self, sql: &str) -> Result<(), Unavailable> {
        self.connection.execute_batch(sql).map_err(explain)
    }

    fn clock(&mut self) -> Result<i64, Unavailable> {
        Ok((self.clock)())
    }

    fn flaw(&mut self) -> Result<Option<String>, Unavailable> {
        let rows = self.query("PRAGMA integrity_check(1)", &[])?;
        let said = rows.first().map(|row| row.text(0)).transpose()?;
        Ok(said.filter(|said| *said != "ok").map(str::to_owned))
    }

    fn commit(mut self: Box<Self>) -> Result<(), Unavailable> {
        self.connection.execute_batch("COMMIT").map_err(explain)?;
        self.done = true;
        Ok(())
    }
}

/// Binds `$1`, `$2`, … by name, for SQLite numbers them as they appear.
fn bind(statement: &mut CachedStatement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for (i, value) in values.iter().enumerate() {
        if let Some(index) = statement.parameter_index(&format!("${}", i + 1))? {
            statement.raw_bind_parameter(index, value)?;
        }
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

fn value(value: ValueRef<'_>) -> Result<Value, Unavailable> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(bytes) => Value::Text(
            String::from_utf8(bytes.to_vec())
                .map_err(|_| Unavailable("the ledger is damaged: a text is not UTF-8".to_owned()))?,
        ),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            return Err(Unavailable("the ledger is damaged: it holds a fraction where none belongs".to_owned()));
        }
    })
}

/// What went wrong, and the way out.
fn explain(error: rusqlite::Error) -> Unavailable {
    let help = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "; another process holds it: try again",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "; let this user write the file and its folder",
        Some(ErrorCode::DiskFull) => "; make room on the disk",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; keep the file, run `reprieve ledger verify`, and restore it from a backup"
        }
        Some(ErrorCode::CannotOpen) => "; look whether its folder is there and may be written to",
        _ => "",
    };
    Unavailable(format!("the ledger (SQLite): {error}{help}"))
}
