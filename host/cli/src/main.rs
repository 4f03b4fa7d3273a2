//! The `reprieve` command. Every subcommand has a file of its name below `commands/`, except that `outcome.rs` has
//! `commit` and `abort`, `halt.rs` has `halt` and `resume`, and `overrides.rs` has `override`, which Rust reserves.
//! [`Status`] lists the exit statuses.

#[macro_use]
extern crate reprieve_report;

mod commands;
mod drafting;
mod edit;
mod error;
mod files;
mod job;
mod mode;
mod permits;
mod project;
mod reading;
mod sdk;
mod setup;
mod sql;
mod watch;

use clap::{CommandFactory, Parser, Subcommand};
use reprieve_report::{output, status};
use status::Status;
use std::ffi::OsString;
use std::process::ExitCode;

/// Vet deletion batches before anything is deleted
///
/// Exit status: 0 allow or success, 1 deny or a failed check, 2 undecided or an error. `run` exits with 3 if the batch
/// was allowed but its command failed.
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
    Plan(commands::plan::Arguments),
    Count(commands::count::Arguments),
    Facts(commands::facts::Arguments),
    Observe(commands::observe::Arguments),
    Decide(commands::decide::Arguments),
    Draft(commands::draft::Arguments),
    Approve(commands::approve::Arguments),
    #[command(subcommand)]
    Attest(commands::attest::Command),
    Read(commands::read::Arguments),
    #[command(subcommand)]
    Inventory(commands::inventory::Command),
    Init(commands::init::Arguments),
    Policies(commands::policies::Arguments),
    Explain(commands::explain::Arguments),
    Targets(commands::targets::Arguments),
    Schema(commands::schema::Arguments),
    #[command(subcommand)]
    Policy(commands::policy::Command),
    Incidents(commands::incidents::Arguments),
    Commit(commands::outcome::Commit),
    Abort(commands::outcome::Abort),
    Halt(commands::halt::Halt),
    Resume(commands::halt::Resume),
    #[command(subcommand)]
    Ledger(commands::ledger::Command),
    Report(commands::report::Arguments),
    Replay(commands::replay::Arguments),
    #[command(subcommand)]
    Permit(commands::permit::Command),
    #[command(subcommand)]
    Override(commands::overrides::Command),
    #[command(subcommand)]
    Keys(commands::keys::Command),
    Sign(commands::sign::Arguments),
    Serve(commands::serve::Arguments),
    Token(commands::token::Arguments),
    Hook(commands::hook::Arguments),
    Mcp(commands::mcp::Arguments),
    /// Compile a module for a gate that started this process
    #[command(name = setup::WORKER, hide = true)]
    CompileWorker,
}

impl Command {
    /// Whether the exit status is an answer (an allow, a valid ledger, passing cases) that a caller may act on.
    const fn answers(&self) -> bool {
        match self {
            Self::Check(_)
            | Self::Run(_)
            | Self::Decide(_)
            | Self::Incidents(_)
            | Self::Replay(_)
            | Self::Permit(_)
            | Self::Ledger(commands::ledger::Command::Verify(_)) => true,
            Self::Policy(command) => command.answers(),
            _ => false,
        }
    }

