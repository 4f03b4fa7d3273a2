//! The two kinds of ledger, so that one suite runs against both.

use crate::postgres::Server;
use reprieve::{Batch, Folder, Gate, PolicyEntry, PolicySet};
use reprieve_ledger::SqlLedger;
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A ledger in a database of its own.
pub enum Store {
    /// In a file.
    Sqlite(tempfile::TempDir),
    /// In a database of the server, at this URL.
    Postgres(Arc<Server>, String),
}

/// The server that the tests of this process share while any of them runs.
static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Store {
    /// One of each kind.
    ///
    /// # Panics
    /// Where they cannot be made.
    #[allow(clippy::expect_used)]
    pub fn each() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    /// One in a database.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn postgres() -> Self {
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| Arc::new(Server::start()));
        *shared = Arc::downgrade(&server);
        let url = server.database(&format!("ledger_{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        Self::Postgres(server, url).made()
    }

    #[allow(clippy::expect_used)]
    fn made(self) -> Self {
        SqlLedger::create(&self.name(), None, None).expect("a new ledger");
        self
    }

    /// One in a file.
    ///
    /// # Panics
    /// Where it cannot be made.
    #[allow(clippy::expect_used)]
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder")).made()
    }

    /// What an operator would call it.
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.path().join("reprieve.db").display().to_string(),
            Self::Postgres(_, url) => url.clone(),
        }
    }

    /// Opens it, as another process would.
    ///
    /// # Panics
    /// Where it cannot be opened.
    #[allow(clippy::expect_used)]
    pub fn open(&self) -> SqlLedger {
        SqlLedger::open(&self.name(), None, None).expect("a ledger")
    }

    /// Does something to the database behind the ledger's back.
    ///
    /// # Panics
    /// Where it cannot be done.
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

/// A gate on this ledger with `timing` alone, which allows so many tenants a day in soft deletes.
///
/// # Panics
/// Where it cannot be put together.
#[allow(clippy::expect_used)]
pub fn gate(ledger: SqlLedger, tenants_a_day: u64) -> Gate {
    let settings = [("tenants_a_day_soft".to_owned(), tenants_a_day.into())].into();
    let set = PolicySet::of(vec![PolicyEntry { settings, ..PolicyEntry::builtin("timing") }]);
    Gate::builder().policies(set, None).ledger(ledger).build().expect("a gate")
}

/// A request for a soft delete of as many apps, each of a tenant of its own, as part of a campaign.
///
/// # Panics
/// Never: it is in order.
#[allow(clippy::expect_used)]
pub fn request(id: &str, apps: u64) -> Batch {
    let targets: Vec<_> =
        (0..apps).map(|i| json!({ "id": format!("{id}-{i}"), "kind": "app", "tenant": format!("t-{i}") })).collect();
    let request = json!({
        "id": id, "mode": "soft", "environment": "production", "target_kind": "app", "campaign": "tests",
        "actor": { "id": "svc-tests", "type": "automation" }, "targets": targets,
    });
    let folder = Folder::open(Path::new(".")).expect("this folder");
    Batch::read(request.to_string().as_bytes(), "request", &folder).expect("a request in order")
}
