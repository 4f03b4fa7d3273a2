//! `reprieve facts`: computes the facts of a planned batch.

use crate::job::Job;
use crate::reading::Resources;
use crate::setup::GateArguments;
use clap::Args;
use reprieve::inventory::in_order;
use reprieve::planned::BUCKETS;
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Compute the facts of a planned batch from the counts of its sections
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder that `reprieve plan` wrote
    job: PathBuf,
    #[command(flatten)]
    resources: Resources,
    #[command(flatten)]
    gate: GateArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (job, plan) = Job::open(&arguments.job)?;
    let counts = job.counts(&plan)?;
    let (gate, ..) = arguments.gate.open(&arguments.resources)?;
    let batch = gate.planned(plan, arguments.resources.memory(), arguments.resources.threads())?;
    let find = |bucket| -> anyhow::Result<Vec<u8>> {
        let ids = job.ids(batch.plan(), bucket)?;
        Ok(batch.duplicates(bucket, &slices(&ids))?)
    };
    let mut duplicates = Vec::with_capacity(BUCKETS);
    in_order(arguments.resources.threads(), 0..BUCKETS, find, |found| -> anyhow::Result<()> {
        duplicates.push(found?);
        Ok(())
    })?;
    let facts = batch.facts(&slices(&counts), &slices(&duplicates))?;
    job.write_facts(&duplicates, &facts)?;
    outln!("next: reprieve observe {}", plain(&arguments.job.display().to_string()))?;
    Ok(Status::Success)
}

/// Borrows results.
pub fn slices(results: &[Vec<u8>]) -> Vec<&[u8]> {
    results.iter().map(Vec::as_slice).collect()
}
