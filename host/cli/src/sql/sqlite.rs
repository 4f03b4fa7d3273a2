//! A database in an SQLite file, which is only read.

use super::store::{self, PREFIX};
use super::table::{
    Column, Database, ForeignKey, Named, OnDelete, Place, Reference, Remarks, Row, Table, Text, keys, kind, quote,
};
use crate::error::{fail, with_help};
use anyhow::Context;
use reprieve_readers::sql::{TableName, Uses};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How long to wait for a writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a check may read.
const TIMEOUT: Duration = Duration::from_secs(600);
/// The number of steps between two looks at the clock.
const STEPS_AT_ONCE: i32 = 100_000;
/// The functions that return something else the next time.
const VOLATILE: &[&str] =
    &["changes", "last_insert_rowid", "load_extension", "random", "randomblob", "sqlite_offset", "total_changes"];
/// What the message of a function that the authorizer refused has in front of its name.
const NOT_AUTHORIZED: &str = "not authorized to use function: ";

pub struct Sqlite {
    connection: Connection,
    shown: String,
}

impl Sqlite {
    /// Opens a file and begins a snapshot.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        reprieve::check_database(path)?;
        if !path.exists() {
            return Err(fail(format!("{shown} does not exist"), "name an SQLite file or a postgres:// URL"));
        }
        let connection = connect(path).map_err(explain).with_context(|| shown.clone())?;
        let sql = "SELECT count(*) FROM main.sqlite_schema WHERE name LIKE ?1";
        let own: i64 = connection
            .query_row(sql, [format!("{PREFIX}%")], |row| row.get(0))
            .map_err(explain)
            .with_context(|| shown.clone())?;
        if own > 0 {
            return Err(fail(format!("{shown}: a table has the name of a temporary one"), "rename it"));
        }
        Ok(Self { connection, shown })
    }

    fn query(&self, sql: &str, values: &[&str], each: &mut Row<'_>) -> anyhow::Result<()> {
        let mut statement = self.connection.prepare(sql).map_err(explain)?;
        let width = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(explain)?;
        while let Some(row) = rows.next().map_err(explain)? {
            let value = |i| match row.get_ref(i)? {
                ValueRef::Null => Ok(None),
                ValueRef::Real(number) => Ok(Some(number.to_string())),
                value => store::text(value).map(Some),
            };
            each(&(0..width).map(value).collect::<anyhow::Result<Vec<Text>>>()?)?;
        }
        Ok(())
    }

    /// Returns the first column of each row.
    fn list(&self, sql: &str, values: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut list = Vec::new();
        self.query(sql, values, &mut |row| {
            list.extend(row.first().cloned().flatten());
            Ok(())
        })?;
        Ok(list)
    }

    fn table_of(&self, name: &str) -> anyhow::Result<Table> {
        let sql = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE";
        let mut found = None;
        self.query(sql, &[name], &mut |row| {
            found = row.first().cloned().flatten().zip(row.get(1).cloned().flatten());
            Ok(())
        })?;
        let Some((name, what)) = found else {
            return Err(fail(format!("there is no table `{name}` in {}", self.shown), "check the name of the table"));
        };
        if what != "table" {
            let message = format!("`{name}` is not an ordinary table ({what}): which rows go is not known");
            return Err(fail(message, "delete from the tables that it is made of"));
        }
        let sql = "SELECT name FROM pragma_table_info(?1, 'main') WHERE pk > 0 ORDER BY pk";
        let keys = self.list(sql, &[&name])?;
        if keys.is_empty() {
            return Err(super::no_key(&name));
        }
        let keys = keys.iter().map(|key| Column { sql: quote(key), kind: String::new() }).collect();
        Ok(Table { sql: format!("main.{}", quote(&name)), kind: kind(&[&name])?, keys })
    }
}

/// Opens a file for reading. It cannot attach others, and a name that is in no table is not a text.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    let begun = Instant::now();
    connection.progress_handler(STEPS_AT_ONCE, Some(move || begun.elapsed() > TIMEOUT));
    connection.authorizer(Some(|call: AuthContext<'_>| match call.action {
        AuthAction::Function { function_name } if is_volatile(function_name) => Authorization::Deny,
        _ => Authorization::Allow,
    }));
    connection.execute_batch(store::SETTINGS)?;
    connection.execute_batch("BEGIN; SELECT count(*) FROM main.sqlite_schema;")?;
    Ok(connection)
}

