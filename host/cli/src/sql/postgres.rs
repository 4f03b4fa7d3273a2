//! A database on a PostgreSQL server, in one transaction that only reads.

use super::catalogue;
use super::query::{explain, query};
use super::store;
use super::table::{Database, ForeignKey, Named, Place, Reference, Remarks, Row, Table, keys};
use super::volatile;
use crate::error::with_help;
use anyhow::Context;
use postgres::Client;
use postgres::types::ToSql;
use reprieve_ledger::Server;
use reprieve_readers::sql::{TableName, Uses};
use rusqlite::Connection;

/// The settings beside those of every session. The transaction sees one moment, and cannot write.
const BEGIN: &str = "SET statement_timeout = '600s'; SET idle_in_transaction_session_timeout = '600s'; \
     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The number of keys whose references are looked up at once.
const BATCH: i64 = 5_000;

pub struct Postgres {
    client: Client,
    store: Connection,
}

impl Postgres {
    /// Connects to the database at a URL and begins a snapshot.
    pub fn open(url: &str) -> anyhow::Result<Self> {
        let password = std::env::var("PGPASSWORD").ok();
        let connect = || Server::new(url, password.as_deref())?.connect();
        let mut client = connect().map_err(|error| match error.help() {
            Some(help) => with_help(anyhow::Error::from(error).context("PostgreSQL"), help),
            None => anyhow::Error::from(error).context("PostgreSQL"),
        })?;
        client.batch_execute(BEGIN).map_err(explain)?;
        Ok(Self { client, store: store::open()? })
    }

    /// Keeps the keys that a query selects.
    fn keep(
        &mut self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        number: usize,
        table: &Table,
    ) -> anyhow::Result<()> {
        let (begin, end) = store::insertion(number, table);
        let mut insert = self.store.prepare(&format!("{begin} VALUES ({}) {end}", keys(table, "?")))?;
        query(&mut self.client, sql, values, &mut |row| {
            insert.execute(rusqlite::params_from_iter(row)).context("the temporary file")?;
            Ok(())
        })
    }
}

impl Database for Postgres {
    fn place(&mut self) -> anyhow::Result<Place> {
        catalogue::place(&mut self.client)
    }

    fn table(&mut self, name: &TableName) -> anyhow::Result<Named> {
        catalogue::table(&mut self.client, &name.sql)
    }

    fn foreign_keys(&mut self, table: &Table) -> anyhow::Result<Vec<ForeignKey>> {
        catalogue::foreign_keys(&mut self.client, table)
    }

    fn remarks(&mut self, table: &Table) -> anyhow::Result<Remarks> {
        catalogue::remarks(&mut self.client, table)
    }

    fn check_uses(&mut self, uses: &Uses) -> anyhow::Result<()> {
        volatile::check(&mut self.client, uses)
    }

    fn drop_cascades(&self) -> bool {
        false
    }

    fn store(&self) -> &Connection {
        &self.store
    }

    fn take(&mut self, query: &str, number: usize, table: &Table) -> anyhow::Result<()> {
        let (texts, order) = (keys(table, "CAST(q.k# AS text)"), keys(table, "q.k#"));
        self.keep(&format!("SELECT {texts} FROM ({query}) AS q ORDER BY {order}"), &[], number, table)
    }

    fn follow(&mut self, reference: &Reference, tables: &[Table], after: i64, last: i64) -> anyhow::Result<()> {
        let (parent, child) = (&tables[reference.parent], &tables[reference.child]);
        let (texts, own) = (texts("c", child), columns("c", child));
        let arrays = (1..=parent.keys.len()).map(|i| format!("CAST(${i} AS text[])")).collect::<Vec<_>>().join(", ");
        let equal =
            |(i, key): (usize, &super::table::Column)| format!("p.{} = CAST(g.k{i} AS {})", key.sql, key.kind);
        let equal = parent.keys.iter().enumerate().map(equal).collect::<Vec<_>>().join(" AND ");
        let sql = format!(
            "SELECT {texts} FROM {} AS c JOIN {} AS p ON {} JOIN unnest({arrays}) AS g ({}) ON {equal} ORDER BY {own}",
            child.sql,
            parent.sql,
            refers(reference),
            keys(parent, "k#"),
        );
        let mut from = after;
        while from < last {
            let to = last.min(from.saturating_add(BATCH));
            let batch = store::batch(&self.store, reference.parent, parent, from, to)?;
            let values: Vec<&(dyn ToSql + Sync)> = batch.iter().map(|column| column as _).collect();
            self.keep(&sql, &values, reference.child, child)?;
            from = to;
        }
        Ok(())
    }

    fn columns(&mut self, table: &Table) -> anyhow::Result<Vec<String>> {
        catalogue::columns(&mut self.client, table)
    }

    fn rows(&mut self, table: &Table, columns: &[String], each: &mut Row<'_>) -> anyhow::Result<()> {
        let own = table.keys.iter().map(|key| &key.sql).chain(columns);
        let texts = own.map(|column| format!("CAST({column} AS text)")).collect::<Vec<_>>().join(", ");
        let order = table.keys.iter().map(|key| key.sql.as_str()).collect::<Vec<_>>().join(", ");
        query(&mut self.client, &format!("SELECT {texts} FROM {} ORDER BY {order}", table.sql), &[], each)
    }

    fn pairs(&mut self, reference: &Reference, tables: &[Table], each: &mut Row<'_>) -> anyhow::Result<()> {
        let (parent, child) = (&tables[reference.parent], &tables[reference.child]);
        let sql = format!(
            "SELECT {}, {} FROM {} AS c JOIN {} AS p ON {} ORDER BY {}, {}",
            texts("p", parent),
            texts("c", child),
            child.sql,
            parent.sql,
            refers(reference),
            columns("p", parent),
            columns("c", child),
        );
        query(&mut self.client, &sql, &[], each)
    }
}

/// The columns of the key of a table.
fn columns(name: &str, table: &Table) -> String {
    table.keys.iter().map(|key| format!("{name}.{}", key.sql)).collect::<Vec<_>>().join(", ")
}

/// The columns of the key of a table as text.
fn texts(name: &str, table: &Table) -> String {
    table.keys.iter().map(|key| format!("CAST({name}.{} AS text)", key.sql)).collect::<Vec<_>>().join(", ")
}

/// The condition that a row refers to one of the parent.
fn refers(reference: &Reference) -> String {
    let equal = reference.columns.iter().map(|(parent, child)| format!("p.{parent} = c.{child}"));
    equal.collect::<Vec<_>>().join(" AND ")
}
