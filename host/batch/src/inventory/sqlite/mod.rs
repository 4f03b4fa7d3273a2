//! An inventory that is queried in place: a table or view `inventory` in an SQLite file, with the columns of the text
//! formats. The queries of a decision run in one transaction, so all answers are from the same moment.

mod answer;
mod connection;
mod ids;
mod kept;
mod ranges;
mod row;
mod scan;
mod shares;

use self::connection::{Helpers, MAX_STEPS, MIN_SHARED_BYTES, begin, columns, connect, limit_steps};
use self::ids::{CONTINUED_IDS, INVALID_IDS, check_id, has_index};
use self::scan::LOOKUPS_PER_PAGE;
use self::shares::Shares;
use super::answer::{MAX_ANSWER_BYTES, too_long_an_answer};
use super::interface::{Inventory, Snapshot};
use super::near::NearIds;
use super::targets::Targets;
use crate::error::{LookupError, ReadError};
use crate::read::{Folder, check_database};
use crate::record::{InventoryColumn, InventoryRow, InventoryRowBuilder, PoolRecord, Record, is_inventory_column};
use crate::text::{WORDS_FOR_NOTHING, is_unknown};
use hashbrown::{HashMap, HashSet};
use reprieve_model::is_out_of_use;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

/// An SQLite file with a table or view `inventory`. Indexes on `id`, `kind`, `tenant` and `pool` make it fast.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    columns: Vec<String>,
    max_steps: u64,
    lookups_per_page: u64,
    min_shared_bytes: u64,
}

impl Sqlite {
    /// Opens a file below a folder, and checks its columns.
    ///
    /// # Errors
    /// [`ReadError`] if it is not an SQLite file, or has no such table.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        let shown = folder.display_name(name);
        let path = folder.real_path(name)?;
        let columns = connect(&path).and_then(|connection| columns(&connection));
        let columns = columns.map_err(|error| match error.to_string() {
            text if text.starts_with("no such table") => {
                ReadError::of_file(&shown, "there is no table or view `inventory`")
                    .with_help("CREATE VIEW inventory AS SELECT … AS id, … AS kind, … AS tenant, …")
            }
            text => ReadError::of_file(&shown, text),
        })?;
        columns
            .iter()
            .try_for_each(|column| is_inventory_column(column).map(|_| ()))
            .map_err(|message| ReadError::of_file(&shown, message))?;
        if !columns.iter().any(|column| column == "id") {
            return Err(ReadError::of_file(&shown, "the table `inventory` has no column `id`"));
        }
        Ok(Self {
            path,
            columns,
            max_steps: MAX_STEPS,
            lookups_per_page: LOOKUPS_PER_PAGE,
            min_shared_bytes: MIN_SHARED_BYTES,
        })
    }
}

impl Inventory for Sqlite {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        check_database(&self.path).map_err(|error| LookupError::Unavailable(error.to_string()))?;
        let connection = connect(&self.path)?;
        let helpers = Helpers::open(&self.path, self.min_shared_bytes);
        begin(&connection)?;
        let helpers = helpers.begin();
        if columns(&connection)? != self.columns {
            return Err(LookupError::Invalid(
                "the columns of the table `inventory` changed after the gate was built".to_owned(),
            ));
        }
        let moment = Moment {
            has_index: has_index(&connection)?,
            connection,
            helpers: RefCell::new(helpers),
            columns: &self.columns,
            max_steps: self.max_steps,
            lookups_per_page: self.lookups_per_page,
            answers: RefCell::default(),
            shares: OnceCell::new(),
        };
        // Without an index every query reads the whole table, so this one may as well.
        let invalid_ids = if moment.has_index { INVALID_IDS } else { "SELECT id FROM inventory" };
        moment.run(invalid_ids, &[], |row| check_id(row.get_ref(0)?))?;
        Ok(Box::new(moment))
    }
}

/// The inventory as it is at one moment.
struct Moment<'a> {
    connection: Connection,
    /// Other connections that see the same moment.
    helpers: RefCell<Vec<Connection>>,
    columns: &'a [String],
    max_steps: u64,
    lookups_per_page: u64,
    /// A hash over every answer. A decision is based on the answers, and hashing a large database takes too long.
    answers: RefCell<Sha256>,
    /// What several tenants share, once it was asked for.
    shares: OnceCell<Rc<Shares>>,
    /// Whether rows are found by their id without reading the whole table.
    has_index: bool,
}

