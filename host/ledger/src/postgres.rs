//! A ledger in a PostgreSQL database, for a fleet.

use crate::database::{Database, Row, Transaction, Value, not_stored};
use crate::server::{Server, ServerError, message};
use postgres::error::SqlState;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Statement};
use reprieve::ledger::LedgerError;
use std::collections::HashMap;
use std::error::Error;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The bytes of a blob that are sent at once.
const MAX_PART_BYTES: u64 = 16 << 20;

/// The timeout of a statement, and two guarantees. A commit that was acknowledged survives a crash of the server. And nothing
/// comes between the ledger and its tables: besides [`Server::connect`], which makes a row policy an error, the names of
/// functions and operators are those of PostgreSQL first, and a role that replicates does not skip what is in force for others.
const SESSION_SETTINGS: &str = "SET statement_timeout = '60s'; \
     SELECT set_config('search_path', quote_ident(current_schema()), false) WHERE current_schema() IS NOT NULL; \
     SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// The maximum number of sessions. While one writes, others read what the next decisions depend on.
const MAX_SESSIONS: usize = 8;

pub(crate) struct PostgresStore(Arc<Pool>);

/// The sessions of a store, which a transaction returns to.
struct Pool {
    server: Server,
    sessions: Mutex<Sessions>,
    returned: Condvar,
}

#[derive(Default)]
struct Sessions {
    idle: Vec<Session>,
    /// How many there are, idle or in use.
    count: usize,
}

struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

impl PostgresStore {
    /// Connects to the database at a URL. `password` is used if the URL contains none.
    pub fn open(url: &str, password: Option<&str>) -> Result<Self, LedgerError> {
        let server = Server::new(url, password).map_err(unreachable)?;
        let store = Self(Arc::new(Pool { server, sessions: Mutex::default(), returned: Condvar::new() }));
        drop(store.read()?);
        Ok(store)
    }

    fn begin(&self, sql: &str) -> Result<Box<dyn Transaction>, LedgerError> {
        let mut transaction = self.0.session()?;
        if let Err(error) = transaction.define(sql) {
            if transaction.session.as_ref().is_some_and(|session| !session.client.is_closed()) {
                return Err(error);
            }
            // The server was restarted since the session was last used, and the others are lost as well.
            drop(transaction);
            self.0.forget_idle();
            transaction = self.0.session()?;
            transaction.define(sql)?;
        }
        Ok(Box::new(transaction))
    }
}

impl Pool {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an idle session, or opens one. Waits while all are in use.
    fn session(self: &Arc<Self>) -> Result<PostgresTransaction, LedgerError> {
        let all_in_use = |sessions: &mut Sessions| sessions.idle.is_empty() && sessions.count >= MAX_SESSIONS;
        let sessions = self.returned.wait_while(self.sessions(), all_in_use);
        let mut sessions = sessions.unwrap_or_else(PoisonError::into_inner);
        let mut transaction =
            PostgresTransaction { pool: Arc::clone(self), session: sessions.idle.pop(), committed: false };
        if transaction.session.is_none() {
            sessions.count += 1;
            drop(sessions);
            let mut client = self.server.connect().map_err(unreachable)?;
            client.batch_execute(SESSION_SETTINGS).map_err(explain)?;
            transaction.session = Some(Session { client, statements: HashMap::new() });
        }
        Ok(transaction)
    }

    fn forget_idle(&self) {
        let mut sessions = self.sessions();
        sessions.count -= sessions.idle.len();
        sessions.idle.clear();
    }
}

/// Classifies an error of a connection.
fn unreachable(error: ServerError) -> LedgerError {
    let (message, help) = (format!("the ledger (PostgreSQL): {error}"), error.help());
    match (error, help) {
        (ServerError::Server(error), _) => explain(error),
        (ServerError::Url, Some(help)) => LedgerError::misuse("the URL of the ledger is invalid").with_help(help),
        (_, Some(help)) => LedgerError::unavailable(message).with_help(help),
        (_, None) => LedgerError::unavailable(message),
    }
}

impl Database for PostgresStore {
    fn read(&self) -> Result<Box<dyn Transaction>, LedgerError> {
        self.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn write(&self) -> Result<Box<dyn Transaction>, LedgerError> {
        // The lock admits one writer at a time, in the order of arrival. Each then reads what the previous one wrote.
        self.begin("BEGIN; SELECT pg_advisory_xact_lock(hashtext('reprieve ledger'))")
    }

    fn column_types(&self) -> (&'static str, &'static str) {
        ("BIGINT", "BYTEA")
    }

    fn expected_objects(&self) -> &'static str {
        include_str!("schema/postgres.txt")
    }
}

struct PostgresTransaction {
    pool: Arc<Pool>,
    /// `None` if it could not be opened.
    session: Option<Session>,
    committed: bool,
}

