//! Starts the service, reads the policy set again when it should, and stops.

use crate::app::App;
use crate::error::ServeError;
use crate::listen::listen;
use crate::live::{Equip, Source};
use crate::routes::router;
use crate::settings::{Limits, address};
use crate::telemetry::Telemetry;
use crate::watch::Files;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// How often the files of the policy set are looked at.
const WATCH: Duration = Duration::from_secs(2);

/// What the service is started with.
pub struct Options {
    /// The policy set, `reprieve.toml`.
    pub config: PathBuf,
    /// Where to listen, instead of the address in the set.
    pub listen: Option<String>,
    /// The folder below which lists are read, instead of the one in the set.
    pub lists: Option<PathBuf>,
    /// The password of a ledger in PostgreSQL, if its URL has none.
    pub password: Option<String>,
    /// Adds the cache of compiled policies and the worker that compiles.
    pub equip: Equip,
    /// Called when the service listens.
    pub ready: Box<dyn FnOnce(Started) + Send>,
}

/// A service that listens.
#[derive(Debug)]
pub struct Started {
    /// The address it listens on.
    pub address: SocketAddr,
    /// Whether callers authenticate.
    pub authenticates: bool,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// Serves until the process receives SIGTERM or SIGINT, and then finishes the calls that run.
///
/// # Errors
/// [`ServeError`] if it cannot start.
pub fn serve(options: Options) -> Result<(), ServeError> {
    let Options { config, listen: address_option, lists, password, equip, ready } = options;
    let source = Source { config, lists, equip, password };
    let (settings, ledger, ledger_name) = source.open_ledger()?;
    let address = address(&settings, address_option.as_deref())?;
    let limits = Limits::of(&settings)?;
    let live = source.read(&ledger, &ledger_name)?;
    let telemetry = Telemetry::of_environment()?;
    let app = Arc::new(App::new(source, live, (ledger, ledger_name), limits, telemetry));
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let failed = |error| ServeError::Listen { address: address.to_string(), error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let live = app.live();
        ready(Started {
            address: listener.local_addr().map_err(failed)?,
            authenticates: live.callers.are_set(),
            tls: live.tls.is_some(),
        });
        drop(live);
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hangup = signal(SignalKind::hangup())?;
        let watcher = tokio::spawn(watch(Arc::clone(&app), hangup));
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping");
        };
        listen(Arc::clone(&app), router(&app), listener, stop).await;
        watcher.abort();
        Ok(())
    });
    app.telemetry.close();
    served
}

/// Reads the policy set again on SIGHUP, when one of its files has changed, and often enough for its maximum age.
async fn watch(app: Arc<App>, mut hangup: tokio::signal::unix::Signal) {
    let look = || {
        let lists = app.live().settings.lists.clone();
        Files::of(app.source().folder(), lists.as_deref())
    };
    let mut known = look();
    loop {
        let by = tokio::select! {
            _ = hangup.recv() => "SIGHUP",
            () = tokio::time::sleep(WATCH) => {
                let now = look();
                if now == known {
                    if !grows_old(&app) {
                        continue;
                    }
                    "its age"
                } else {
                    // What is being written is read when it has not changed for a while.
                    known = now;
                    tokio::time::sleep(WATCH / 4).await;
                    let later = look();
                    if later != known {
                        known = Files::default();
                        continue;
                    }
                    "a change of its files"
                }
            }
        };
        let shared = Arc::clone(&app);
        // The log and the metrics have its result.
        drop(tokio::task::spawn_blocking(move || drop(shared.reload(by))).await);
    }
}

/// Whether the set has to be read again so that it does not become older than its maximum age.
fn grows_old(app: &App) -> bool {
    let live = app.live();
    live.settings.max_age.is_some_and(|max| live.read_at.elapsed() > Duration::from_secs(max.seconds() / 2))
}