impl Moment<'_> {
    /// Runs a query, with `values` as its parameter if it has one.
    fn run(
        &self,
        query: &str,
        values: &[&str],
        mut each: impl FnMut(&Row<'_>) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        let list = Rc::new(values.iter().map(|text| Value::from((*text).to_owned())).collect::<Vec<_>>());
        let mut statement = self.connection.prepare_cached(query)?;
        limit_steps(&self.connection, self.max_steps);
        let mut rows = match statement.parameter_count() {
            0 => statement.query([])?,
            _ => statement.query([list])?,
        };
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// Runs a query and hashes the answer.
    fn query(
        &self,
        query: &str,
        values: &[&str],
        mut each: impl FnMut(&Row<'_>) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        self.run(query, values, |row| {
            let mut hash = self.answers.borrow_mut();
            for i in 0..row.as_ref().column_count() {
                let text = text(row.get_ref(i)?)?;
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
            each(row)
        })
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|known| known == column)
    }
}

/// Returns a value as the text formats write it; NULL is blank.
fn text(value: ValueRef<'_>) -> Result<Cow<'_, str>, LookupError> {
    match value {
        ValueRef::Null => Ok(Cow::Borrowed("")),
        ValueRef::Integer(number) => Ok(Cow::Owned(number.to_string())),
        ValueRef::Real(number) => Ok(Cow::Owned(number.to_string())),
        ValueRef::Text(bytes) => str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|_| LookupError::Invalid("a value is not UTF-8".to_owned())),
        ValueRef::Blob(_) => Err(LookupError::Invalid("expected text or a number, found a BLOB".to_owned())),
    }
}

/// Checks that the records of some ids do not take too much memory.
fn check_answer(bytes: u64, ids: usize) -> Result<(), LookupError> {
    if bytes > MAX_ANSWER_BYTES { Err(too_long_an_answer(ids)) } else { Ok(()) }
}

