//! An inventory that does not fit into its share of the memory: the records are in a temporary SQLite database, which has no
//! name and ends with the process. Its answers are those of a [`Table`](super::Table).

use super::interface::{Inventory, MAX_ANSWER_BYTES, Snapshot, too_long_an_answer};
use super::near::NearIds;
use crate::error::LookupError;
use crate::read::InventoryFile;
use crate::record::{InventoryRow, PoolRecord, Record};
use hashbrown::HashMap;
use reprieve_model::InventorySource;
use rusqlite::types::Value;
use rusqlite::{Connection, Error, Params, Row, params};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A database without a name is in a temporary file, which is removed when it is created. Nothing is read from it after the
/// process ended, so it needs no journal. The memory for pages is in KiB, and negative for that reason.
const OPEN: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA temp_store = FILE; PRAGMA cache_size = -16384;
    CREATE TABLE records (id TEXT NOT NULL, kind TEXT, tenant TEXT, pool TEXT, in_use INTEGER NOT NULL, minimum BLOB,
        record BLOB NOT NULL);
    CREATE TABLE sharers (tenant TEXT NOT NULL);
    BEGIN;";

/// The indexes are built once, from sorted rows, when all rows are there.
const INDEX: &str = "CREATE UNIQUE INDEX by_id ON records (id);
    CREATE TABLE kinds AS SELECT kind, count(*) AS things FROM records WHERE kind IS NOT NULL GROUP BY kind;
    CREATE UNIQUE INDEX by_kind ON kinds (kind);
    CREATE TABLE pools AS
        SELECT pool, sum(in_use) AS members, max(minimum) AS minimum FROM records WHERE pool IS NOT NULL GROUP BY pool;
    CREATE UNIQUE INDEX by_pool ON pools (pool);
    CREATE TABLE tenants AS SELECT tenant, count(*) AS things FROM (
        SELECT tenant FROM records WHERE tenant IS NOT NULL UNION ALL SELECT tenant FROM sharers) GROUP BY tenant;
    CREATE UNIQUE INDEX by_tenant ON tenants (tenant);
    COMMIT;";

/// The second row of the id that is duplicated first.
const DUPLICATE: &str = "SELECT id, row FROM (
        SELECT id, rowid AS row, row_number() OVER (PARTITION BY id ORDER BY rowid) AS number FROM records
    ) WHERE number = 2 ORDER BY row LIMIT 1";

/// An inventory in a temporary database.
#[derive(Debug)]
pub(super) struct Spilled {
    sha256: String,
    source: Option<InventorySource>,
    tenants: u64,
    connection: Mutex<Connection>,
}

/// Such an inventory while rows are added to it.
pub(super) struct SpilledBuilder {
    connection: Connection,
    /// The largest number of tenants of one thing.
    max_tenants: u64,
}

impl SpilledBuilder {
    pub fn new() -> Result<Self, String> {
        let open = || {
            let connection = Connection::open("")?;
            connection.execute_batch(OPEN)?;
            rusqlite::vtab::array::load_module(&connection)?;
            Ok(connection)
        };
        open().map(|connection| Self { connection, max_tenants: 0 }).map_err(|error| spilling(&error))
    }

    /// Adds a row.
    pub fn insert(&mut self, row: &InventoryRow) -> Result<(), String> {
        let InventoryRow { id, record, pool_minimum } = row;
        let bytes = postcard::to_allocvec(record).map_err(|error| error.to_string())?;
        // In this order of bytes, the maximum of the blobs is that of the numbers.
        let minimum = pool_minimum.map(u64::to_be_bytes);
        let Record { kind, tenant, pool, .. } = record;
        let insert = || {
            let mut insert =
                self.connection.prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            let minimum = minimum.as_ref().map(<[u8; 8]>::as_slice);
            insert.execute(params![id, kind, tenant, pool, record.is_in_use(), minimum, bytes])?;
            let mut insert = self.connection.prepare_cached("INSERT INTO sharers VALUES (?1)")?;
            let owners = usize::from(tenant.is_some());
            record.tenant_names().skip(owners).try_for_each(|sharer| insert.execute([sharer]).map(|_| ()))
        };
        insert().map_err(|error| spilling(&error))?;
        self.max_tenants = self.max_tenants.max(record.tenant_count());
        Ok(())
    }

