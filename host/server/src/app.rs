//! The service as a value: what every call shares.

use crate::error::ServeError;
use crate::limiter::Limiter;
use crate::live::{Live, Source};
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::problem::Problem;
use crate::settings::Limits;
use crate::telemetry::Telemetry;
use reprieve::Gate;
use reprieve_ledger::{Reload, SqlLedger};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::Semaphore;

/// What every call shares.
pub(crate) struct App {
    live: RwLock<Arc<Live>>,
    source: Source,
    /// Held while a policy set is read, so that two reloads follow each other.
    reloading: Mutex<()>,
    pub ledger: SqlLedger,
    ledger_name: String,
    pub pool: Pool,
    pub limiter: Limiter,
    pub metrics: Metrics,
    pub telemetry: Telemetry,
    pub limits: Limits,
    /// The places of run tasks: they run after their call was answered.
    pub runs: Arc<Semaphore>,
    last_change: Mutex<Option<Change>>,
    closing: AtomicBool,
}

/// How many calls the gate works on at once, for each core. Most of them wait for the ledger, which commits those that wait
/// together.
const CALLS_PER_CORE: usize = 4;

/// How many run tasks may run at once.
pub(crate) const MAX_RUNS: u32 = 16;

/// The digests of a set and of the one that replaced it.
#[derive(Clone, Debug)]
pub(crate) struct Reloaded {
    pub from: String,
    pub to: String,
}

/// The last change of the policy set since the service started.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub by: String,
    pub sets: Reloaded,
    /// What differs.
    pub differences: Vec<String>,
}

impl App {
    pub fn new(
        source: Source,
        live: Live,
        ledger: (SqlLedger, String),
        limits: Limits,
        telemetry: Telemetry,
    ) -> Self {
        let (ledger, ledger_name) = ledger;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let metrics = Metrics::new(live.gate.set_sha256());
        Self {
            live: RwLock::new(Arc::new(live)),
            source,
            reloading: Mutex::default(),
            ledger,
            ledger_name,
            pool: Pool::new(cores.saturating_mul(CALLS_PER_CORE), limits.waiting, limits.timeout),
            limiter: Limiter::default(),
            metrics,
            telemetry,
            limits,
            runs: Arc::new(Semaphore::new(MAX_RUNS as usize)),
            last_change: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// The policy set that decides now. A call uses one set from its beginning to its end.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The policy set, unless it is too old to decide.
    pub fn deciding(&self) -> Result<Arc<Live>, Problem> {
        let live = self.live();
        match live.too_old() {
            Some(why) => Err(Problem::unavailable(why)
                .with_help("`reprieve serve` reads it again on SIGHUP; its log says why it could not")),
            None => Ok(live),
        }
    }

    /// Reads the policy set again, and replaces the one that decides if it is valid. `by` is who or what caused it.
    pub fn reload(&self, by: &str) -> Result<Reloaded, ServeError> {
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.source.read(&self.ledger, &self.ledger_name).and_then(|next| self.replace(next, by));
        self.metrics.reloaded(result.is_ok());
        match &result {
            Ok(Reloaded { from, to }) => tracing::info!(by, from, to, "the policy set was read again"),
            Err(error) => {
                tracing::error!(by, help = error.help(), "the policy set was not replaced: {error}");
            }
        }
        result
    }

    fn replace(&self, next: Live, by: &str) -> Result<Reloaded, ServeError> {
        let before = self.live();
        if before.tls.is_some() && next.tls.is_none() || before.callers.are_set() && !next.callers.are_set() {
            let message = "TLS and callers cannot be removed while the service runs";
            return Err(ServeError::setting("callers", message, "restart the service"));
        }
        let from = before.gate.set_sha256().to_owned();
        let to = next.gate.set_sha256().to_owned();
        if from != to {
            self.ledger.reload(&Reload { from: from.clone(), to: to.clone(), by: by.to_owned() })?;
            let sets = Reloaded { from: from.clone(), to: to.clone() };
            let differences = differences(&before.gate, &next.gate);
            let change = Change { by: by.to_owned(), sets, differences };
            *self.last_change.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
        }
        self.metrics.set(&to);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(Reloaded { from, to })
    }

    /// The last change of the policy set since the service started.
    pub fn last_change(&self) -> Option<Change> {
        self.last_change.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the policy set is read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// From now on the service is not ready, so that no new calls are sent to it.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Why the service is not ready, if it is not. It blocks.
    pub fn not_ready(&self) -> Option<String> {
        if self.closing.load(Ordering::Relaxed) {
            return Some("the service is stopping".to_owned());
        }
        let live = self.live();
        live.too_old().or_else(|| self.ledger.check_writable().err().map(|error| error.to_string()))
    }
}

/// What differs between the policies of two sets.
fn differences(before: &Gate, after: &Gate) -> Vec<String> {
    let policies = |gate: &Gate| -> BTreeMap<String, (String, String, bool)> {
        let policy = |policy: reprieve::policy::PolicyInfo<'_>| {
            (policy.sha256.to_owned(), policy.settings.to_owned(), policy.enforced)
        };
        gate.policies().map(|info| (info.descriptor.name.clone(), policy(info))).collect()
    };
    let (before, after) = (policies(before), policies(after));
    let mut lines = Vec::new();
    for (name, (sha256, settings, enforced)) in &before {
        match after.get(name) {
            None => lines.push(format!("`{name}` was removed")),
            Some((other, _, _)) if other != sha256 => lines.push(format!("`{name}` has another module")),
            Some(_) => {}
        }
        if let Some((_, other, _)) = after.get(name).filter(|(_, other, _)| other != settings) {
            lines.push(format!("the settings of `{name}` were {settings} and are {other}"));
        }
        if after.get(name).is_some_and(|(_, _, other)| other != enforced) {
            lines.push(format!("`{name}` {}", if *enforced { "is only reported now" } else { "is enforced now" }));
        }
    }
    lines.extend(after.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("`{name}` was added")));
    if lines.is_empty() {
        lines.push("the scope or data of a policy, the environments or the keys of signers".to_owned());
    }
    lines
}