impl Snapshot for Moment<'_> {
    fn sha256(&self) -> String {
        hex::encode(self.answers.borrow().clone().finalize())
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        let asked: HashSet<&str> = ids.iter().copied().collect();
        let mut records: HashMap<&str, Record> = HashMap::new();
        let mut bytes = 0;
        // The order makes the digest independent of SQLite's query plan.
        let query = "SELECT inventory.* FROM inventory WHERE id IN rarray(?1) ORDER BY id";
        self.query(query, ids, |row| {
            let columns = self.columns.iter().enumerate();
            let columns = columns.filter_map(|(i, name)| Some((i, InventoryColumn::of(name)?)));
            let fields = columns.map(|(i, column)| Ok((column, text(row.get_ref(i)?)?)));
            let fields = fields.collect::<Result<Vec<_>, LookupError>>()?;
            check_id(row.get_ref("id")?)?;
            let row = read_row(&fields)
                .map_err(|message| LookupError::Invalid(format!("{}: {message}", row_name(&fields))))?;
            // A collation may find an id that differs in case. It is the id of another thing.
            let Some(&id) = asked.get(row.id.as_ref()) else { return Ok(()) };
            bytes += row.memory();
            check_answer(bytes, ids.len())?;
            match records.insert(id, row.fields().to_record()) {
                Some(_) => Err(LookupError::Invalid(format!("the id `{id}` is duplicated"))),
                None => Ok(()),
            }
        })?;
        if self.has_index {
            let mut ids: Vec<&str> = asked.into_iter().filter(|id| !id.is_empty()).collect();
            // In their order, so that a page is read once.
            ids.sort_unstable();
            self.run(CONTINUED_IDS, &ids, |row| check_id(row.get_ref(0)?))?;
        }
        Ok(ids.iter().map(|id| records.get(*id).cloned().map(Cow::Owned)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let mut counts: BTreeMap<String, u64> = kinds.iter().map(|kind| ((*kind).to_owned(), 0)).collect();
        if self.has("kind") {
            let query = "SELECT kind, count(*) FROM inventory WHERE kind IN rarray(?1) GROUP BY kind ORDER BY kind";
            self.query(query, kinds, |row| {
                counts.insert(row.get(0)?, row.get(1)?);
                Ok(())
            })?;
        }
        Ok(counts)
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        let shares = self.shares()?;
        let mut count = shares.things.len() as u64;
        if self.has("tenant") {
            // Those who share something may own another thing.
            let names: Vec<&str> = shares.things.keys().map(String::as_str).collect();
            if !names.is_empty() {
                let query = "SELECT DISTINCT tenant FROM inventory WHERE tenant IN rarray(?1) ORDER BY tenant";
                self.query(query, &names, |_| {
                    count = count.saturating_sub(1);
                    Ok(())
                })?;
            }
            let query = "SELECT count(DISTINCT tenant) FROM inventory WHERE tenant <> ''";
            self.query(query, &[], |row| {
                count += row.get::<_, u64>(0)?;
                Ok(())
            })?;
            // Most tenants are not words for nothing, so only the few that may be are looked at here.
            let query = "WITH names AS MATERIALIZED (SELECT DISTINCT tenant FROM inventory WHERE tenant <> '') \
                SELECT tenant FROM names WHERE lower(trim(tenant, ' ()<>[]{}\"''#!')) IN rarray(?1) ORDER BY tenant";
            self.query(query, &WORDS_FOR_NOTHING, |row| {
                count = count.saturating_sub(u64::from(is_unknown(&text(row.get_ref(0)?)?)));
                Ok(())
            })?;
        }
        Ok(count.max(shares.max_tenants))
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        let minimum =
            if self.has("pool_minimum") { "max(CAST(nullif(pool_minimum, '') AS INTEGER))" } else { "NULL" };
        let state = if self.has("state") { "ifnull(state, '')" } else { "''" };
        let query = format!(
            "SELECT pool, {state} AS is_state, count(*), {minimum} FROM inventory WHERE pool IN rarray(?1) \
             GROUP BY pool, is_state ORDER BY pool, is_state"
        );
        let mut found: HashMap<String, PoolRecord> = HashMap::new();
        if !names.is_empty() {
            self.query(&query, names, |row| {
                let members = if is_out_of_use(&text(row.get_ref(1)?)?) { 0 } else { row.get(2)? };
                let pool = found.entry(row.get(0)?).or_default();
                pool.members += members;
                pool.minimum = pool.minimum.max(row.get(3)?);
                Ok(())
            })?;
        }
        Ok(names.iter().map(|name| found.get(*name).cloned().unwrap_or_default()).collect())
    }

    fn things(&self, tenants: &[&str]) -> Result<Option<Vec<u64>>, LookupError> {
        if !self.has("tenant") && !self.has("tenants") {
            return Ok(None);
        }
        let query =
            "SELECT tenant, count(*) FROM inventory WHERE tenant IN rarray(?1) GROUP BY tenant ORDER BY tenant";
        let mut found: HashMap<String, u64> = HashMap::new();
        if self.has("tenant") && !tenants.is_empty() {
            self.query(query, tenants, |row| {
                found.insert(row.get(0)?, row.get(1)?);
                Ok(())
            })?;
        }
        let shares = self.shares()?;
        let of = |things: &HashMap<String, u64>, tenant: &str| things.get(tenant).copied().unwrap_or_default();
        Ok(Some(tenants.iter().map(|tenant| of(&found, tenant) + of(&shares.things, tenant)).collect()))
    }

    fn resolve(&self, targets: &mut Targets<'_>) -> Result<(), LookupError> {
        self.resolve_all(targets)
    }

    /// Reads every id, because SQLite knows no other canonical form than that of ASCII. The answer alone is hashed.
    fn nearly(&self, ids: &[&str]) -> Result<Option<Vec<Option<String>>>, LookupError> {
        let near = NearIds::of(ids);
        let mut known = HashMap::new();
        self.run("SELECT id FROM inventory", &[], |row| {
            near.compare(&text(row.get_ref(0)?)?, &mut known);
            Ok(())
        })?;
        let found = near.finish(&known);
        let mut hash = self.answers.borrow_mut();
        for known in found.iter().flatten() {
            hash.update((known.len() as u64).to_le_bytes());
            hash.update(known.as_bytes());
        }
        drop(hash);
        Ok(Some(found))
    }
}

fn read_row<'a>(fields: &'a [(InventoryColumn, Cow<'_, str>)]) -> Result<InventoryRow<'a>, String> {
    let mut row = InventoryRowBuilder::default();
    fields.iter().try_for_each(|(column, text)| row.set(*column, Cow::Borrowed(text)))?;
    row.finish()
}

fn row_name(fields: &[(InventoryColumn, Cow<'_, str>)]) -> String {
    let id = fields.iter().find(|(column, _)| *column == InventoryColumn::Id).map(|(_, id)| id.as_ref());
    format!("the row `{}`", id.unwrap_or_default())
}

#[cfg(test)]
mod scan_tests;
#[cfg(test)]
mod tests;
