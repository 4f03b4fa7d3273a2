//! Opens and creates ledgers.

use crate::sql_ledger::SqlLedger;
use crate::{postgres, schema, sqlite};
use reprieve::ledger::LedgerError;
use reprieve::{Folder, GateBuilder, ReadError};
use std::path::{Path, PathBuf};

/// Opens the ledger that the policy set of a builder names, and passes it to the builder. A set that names no ledger
/// leaves the builder as it is. `password` is used for a URL that contains none.
///
/// ```no_run
/// use reprieve::Gate;
/// use reprieve_ledger::with_named_ledger;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gate = with_named_ledger(Gate::builder().config("reprieve.toml".as_ref())?, None)?.build()?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`LedgerError`] if the ledger does not exist or cannot be opened.
pub fn with_named_ledger(builder: GateBuilder, password: Option<&str>) -> Result<GateBuilder, LedgerError> {
    Ok(match SqlLedger::open_named(&builder, password)? {
        Some(ledger) => builder.ledger(ledger),
        None => builder,
    })
}

impl SqlLedger {
    /// Opens the ledger that the policy set of a builder names. `None`: the set names no ledger. `password` is used for a
    /// URL that contains none.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not exist or cannot be opened.
    pub fn open_named(builder: &GateBuilder, password: Option<&str>) -> Result<Option<Self>, LedgerError> {
        builder.ledger_named().map(|(name, folder)| Self::open(name, folder, password)).transpose()
    }

    /// Opens the ledger that an operator named: a URL that begins with `postgres://`, or an SQLite file. With a folder,
    /// the file has to be below it. `password` is used for a URL that contains none.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not exist, because a ledger that was lost must not be mistaken for an empty
    /// one.
    pub fn open(name: &str, folder: Option<&Folder>, password: Option<&str>) -> Result<Self, LedgerError> {
        match folder {
            _ if is_url(name) => Self::open_postgres(name, password),
            Some(folder) => Self::open_sqlite(&folder.real_path(name).map_err(not_found_in_folder)?),
            None => Self::open_sqlite(Path::new(name)),
        }
    }

    /// Creates a ledger under the name that an operator chose; see [`open`](Self::open).
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger already exists or cannot be created.
    pub fn create(name: &str, folder: Option<&Folder>, password: Option<&str>) -> Result<Self, LedgerError> {
        match folder {
            _ if is_url(name) => {
                let store = postgres::PostgresStore::open(name, password)?;
                schema::create(&store)?;
                Ok(Self::of(store))
            }
            Some(folder) => Self::create_sqlite(&folder.place(name).map_err(not_created_in_folder)?),
            None => Self::create_sqlite(Path::new(name)),
        }
    }

    /// Opens a ledger only to [`verify`](Self::verify) it: what is foreign in its database is damage that it reports, and
    /// not an error of opening.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not exist, or its database cannot be read.
    pub fn open_to_verify(name: &str, folder: Option<&Folder>, password: Option<&str>) -> Result<Self, LedgerError> {
        if is_url(name) {
            return Ok(Self::of(postgres::PostgresStore::open(name, password)?));
        }
        let path = match folder {
            Some(folder) => folder.real_path(name).map_err(not_found_in_folder)?,
            None => PathBuf::from(name),
        };
        if !path.exists() {
            return Err(schema::no_ledger(&format!("the ledger: `{}` does not exist", path.display())));
        }
        Ok(Self::of(sqlite::SqliteStore::open(&path, sqlite::system_clock)?))
    }

    /// Opens a ledger in an SQLite file.
    ///
    /// # Errors
    /// [`LedgerError`] if the file does not exist or does not contain a ledger.
    pub fn open_sqlite(path: &Path) -> Result<Self, LedgerError> {
        Self::open_sqlite_with_clock(path, sqlite::system_clock)
    }

    /// Opens a ledger in an SQLite file that uses another clock than that of this machine. The clock returns seconds
    /// since 1970.
    ///
    /// # Errors
    /// [`LedgerError`] if the file does not exist or does not contain a ledger.
    pub fn open_sqlite_with_clock(path: &Path, clock: fn() -> i64) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(schema::no_ledger(&format!("the ledger: `{}` does not exist", path.display())));
        }
        let store = sqlite::SqliteStore::open(path, clock)?;
        schema::open(&store)?;
        Ok(Self::of(store))
    }

    /// Creates a ledger in an SQLite file that only its owner can read, because it contains the ids of the targets.
    ///
    /// # Errors
    /// [`LedgerError`] if the file already contains a ledger or cannot be created.
    pub fn create_sqlite(path: &Path) -> Result<Self, LedgerError> {
        sqlite::create_file(path)?;
        let store = sqlite::SqliteStore::open(path, sqlite::system_clock)?;
        schema::create(&store)?;
        Ok(Self::of(store))
    }

    /// Opens a ledger in a PostgreSQL database. `password` is used for a URL that contains none.
    ///
    /// # Errors
    /// [`LedgerError`] if the server cannot be reached or the database does not contain a ledger.
    pub fn open_postgres(url: &str, password: Option<&str>) -> Result<Self, LedgerError> {
        let store = postgres::PostgresStore::open(url, password)?;
        schema::open(&store)?;
        Ok(Self::of(store))
    }
}

fn is_url(name: &str) -> bool {
    name.starts_with("postgres://") || name.starts_with("postgresql://")
}

/// Help is given for a path that leaves the folder, which is a mistake of the caller.
fn not_found_in_folder(error: ReadError) -> LedgerError {
    let message = format!("the ledger: {error}");
    match error.help {
        Some(help) => LedgerError::misuse(message).with_help(help),
        None => schema::no_ledger(&message),
    }
}

fn not_created_in_folder(error: ReadError) -> LedgerError {
    let message = format!("the ledger: {error}");
    match error.help {
        Some(help) => LedgerError::misuse(message).with_help(help),
        None => LedgerError::unavailable(message),
    }
}
