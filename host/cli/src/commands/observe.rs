//! `reprieve observe`: passes sections of a planned batch to the policies.

use crate::job::Job;
use crate::reading::Resources;
use crate::setup::GateArguments;
use clap::Args;
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Pass sections of a planned batch to the policies
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder that `reprieve plan` wrote
    job: PathBuf,
    /// Numbers of sections, counted from 0 [default: every section that is not observed yet]
    sections: Vec<usize>,
    #[command(flatten)]
    resources: Resources,
    #[command(flatten)]
    gate: GateArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (job, plan) = Job::open(&arguments.job)?;
    let facts = job.facts()?;
    let sections = job.sections(&arguments.sections, &plan, "states")?;
    let gate = arguments.gate.open_without_ledger(&arguments.resources)?;
    let batch = gate.planned(plan, arguments.resources.memory(), arguments.resources.threads())?;
    for section in sections {
        job.write_states(section, &batch.observe(&facts, section)?)?;
        outln!("section {section} is observed")?;
    }
    outln!("when every section is observed: reprieve decide {}", plain(&arguments.job.display().to_string()))?;
    Ok(Status::Success)
}
