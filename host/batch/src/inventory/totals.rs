//! The counts of an inventory. Those that do not fit into memory are in a temporary SQLite database, which has no name and
//! ends with the process.

use crate::error::LookupError;
use crate::record::{PoolRecord, Totals};
use hashbrown::HashMap;
use rusqlite::types::Value;
use rusqlite::{Connection, Error, params};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

/// A database without a name is in a temporary file, which is removed when it is created. Nothing is read from it after the
/// process ended, so it needs no journal. The memory for pages is in KiB, and negative for that reason.
const OPEN: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA temp_store = FILE; PRAGMA cache_size = -16384;
    CREATE TABLE kinds (name TEXT PRIMARY KEY, things INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE tenants (name TEXT PRIMARY KEY, things INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE pools (name TEXT PRIMARY KEY, things INTEGER NOT NULL, minimum BLOB) WITHOUT ROWID;";

/// Adds a pool. In this order of bytes, the maximum of the blobs is that of the numbers; `max` of NULL is NULL.
const ADD_POOL: &str = "INSERT INTO pools VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET
    things = things + excluded.things,
    minimum = coalesce(max(minimum, excluded.minimum), minimum, excluded.minimum)";

/// The counts of an inventory.
#[derive(Debug)]
pub(super) struct SpillingTotals {
    totals: Totals,
    memory: u64,
    database: Option<Mutex<Connection>>,
    /// The number of tenants in the database.
    tenants: u64,
}

impl SpillingTotals {
    /// Counts may use this many bytes of memory.
    pub fn new(memory: u64) -> Self {
        Self { totals: Totals::default(), memory, database: None, tenants: 0 }
    }

    /// The counts in memory, to add a row to them.
    pub const fn in_memory(&mut self) -> &mut Totals {
        &mut self.totals
    }

    /// Adds counts.
    pub fn add(&mut self, totals: Totals) -> Result<(), String> {
        self.totals.add(totals);
        if self.totals.bytes > self.memory { self.spill() } else { Ok(()) }
    }

    /// Ends the counts.
    pub fn finish(mut self) -> Result<Self, String> {
        if self.database.is_some() {
            self.spill()?;
        }
        Ok(self)
    }

    fn spill(&mut self) -> Result<(), String> {
        let max_tenants = self.totals.max_tenants;
        let totals = std::mem::replace(&mut self.totals, Totals { max_tenants, ..Totals::default() });
        let write = || {
            let open = || -> rusqlite::Result<Mutex<Connection>> {
                let connection = Connection::open("")?;
                connection.execute_batch(OPEN)?;
                rusqlite::vtab::array::load_module(&connection)?;
                Ok(Mutex::new(connection))
            };
            let database = match self.database.take() {
                Some(database) => database,
                None => open()?,
            };
            let database = self.database.insert(database).get_mut().unwrap_or_else(PoisonError::into_inner);
            let transaction = database.transaction()?;
            for (table, counts) in [("kinds", totals.kinds), ("tenants", totals.tenants)] {
                let add = format!(
                    "INSERT INTO {table} VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET things = things + excluded.things"
                );
                let mut add = transaction.prepare(&add)?;
                sorted(counts)
                    .into_iter()
                    .try_for_each(|(name, count)| add.execute(params![name, count]).map(|_| ()))?;
            }
            let mut add = transaction.prepare(ADD_POOL)?;
            for (name, PoolRecord { members, minimum }) in sorted(totals.pools) {
                let minimum = minimum.map(u64::to_be_bytes);
                add.execute(params![name, members, minimum.as_ref().map(<[u8; 8]>::as_slice)])?;
            }
            drop(add);
            transaction.commit()?;
            self.tenants = database.query_row("SELECT count(*) FROM tenants", [], |row| row.get(0))?;
            Ok(())
        };
        write().map_err(|error: Error| format!("it cannot be spilled to a temporary file: {error}"))
    }

    /// The number of tenants: at least those that are named, and at least those of each thing.
    pub fn tenant_count(&self) -> u64 {
        self.totals.max_tenants.max(if self.database.is_some() {
            self.tenants
        } else {
            self.totals.tenants.len() as u64
        })
    }

    /// Returns the number of things of each of these kinds.
    pub fn kinds(&self, names: &[&str]) -> Result<Vec<u64>, LookupError> {
        self.counts("kinds", &self.totals.kinds, names)
    }

    /// Returns the number of things of each of these tenants.
    pub fn tenants(&self, names: &[&str]) -> Result<Vec<u64>, LookupError> {
        self.counts("tenants", &self.totals.tenants, names)
    }

    fn counts(&self, table: &str, counts: &HashMap<String, u64>, names: &[&str]) -> Result<Vec<u64>, LookupError> {
        let Some(database) = &self.database else {
            return Ok(names.iter().map(|name| counts.get(*name).copied().unwrap_or_default()).collect());
        };
        let found: HashMap<String, u64> =
            query(database, &format!("SELECT name, things FROM {table} WHERE name IN rarray(?1)"), names, |row| {
                row.get(1)
            })?;
        Ok(names.iter().map(|name| found.get(*name).copied().unwrap_or_default()).collect())
    }

    /// Returns what is known of each of these pools.
    pub fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        let Some(database) = &self.database else {
            return Ok(names.iter().map(|name| self.totals.pools.get(*name).cloned().unwrap_or_default()).collect());
        };
        let found: HashMap<String, PoolRecord> =
            query(database, "SELECT name, things, minimum FROM pools WHERE name IN rarray(?1)", names, |row| {
                let minimum = row.get::<_, Option<[u8; 8]>>(2)?.map(u64::from_be_bytes);
                Ok(PoolRecord { members: row.get(1)?, minimum })
            })?;
        Ok(names.iter().map(|name| found.get(*name).cloned().unwrap_or_default()).collect())
    }
}

fn sorted<T>(counts: HashMap<String, T>) -> Vec<(String, T)> {
    let mut counts: Vec<(String, T)> = counts.into_iter().collect();
    counts.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    counts
}

fn query<T>(
    database: &Mutex<Connection>,
    query: &str,
    names: &[&str],
    value: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<HashMap<String, T>, LookupError> {
    let database = database.lock().unwrap_or_else(PoisonError::into_inner);
    let mut statement = database.prepare_cached(query)?;
    let names = Rc::new(names.iter().map(|name| Value::from((*name).to_owned())).collect::<Vec<_>>());
    let rows = statement.query_map([names], |row| Ok((row.get(0)?, value(row)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
