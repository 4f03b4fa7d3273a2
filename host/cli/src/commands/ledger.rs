//! `reprieve ledger`: what is recorded, and whether it is as it was written.

use crate::Status;
use crate::report::plain;
use crate::setup::LedgerArguments;
use clap::{Args, Subcommand};
use reprieve::model::Timestamp;
use reprieve_ledger::{Anchor, Filter, Halted, State};
use std::io::Write;

/// Make a ledger, and look at it
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make the ledger that the policy set names: a file, or the tables in a PostgreSQL database
    New(New),
    /// Look whether every entry is as it was written, and in its place; exit status 1 names the first that is not
    Verify(Verify),
    /// List decisions and what became of them
    List(List),
}

/// `reprieve ledger new`
#[derive(Args, Debug)]
pub struct New {
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// `reprieve ledger verify`
#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// An entry and its hash that were kept elsewhere: the record up to there has to be the one they stand for
    #[arg(long, value_name = "ENTRY:SHA256")]
    anchor: Option<Anchor>,
}

/// `reprieve ledger list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Only what is reserved, and nobody has said what became of it
    #[arg(long)]
    open: bool,
    /// Only what was decided since then
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    since: Option<Timestamp>,
    /// The last so many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    last: u64,
}

/// Runs the command.
pub fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::New(New { ledger }) => {
            let name = ledger.create()?;
            // The URL of a database may have a password in it.
            let name = if name.contains("://") { "the ledger".to_owned() } else { name };
            anstream::println!("{name} is made, and empty");
            Ok(Status::Allow)
        }
        Command::Verify(arguments) => verify(arguments),
        Command::List(arguments) => list(arguments),
    }
}

fn verify(arguments: &Verify) -> anyhow::Result<Status> {
    let mut out = anstream::stdout().lock();
    match arguments.ledger.open()?.verify(arguments.anchor.as_ref())? {
        Ok(verified) => {
            let decisions = crate::report::plural(verified.decisions, "decision", "decisions");
            let open = verified.open;
            writeln!(out, "{} entries as they were written: {decisions}, {open} of them open", verified.entries)?;
            if let Some(anchor) = verified.last {
                writeln!(out, "keep this elsewhere, for `--anchor`: {anchor}")?;
            }
            Ok(Status::Allow)
        }
        Err(damage) => {
            writeln!(out, "the ledger is not as it was written\n  {damage}")?;
            Ok(Status::Deny)
        }
    }
}

fn list(arguments: &List) -> anyhow::Result<Status> {
    let filter = Filter { since: arguments.since, open: arguments.open, most: Some(arguments.last) };
    let ledger = arguments.ledger.open()?;
    let mut out = anstream::stdout().lock();
    for summary in ledger.decisions(&filter)? {
        let state = match (&summary.override_id, &summary.state) {
            (_, State::NotAllowed) => String::new(),
            (None, state) => format!("  {}", state.as_str()),
            (Some(_), state) => format!("  {}  OVERRIDE", state.as_str()),
        };
        writeln!(
            out,
            "{:>6}  {}  {:<9}  {} of {:>7} targets, {:>6} tenants in {}  {}{state}",
            summary.entry,
            summary.at,
            summary.decision,
            summary.mode,
            summary.targets,
            summary.tenants,
            plain(&summary.environment),
            plain(&summary.request),
        )?;
    }
    for Halted { entry, halt } in ledger.halted()? {
        writeln!(out, "everything is halted by {}: {} (entry {entry})", plain(&halt.by), plain(&halt.reason))?;
    }
    Ok(Status::Allow)
}
