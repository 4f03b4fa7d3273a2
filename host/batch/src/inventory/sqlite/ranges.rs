//! The parts that a table is read in by several threads, each with its own connection.

use crate::columns::Store;
use crate::error::LookupError;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Statement};
use std::ops::Range;

/// The number of parts. A thread that is done with one takes the next.
const PARTS: usize = 16;
/// The number of ids from which the ends of parts are chosen.
const SAMPLE: usize = 4_096;

/// Where a table is cut.
pub(super) struct Ranges {
    /// What its rows are stored by: `rowid` or `id`.
    key: &'static str,
    /// The first key of each part but the first.
    starts: Vec<Value>,
}

impl Ranges {
    /// Cuts the table by the key that its rows are stored by. A view is one part. The ids of WITHOUT ROWID tables are
    /// assumed to be distributed as those of the targets.
    pub fn of(connection: &Connection, chunks: &Store, part: Range<usize>) -> Result<Self, LookupError> {
        let table = "SELECT wr, (SELECT name FROM pragma_table_info('inventory', 'main') WHERE pk = 1) \
             FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = 'inventory' COLLATE NOCASE";
        let found =
            connection.query_row(table, [], |row| Ok((row.get::<_, bool>(0)?, row.get::<_, Option<String>>(1)?)));
        let (key, starts) = match found.optional()? {
            Some((false, _)) => ("rowid", rowids(connection)?),
            Some((true, Some(first_column))) if first_column == *"id" => ("id", ids(chunks, part)?),
            _ => ("id", Vec::new()),
        };
        Ok(Self { key, starts })
    }

    /// The number of parts.
    pub const fn len(&self) -> usize {
        self.starts.len() + 1
    }

    /// Prepares the query of a part.
    pub fn query<'c>(&self, connection: &'c Connection, part: usize) -> rusqlite::Result<Statement<'c>> {
        let (start, end) = (part.checked_sub(1).and_then(|i| self.starts.get(i)), self.starts.get(part));
        let conditions = [start.map(|_| format!("{} >= ?1", self.key)), end.map(|_| format!("{} < ?2", self.key))];
        let conditions = conditions.into_iter().flatten().collect::<Vec<_>>().join(" AND ");
        let conditions = if conditions.is_empty() { conditions } else { format!(" WHERE {conditions}") };
        let mut statement = connection.prepare(&format!("SELECT inventory.* FROM inventory{conditions}"))?;
        for (number, value) in [(1, start), (2, end)] {
            if let Some(value) = value {
                statement.raw_bind_parameter(number, value)?;
            }
        }
        Ok(statement)
    }
}

/// Row numbers at equal distances.
fn rowids(connection: &Connection) -> rusqlite::Result<Vec<Value>> {
    let ends = connection.query_row(
        "SELECT (SELECT min(rowid) FROM inventory), (SELECT max(rowid) FROM inventory)",
        [],
        |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    let (Some(min), Some(max)) = ends else { return Ok(Vec::new()) };
    let at = |i: usize| i128::from(min) + (i128::from(max) - i128::from(min)) * i as i128 / PARTS as i128;
    Ok((1..PARTS).filter_map(|i| i64::try_from(at(i)).ok()).map(Value::Integer).collect())
}

/// Ids that cut those of the targets into equal parts.
fn ids(chunks: &Store, part: Range<usize>) -> Result<Vec<Value>, LookupError> {
    let of_chunk = SAMPLE.div_ceil(part.len().max(1));
    let mut sample = Vec::new();
    for i in part {
        let chunk = chunks.get(i)?;
        let step = (chunk.rows as usize / of_chunk).max(1);
        sample.extend(chunk.ids().step_by(step).flatten().map(str::to_owned));
    }
    sample.sort_unstable();
    let ends = (1..PARTS).filter_map(|i| sample.get(sample.len() * i / PARTS));
    Ok(ends.cloned().map(Value::Text).collect())
}