/// Names of functions are the same in every case.
fn is_volatile(function: &str) -> bool {
    VOLATILE.iter().any(|volatile| function.eq_ignore_ascii_case(volatile))
}

fn explain(error: rusqlite::Error) -> anyhow::Error {
    let code = error.sqlite_error_code();
    let text = error.to_string();
    if let Some((_, function)) = text.split_once(NOT_AUTHORIZED) {
        let function = function.split(" in ").next().unwrap_or(function);
        return super::volatile(&format!("the function `{function}`"), "write the statement without it");
    }
    let error = anyhow::Error::from(error).context("SQLite");
    match code {
        Some(ErrorCode::OperationInterrupted) => {
            with_help(error, format!("it took longer than {} s; index the foreign keys", TIMEOUT.as_secs()))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => with_help(error, "try again after the writer"),
        Some(ErrorCode::ConstraintViolation) if text.contains("NOT NULL") => fail(
            "a row that goes has NULL in its primary key, so it has no id",
            "give it a key, or delete it by hand first",
        ),
        _ => error,
    }
}

impl Database for Sqlite {
    fn place(&mut self) -> anyhow::Result<Place> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Place {
            tool: format!("SQLite {}", rusqlite::version()),
            shown: self.shown.clone(),
            at: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        })
    }

    fn table(&mut self, name: &TableName) -> anyhow::Result<Named> {
        let name = match name.parts.as_slice() {
            [name] => name,
            [schema, name] if schema.eq_ignore_ascii_case("main") => name,
            _ => {
                let message = format!("`{}` is not in {}", name.sql, self.shown);
                return Err(fail(message, "only tables of the file itself are read"));
            }
        };
        let table = self.table_of(name)?;
        Ok(Named { sql: table.sql.clone(), name: table.kind.clone(), table })
    }

    fn foreign_keys(&mut self, table: &Table) -> anyhow::Result<Vec<ForeignKey>> {
        let name = bare(table);
        let sql = "SELECT m.name, f.id, f.\"from\", f.\"to\", f.on_delete \
             FROM main.sqlite_schema m JOIN pragma_foreign_key_list(m.name) f \
             WHERE m.type = 'table' AND f.\"table\" = ?1 COLLATE NOCASE ORDER BY m.name, f.id, f.seq";
        let mut parts: Vec<[Text; 5]> = Vec::new();
        self.query(sql, &[&name], &mut |row| {
            parts.extend(<[Text; 5]>::try_from(row.to_vec()).ok());
            Ok(())
        })?;
        let mut found: Vec<(String, Text, ForeignKey)> = Vec::new();
        for [child, id, from, to, on_delete] in parts {
            let (child, from) = child.zip(from).context("a foreign key has no columns")?;
            let is_next = found.last().is_none_or(|(last, last_id, _)| *last != child || *last_id != id);
            if is_next {
                let on_delete = match on_delete.as_deref() {
                    Some("CASCADE") => OnDelete::Cascade,
                    Some("SET NULL" | "SET DEFAULT") => OnDelete::Set,
                    _ => OnDelete::Fail,
                };
                // Only a table whose rows go needs a primary key.
                let table = match on_delete {
                    OnDelete::Cascade => self.table_of(&child)?,
                    _ => Table { sql: child.clone(), kind: child.clone(), keys: Vec::new() },
                };
                found.push((child, id, ForeignKey { child: table, on_delete, columns: Vec::new() }));
            }
            if let Some((_, _, key)) = found.last_mut() {
                // Without columns of the parent, they are those of its primary key.
                let own = || table.keys.get(key.columns.len()).map(|column| column.sql.clone());
                let parent =
                    to.map(|to| quote(&to)).or_else(own).context("a foreign key does not match its parent")?;
                key.columns.push((parent, quote(&from)));
            }
        }
        Ok(found.into_iter().map(|(_, _, key)| key).collect())
    }

    fn remarks(&mut self, table: &Table) -> anyhow::Result<Remarks> {
        let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND upper(sql) LIKE '%DELETE%' \
             AND tbl_name = ?1 COLLATE NOCASE ORDER BY name";
        let name = bare(table);
        let triggers = self.list(sql, &[&name])?;
        let note = format!("triggers of `{}` may delete more, or keep rows: {}", table.kind, triggers.join(", "));
        let notes = if triggers.is_empty() { Vec::new() } else { vec![note] };
        Ok(Remarks { may_delete_more: !notes.is_empty(), notes })
    }

    fn check_uses(&mut self, _: &Uses) -> anyhow::Result<()> {
        // The authorizer sees every function of every query, also those in views.
        Ok(())
    }

    fn drop_cascades(&self) -> bool {
        true
    }

    fn store(&self) -> &Connection {
        &self.connection
    }

    fn take(&mut self, query: &str, number: usize, table: &Table) -> anyhow::Result<()> {
        let (begin, end) = store::insertion(number, table);
        let columns = keys(table, "q.k#");
        let sql = format!("{begin} SELECT {columns} FROM ({query}) AS q WHERE true ORDER BY {columns} {end}");
        self.connection.execute(&sql, []).map(drop).map_err(explain)
    }

    fn follow(&mut self, reference: &Reference, tables: &[Table], after: i64, last: i64) -> anyhow::Result<()> {
        let (parent, child) = (&tables[reference.parent], &tables[reference.child]);
        let (begin, end) = store::insertion(reference.child, child);
        let own = child.keys.iter().map(|key| format!("c.{}", key.sql)).collect::<Vec<_>>().join(", ");
        // The values were copied, so they are compared as they are, which the index of the copy allows.
        let keys = parent.keys.iter().enumerate().map(|(i, key)| format!("g.k{i} = +p.{}", key.sql));
        let keys = keys.collect::<Vec<_>>().join(" AND ");
        let sql = format!(
            "{begin} SELECT {own} FROM {} AS c WHERE EXISTS (SELECT 1 FROM {} AS p \
             JOIN temp.{PREFIX}{} AS g ON {keys} WHERE {} AND g.seq > ?1 AND g.seq <= ?2) ORDER BY {own} {end}",
            child.sql,
            parent.sql,
            reference.parent,
            refers(reference),
        );
        self.connection.execute(&sql, [after, last]).map(drop).map_err(explain)
    }

    fn columns(&mut self, table: &Table) -> anyhow::Result<Vec<String>> {
        let name = bare(table);
        self.list("SELECT name FROM pragma_table_info(?1, 'main')", &[&name])
    }

    fn rows(&mut self, table: &Table, columns: &[String], each: &mut Row<'_>) -> anyhow::Result<()> {
        let keys: Vec<String> = table.keys.iter().map(|key| key.sql.clone()).collect();
        let (order, all) = (keys.join(", "), [keys, columns.to_vec()].concat().join(", "));
        self.query(&format!("SELECT {all} FROM {} ORDER BY {order}", table.sql), &[], each)
    }

    fn pairs(&mut self, reference: &Reference, tables: &[Table], each: &mut Row<'_>) -> anyhow::Result<()> {
        let (parent, child) = (&tables[reference.parent], &tables[reference.child]);
        let columns = |name: &str, table: &Table| -> Vec<String> {
            table.keys.iter().map(|key| format!("{name}.{}", key.sql)).collect()
        };
        let columns: Vec<String> = [columns("p", parent), columns("c", child)].concat();
        let columns = columns.join(", ");
        let sql = format!(
            "SELECT {columns} FROM {} AS c JOIN {} AS p ON {} ORDER BY {columns}",
            child.sql,
            parent.sql,
            refers(reference),
        );
        self.query(&sql, &[], each)
    }
}

/// The name of a table without quotes.
fn bare(table: &Table) -> String {
    let name = table.sql.strip_prefix("main.\"").and_then(|name| name.strip_suffix('"'));
    name.unwrap_or(&table.sql).replace("\"\"", "\"")
}

/// The condition that a row refers to one of the parent. As for a foreign key, the value of the child gets the type of the
/// parent's column, and is compared by its collation: the sign takes away the type that the child's column has.
fn refers(reference: &Reference) -> String {
    let equal = reference.columns.iter().map(|(parent, child)| format!("p.{parent} = +c.{child}"));
    equal.collect::<Vec<_>>().join(" AND ")
}