    fn run(&self) -> anyhow::Result<Status> {
        match self {
            Self::Check(arguments) => commands::check::run(arguments),
            Self::Run(arguments) => commands::run::run(arguments),
            Self::Split(arguments) => commands::split::run(arguments),
            Self::Plan(arguments) => commands::plan::run(arguments),
            Self::Count(arguments) => commands::count::run(arguments),
            Self::Facts(arguments) => commands::facts::run(arguments),
            Self::Observe(arguments) => commands::observe::run(arguments),
            Self::Decide(arguments) => commands::decide::run(arguments),
            Self::Draft(arguments) => commands::draft::run(arguments),
            Self::Approve(arguments) => commands::approve::run(arguments),
            Self::Attest(command) => commands::attest::run(command),
            Self::Read(arguments) => commands::read::run(arguments),
            Self::Inventory(command) => commands::inventory::run(command),
            Self::Init(arguments) => commands::init::run(arguments),
            Self::Incidents(arguments) => commands::incidents::run(arguments),
            Self::Policy(command) => commands::policy::run(command),
            Self::Policies(arguments) => commands::policies::run(arguments),
            Self::Explain(arguments) => commands::explain::run(arguments),
            Self::Targets(arguments) => commands::targets::run(arguments),
            Self::Schema(arguments) => commands::schema::run(arguments),
            Self::Commit(arguments) => commands::outcome::commit(arguments),
            Self::Abort(arguments) => commands::outcome::abort(arguments),
            Self::Halt(arguments) => commands::halt::halt(arguments),
            Self::Resume(arguments) => commands::halt::resume(arguments),
            Self::Ledger(command) => commands::ledger::run(command),
            Self::Report(arguments) => commands::report::run(arguments),
            Self::Replay(arguments) => commands::replay::run(arguments),
            Self::Permit(command) => commands::permit::run(command),
            Self::Override(command) => commands::overrides::run(command),
            Self::Keys(command) => commands::keys::run(command),
            Self::Sign(arguments) => commands::sign::run(arguments),
            Self::Serve(arguments) => commands::serve::run(arguments),
            Self::Token(arguments) => commands::token::run(arguments),
            Self::Hook(arguments) => commands::hook::run(arguments),
            Self::Mcp(arguments) => commands::mcp::run(arguments),
            Self::CompileWorker => Ok(reprieve::policy::run_worker().map(|()| Status::Success)?),
        }
    }
}

fn main() -> ExitCode {
    report_panics();
    reprieve::silence_decoder_panics();
    match parse() {
        Ok(Arguments { command: Command::Hook(arguments) }) if arguments.answers() => {
            commands::hook::answer(&arguments)
        }
        Ok(Arguments { command }) => status(command.answers(), || command.run()).into(),
        Err(error) => {
            let status = if error.use_stderr() { Status::Undecided } else { Status::Success };
            // If this fails, nothing can report it.
            drop(error.print());
            status.into()
        }
    }
}

/// Runs a command. Whatever goes wrong ends in [`Status::Undecided`] and a message.
fn status(answers: bool, run: impl FnOnce() -> anyhow::Result<Status>) -> Status {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(status)) => status,
        // `reprieve policies | head`: the reader has seen enough. An answer that was not read is not given.
        Ok(Err(error)) if is_closed_output(&error) && answers => Status::Undecided,
        Ok(Err(error)) if is_closed_output(&error) => Status::Success,
        Ok(Err(error)) => {
            error::page(&error).print_error();
            Status::Undecided
        }
        // The hook has reported the panic.
        Err(_) => Status::Undecided,
    }
}

/// Parses the arguments. The message of an error quotes them, so it is made from the arguments as they are shown.
fn parse() -> Result<Arguments, clap::Error> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    Arguments::try_parse_from(&arguments).map_err(|error| {
        let shown = arguments.iter().map(|argument| output::plain(&argument.to_string_lossy()).into_owned());
        // The same error, unless an argument is valid only as it is shown.
        Arguments::try_parse_from(shown).err().unwrap_or_else(|| {
            clap::Error::raw(error.kind(), "an argument has characters that are not shown\n")
                .with_cmd(&Arguments::command())
        })
    })
}

/// Reports a panic in one line.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("unknown");
        errln!("error: a bug in Reprieve{place}: {}; please report it", output::plain(what));
    }));
}

/// Whether an error is that of the standard output. An error of a file or a server has a message that names it.
fn is_closed_output(error: &anyhow::Error) -> bool {
    let is_bare = error.chain().len() == 1;
    is_bare
        && error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_undecided() {
        assert_eq!(status(true, || panic!("boom\nallow")), Status::Undecided);
        assert_eq!(status(false, || anyhow::bail!("no")), Status::Undecided);
        assert_eq!(status(false, || Ok(Status::Deny)), Status::Deny);
        let closed = || Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        assert_eq!((status(true, closed), status(false, closed)), (Status::Undecided, Status::Success));
    }
}
