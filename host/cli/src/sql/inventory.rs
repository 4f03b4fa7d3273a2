//! The rows of tables as an inventory.

use super::store;
use super::table::{Database, OnDelete, Reference, Row, Table, Text, quote};
use crate::error::fail;
use anyhow::Context;
use clap::Args;
use reprieve_readers::sql::TableName;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The fields that a column may have. The id, the kind and the dependents are known from the table.
const FIELDS: &[&str] = &[
    "tenant",
    "tenants",
    "environment",
    "state",
    "state_since",
    "created_at",
    "last_used_at",
    "size_bytes",
    "legal_hold",
    "retain_until",
    "pool",
    "pool_minimum",
    "owner",
    "contact",
];

/// The fields that are times.
const TIMES: &[&str] = &["state_since", "created_at", "last_used_at", "retain_until"];

/// Which tables and columns an inventory is made from.
#[derive(Args, Debug, Default)]
pub struct InventoryArguments {
    /// A table whose rows are listed, by their primary key; several for several tables
    #[arg(long = "table", value_name = "NAME")]
    tables: Vec<String>,
    /// Read a field from a column of the tables that have it: `--column tenant=account_id`
    #[arg(long = "column", value_name = "FIELD=COLUMN", value_parser = field)]
    columns: Vec<(String, String)>,
    /// What times without a time zone are in: `UTC`, or an offset such as `+01:00`
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    zone: Option<String>,
}

impl InventoryArguments {
    /// Refuses these arguments where there is no database.
    pub fn refuse(&self) -> anyhow::Result<()> {
        if self.tables.is_empty() && self.columns.is_empty() && self.zone.is_none() {
            return Ok(());
        }
        Err(fail(
            "`--table`, `--column` and `--zone` are for databases",
            "name `postgres` or `sqlite` instead of a format",
        ))
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if FIELDS.contains(&field) && !column.is_empty() => {
            Ok((field.to_owned(), column.to_owned()))
        }
        Some((field, column)) if !column.is_empty() => {
            Err(match reprieve::model::did_you_mean(field, FIELDS.iter().copied()) {
                Some(near) => format!("there is no field `{field}`; did you mean `{near}`?"),
                None => format!("there is no field `{field}`; the fields are {}", FIELDS.join(", ")),
            })
        }
        _ => Err("expected FIELD=COLUMN, for example `tenant=account_id`".to_owned()),
    }
}

fn zone(text: &str) -> Result<String, String> {
    let is_known = reprieve::model::Timestamp::parse(&format!("2000-01-01T00:00:00{text}")).is_ok();
    match text {
        "UTC" => Ok("Z".to_owned()),
        offset if is_known => Ok(offset.to_owned()),
        _ => Err("expected `UTC`, or an offset such as `+01:00`".to_owned()),
    }
}

/// Adds a zone to a time that has none: `2030-01-31 12:00:00`, with a fraction or without.
fn with_zone(time: String, zone: &str) -> String {
    let (date, clock) = time.split_at_checked(10).unwrap_or((&time, ""));
    let is_time = |text: &str, marks: &str| text.chars().all(|c| c.is_ascii_digit() || marks.contains(c));
    let has_none = is_time(date, "-") && clock.strip_prefix([' ', 'T']).is_some_and(|clock| is_time(clock, ":."));
    if has_none { time + zone } else { time }
}

