//! `reprieve ledger`: creates, verifies and lists a ledger.

use crate::error::fail;
use crate::setup::LedgerArguments;
use clap::{Args, Subcommand};
use reprieve::model::{BatchState, Timestamp};
use reprieve_ledger::{ActiveHalt, Anchor, Filter};
use reprieve_report::output::{Page, data, plain};
use reprieve_report::render::plural;
use reprieve_report::status::Status;

/// Create a ledger, verify it, list its decisions and the files of a list
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Create the ledger that the policy set names: a file, or the tables in a PostgreSQL database. If it names none, create
    /// `reprieve.db` and name it in the policy set
    New(New),
    /// Verify the hash chain and every table; exit with 1 at the first altered entry
    Verify(Verify),
    /// List decisions and their outcomes
    List(List),
    /// Print the files of a list as `sha256sum --check` reads them: the manifest that a decision was made for
    Manifest(Manifest),
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
    /// A trusted ENTRY:SHA256 kept elsewhere; fail unless the ledger still contains it
    #[arg(long, value_name = "ENTRY:SHA256")]
    anchor: Option<Anchor>,
}

/// `reprieve ledger list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Show only open reservations: allowed batches whose outcome is not recorded
    #[arg(long)]
    open: bool,
    /// Show only the batches of this campaign
    #[arg(long, value_name = "NAME")]
    campaign: Option<String>,
    /// Show only decisions made at this time or later
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    since: Option<Timestamp>,
    /// Show only the last COUNT decisions
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    last: u64,
}

/// `reprieve ledger manifest`
#[derive(Args, Debug)]
pub struct Manifest {
    /// The entry of the decision
    entry: u64,
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// Runs the command.
pub fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::New(New { ledger }) => {
            let name = ledger.create()?;
            // The URL of a database may contain a password.
            let name = if name.contains("://") { "the ledger".to_owned() } else { name };
            outln!("created {}, which is empty", plain(&name))?;
            Ok(Status::Success)
        }
        Command::Verify(arguments) => verify(arguments),
        Command::List(arguments) => list(arguments),
        Command::Manifest(arguments) => manifest(arguments),
    }
}

fn verify(arguments: &Verify) -> anyhow::Result<Status> {
    match arguments.ledger.open_to_verify()?.verify(arguments.anchor.as_ref())? {
        Ok(verified) => {
            let entries = plural(verified.entries, "entry", "entries");
            let decisions = plural(verified.decisions, "decision", "decisions");
            outln!("{entries} verified: {decisions}, {} of them open", verified.open)?;
            if let Some(anchor) = verified.last {
                if arguments.anchor.is_none() {
                    outln!("without an anchor, a ledger that was written anew or cut off is not noticed")?;
                }
                outln!("keep this elsewhere, for `--anchor`: {anchor}")?;
            }
            Ok(Status::Success)
        }
        Err(damage) => {
            outln!("the ledger was altered")?;
            outln!("  {}", plain(&damage.to_string()))?;
            Ok(Status::Deny)
        }
    }
}

fn manifest(arguments: &Manifest) -> anyhow::Result<Status> {
    let lines = arguments.ledger.open()?.decision(arguments.entry)?.manifest()?.ok_or_else(|| {
        let message = format!("the list of entry {} was not in several files", arguments.entry);
        fail(message, "`reprieve report` shows what was decided about it")
    })?;
    data(|out| Ok(out.write_all(lines.as_bytes())?))?;
    Ok(Status::Success)
}

fn list(arguments: &List) -> anyhow::Result<Status> {
    let filter = Filter {
        since: arguments.since,
        open: arguments.open,
        campaign: arguments.campaign.clone(),
        last: Some(arguments.last),
    };
    let ledger = arguments.ledger.open()?;
    let mut page = Page::default();
    for summary in ledger.decisions(&filter)? {
        let state = match (&summary.override_id, summary.state) {
            (_, BatchState::NotAllowed) => String::new(),
            (None, state) => format!("  {}", state.as_str()),
            (Some(_), state) => format!("  {}  OVERRIDE", state.as_str()),
        };
        line!(
            page,
            "{:>6}  {}  {:<9}  {} of {:>7} targets, {:>6} tenants in {}  {}{state}",
            summary.entry,
            summary.at,
            summary.decision.as_str(),
            summary.mode.as_str(),
            summary.targets,
            summary.tenants,
            plain(&summary.environment),
            plain(&summary.request),
        );
    }
    for ActiveHalt { entry, halt } in ledger.halts()? {
        line!(page, "everything is halted by {}: {} (entry {entry})", plain(&halt.by), plain(&halt.reason));
    }
    page.print()?;
    Ok(Status::Success)
}
