//! Runs a batch in growing waves, canary first. Each wave is vetted as a batch of its own, after the previous waves are
//! recorded in the ledger. The first wave that is not allowed or fails ends the run.

use super::Runner;
use super::supervise::Left;
use crate::error::{fail, with_help};
use reprieve::Batch;
use reprieve::ledger::Outcome;
use reprieve::split::SplitError;
use reprieve_ledger::SqlLedger;
use reprieve_report::render::plural;
use reprieve_report::status::Status;
use std::collections::HashSet;
use std::process::Command;

/// Runs a batch in waves.
pub fn run(runner: &Runner<'_>, batch: &Batch, between: Option<&str>) -> anyhow::Result<Status> {
    let deleted = deleted_ids(runner.ledger, batch)?;
    let waves = runner.gate.waves(batch, &deleted).map_err(|error| match error {
        SplitError::Offending { .. } => {
            with_help(error, "correct what made the list; `reprieve split` lists these targets in `excluded.ndjson`")
        }
        error => error.into(),
    })?;
    let all = waves.len();
    if !deleted.is_empty() {
        let targets = plural(deleted.len() as u64, "target", "targets");
        errln!("deleted in earlier waves: {targets} of this list");
    }
    let mut left: u64 = waves.iter().map(Batch::len).sum();
    for (i, wave) in waves.into_iter().enumerate() {
        let size = wave.len();
        errln!("wave {} of {all}: {}", i + 1, plural(size, "target", "targets"));
        let stop = |status, left| {
            errln!("{} left; run this again to resume", plural(left, "target is", "targets are"));
            Ok(status)
        };
        let permit = match runner.vet(wave)? {
            Ok(permit) => permit,
            Err(status) => return stop(status, left),
        };
        let (permit, mut ended) = runner.start(permit)?;
        // A wave is done only as far as its command says. What it does not say is deleted has to run again.
        if let (true, Some(deleted)) = (ended.succeeded(), ended.deleted.filter(|deleted| *deleted < size)) {
            ended.problem =
                Some(format!("the wave is not complete: it has {size} targets, and {deleted} are deleted"));
        }
        if let (true, true, Some(check)) = (ended.succeeded(), i + 1 < all, between) {
            let health = runner.supervise(Command::new("sh").arg("-c").arg(check));
            ended.problem = match health.map(|health| (health.status, health.left)) {
                Ok((status, Left::Nothing)) if status.success() => None,
                Ok((status, Left::Nothing)) => Some(format!("the health check failed: {status}")),
                Ok(_) => Some("the health check left processes running".to_owned()),
                Err(error) => Some(format!("the health check was not run: {error:#}")),
            };
        }
        let succeeded = ended.succeeded();
        runner.commit(permit, &ended)?;
        if !succeeded {
            return stop(Status::Failed, left);
        }
        left -= size;
        if let Some(signal) = runner.signals.stopped().filter(|_| left > 0) {
            errln!("stopped by signal {signal}");
            return stop(Status::Undecided, left);
        }
    }
    Ok(Status::Allow)
}

/// Returns the ids of this list that earlier waves deleted.
fn deleted_ids(ledger: &SqlLedger, batch: &Batch) -> anyhow::Result<HashSet<String>> {
    let mut deleted = HashSet::new();
    let (mode, environment) = (batch.claims().mode, &batch.claims().environment);
    for wave in ledger.waves(batch.targets_sha256())? {
        // The same list may have been soft-deleted before it is hard-deleted.
        let of = &wave.record.review.claims;
        if (of.mode, &of.environment) != (mode, environment) {
            continue;
        }
        match &wave.outcome {
            Some(Outcome::Committed { succeeded: true, deleted: count, .. })
                if count.is_none_or(|count| count >= wave.record.decision.targets) =>
            {
                deleted.extend(wave.ids()?);
            }
            // These targets run again, starting with a canary, because a failure resets the growth of the waves.
            Some(Outcome::Committed { .. } | Outcome::Aborted { .. }) => {}
            None => {
                let entry = wave.entry;
                let request = &wave.record.decision.request;
                return Err(fail(
                    format!("entry {entry} ({request}) is open: its outcome is not recorded"),
                    format!("find out what it deleted, then `reprieve commit {entry}` or `reprieve abort {entry}`"),
                ));
            }
        }
    }
    Ok(deleted)
}
