//! A connection that reads. What a query may take is bounded, because a view can have rows without end.

use crate::error::LookupError;
use crate::parallel::threads;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a decision waits for a writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum length of a value, and of a row, in bytes.
const MAX_LENGTH: i32 = 4 << 20;
/// The maximum length of a pattern in bytes, because a comparison with it is one step.
const MAX_PATTERN_LENGTH: i32 = 1 << 10;
/// The maximum number of steps of SQLite's virtual machine in one query. A scan of a hundred million rows takes fewer.
pub(super) const MAX_STEPS: u64 = 2_000_000_000;
/// The least length of a file that several connections read, in bytes.
pub(super) const MIN_SHARED_BYTES: u64 = 8 << 20;
/// The maximum number of connections to a file.
const MAX_CONNECTIONS: usize = 4;
/// The number of steps between two checks.
const STEPS_AT_ONCE: i32 = 1_000_000;

/// Opens the file for reading. Links are not followed, because the folder checked the path itself.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN_LENGTH)?;
    rusqlite::vtab::array::load_module(&connection)?;
    Ok(connection)
}

/// Begins a transaction, and reads something: it then sees this moment.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN; SELECT 1 FROM main.sqlite_schema LIMIT 1")
}

/// Connections beside another one, for a file that is long enough.
pub(super) struct Helpers(Vec<(Connection, i64)>);

impl Helpers {
    /// Opens them before the other connection begins its transaction, if the file has this many bytes.
    pub fn open(path: &Path, min_bytes: u64) -> Self {
        let is_long = std::fs::metadata(path).is_ok_and(|metadata| metadata.len() >= min_bytes);
        let count = if is_long { threads().min(MAX_CONNECTIONS).saturating_sub(1) } else { 0 };
        let helper = |_| connect(path).and_then(|helper| Ok((version(&helper)?, helper)));
        Self((0..count).filter_map(|i| helper(i).ok()).map(|(version, helper)| (helper, version)).collect())
    }

    /// Begins their transactions after that of the other connection. A helper for which the file did not change in between
    /// sees what that one sees.
    pub fn begin(self) -> Vec<Connection> {
        let is_same = |(helper, before): &(Connection, i64)| {
            begin(helper).and_then(|()| version(helper)).is_ok_and(|now| now == *before)
        };
        self.0.into_iter().filter(is_same).map(|(helper, _)| helper).collect()
    }
}

/// A number that changes when another connection changes the file.
fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA main.data_version", [], |row| row.get(0))
}

/// Interrupts the next query after the maximum number of steps: a view may have rows without end.
pub(super) fn limit_steps(connection: &Connection, max_steps: u64) {
    let mut steps = 0;
    connection.progress_handler(
        STEPS_AT_ONCE,
        Some(move || {
            steps += STEPS_AT_ONCE as u64;
            steps > max_steps
        }),
    );
}

/// The names of the columns of the inventory.
pub(super) fn columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
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
