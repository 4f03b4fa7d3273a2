//! Databases that are asked which rows a statement deletes, and what they hold.
//!
//! ```text
//! statement ─ reprieve_readers::sql ─▶ closure ─▶ Database (postgres, sqlite) ─▶ keys in a store ─▶ items
//! ```
//!
//! A database is read in one transaction that cannot write. The keys are kept in temporary tables, so that memory is
//! bounded, and that a row which is reached in two ways is one item.

mod catalogue;
mod closure;
mod inventory;
mod postgres;
mod query;
mod sqlite;
mod store;
mod table;
mod volatile;

pub use inventory::{InventoryArguments, inventory};
pub use table::Database;

use crate::error::{fail, with_help};
use reprieve::model::Mode;
use reprieve_readers::sql::{self, Target, deletion};
use reprieve_readers::{Action, Input, Item, Options, Summary};
use std::path::Path;

/// What cannot be seen in a database.
const UNSEEN: &[&str] = &[
    "rows that are written after this list was taken: delete the listed keys, and not what the condition then matches",
    "what triggers, rules, event schedulers and functions delete, and what other databases copy or keep",
    "the role, the search path, the time zone and the settings of the session that deletes",
];

/// Whether a name is the URL of a server, and not a file.
pub fn is_url(name: &str) -> bool {
    name.starts_with("postgres://") || name.starts_with("postgresql://")
}

/// Opens a database: a postgres:// URL or an SQLite file. No message contains the URL, because it may have a password.
pub fn open(name: &str) -> anyhow::Result<Box<dyn Database>> {
    if is_url(name) {
        Ok(Box::new(postgres::Postgres::open(name)?))
    } else if !Path::new(name).exists() && [":", "@", "password"].iter().any(|part| name.contains(part)) {
        // It may be a URL with an error in it, and have a password.
        Err(fail(
            "what `--connect` names is not a file, and not a URL that is understood",
            "name a postgres:// URL or an SQLite file",
        ))
    } else {
        Ok(Box::new(sqlite::Sqlite::open(Path::new(name))?))
    }
}

/// Reads the rows that the statement of a file deletes from a database, and passes an item for each.
pub fn deletions(
    input: &Input<'_>,
    options: &Options,
    connect: &str,
    mut each: impl FnMut(Item) -> anyhow::Result<()>,
) -> anyhow::Result<Summary> {
    let dialect = if is_url(connect) { sql::Database::Postgres } else { sql::Database::Sqlite };
    let deletion = deletion(input, options, dialect)?;
    let at_line = |error: anyhow::Error| {
        let help = crate::error::help(&error);
        let error = error.context(format!("{}:{}", input.name, deletion.line));
        match help {
            Some(help) => with_help(error, help),
            None => error,
        }
    };
    if dialect == sql::Database::Sqlite && matches!(deletion.target, Target::Truncate { .. }) {
        return Err(at_line(fail("SQLite has no TRUNCATE", "write DELETE without a condition")));
    }
    let mut database = open(connect)?;
    let place = database.place()?;
    database.check_uses(&deletion.uses).map_err(at_line)?;
    let closure = closure::take(&mut *database, &deletion.target).map_err(at_line)?;
    let verb = match deletion.target {
        Target::Rows(_) => "delete",
        Target::Truncate { .. } => "truncate",
        Target::Drop { .. } => "drop",
    };
    for name in &closure.dropped {
        let mut item = Item::new(name, Action::Delete).kind("table");
        item.is_of_kind = true;
        item.details.push(("statement", verb.to_owned()));
        each(item)?;
    }
    for (number, table) in closure.tables.iter().enumerate() {
        let verb = if number < closure.named { verb } else { "cascade" };
        store::items(database.store(), number, table, verb, &mut each)
            .map_err(|error| error.context(format!("the table `{}`", table.kind)))?;
    }
    let mut notes = vec![format!("the rows were taken from {}, at one moment", place.shown)];
    notes.extend(closure.notes);
    Ok(Summary {
        tool: Some(place.tool),
        extracted_at: Some(place.at),
        mode: Some(Mode::Hard),
        verb: Some(verb.to_owned()),
        cascade: closure.cascade,
        selector: Some(deletion.statement),
        notes,
        unseen: UNSEEN.to_vec(),
        ..Summary::default()
    })
}

/// A table whose rows have no id.
fn no_key(kind: &str) -> anyhow::Error {
    fail(
        format!("the table `{kind}` has no primary key, so its rows have no ids"),
        "give it one, or vet a list of what names its rows",
    )
}

/// The error of a function that may return something else when the statement runs.
fn volatile(what: &str, help: &str) -> anyhow::Error {
    fail(format!("{what} is volatile: the statement may delete other rows than those of now"), help)
}
