//! The keys of the rows that go, in temporary tables of SQLite: on disk where they do not fit into memory.

use super::table::{Table, keys};
use anyhow::Context;
use reprieve_readers::{Action, Item};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// What the names of the temporary tables begin with.
pub const PREFIX: &str = "reprieve_keys_";

/// The settings of a connection whose temporary tables are large.
pub const SETTINGS: &str =
    "PRAGMA temp.cache_size = -65536; PRAGMA temp.journal_mode = OFF; PRAGMA temp_store = FILE;";

/// Opens a store of its own. It has no name, and ends with the connection.
pub fn open() -> anyhow::Result<Connection> {
    let connection = Connection::open("").context("no temporary file")?;
    connection.execute_batch(SETTINGS).context("no temporary file")?;
    connection.execute_batch("BEGIN").context("no temporary file")?;
    Ok(connection)
}

/// Creates the table for the keys of a table.
pub fn create(store: &Connection, number: usize, table: &Table) -> anyhow::Result<()> {
    let (columns, unique) = (keys(table, "k# NOT NULL"), keys(table, "k#"));
    let sql = format!("CREATE TEMP TABLE {PREFIX}{number} (seq INTEGER PRIMARY KEY, {columns}, UNIQUE ({unique}))");
    store.execute_batch(&sql).context("no temporary file")
}

/// The statement that keeps keys which follow it as VALUES or SELECT, and the end of that statement.
pub fn insertion(number: usize, table: &Table) -> (String, String) {
    let columns = keys(table, "k#");
    (
        format!("INSERT INTO temp.{PREFIX}{number} ({columns})"),
        // A key that is NULL is an error. It is not ignored.
        format!("ON CONFLICT ({columns}) DO NOTHING"),
    )
}

/// The sequence number of the last key of a table, or 0.
pub fn last(store: &Connection, number: usize) -> anyhow::Result<i64> {
    let sql = format!("SELECT coalesce(max(seq), 0) FROM temp.{PREFIX}{number}");
    store.query_row(&sql, [], |row| row.get(0)).context("the temporary file")
}

/// Passes an item for each key of a table, in the order in which they were kept.
pub fn items(
    store: &Connection,
    number: usize,
    table: &Table,
    verb: &'static str,
    mut each: impl FnMut(Item) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let columns = keys(table, "k#");
    let sql = format!("SELECT {columns} FROM temp.{PREFIX}{number} ORDER BY seq");
    let mut statement = store.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key: Vec<String> =
            (0..table.keys.len()).map(|i| text(row.get_ref(i)?)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut item = Item::new(id(&key), Action::Delete).kind(&table.kind);
        item.is_of_kind = true;
        item.details.push(("statement", verb.to_owned()));
        each(item)?;
    }
    Ok(())
}

/// Returns the id of a row within its table.
pub fn id(key: &[String]) -> String {
    match key {
        [only] => only.clone(),
        parts => reprieve::join_id(parts),
    }
}

/// Returns a value of a key as text.
pub fn text(value: ValueRef<'_>) -> anyhow::Result<String> {
    match value {
        ValueRef::Integer(number) => Ok(number.to_string()),
        ValueRef::Text(bytes) => {
            Ok(str::from_utf8(bytes).ok().context("a value of the primary key is not UTF-8")?.to_owned())
        }
        ValueRef::Blob(bytes) => Ok(hex::encode(bytes)),
        ValueRef::Real(number) => anyhow::bail!("the key {number} is a number with a fraction, and not exact"),
        ValueRef::Null => anyhow::bail!("a column of the primary key is NULL"),
    }
}

/// Returns a batch of keys by their sequence numbers: the values of each column, as text.
pub fn batch(
    store: &Connection,
    number: usize,
    table: &Table,
    after: i64,
    last: i64,
) -> anyhow::Result<Vec<Vec<String>>> {
    let columns = keys(table, "k#");
    let sql = format!("SELECT {columns} FROM temp.{PREFIX}{number} WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
    let mut statement = store.prepare_cached(&sql)?;
    let mut rows = statement.query([after, last])?;
    let mut batch = vec![Vec::new(); table.keys.len()];
    while let Some(row) = rows.next()? {
        for (i, column) in batch.iter_mut().enumerate() {
            column.push(text(row.get_ref(i)?)?);
        }
    }
    Ok(batch)
}
