//! What the ledger asks of a database. Every statement is written once, in the SQL that SQLite and PostgreSQL share;
//! what differs between them stands in `sqlite.rs` and `postgres.rs`.

use reprieve::Unavailable;

/// A value of a row, or one handed to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row of an answer.
#[derive(Debug)]
pub(crate) struct Row(pub Vec<Value>);

/// A database that holds a ledger.
pub(crate) trait Database: Send + Sync {
    /// Begins to read, all of one moment.
    fn read(&self) -> Result<Box<dyn Transaction + '_>, Unavailable>;

    /// Begins to write. Until this ends, nobody else does.
    fn write(&self) -> Result<Box<dyn Transaction + '_>, Unavailable>;

    /// The types of its columns: integers, and bytes.
    fn types(&self) -> (&'static str, &'static str);
}

/// What happens whole or not at all. Dropped without a commit, it has not happened.
pub(crate) trait Transaction {
    /// The rows that a statement gives.
    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, Unavailable>;

    /// Runs a statement that gives no rows.
    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), Unavailable>;

    /// Whether there is a table of that name.
    fn has_table(&mut self, name: &str) -> Result<bool, Unavailable>;

    /// Runs statements that make tables.
    fn define(&mut self, sql: &str) -> Result<(), Unavailable>;

    /// Seconds since 1970 by the database's clock.
    fn clock(&mut self) -> Result<i64, Unavailable>;

    /// What the database finds wrong with its own file, where it can look.
    fn flaw(&mut self) -> Result<Option<String>, Unavailable>;

    /// Makes it so.
    fn commit(self: Box<Self>) -> Result<(), Unavailable>;
}

impl Row {
    /// The whole number in column `i`, where one has to be.
    pub fn int(&self, i: usize) -> Result<i64, Unavailable> {
        self.int_or_null(i)?.ok_or_else(|| misplaced(i, &Value::Null))
    }

    pub fn int_or_null(&self, i: usize) -> Result<Option<i64>, Unavailable> {
        match self.0.get(i) {
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(Value::Null) | None => Ok(None),
            Some(other) => Err(misplaced(i, other)),
        }
    }

    /// The count in column `i`: a whole number that is not negative.
    pub fn count(&self, i: usize) -> Result<u64, Unavailable> {
        u64::try_from(self.int(i)?)
            .map_err(|_| Unavailable(format!("the ledger is damaged: a count is {:?}", self.0)))
    }

    /// The text in column `i`, where one has to be.
    pub fn text(&self, i: usize) -> Result<&str, Unavailable> {
        self.text_or_null(i)?.ok_or_else(|| misplaced(i, &Value::Null))
    }

    pub fn text_or_null(&self, i: usize) -> Result<Option<&str>, Unavailable> {
        match self.0.get(i) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) | None => Ok(None),
            Some(other) => Err(misplaced(i, other)),
        }
    }

    /// The bytes in column `i`.
    pub fn bytes(&self, i: usize) -> Result<&[u8], Unavailable> {
        match self.0.get(i) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            other => Err(misplaced(i, other.unwrap_or(&Value::Null))),
        }
    }
}

fn misplaced(column: usize, value: &Value) -> Unavailable {
    let what = match value {
        Value::Null => "nothing",
        Value::Int(_) => "a number",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
    };
    Unavailable(format!(
        "the ledger is damaged: column {column} of an answer holds {what}; run `reprieve ledger verify`"
    ))
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
    /// A count beyond what a database holds is the largest it does hold: it is over every limit either way.
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