    /// Returns the inventory. `file` is what the file says of itself that it was read from.
    pub fn finish(self, InventoryFile { sha256, source }: InventoryFile) -> Result<Spilled, String> {
        let Self { connection, max_tenants } = self;
        if let Err(error) = connection.execute_batch(INDEX) {
            let duplicate = connection.query_row(DUPLICATE, [], |row| Ok((row.get(0)?, row.get(1)?)));
            return Err(match duplicate {
                Ok::<(String, u64), _>((id, row)) => format!("row {row}: the id `{id}` is duplicated"),
                Err(_) => spilling(&error),
            });
        }
        let tenants: u64 = connection
            .query_row("SELECT count(*) FROM tenants", [], |row| row.get(0))
            .map_err(|error| spilling(&error))?;
        Ok(Spilled { sha256, source, tenants: tenants.max(max_tenants), connection: Mutex::new(connection) })
    }
}

fn spilling(error: &Error) -> String {
    format!("it cannot be spilled to a temporary file: {error}")
}

impl Inventory for Spilled {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Reading { inventory: self, connection }))
    }
}

/// The database while a decision reads it.
struct Reading<'a> {
    inventory: &'a Spilled,
    connection: MutexGuard<'a, Connection>,
}

impl Reading<'_> {
    fn query<T>(
        &self,
        query: &str,
        values: impl Params,
        each: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LookupError> {
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map(values, each)?.collect::<rusqlite::Result<_>>();
        Ok(rows?)
    }
}

fn list(texts: &[&str]) -> [Rc<Vec<Value>>; 1] {
    [Rc::new(texts.iter().map(|text| Value::from((*text).to_owned())).collect())]
}

