//! The rows that a statement deletes, and those of other tables that go with them.

use super::store;
use super::table::{Database, ForeignKey, Named, OnDelete, Reference, Table};
use crate::error::fail;
use reprieve_readers::sql::{Rows, Target};
use std::collections::BTreeSet;

/// The maximum number of tables that a statement may reach.
const MAX_TABLES: usize = 500;

/// The tables whose rows go, and how.
#[derive(Default)]
pub struct Closure {
    /// The tables: first those that the statement names.
    pub tables: Vec<Table>,
    /// How many of them the statement names.
    pub named: usize,
    /// The names of the tables that are dropped.
    pub dropped: Vec<String>,
    /// For people, one line each.
    pub notes: BTreeSet<String>,
    /// Whether rows of other tables may go as well. `None`: a trigger or a rule may delete more.
    pub cascade: Option<bool>,
}

/// What goes with a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// The rows that a foreign key with ON DELETE CASCADE deletes.
    Rows,
    /// All rows of every table with a foreign key.
    Tables,
    /// Nothing.
    Nothing,
}

/// Keeps the keys of the rows that a statement deletes, and of all that go with them.
pub fn take(database: &mut dyn Database, target: &Target) -> anyhow::Result<Closure> {
    let mut closure = Closure::default();
    let (named, follow, rows) = match target {
        Target::Rows(rows) => (vec![database.table(&rows.table)?], Follow::Rows, Some(rows)),
        Target::Truncate { tables, cascade } => {
            let follow = if *cascade { Follow::Tables } else { Follow::Nothing };
            (tables.iter().map(|name| database.table(name)).collect::<anyhow::Result<_>>()?, follow, None)
        }
        Target::Drop { tables, .. } => {
            let follow = if database.drop_cascades() { Follow::Rows } else { Follow::Nothing };
            (tables.iter().map(|name| database.table(name)).collect::<anyhow::Result<_>>()?, follow, None)
        }
    };
    for Named { table, name, .. } in &named {
        closure.number(table)?;
        if matches!(target, Target::Drop { .. }) {
            closure.dropped.push(name.clone());
        }
    }
    closure.named = closure.tables.len();
    let references = closure.discover(database, follow)?;
    for (number, table) in closure.tables.iter().enumerate() {
        store::create(database.store(), number, table)?;
    }
    for Named { table, sql, .. } in &named {
        let query = match rows {
            Some(rows) => select(table, rows),
            None => select_all(table, sql),
        };
        let number = closure.tables.iter().position(|known| known.sql == table.sql).unwrap_or_default();
        database.take(&query, number, table)?;
    }
    match follow {
        Follow::Nothing => {}
        Follow::Tables => {
            for (number, table) in closure.tables.iter().enumerate().skip(closure.named) {
                database.take(&select_all(table, &table.sql), number, table)?;
            }
        }
        Follow::Rows => closure.follow(database, &references)?,
    }
    Ok(closure)
}

/// The query of the keys that a DELETE deletes. A line end is after each text of the statement, because it may end with a
/// comment.
fn select(table: &Table, rows: &Rows) -> String {
    let keys = table.keys.iter().enumerate().map(|(i, key)| format!("{}.{} AS k{i}", rows.row, key.sql));
    let keys = keys.collect::<Vec<_>>().join(", ");
    let (distinct, using) = match &rows.using {
        // A row that is joined with several is deleted once.
        Some(using) => ("DISTINCT ", format!(", {using}\n")),
        None => ("", String::new()),
    };
    let condition = rows.condition.as_ref().map(|condition| format!(" WHERE {condition}\n")).unwrap_or_default();
    format!("SELECT {distinct}{keys} FROM {}\n{using}{condition}", rows.from)
}

/// The query of all keys of a table.
fn select_all(table: &Table, sql: &str) -> String {
    let keys = table.keys.iter().enumerate().map(|(i, key)| format!("{} AS k{i}", key.sql));
    format!("SELECT {} FROM {sql}", keys.collect::<Vec<_>>().join(", "))
}

impl Closure {
    /// Returns the number of a table, which is added if it is new.
    fn number(&mut self, table: &Table) -> anyhow::Result<usize> {
        if let Some(number) = self.tables.iter().position(|known| known.sql == table.sql) {
            return Ok(number);
        }
        if self.tables.len() == MAX_TABLES {
            let message = format!("the statement reaches more than {MAX_TABLES} tables");
            return Err(fail(message, "delete from the leaves up, with a statement for each table"));
        }
        self.tables.push(table.clone());
        Ok(self.tables.len() - 1)
    }

    /// Finds every table whose rows may go, and what may delete more.
    fn discover(&mut self, database: &mut dyn Database, follow: Follow) -> anyhow::Result<Vec<Reference>> {
        let mut references = Vec::new();
        let mut may_delete_more = false;
        let mut parent = 0;
        while let Some(table) = self.tables.get(parent).cloned() {
            let remarks = database.remarks(&table)?;
            may_delete_more |= remarks.may_delete_more;
            self.notes.extend(remarks.notes);
            for ForeignKey { child, on_delete, columns } in database.foreign_keys(&table)? {
                if follow == Follow::Tables || (follow == Follow::Rows && on_delete == OnDelete::Cascade) {
                    let child = self.number(&child)?;
                    references.push(Reference { parent, child, columns });
                    continue;
                }
                let (child, parent) = (&child.kind, &table.kind);
                let note = match (follow, on_delete) {
                    (Follow::Rows, OnDelete::Set) => format!("rows of `{child}` lose their reference to `{parent}`"),
                    (Follow::Rows, _) => format!("it fails while rows of `{child}` refer to those of `{parent}`"),
                    _ if self.tables.iter().any(|known| known.kind == *child) => continue,
                    _ => format!("a foreign key of `{child}` refers to `{parent}`: it fails, or the key is dropped"),
                };
                self.notes.insert(note);
            }
            parent += 1;
        }
        let cascades = !references.is_empty();
        self.cascade = (cascades || !may_delete_more).then_some(cascades);
        Ok(references)
    }

    /// Follows the foreign keys from the rows that are kept, until no new row is found.
    fn follow(&self, database: &mut dyn Database, references: &[Reference]) -> anyhow::Result<()> {
        let mut done = vec![0; references.len()];
        loop {
            let mut is_done = true;
            for (reference, done) in references.iter().zip(&mut done) {
                let last = store::last(database.store(), reference.parent)?;
                if last > *done {
                    database.follow(reference, &self.tables, *done, last)?;
                    *done = last;
                    is_done = false;
                }
            }
            if is_done {
                return Ok(());
            }
        }
    }
}
