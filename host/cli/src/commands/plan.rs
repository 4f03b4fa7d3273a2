//! `reprieve plan`: plans a batch whose list several processes read.

use crate::job::Job;
use crate::reading::ReadingArguments;
use crate::setup::GateArguments;
use clap::Args;
use reprieve::model::Timestamp;
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Plan a batch whose list is too large for one machine, so that several processes can read it
///
/// The list is divided into sections, which are runs of its files. Then `reprieve count` counts each section, `reprieve
/// facts` computes the facts, `reprieve observe` passes each section to the policies, and `reprieve decide` decides, as
/// `reprieve check` would on one machine. Pass the same policy set and inventory to each of them.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The request, or `-` for standard input. Its list has to be in files
    request: PathBuf,
    /// The folder to write, which must not exist. Every process has to see it
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten, next_help_heading = "Options")]
    reading: ReadingArguments,
    #[command(flatten)]
    gate: GateArguments,
    /// Decide for this time instead of the time of `reprieve facts`. Not with a ledger, because its clock decides
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let batch = arguments.reading.plan(&arguments.request)?;
    let gate = arguments.gate.open_without_ledger(arguments.reading.resources())?;
    let plan = gate.plan(arguments.at.into_iter().fold(batch, reprieve::BatchPlan::at))?;
    Job::create(&arguments.out, &plan)?;
    let (sections, folder) = (plan.sections(), arguments.out.display().to_string());
    outln!("{}: {sections} {}", plain(&plan.batch.claims().id), if sections == 1 { "section" } else { "sections" })?;
    outln!("next: reprieve count {}", plain(&folder))?;
    Ok(Status::Success)
}
