//! The `reprieve` command. Every subcommand has a file below `commands/`.
//!
//! Exit status of every command that decides: 0 allow, 1 deny, 2 undecided, unusable input, or anything else that
//! went wrong. `reprieve check request.json && delete …` deletes nothing unless the answer was an allow.

mod commands;
mod files;
mod project;
mod reading;
mod report;
mod setup;
mod watch;

use clap::{Parser, Subcommand};
use reprieve::model::Verdict;
use std::io::Write;
use std::process::ExitCode;

/// What the process says to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The batch may run, or the command did what it was asked.
    Allow,
    /// A policy objects.
    Deny,
    /// Undecided, unusable input, or a failure.
    Undecided,
    /// The batch was allowed, and what `run` ran went wrong.
    Failed,
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow => Self::Allow,
            Verdict::Deny => Self::Deny,
            Verdict::Undecided => Self::Undecided,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Allow => 0,
            Status::Deny => 1,
            Status::Undecided => 2,
            Status::Failed => 3,
        })
    }
}

/// Vets deletion batches before anything is deleted.
///
/// Exit status: 0 allow, 1 deny, 2 undecided or unusable input; `run` has 3 for a command that went wrong.
#[derive(Parser)]
#[command(name = "reprieve", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(commands::check::Arguments),
    Run(commands::run::Arguments),
    Split(commands::split::Arguments),
    Init(commands::init::Arguments),
    Policies(commands::policies::Arguments),
    Explain(commands::explain::Arguments),
    Targets(commands::targets::Arguments),
    Schema(commands::schema::Arguments),
    #[command(subcommand)]
    Policy(commands::policy::Command),
    Incidents(commands::incidents::Arguments),
    Commit(commands::close::Commit),
    Abort(commands::close::Abort),
    Halt(commands::halt::Halt),
    Resume(commands::halt::Resume),
    #[command(subcommand)]
    Ledger(commands::ledger::Command),
    Report(commands::affected::Arguments),
    Replay(commands::replay::Arguments),
    #[command(subcommand)]
    Permit(commands::permit::Command),
    #[command(subcommand)]
    Override(commands::glass::Command),
    #[command(subcommand)]
    Keys(commands::keys::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    reprieve::hush_decoders();
    let outcome = std::panic::catch_unwind(|| match arguments.command {
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Split(arguments) => commands::split::run(&arguments),
        Command::Init(arguments) => commands::init::run(&arguments),
        Command::Incidents(arguments) => commands::incidents::run(&arguments),
        Command::Policy(command) => commands::policy::run(&command),
        Command::Policies(arguments) => commands::policies::run(&arguments),
        Command::Explain(arguments) => commands::explain::run(&arguments),
        Command::Targets(arguments) => commands::targets::run(&arguments),
        Command::Schema(arguments) => commands::schema::run(&arguments),
        Command::Commit(arguments) => commands::close::commit(&arguments),
        Command::Abort(arguments) => commands::close::abort(&arguments),
        Command::Halt(arguments) => commands::halt::halt(&arguments),
        Command::Resume(arguments) => commands::halt::resume(&arguments),
        Command::Ledger(command) => commands::ledger::run(&command),
        Command::Report(arguments) => commands::affected::run(&arguments),
        Command::Replay(arguments) => commands::replay::run(&arguments),
        Command::Permit(command) => commands::permit::run(&command),
        Command::Override(command) => commands::glass::run(&command),
        Command::Keys(command) => commands::keys::run(&command),
    });
    match outcome {
        Ok(Ok(status)) => status.into(),
        // Whoever reads what is printed has seen enough of it: `reprieve policies | head`.
        Ok(Err(error)) if is_broken_pipe(&error) => Status::Undecided.into(),
        Ok(Err(error)) => {
            // If even this cannot be written, the status still says it.
            drop(writeln!(anstream::stderr(), "{}", report::error(&error)));
            Status::Undecided.into()
        }
        Err(_) => Status::Undecided.into(),
    }
}

/// Whether an error is that of our own output, and not of a file or a server that a message would name.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let bare = error.chain().len() == 1;
    bare && error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
