//! `reprieve run`: vets a batch, runs the command that deletes it, and records the outcome in the ledger.

mod command;
mod descendants;
mod each;
mod ended;
mod environment;
mod folder;
mod log;
mod placeholder;
mod signals;
mod supervise;
mod waves;

use crate::commands::check;
use crate::error::fail;
use crate::setup::{BatchArguments, NAME_A_LEDGER, Vetting};
use anyhow::{Context, ensure};
use clap::Args;
use ended::Ended;
use environment::Secrets;
use reprieve::model::Duration;
use reprieve::signed::{Override, Signing};
use reprieve::{Batch, Decision, Gate, Permit, VetOptions};
use reprieve_ledger::SqlLedger;
use reprieve_report::output::plain;
use reprieve_report::render::{Detail, Format, Plots, RequestFile};
use reprieve_report::status::Status;
use signals::Signals;
use std::ffi::OsString;
use std::process::Command;
use supervise::Finished;

/// Vet a batch, and run the command that deletes it only if it is allowed
///
/// REPRIEVE_TARGETS names a file with the list, byte for byte as it was vetted, and REPRIEVE_IDS one with the ids alone, each
/// followed by a NUL byte, for `xargs -0`. For a list in several files, REPRIEVE_TARGETS names a file `targets.sha256`, whose
/// lines have the digests and the names of copies beside it. If a key signs permits, REPRIEVE_PERMIT
/// names a file with the permit. REPRIEVE_MODE, REPRIEVE_ENVIRONMENT and REPRIEVE_ENTRY are set as well. The command may
/// write the number of targets that it deleted into the file that REPRIEVE_OUTCOME names. The outcome is recorded.
///
/// A command with `{}` in an argument runs once for each id, in their order, with nothing on its standard input. After the
/// first failure no call is begun. The outcome has the number of calls that succeeded. After a signal or a halt no call is
/// begun, and those that run are waited for; a second signal is passed on to them.
///
/// The command does not receive PGPASSWORD, PGPASSFILE, and variables that contain the URL of the ledger or the path of
/// the key. Signals are passed on to it and to everything that it started.
///
/// Exit status: 0 allowed, and the command succeeded; 1 denied; 2 undecided or an error; 3 the command failed.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// Run in growing waves, canary first. Stop at the first wave that is denied or fails; run again to resume
    #[arg(long, conflicts_with = "override_file")]
    waves: bool,
    /// A shell command to run after each wave but the last, as a health check. If it fails, the wave has failed
    #[arg(long, value_name = "COMMAND", requires = "waves")]
    between: Option<String>,
    /// How long processes may take to end after the command has ended or a signal was passed on. After that they are
    /// told to end, and killed if they take as long again
    #[arg(long, value_name = "DURATION", default_value = "PT10S", value_parser = Duration::parse)]
    grace: Duration,
    #[command(flatten)]
    calls: each::Calls,
    /// The command that deletes
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let ledger_url = arguments.batch.ledger_url()?;
    let Vetting { batch, from: _list, gate, ledger, signing, with_override } = arguments.batch.open()?;
    let ledger = ledger.ok_or_else(|| fail("`run` records the outcome, which requires a ledger", NAME_A_LEDGER))?;
    ensure!(!arguments.command.is_empty(), "there is no command");
    arguments.calls.check(&arguments.command)?;
    environment::hide();
    let signals = Signals::catch().context("signals cannot be caught")?;
    let runner = Runner {
        gate: &gate,
        request: arguments.batch.file(),
        ledger: &ledger,
        signing: &signing,
        signals: &signals,
        secrets: Secrets { ledger_url, key: signing.permit_key_path() },
        grace: std::time::Duration::from_secs(arguments.grace.seconds()),
        with_override: with_override.as_ref(),
        command: &arguments.command,
        calls: &arguments.calls,
    };
    if arguments.waves {
        waves::run(&runner, &batch, arguments.between.as_deref())
    } else {
        Ok(match runner.vet(batch)? {
            Err(status) => status,
            Ok(permit) => {
                let (permit, ended) = runner.start(permit)?;
                let succeeded = ended.succeeded();
                runner.commit(permit, &ended)?;
                if succeeded { Status::Allow } else { Status::Failed }
            }
        })
    }
}

/// Everything that is needed to run a batch.
struct Runner<'a> {
    gate: &'a Gate,
    /// The name of the request.
    request: RequestFile,
    ledger: &'a SqlLedger,
    signing: &'a Signing,
    signals: &'a Signals,
    secrets: Secrets,
    grace: std::time::Duration,
    with_override: Option<&'a Override>,
    command: &'a [OsString],
    /// How a command with `{}` runs.
    calls: &'a each::Calls,
}

impl Runner<'_> {
    /// Vets a batch and prints the decision. Returns the permit, or the exit status.
    fn vet(&self, batch: Batch) -> anyhow::Result<Result<Permit, Status>> {
        let decision =
            self.gate.vet_with(batch, VetOptions { with_override: self.with_override, ..VetOptions::default() });
        // If printing fails, the permit is dropped unused, which aborts the reservation.
        let (format, detail, plots) = (Format::Human, Detail::Screen, Plots::Auto);
        let view = check::View { request: &self.request, format, detail, plots, reads_again: true, read_as: &[] };
        check::print(&decision, decision.document(), &view)?;
        Ok(match decision {
            Decision::Allow(permit) => Ok(permit),
            Decision::Deny(_) => Err(Status::Deny),
            Decision::Undecided(_) => Err(Status::Undecided),
        })
    }

    /// Runs the command on a batch. If it cannot be started, the permit is aborted.
    fn start(&self, permit: Permit) -> anyhow::Result<(Permit, Ended)> {
        match command::run(self, &permit) {
            Ok(ended) => Ok((permit, ended)),
            Err(error) => {
                permit.abort(&format!("the command was not started: {error:#}"))?;
                Err(error.context("nothing was deleted"))
            }
        }
    }

    /// Runs something that this run starts, and everything that it starts, to its end.
    fn supervise(&self, command: &mut Command) -> anyhow::Result<Finished> {
        self.secrets.remove_from(command);
        supervise::run(command, self.signals, self.grace)
    }

    /// Records the outcome of a batch.
    fn commit(&self, permit: Permit, ended: &Ended) -> anyhow::Result<()> {
        let entry = permit.document().ledger.as_ref().map(|entry| entry.entry).unwrap_or_default();
        let recorded = self.ledger.decision(entry).and_then(|now| permit.commit(&ended.outcome(now.used.is_some())));
        recorded.with_context(|| {
            format!("{}, but that cannot be recorded; entry {entry} stays open", ended.in_words())
        })?;
        errln!("entry {entry}: {}", plain(&ended.in_words()));
        Ok(())
    }
}
