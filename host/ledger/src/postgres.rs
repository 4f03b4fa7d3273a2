//! A ledger in PostgreSQL: for a fleet.

use crate::database::{Database, Row, Transaction, Value};
use postgres::config::{Host, SslMode};
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};
use reprieve::Unavailable;
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long to wait for the server, and in it for others. And what was said to be recorded has to outlive the server.
const SETTINGS: &str = "SET lock_timeout = '20s'; SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '120s'; \
     SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local')";

pub(crate) struct Postgres {
    config: Config,
    session: Mutex<Option<Session>>,
}

struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

impl Postgres {
    /// Connects to the database at a URL. Where the URL has no password, `password` is taken.
    pub fn open(url: &str, password: Option<&str>) -> Result<Self, Unavailable> {
        // What the parser says of a wrong URL may repeat the password in it.
        let mut config: Config = url.parse().map_err(|_| {
            Unavailable("the ledger's URL cannot be read\nhelp: postgres://user@host:5432/database".to_owned())
        })?;
        if let (None, Some(password)) = (config.get_password(), password) {
            config.password(password);
        }
        config.application_name("reprieve").connect_timeout(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(30));
        if is_remote(&config) && config.get_ssl_mode() != SslMode::Disable {
            // What stands in between could otherwise say that the server has no TLS.
            config.ssl_mode(SslMode::Require);
        }
        let postgres = Self { config, session: Mutex::new(None) };
        drop(postgres.read()?);
        Ok(postgres)
    }

    /// Connects, with TLS unless the URL says `sslmode=disable` or the server is reached through a socket of this
    /// machine. The server's certificate has to be one that this machine trusts.
    fn connect(&self) -> Result<Client, Unavailable> {
        if !is_remote(&self.config) || self.config.get_ssl_mode() == SslMode::Disable {
            return self.config.connect(NoTls).map_err(explain);
        }
        match MakeRustlsConnect::with_native_certs() {
            Ok((tls, _)) => self.config.connect(tls).map_err(explain),
            Err(_) => Err(Unavailable(
                "the ledger (PostgreSQL): this machine has no certificates to check the server's by\nhelp: install \
                 `ca-certificates`, set SSL_CERT_FILE, or say `sslmode=disable` in the URL"
                    .to_owned(),
            )),
        }
    }

    fn begin(&self, how: &str) -> Result<Box<dyn Transaction + '_>, Unavailable> {
        let mut session = self.session.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if session.as_ref().is_none_or(|session| session.client.is_closed()) {
            *session = None;
            let mut client = self.connect()?;
            client.batch_execute(SETTINGS).map_err(explain)?;
            *session = Some(Session { client, statements: HashMap::new() });
        }
        let mut running = Running { session, done: false };
        running.define(how)?;
        Ok(Box::new(running))
    }
}

/// Whether the server is reached otherwise than through a socket of this machine.
fn is_remote(config: &Config) -> bool {
    !config.get_hostaddrs().is_empty() || config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)))
}

impl Database for Postgres {
    fn read(&self) -> Result<Box<dyn Transaction + '_>, Unavailable> {
        self.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn write(&self) -> Result<Box<dyn Transaction + '_>, Unavailable> {
        // One writer at a time, in the order in which they came; what each reads after that is what the last one left.
        self.begin("BEGIN; SELECT pg_advisory_xact_lock(hashtext('reprieve ledger'))")
    }

    fn types(&self) -> (&'static str, &'static str) {
        ("BIGINT", "BYTEA")
    }
}

struct Running<'a> {
    session: MutexGuard<'a, Option<Session>>,
    done: bool,
}

impl Running<'_> {
    fn session(&mut self) -> Result<&mut Session, Unavailable> {
        self.session.as_mut().ok_or_else(|| Unavailable("the ledger (PostgreSQL): the connection is lost".to_owned()))
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, Unavailable> {
        let session = self.session()?;
        if let Some(statement) = session.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = session.client.prepare(sql).map_err(explain)?;
        session.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.as_mut().filter(|_| !self.done) else { return };
        if session.client.batch_execute("ROLLBACK").is_err() {
            // Nobody knows what state it is in; the next transaction has a connection of its own.
            *self.session = None;
        }
    }
}

impl Transaction for Running<'_> {
    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, Unavailable> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.session()?.client.query(&statement, &values).map_err(explain)?;
        rows.iter().map(|row| (0..row.len()).map(|i| value(row, i)).collect::<Result<_, _>>().map(Row)).collect()
    }

    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), Unavailable> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        self.session()?.client.execute(&statement, &values).map(drop).map_err(explain)
    }

    fn has_table(&mut self, name: &str) -> Result<bool, Unavailable> {
        let sql = "SELECT table_name FROM information_schema.tables \
             WHERE table_name = CAST($1 AS TEXT) AND table_schema = current_schema()";
        Ok(!self.query(sql, &[name.into()])?.is_empty())
    }

    fn define(&mut self, sql: &str) -> Result<(), Unavailable> {
        self.session()?.client.batch_execute(sql).map_err(explain)
    }

    fn clock(&mut self) -> Result<i64, Unavailable> {
        let rows = self.query("SELECT CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)", &[])?;
        rows.first().ok_or_else(|| Unavailable("the ledger (PostgreSQL) has no clock".to_owned()))?.int(0)
    }

    /// What the server stores it watches itself, with checksums.
    fn flaw(&mut self) -> Result<Option<String>, Unavailable> {
        Ok(None)
    }

    fn commit(mut self: Box<Self>) -> Result<(), Unavailable> {
        let committed = self.define("COMMIT");
        self.done = committed.is_ok();
        committed.map_err(|error| {
            Unavailable(format!("{error}; whether it was recorded nobody knows, so it counts if it was"))
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

fn value(row: &postgres::Row, i: usize) -> Result<Value, Unavailable> {
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

/// What went wrong; where the server said more than the library, that as well.
fn explain(error: postgres::Error) -> Unavailable {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    Unavailable(format!("the ledger (PostgreSQL): {error}{cause}"))
}
