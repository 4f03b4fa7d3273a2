//! `reprieve run`: vets a batch, runs the command that deletes it, and says in the ledger what became of it.

mod command;
mod signals;
mod waves;

use crate::report;
use crate::setup::{BatchArguments, Signing, Vetting};
use crate::{Status, commands::check};
use anyhow::{Context, ensure};
use clap::Args;
use command::Ended;
use reprieve::{Batch, Decision, Gate, Permit};
use reprieve_ledger::SqlLedger;
use signals::Signals;
use std::ffi::OsString;

/// Vet a batch, and run the command that deletes it only if it is allowed
///
/// The command finds the list in the file that REPRIEVE_TARGETS names, byte for byte as it was vetted; a permit, where
/// a key signs permits, in REPRIEVE_PERMIT; and REPRIEVE_MODE, REPRIEVE_ENVIRONMENT and REPRIEVE_ENTRY. It may write
/// how many targets it really deleted into the file that REPRIEVE_OUTCOME names. What becomes of it is recorded.
///
/// Exit status: 0 allowed, and the command went well; 1 denied; 2 undecided; 3 the command went wrong.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// In waves: the canary first, then ever larger ones; each is vetted by itself, and the first that is not allowed
    /// or goes wrong ends it. Run again, it goes on with what is left
    #[arg(long, conflicts_with = "glass")]
    waves: bool,
    /// A health check between the waves, for the shell: if it fails, its wave went wrong
    #[arg(long, value_name = "COMMAND", requires = "waves")]
    between: Option<String>,
    /// The command that deletes
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let Vetting { batch, gate, ledger, signing } = arguments.batch.open()?;
    let ledger = ledger.context(
        "what is run has to be recorded\nhelp: `ledger = \"reprieve.db\"` in reprieve.toml, or `--ledger FILE`",
    )?;
    ensure!(!arguments.command.is_empty(), "there is no command");
    let signals = Signals::catch().context("signals cannot be caught")?;
    let runner =
        Runner { gate: &gate, ledger: &ledger, signing: &signing, signals: &signals, command: &arguments.command };
    if arguments.waves {
        waves::run(&runner, &batch, arguments.between.as_deref())
    } else {
        Ok(match runner.vet(batch)? {
            Err(status) => status,
            Ok(permit) => {
                let (permit, ended) = runner.start(permit)?;
                let went_well = ended.succeeded();
                runner.commit(permit, &ended)?;
                if went_well { Status::Allow } else { Status::Failed }
            }
        })
    }
}

/// What it takes to run a batch.
struct Runner<'a> {
    gate: &'a Gate,
    ledger: &'a SqlLedger,
    signing: &'a Signing,
    signals: &'a Signals,
    command: &'a [OsString],
}

impl Runner<'_> {
    /// Vets a batch and prints the decision; gives the permit, or the exit status.
    fn vet(&self, batch: Batch) -> anyhow::Result<Result<Permit, Status>> {
        let decision = self.gate.vet(batch);
        // Where this fails the permit is dropped unused, which aborts.
        check::print(&decision, decision.document(), check::Format::Human)?;
        Ok(match decision {
            Decision::Allow(permit) => Ok(permit),
            Decision::Deny(_) => Err(Status::Deny),
            Decision::Undecided(_) => Err(Status::Undecided),
        })
    }

    /// Runs the command on a batch. If it could not even be started, the permit is aborted.
    fn start(&self, permit: Permit) -> anyhow::Result<(Permit, Ended)> {
        match command::run(self.command, &permit, self.signing, self.signals) {
            Ok(ended) => Ok((permit, ended)),
            Err(error) => {
                permit.abort(&format!("the command was not started: {error:#}"))?;
                Err(error.context("nothing was deleted"))
            }
        }
    }

    /// Records what became of a batch.
    fn commit(&self, permit: Permit, ended: &Ended) -> anyhow::Result<()> {
        let entry = permit.document().ledger.as_ref().map(|entry| entry.entry).unwrap_or_default();
        let recorded = self.ledger.decision(entry).and_then(|now| permit.commit(&ended.outcome(now.used.is_some())));
        recorded.with_context(|| {
            format!("{}, and that cannot be recorded; entry {entry} stays open", ended.in_words())
        })?;
        anstream::eprintln!("entry {entry}: {}", report::wrap(&ended.in_words(), "").trim_start());
        Ok(())
    }
}
