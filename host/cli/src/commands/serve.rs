//! `reprieve serve`: decides over HTTP.

use crate::error::with_help;
use crate::setup::{DEFAULT_CONFIG, equipped};
use anstream::stream::IsTerminal;
use clap::{Args, ValueEnum};
use reprieve::ledger::LedgerError;
use reprieve_report::status::Status;
use reprieve_server::{Options, ServeError, Started, serve};
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Decide over HTTP: the service beside a pipeline, the webhooks, and the console
///
/// It is configured in `[serve]` of the policy set, records every decision in the ledger, and reads the policy set again when
/// a file of it changes, or on SIGHUP. SIGTERM stops it after the calls that run.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The policy set
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Where to listen, instead of the address in the policy set
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The folder below which requests may name lists, instead of the one in the policy set
    #[arg(long, value_name = "FOLDER")]
    lists: Option<PathBuf>,
    /// The form of the log on standard error [default: text on a terminal, else JSON]. RUST_LOG filters it
    #[arg(long, value_enum)]
    log: Option<Log>,
}

/// The form of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Log {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    start_log(arguments.log);
    let options = Options {
        config: arguments.config.clone(),
        listen: arguments.listen.clone(),
        lists: arguments.lists.clone(),
        password: std::env::var("PGPASSWORD").ok(),
        equip: equipped,
        ready: Box::new(|Started { address, authenticates, tls }| {
            let scheme = if tls { "https" } else { "http" };
            tracing::info!("listening on {scheme}://{address}");
            if !authenticates {
                tracing::warn!("callers do not authenticate: every program on this machine may do everything");
            }
        }),
    };
    serve(options).map_err(|error| match error {
        ServeError::Read(_) if !arguments.config.exists() => with_help(error, "create it with `reprieve init`"),
        ServeError::Ledger(LedgerError::NotFound { .. }) => with_help(error, "create it with `reprieve ledger new`"),
        error => error.into(),
    })?;
    Ok(Status::Success)
}

fn start_log(form: Option<Log>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let form = form.unwrap_or(if std::io::stderr().is_terminal() { Log::Text } else { Log::Json });
    match form {
        Log::Text => log.init(),
        Log::Json => log.json().flatten_event(true).init(),
    }
}
