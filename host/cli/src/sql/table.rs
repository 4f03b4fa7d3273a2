//! Tables and their foreign keys, and what a database has to answer about them.

use reprieve_readers::sql::{TableName, Uses};
use rusqlite::Connection;

/// A table with a primary key.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name as SQL, which no other table has.
    pub sql: String,
    /// Its name as the kind of its rows.
    pub kind: String,
    /// The columns of its primary key.
    pub keys: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name as SQL.
    pub sql: String,
    /// Its type as SQL.
    pub kind: String,
}

/// A table that a statement names.
pub struct Named {
    /// The table whose rows they are: if the statement names a partition, the partitioned table.
    pub table: Table,
    /// What the statement names, as SQL.
    pub sql: String,
    /// What the statement names, as a kind is written.
    pub name: String,
}

/// What happens to rows that refer to a deleted row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// They are deleted as well.
    Cascade,
    /// They lose the reference.
    Set,
    /// The deletion fails.
    Fail,
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// The table that has it.
    pub child: Table,
    /// What happens to its rows.
    pub on_delete: OnDelete,
    /// The columns as SQL: that of the parent, and that of the child.
    pub columns: Vec<(String, String)>,
}

/// A foreign key by which rows go as well. The tables are numbers in a list.
#[derive(Clone, Debug)]
pub struct Reference {
    pub parent: usize,
    pub child: usize,
    /// The columns as SQL: that of the parent, and that of the child.
    pub columns: Vec<(String, String)>,
}

/// What a table has beside rows and foreign keys.
#[derive(Debug, Default)]
pub struct Remarks {
    /// For people, one line each.
    pub notes: Vec<String>,
    /// Whether something in the database may delete more, which cannot be seen: a trigger or a rule.
    pub may_delete_more: bool,
}

/// Where rows are read from.
pub struct Place {
    /// The program with its version.
    pub tool: String,
    /// For people: the database and the role.
    pub shown: String,
    /// The time of the snapshot, in seconds since 1970.
    pub at: i64,
}

/// A value of a row as text.
pub type Text = Option<String>;

/// Receives the values of a row.
pub type Row<'a> = dyn FnMut(&[Text]) -> anyhow::Result<()> + 'a;

/// One snapshot of a database.
pub trait Database {
    /// Where it is.
    fn place(&mut self) -> anyhow::Result<Place>;

    /// Returns a table by the name that a statement has.
    fn table(&mut self, name: &TableName) -> anyhow::Result<Named>;

    /// Returns the foreign keys that refer to a table.
    fn foreign_keys(&mut self, table: &Table) -> anyhow::Result<Vec<ForeignKey>>;

    /// Returns what else a table has.
    fn remarks(&mut self, table: &Table) -> anyhow::Result<Remarks>;

    /// Refuses what may return something else when the statement runs.
    fn check_uses(&mut self, uses: &Uses) -> anyhow::Result<()>;

    /// Whether a table that is dropped deletes as DELETE does: rows of other tables go as well.
    fn drop_cascades(&self) -> bool;

    /// Where the keys of the rows that go are kept.
    fn store(&self) -> &Connection;

    /// Keeps the keys that a query selects, each once. Its columns are `k0`, `k1` and so on.
    fn take(&mut self, query: &str, number: usize, table: &Table) -> anyhow::Result<()>;

    /// Keeps the keys of the rows that refer to rows that are kept with a sequence number in a range.
    fn follow(&mut self, reference: &Reference, tables: &[Table], after: i64, last: i64) -> anyhow::Result<()>;

    /// Returns the names of the columns of a table.
    fn columns(&mut self, table: &Table) -> anyhow::Result<Vec<String>>;

    /// Passes the key of each row and these columns, given as SQL.
    fn rows(&mut self, table: &Table, columns: &[String], each: &mut Row<'_>) -> anyhow::Result<()>;

    /// Passes the key of each row of the parent with that of each row that refers to it.
    fn pairs(&mut self, reference: &Reference, tables: &[Table], each: &mut Row<'_>) -> anyhow::Result<()>;
}

/// The longest name of a table or a kind that is read, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// Returns the kind of the rows of a table from the parts of its name, quoted where that is needed.
///
/// # Errors
/// A name that could be mistaken for another.
pub fn kind(parts: &[&str]) -> anyhow::Result<String> {
    let quoted = |part: &&str| {
        if part.contains(['.', '"', '`', '\'', '[', ' ']) { quote(part) } else { (*part).to_owned() }
    };
    let kind = parts.iter().map(quoted).collect::<Vec<_>>().join(".");
    let is_unclear = kind.contains('/') || kind.chars().any(char::is_control) || kind.len() > MAX_NAME_BYTES;
    if is_unclear || kind.trim().is_empty() {
        let message = format!("the name of the table `{kind}` has characters that the ids of its rows cannot have");
        return Err(crate::error::fail(message, "read another table, or a list of its keys"));
    }
    Ok(kind)
}

/// Returns a name as SQL.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns `k0, k1` and so on, each as a template has it with `#` for the number.
pub fn keys(table: &Table, template: &str) -> String {
    (0..table.keys.len()).map(|i| template.replace('#', &i.to_string())).collect::<Vec<_>>().join(", ")
}
