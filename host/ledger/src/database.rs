//! What the ledger needs from a database. Every statement is written once, in the SQL that SQLite and PostgreSQL share;
//! the differences are in `sqlite.rs` and `postgres.rs`.

use reprieve::ledger::LedgerError;
use serde::de::value::Error as WordError;
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::io::Read;

/// A value in a row, or a parameter of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row of a query result.
#[derive(Debug)]
pub(crate) struct Row(pub Vec<Value>);

/// A database that holds a ledger.
pub(crate) trait Database: Send + Sync {
    /// Begins a transaction that reads one consistent snapshot.
    fn read(&self) -> Result<Box<dyn Transaction>, LedgerError>;

    /// Begins a transaction that writes. There is at most one at a time.
    fn write(&self) -> Result<Box<dyn Transaction>, LedgerError>;

    /// The column types for integers and for bytes.
    fn column_types(&self) -> (&'static str, &'static str);

    /// The objects of a ledger of this version, as [`Transaction::objects`] describes them.
    fn expected_objects(&self) -> &'static str;
}

/// A transaction. It is rolled back if it is dropped without a commit. Threads may hand it on to each other.
pub(crate) trait Transaction: Send {
    /// Returns the rows of a query.
    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, LedgerError>;

    /// Runs a statement that returns no rows. Returns the number of rows that it changed.
    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, LedgerError>;

    /// Describes every object that the ledger's tables consist of, and every one that could change what is read from or
    /// written to them: one line for each, in any order.
    fn objects(&mut self) -> Result<Vec<String>, LedgerError>;

    /// Whether the objects are the same as when [`objects_are_checked`](Self::objects_are_checked) was called last, if the
    /// database can tell that at once.
    fn objects_are_as_checked(&mut self) -> Result<bool, LedgerError> {
        Ok(false)
    }

    /// Remembers that the objects are those of a ledger, once this transaction is committed.
    fn objects_are_checked(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Stores the `length` bytes of a compressed blob, part by part, unless another process stored it first.
    fn store_blob(&mut self, sha256: &str, content: &mut dyn Read, length: u64) -> Result<(), LedgerError>;

    /// Whether a table of this name exists.
    fn has_table(&mut self, name: &str) -> Result<bool, LedgerError>;

    /// Runs statements that define tables.
    fn define(&mut self, sql: &str) -> Result<(), LedgerError>;

    /// Seconds since 1970 by the clock of the database.
    fn clock(&mut self) -> Result<i64, LedgerError>;

    /// Checks the files of the database and returns the first flaw, if the database supports that.
    fn integrity_flaw(&mut self) -> Result<Option<String>, LedgerError>;

    /// Commits the transaction.
    fn commit(self: Box<Self>) -> Result<(), LedgerError>;
}

/// An error while the compressed form of a blob is read or written.
pub(crate) fn not_stored(sha256: &str, error: &std::io::Error) -> LedgerError {
    LedgerError::unavailable(format!("the blob {sha256} cannot be stored: {error}"))
        .with_help("free space on the disk, for the ledger and for temporary files")
}

/// Runs a statement that changes one row. A trigger, a rule or a row policy could make it change none, or more.
pub(crate) fn execute_one(
    transaction: &mut dyn Transaction,
    sql: &'static str,
    values: &[Value],
) -> Result<(), LedgerError> {
    match transaction.execute(sql, values)? {
        1 => Ok(()),
        rows => {
            let statement = sql.split(' ').take(3).collect::<Vec<_>>().join(" ");
            Err(damaged(format!("`{statement} …` changed {rows} rows in place of one")))
        }
    }
}

/// An error about stored data that was altered or cannot be read.
pub(crate) fn damaged(what: impl std::fmt::Display) -> LedgerError {
    LedgerError::damaged(format!("the ledger is damaged: {what}"))
        .with_help("verify the ledger to find the first damaged entry, then restore it from a backup")
}

impl Row {
    /// The integer in column `i`, which must not be null.
    pub fn int(&self, i: usize) -> Result<i64, LedgerError> {
        self.int_or_null(i)?.ok_or_else(|| unexpected(i, &Value::Null))
    }

    pub fn int_or_null(&self, i: usize) -> Result<Option<i64>, LedgerError> {
        match self.0.get(i) {
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(Value::Null) | None => Ok(None),
            Some(other) => Err(unexpected(i, other)),
        }
    }

    /// The count in column `i`: an integer that is not negative.
    pub fn count(&self, i: usize) -> Result<u64, LedgerError> {
        let number = self.int(i)?;
        u64::try_from(number).map_err(|_| damaged(format!("column {i} of a query contains the count {number}")))
    }

    /// The text in column `i`, which must not be null.
    pub fn text(&self, i: usize) -> Result<&str, LedgerError> {
        self.text_or_null(i)?.ok_or_else(|| unexpected(i, &Value::Null))
    }

    pub fn text_or_null(&self, i: usize) -> Result<Option<&str>, LedgerError> {
        match self.0.get(i) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) | None => Ok(None),
            Some(other) => Err(unexpected(i, other)),
        }
    }

    /// The word in column `i` as a variant of an enum. An unknown word is damage.
    pub fn word<T: DeserializeOwned>(&self, i: usize) -> Result<T, LedgerError> {
        let word: Result<T, WordError> = T::deserialize(self.text(i)?.into_deserializer());
        word.map_err(|error| damaged(format!("column {i} of a query: {error}")))
    }

    /// The bytes in column `i`.
    pub fn bytes(&self, i: usize) -> Result<&[u8], LedgerError> {
        match self.0.get(i) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            other => Err(unexpected(i, other.unwrap_or(&Value::Null))),
        }
    }
}

fn unexpected(column: usize, value: &Value) -> LedgerError {
    let what = match value {
        Value::Null => "null",
        Value::Int(_) => "an integer",
        Value::Text(_) => "text",
        Value::Bytes(_) => "bytes",
    };
    damaged(format!("column {column} of a query contains {what}"))
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value {
    /// A count above the maximum of the database is stored as that maximum, because it exceeds every limit either way.
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::from)
    }
}

impl From<Option<u64>> for Value {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Null, Self::from)
    }
}
