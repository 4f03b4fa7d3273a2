//! The two kinds of ledger, so that every test runs against both.

use crate::postgres::Server;
use reprieve::policy::{EnvironmentSettings, PolicyEntry};
use reprieve::{Batch, Folder, Gate, PolicySet};
use reprieve_ledger::SqlLedger;
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A ledger in its own database.
pub enum Store {
    /// SQLite, in a file of this folder.
    Sqlite(tempfile::TempDir),
    /// PostgreSQL, in the database of the server at this URL.
    Postgres(Arc<Server>, String),
}

/// The server that the tests of this process share. It stops when no test uses it.
static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Store {
    /// A new ledger of each kind.
    ///
    /// # Panics
    /// If one cannot be created.
    pub fn each() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    /// A new ledger in PostgreSQL.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn postgres() -> Self {
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| Arc::new(Server::start()));
        *shared = Arc::downgrade(&server);
        let url = server.database(&format!("ledger_{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        Self::Postgres(server, url).create()
    }

    #[allow(clippy::expect_used)]
    fn create(self) -> Self {
        SqlLedger::create(&self.name(), None, None).expect("a new ledger");
        self
    }

    /// A new ledger in SQLite.
    ///
    /// # Panics
    /// If it cannot be created.
    #[allow(clippy::expect_used)]
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder")).create()
    }

    /// Its name as an operator writes it.
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.path().join("reprieve.db").display().to_string(),
            Self::Postgres(_, url) => url.clone(),
        }
    }

    /// Opens it, as another process would.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[allow(clippy::expect_used)]
    pub fn open(&self) -> SqlLedger {
        SqlLedger::open(&self.name(), None, None).expect("a ledger")
    }

    /// Opens it only to verify it.
    ///
    /// # Panics
    /// If its database cannot be opened.
    #[allow(clippy::expect_used)]
    pub fn open_to_verify(&self) -> SqlLedger {
        SqlLedger::open_to_verify(&self.name(), None, None).expect("a database")
    }

    /// Changes the database without going through the ledger.
    ///
    /// # Panics
    /// If the SQL fails.
    #[allow(clippy::expect_used)]
    pub fn tamper(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => {
                rusqlite::Connection::open(self.name()).expect("a file").execute_batch(sql).expect(sql);
            }
            Self::Postgres(_, url) => {
                let mut client = ::postgres::Client::connect(url, ::postgres::NoTls).expect("a connection");
                client.batch_execute(sql).expect(sql);
            }
        }
    }
}

/// A gate on this ledger with the policy `timing`, which limits soft deletes to `tenants_a_day`.
///
/// # Panics
/// If it cannot be built.
#[allow(clippy::expect_used)]
pub fn gate(ledger: SqlLedger, tenants_a_day: u64) -> Gate {
    gate_of(None, ledger, tenants_a_day)
}

/// Such a gate, which knows which environments are not production.
///
/// # Panics
/// Never: its settings are valid.
#[allow(clippy::expect_used)]
pub fn gate_of(environments: Option<EnvironmentSettings>, ledger: SqlLedger, tenants_a_day: u64) -> Gate {
    let settings = [("tenants_a_day_soft".to_owned(), tenants_a_day.into())].into();
    let set = PolicySet::of(vec![PolicyEntry { settings, ..PolicyEntry::builtin("timing") }]);
    let set = PolicySet { environments, ..set };
    Gate::builder().policies(set, None).ledger(ledger).build().expect("a gate")
}

/// A request for a soft delete of `apps` apps of different tenants in production, in the campaign `tests`.
pub fn request(id: &str, apps: u64) -> Batch {
    request_in("production", id, apps)
}

/// The size of a target, if it is known.
pub fn size_of(i: u64) -> Option<u64> {
    (i > 0).then_some(1_000 * i)
}

/// Such a request in an environment.
///
/// # Panics
/// Never: it is valid.
#[allow(clippy::expect_used)]
pub fn request_in(environment: &str, id: &str, apps: u64) -> Batch {
    let targets: Vec<_> = (0..apps)
        .map(|i| json!({ "id": format!("{id}-{i}"), "kind": "app", "tenant": format!("t-{i}"), "size_bytes": size_of(i) }))
        .collect();
    let request = json!({
        "id": id, "mode": "soft", "environment": environment, "target_kind": "app", "campaign": "tests",
        "actor": { "id": "svc-tests", "type": "automation" }, "targets": targets,
    });
    let folder = Folder::open(Path::new(".")).expect("the current folder");
    Batch::read(request.to_string().as_bytes(), "request", &folder).expect("a valid request")
}
