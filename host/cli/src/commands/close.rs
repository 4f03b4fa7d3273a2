//! `reprieve commit` and `reprieve abort`: what became of a batch that was allowed.

use crate::Status;
use crate::setup::LedgerArguments;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reprieve::{Ledger, Outcome};

/// Say that a batch ran, and how it went
#[derive(Args, Debug)]
pub struct Commit {
    /// The ledger's entry of the decision
    entry: u64,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// How many targets were really deleted; if nobody knows, leave it out
    #[arg(long, value_name = "COUNT")]
    deleted: Option<u64>,
    /// It went wrong: the next batch of its campaign is a first one again
    #[arg(long)]
    failed: bool,
    /// What there is to say about it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Say that a batch did not run and nothing was deleted: what it reserved is free again
#[derive(Args, Debug)]
pub struct Abort {
    /// The ledger's entry of the decision
    entry: u64,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
}

/// Runs `reprieve commit`.
pub fn commit(arguments: &Commit) -> anyhow::Result<Status> {
    let Commit { entry, ledger, deleted, failed, note } = arguments;
    let outcome = Outcome::Committed { succeeded: !failed, deleted: *deleted, note: note.clone() };
    ledger.open()?.close(*entry, &outcome)?;
    anstream::println!("entry {entry} is committed");
    Ok(Status::Allow)
}

/// Runs `reprieve abort`.
pub fn abort(arguments: &Abort) -> anyhow::Result<Status> {
    let Abort { entry, ledger, reason } = arguments;
    ledger.open()?.close(*entry, &Outcome::Aborted { reason: reason.clone() })?;
    anstream::println!("entry {entry} is aborted");
    Ok(Status::Allow)
}
