//! In waves: the canary, then ever larger ones. Each is vetted by itself, with all that the waves before it have left
//! in the ledger; the first that is not allowed or goes wrong ends it.

use super::Runner;
use crate::Status;
use crate::report::plural;
use anyhow::bail;
use reprieve::{Batch, Outcome};
use reprieve_ledger::SqlLedger;
use std::collections::HashSet;
use std::process::Command;

/// Runs a batch in waves.
pub fn run(runner: &Runner<'_>, batch: &Batch, between: Option<&str>) -> anyhow::Result<Status> {
    let done = done(runner.ledger, batch)?;
    let waves = runner.gate.waves(batch, &done)?;
    let all = waves.len();
    if !done.is_empty() {
        anstream::eprintln!("{} of this list went in earlier waves", plural(done.len() as u64, "target", "targets"));
    }
    let mut left: u64 = waves.iter().map(Batch::len).sum();
    for (i, wave) in waves.into_iter().enumerate() {
        let size = wave.len();
        anstream::eprintln!("wave {} of {all}: {}", i + 1, plural(size, "target", "targets"));
        let stop = |status, left| {
            anstream::eprintln!("{} left; run this again to go on", plural(left, "target is", "targets are"));
            Ok(status)
        };
        let permit = match runner.vet(wave)? {
            Ok(permit) => permit,
            Err(status) => return stop(status, left),
        };
        let (permit, mut ended) = runner.start(permit)?;
        if let (true, true, Some(check)) = (ended.succeeded(), i + 1 < all, between) {
            let health = runner.signals.run(Command::new("sh").arg("-c").arg(check));
            ended.complaint = match health {
                Ok(status) if status.success() => None,
                Ok(status) => Some(format!("the health check failed: {status}")),
                Err(error) => Some(format!("the health check was not made: {error:#}")),
            };
        }
        let went_well = ended.succeeded();
        runner.commit(permit, &ended)?;
        if !went_well {
            return stop(Status::Failed, left);
        }
        left -= size;
        if let Some(signal) = runner.signals.stopped().filter(|_| left > 0) {
            anstream::eprintln!("stopped by signal {signal}");
            return stop(Status::Undecided, left);
        }
    }
    Ok(Status::Allow)
}

/// The ids of this list that earlier waves have deleted.
fn done(ledger: &SqlLedger, batch: &Batch) -> anyhow::Result<HashSet<String>> {
    let mut done = HashSet::new();
    let (mode, environment) = (batch.claims().mode, &batch.claims().environment);
    for wave in ledger.waves(batch.targets_sha256())? {
        // The same list may have been marked before it is deleted for good.
        let of = &wave.record.review.claims;
        if (of.mode, &of.environment) != (mode, environment) {
            continue;
        }
        match &wave.outcome {
            Some(Outcome::Committed { succeeded: true, .. }) => done.extend(wave.ids()?),
            // It comes again, and as nothing after a failure has been earned, with a canary.
            Some(Outcome::Committed { succeeded: false, .. } | Outcome::Aborted { .. }) => {}
            None => bail!(
                "entry {} ({}) is open: nobody has said what became of it\nhelp: find out, then `reprieve commit {}` or `reprieve abort {}`",
                wave.entry,
                wave.record.decision.request,
                wave.entry,
                wave.entry
            ),
        }
    }
    Ok(done)
}
