//! `reprieve commit` and `reprieve abort`: record the outcome of an allowed batch.

use crate::error::with_help;
use crate::setup::LedgerArguments;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reprieve::ledger::{Ledger, LedgerError, Outcome};
use reprieve_report::status::Status;

/// Record that a batch ran, and whether it succeeded
#[derive(Args, Debug)]
pub struct Commit {
    /// The ledger entry of the decision
    entry: u64,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The number of targets that were deleted; omit it if it is unknown
    #[arg(long, value_name = "COUNT")]
    deleted: Option<u64>,
    /// The run failed; the campaign starts over with a canary
    #[arg(long)]
    failed: bool,
    /// A note for the record
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Record that a batch did not run and deleted nothing, and release what it reserved
#[derive(Args, Debug)]
pub struct Abort {
    /// The ledger entry of the decision
    entry: u64,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The reason
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
}

/// Runs `reprieve commit`.
pub fn commit(arguments: &Commit) -> anyhow::Result<Status> {
    let Commit { entry, ledger, deleted, failed, note } = arguments;
    let outcome = Outcome::Committed { succeeded: !failed, deleted: *deleted, note: note.clone() };
    record(ledger, *entry, &outcome)?;
    outln!("entry {entry} is committed")?;
    Ok(Status::Success)
}

/// Runs `reprieve abort`.
pub fn abort(arguments: &Abort) -> anyhow::Result<Status> {
    let Abort { entry, ledger, reason } = arguments;
    record(ledger, *entry, &Outcome::Aborted { reason: reason.clone() })?;
    outln!("entry {entry} is aborted")?;
    Ok(Status::Success)
}

fn record(ledger: &LedgerArguments, entry: u64, outcome: &Outcome) -> anyhow::Result<()> {
    ledger.open()?.record_outcome(entry, outcome).map_err(|error| match &error {
        LedgerError::NotFound { .. } => with_help(error, LIST_DECISIONS),
        // A batch that was not allowed, or whose outcome is known, has no help: nothing is left to do.
        LedgerError::Conflict { help: Some(help), .. } => {
            let help = format!("{help}: `reprieve commit {entry} --failed --deleted COUNT`");
            with_help(error, help)
        }
        _ => error.into(),
    })
}

/// What to do if a decision is not found.
pub const LIST_DECISIONS: &str = "`reprieve ledger list` lists the decisions with their entries and requests";