impl Snapshot for Reading<'_> {
    fn sha256(&self) -> String {
        self.inventory.sha256.clone()
    }

    fn source(&self) -> Option<InventorySource> {
        self.inventory.source.clone()
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, record FROM records WHERE id IN rarray(?1)")?;
        let mut rows = statement.query(list(ids))?;
        let (mut found, mut bytes) = (HashMap::with_capacity(ids.len()), 0);
        while let Some(row) = rows.next()? {
            let invalid = |error| LookupError::Spilled(format!("a spilled record cannot be read: {error}"));
            let record: Record =
                postcard::from_bytes(row.get_ref(1)?.as_blob().unwrap_or_default()).map_err(invalid)?;
            let row = InventoryRow { id: row.get(0)?, record, pool_minimum: None };
            bytes += row.memory();
            if bytes > MAX_ANSWER_BYTES {
                return Err(too_long_an_answer(ids.len()));
            }
            found.insert(row.id, row.record);
        }
        Ok(ids.iter().map(|id| found.get(*id).cloned().map(Cow::Owned)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let mut counts: BTreeMap<String, u64> = kinds.iter().map(|kind| ((*kind).to_owned(), 0)).collect();
        let query = "SELECT kind, things FROM kinds WHERE kind IN rarray(?1)";
        counts.extend(self.query(query, list(kinds), |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))?);
        Ok(counts)
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        Ok(self.inventory.tenants)
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        let query = "SELECT pool, members, minimum FROM pools WHERE pool IN rarray(?1)";
        let found = self.query(query, list(names), |row| {
            let minimum = row.get::<_, Option<[u8; 8]>>(2)?.map(u64::from_be_bytes);
            Ok((row.get::<_, String>(0)?, PoolRecord { members: row.get(1)?, minimum }))
        })?;
        let found: HashMap<String, PoolRecord> = found.into_iter().collect();
        Ok(names.iter().map(|name| found.get(*name).cloned().unwrap_or_default()).collect())
    }

    fn things(&self, tenants: &[&str]) -> Result<Option<Vec<u64>>, LookupError> {
        let query = "SELECT tenant, things FROM tenants WHERE tenant IN rarray(?1)";
        let found = self.query(query, list(tenants), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found: HashMap<String, u64> = found.into_iter().collect();
        Ok(Some(tenants.iter().map(|tenant| found.get(*tenant).copied().unwrap_or_default()).collect()))
    }

    fn nearly(&self, ids: &[&str]) -> Result<Option<Vec<Option<String>>>, LookupError> {
        let mut near = NearIds::of(ids);
        let mut statement = self.connection.prepare_cached("SELECT id FROM records")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            near.compare(row.get_ref(0)?.as_str().unwrap_or_default());
        }
        Ok(Some(near.finish()))
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::{Inventory, read_inventory_within};
    use crate::read::Folder;
    use std::fmt::Write;

    fn open(text: &str, memory: u64) -> Result<Box<dyn Inventory>, String> {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("i.csv"), text).unwrap();
        let folder = Folder::open(place.path()).unwrap();
        read_inventory_within(&folder, "i.csv", memory).map_err(|error| error.message)
    }

    #[test]
    fn answers_like_an_inventory_in_memory() {
        let mut text = "id,kind,tenant,state,dependents,legal_hold,pool,pool_minimum,contact,tenants\n".to_owned();
        for i in 0..3_000_u64 {
            let (kind, tenant, minimum) = (i % 7, i % 1_000, if i == 2_000 { u64::MAX } else { i });
            let pool = if i % 3 == 0 { format!("p-{}", i % 9) } else { String::new() };
            let state = if i % 5 == 0 { "disabled" } else { "live" };
            let (dependent, hold) = (i + 1, i % 2 == 0);
            let tenants = ["", "t-1;t-2;u-1", "NULL;t-5", "4000"][i as usize % 4];
            writeln!(
                text,
                "id-{i},kind-{kind},t-{tenant},{state},id-{dependent} id-0,{hold},{pool},{minimum},c-{i},{tenants}"
            )
            .unwrap();
        }
        // In memory, spilled from the start, and spilled after some rows.
        let all = [u64::MAX, 0, 1 << 20].map(|memory| open(&text, memory).unwrap());
        let ids: Vec<String> = (0..4_000).rev().map(|i| format!("id-{i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let answers = all.iter().map(|inventory| {
            let snapshot = inventory.snapshot().unwrap();
            let records: Vec<_> = snapshot
                .records(&ids)
                .unwrap()
                .into_iter()
                .map(|record| record.map(|record| record.into_owned()))
                .collect();
            (
                snapshot.sha256(),
                records,
                snapshot.population(&["kind-1", "kind-6", "nothing"]).unwrap(),
                snapshot.tenants().unwrap(),
                snapshot.pools(&["p-0", "p-3", "p-6", "nothing"]).unwrap(),
                snapshot.things(&["t-1", "nobody", "t-0", "u-1"]).unwrap(),
                snapshot.nearly(&["ID-7", " id-8", "nothing"]).unwrap(),
            )
        });
        let answers: Vec<_> = answers.collect();
        assert_eq!((answers[0].3, answers[0].5.clone()), (4_001, Some(vec![750, 0, 3, 750])));
        assert!(answers[0].1.iter().flatten().count() == 3_000 && answers[0].4[1].members == 267);
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
    }

    #[test]
    fn rejects_a_duplicated_id() {
        for memory in [u64::MAX, 0] {
            let error = open("id,kind\na,app\nb,app\nc,app\nb,app\na,app\n", memory).err().unwrap();
            assert!(error.ends_with("the id `b` is duplicated"), "{error}");
        }
    }
}