/// Passes every row of the tables as the row of an inventory. Returns notes for people.
pub fn inventory(
    database: &mut dyn Database,
    arguments: &InventoryArguments,
    mut each: impl FnMut(Map<String, Value>) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<String>> {
    if arguments.tables.is_empty() {
        return Err(fail("no table is named", "name each with `--table NAME`"));
    }
    let mut tables: Vec<Table> = Vec::new();
    for name in &arguments.tables {
        let name = TableName { sql: name.clone(), parts: vec![name.clone()] };
        let table = database.table(&name)?.table;
        if tables.iter().any(|known| known.sql == table.sql) {
            return Err(fail(format!("the table `{}` is named twice", table.kind), "name it once"));
        }
        tables.push(table);
    }
    let columns: Vec<BTreeSet<String>> = tables
        .iter()
        .map(|table| Ok(database.columns(table)?.into_iter().collect()))
        .collect::<anyhow::Result<_>>()?;
    for (field, column) in &arguments.columns {
        if !columns.iter().any(|names| names.contains(column)) {
            let names: BTreeSet<&str> = columns.iter().flatten().map(String::as_str).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("no table has the column `{column}`, of which `{field}` is to be read");
            return Err(fail(message, format!("the columns are {names}")));
        }
    }
    let mut notes = BTreeSet::new();
    let store = store::open()?;
    for (number, (table, names)) in tables.iter().zip(&columns).enumerate() {
        let remarks = database.remarks(table)?;
        notes.extend(remarks.notes);
        let dependents = Dependents::read(database, &store, number, table)?;
        for child in dependents.tables.iter().filter(|child| !tables.iter().any(|known| known.sql == child.sql)) {
            notes.insert(format!(
                "rows of `{}` go with those of `{}`, and are not in the inventory: add `--table {}`",
                child.kind, table.kind, child.kind
            ));
        }
        let fields: Vec<&(String, String)> =
            arguments.columns.iter().filter(|(_, column)| names.contains(column)).collect();
        let sources: Vec<String> = fields.iter().map(|(_, column)| quote(column)).collect();
        database.rows(table, &sources, &mut |values: &[Text]| {
            let key = key(values.get(..table.keys.len()).unwrap_or_default())?;
            let mut row = Map::new();
            row.insert("id".to_owned(), json!(format!("{}/{key}", table.kind)));
            row.insert("kind".to_owned(), json!(table.kind));
            for ((field, _), value) in fields.iter().zip(values.iter().skip(table.keys.len())) {
                if let Some(value) = value.clone() {
                    let value = match &arguments.zone {
                        Some(zone) if TIMES.contains(&field.as_str()) => with_zone(value, zone),
                        _ => value,
                    };
                    row.insert(field.clone(), json!(value));
                }
            }
            let dependents = dependents.of(&key)?;
            // A trigger may delete what no foreign key says.
            if !dependents.is_empty() || !remarks.may_delete_more {
                row.insert("dependents".to_owned(), json!(dependents));
            }
            each(row)
        })?;
    }
    Ok(notes.into_iter().collect())
}

/// The id of a row within its table, from the values of its key.
fn key(values: &[Text]) -> anyhow::Result<String> {
    let parts: Option<Vec<String>> = values.iter().cloned().collect();
    Ok(store::id(&parts.context("a column of the primary key is NULL")?))
}

/// The rows that go with the rows of a table, in a temporary table.
struct Dependents<'a> {
    store: &'a Connection,
    /// The number of the table.
    number: usize,
    /// The tables that they are of.
    tables: Vec<Table>,
}

impl<'a> Dependents<'a> {
    /// Reads the rows that refer to those of a table by foreign keys with ON DELETE CASCADE.
    fn read(
        database: &mut dyn Database,
        store: &'a Connection,
        number: usize,
        table: &Table,
    ) -> anyhow::Result<Self> {
        store.execute_batch(&format!(
            "CREATE TEMP TABLE pairs_{number} (parent TEXT NOT NULL, child TEXT NOT NULL)"
        ))?;
        let mut insert = store.prepare(&format!("INSERT INTO pairs_{number} VALUES (?1, ?2)"))?;
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        for foreign_key in database.foreign_keys(table)? {
            if foreign_key.on_delete != OnDelete::Cascade {
                continue;
            }
            let child = foreign_key.child;
            let pair = [table.clone(), child.clone()];
            let reference = Reference { parent: 0, child: 1, columns: foreign_key.columns };
            let each: &mut Row<'_> = &mut |values: &[Text]| {
                let (parent, own) = values.split_at_checked(table.keys.len()).context("a row has too few columns")?;
                insert.execute([key(parent)?, format!("{}/{}", child.kind, key(own)?)])?;
                Ok(())
            };
            database.pairs(&reference, &pair, each)?;
            tables.insert(child.sql.clone(), child);
        }
        drop(insert);
        store.execute_batch(&format!("CREATE INDEX temp.pairs_of_{number} ON pairs_{number} (parent)"))?;
        Ok(Self { store, number, tables: tables.into_values().collect() })
    }

    /// The ids of those that go with a row. A row that goes with itself is left out.
    fn of(&self, key: &str) -> anyhow::Result<Vec<String>> {
        if self.tables.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT DISTINCT child FROM temp.pairs_{} WHERE parent = ?1 ORDER BY child", self.number);
        let mut statement = self.store.prepare_cached(&sql)?;
        let ids = statement.query_map([key], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }
}