impl PostgresTransaction {
    fn session(&mut self) -> Result<&mut Session, LedgerError> {
        self.session.as_mut().ok_or_else(|| LedgerError::unavailable("the ledger (PostgreSQL): there is no session"))
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, LedgerError> {
        let session = self.session()?;
        if let Some(statement) = session.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = session.client.prepare(sql).map_err(explain)?;
        session.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        let session = self.session.take();
        // If it cannot be rolled back, its state is unknown, and it is not used again.
        let session = session.and_then(|mut session| {
            let is_usable = self.committed || session.client.batch_execute("ROLLBACK").is_ok();
            is_usable.then_some(session)
        });
        let mut sessions = self.pool.sessions();
        match session {
            Some(session) => sessions.idle.push(session),
            None => sessions.count -= 1,
        }
        drop(sessions);
        self.pool.returned.notify_one();
    }
}

impl Transaction for PostgresTransaction {
    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, LedgerError> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.session()?.client.query(&statement, &values).map_err(explain)?;
        rows.iter().map(|row| (0..row.len()).map(|i| value(row, i)).collect::<Result<_, _>>().map(Row)).collect()
    }

    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, LedgerError> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        self.session()?.client.execute(&statement, &values).map_err(explain)
    }

    fn objects(&mut self) -> Result<Vec<String>, LedgerError> {
        let rows = self.query(include_str!("schema/postgres.sql"), &[])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    fn store_blob(&mut self, sha256: &str, content: &mut dyn Read, _: u64) -> Result<(), LedgerError> {
        let mut part = || {
            let mut bytes = Vec::new();
            let read = content.take(MAX_PART_BYTES).read_to_end(&mut bytes);
            read.map(|_| bytes).map_err(|error| not_stored(sha256, &error))
        };
        let insert = "INSERT INTO blobs (sha256, bytes) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING \
             RETURNING sha256";
        let mut is_stored = self.query(insert, &[sha256.into(), Value::Bytes(part()?)])?.is_empty();
        while !is_stored {
            let bytes = part()?;
            is_stored = bytes.is_empty();
            if !is_stored {
                let append = "UPDATE blobs SET bytes = bytes || $2 WHERE sha256 = $1";
                self.execute(append, &[sha256.into(), Value::Bytes(bytes)])?;
            }
        }
        Ok(())
    }

    fn has_table(&mut self, name: &str) -> Result<bool, LedgerError> {
        let sql = "SELECT table_name FROM information_schema.tables \
             WHERE table_name = CAST($1 AS TEXT) AND table_schema = current_schema()";
        Ok(!self.query(sql, &[name.into()])?.is_empty())
    }

    fn define(&mut self, sql: &str) -> Result<(), LedgerError> {
        self.session()?.client.batch_execute(sql).map_err(explain)
    }

    fn clock(&mut self) -> Result<i64, LedgerError> {
        let rows = self.query("SELECT CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)", &[])?;
        let row = rows.first();
        row.ok_or_else(|| LedgerError::unavailable("the ledger (PostgreSQL): the server returned no time"))?.int(0)
    }

    /// The server checks its files itself, with checksums.
    fn integrity_flaw(&mut self) -> Result<Option<String>, LedgerError> {
        Ok(None)
    }

    fn commit(mut self: Box<Self>) -> Result<(), LedgerError> {
        let committed = self.define("COMMIT");
        self.committed = committed.is_ok();
        committed.map_err(|error| {
            let message = format!("{error}; it is unknown whether this was recorded, and if it was, it counts");
            LedgerError::unavailable(message).with_help("read the ledger before you try again")
        })
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

fn value(row: &postgres::Row, i: usize) -> Result<Value, LedgerError> {
    let kind = row.columns().get(i).map(postgres::Column::type_);
    Ok(match kind {
        Some(kind) if *kind == Type::INT8 => {
            row.try_get::<_, Option<i64>>(i).map_err(explain)?.map_or(Value::Null, Value::Int)
        }
        Some(kind) if *kind == Type::BYTEA => {
            row.try_get::<_, Option<Vec<u8>>>(i).map_err(explain)?.map_or(Value::Null, Value::Bytes)
        }
        _ => row.try_get::<_, Option<String>>(i).map_err(explain)?.map_or(Value::Null, Value::Text),
    })
}

/// Classifies an error of PostgreSQL.
fn explain(error: postgres::Error) -> LedgerError {
    let message = format!("the ledger (PostgreSQL): {}", message(&error));
    match error.code() {
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => LedgerError::conflict(message),
        // The SQL is fixed, so an unknown name or a wrong type means that the tables are not those of the schema.
        Some(code) if SCHEMA_ERRORS.contains(&code) => {
            LedgerError::damaged(message).with_help("restore the ledger from a backup")
        }
        _ => LedgerError::unavailable(message),
    }
}

const SCHEMA_ERRORS: [&SqlState; 3] =
    [&SqlState::UNDEFINED_TABLE, &SqlState::UNDEFINED_COLUMN, &SqlState::DATATYPE_MISMATCH];
