//! `reprieve count`: counts sections of a planned batch.

use crate::job::Job;
use crate::reading::Resources;
use crate::setup::GateArguments;
use clap::Args;
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Count sections of a planned batch
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder that `reprieve plan` wrote
    job: PathBuf,
    /// Numbers of sections, counted from 0 [default: every section that is not counted yet]
    sections: Vec<usize>,
    #[command(flatten)]
    resources: Resources,
    #[command(flatten)]
    gate: GateArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (job, plan) = Job::open(&arguments.job)?;
    let sections = job.sections(&arguments.sections, &plan, "counts")?;
    let gate = arguments.gate.open_without_ledger(&arguments.resources)?;
    let batch = gate.planned(plan, arguments.resources.memory(), arguments.resources.threads())?;
    for section in sections {
        job.write_counts(section, &batch.count(section)?)?;
        outln!("section {section} is counted")?;
    }
    outln!("when every section is counted: reprieve facts {}", plain(&arguments.job.display().to_string()))?;
    Ok(Status::Success)
}
