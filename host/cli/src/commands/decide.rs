//! `reprieve decide`: decides about a planned batch.

use super::check::{View, answer};
use super::facts::slices;
use crate::error::fail;
use crate::job::Job;
use crate::permits::{NewPermit, PermitPlace};
use crate::reading::Resources;
use crate::setup::{GateArguments, NAME_A_LEDGER, read_override};
use clap::Args;
use reprieve::VetOptions;
use reprieve_report::render::{Detail, Format, Plots, RequestFile};
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Decide about a planned batch whose sections were counted and observed
///
/// The decision is the one that `reprieve check` makes. With a ledger, an allow reserves the batch. Record its outcome with
/// `reprieve commit` or `reprieve abort`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder that `reprieve plan` wrote
    job: PathBuf,
    /// The format of the decision. JSON is without the breakdown of the targets, which would need the list again
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Show every finding in full
    #[arg(long)]
    verbose: bool,
    /// The file for the permit, a token that `reprieve permit verify` verifies. Written only on allow
    #[arg(long, value_name = "FILE")]
    permit: Option<PathBuf>,
    /// Write a permit for each section into the folder. `reprieve permit verify --job` verifies it, where the section is deleted
    #[arg(long, conflicts_with = "permit")]
    section_permits: bool,
    /// Lift the findings that this override names; see `reprieve override`
    #[arg(long = "override", value_name = "FILE")]
    override_file: Option<PathBuf>,
    #[command(flatten)]
    resources: Resources,
    #[command(flatten)]
    gate: GateArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (job, plan) = Job::open(&arguments.job)?;
    let (counts, duplicates, facts) = (job.counts(&plan)?, job.duplicates()?, job.facts()?);
    let states = job.states(&plan)?;
    let (gate, ledger, signing) = arguments.gate.open(&arguments.resources)?;
    let with_override = arguments.override_file.as_deref().map(|path| read_override(path, &signing)).transpose()?;
    if with_override.is_some() && ledger.is_none() {
        return Err(fail("an override is used once, which only a ledger can ensure", NAME_A_LEDGER));
    }
    let sections = arguments.section_permits.then_some(PermitPlace::Sections(&job));
    let place = arguments.permit.as_deref().map(PermitPlace::File).or(sections);
    let permit = place.map(|place| NewPermit::check(place, ledger.as_ref(), &signing)).transpose()?;
    let request = RequestFile::named(plan.batch.request().to_owned());
    let batch = gate.planned(plan, arguments.resources.memory(), arguments.resources.threads())?;
    let options = VetOptions { with_override: with_override.as_ref(), ..VetOptions::default() };
    let decision = batch.decide(&slices(&counts), &slices(&duplicates), &facts, &slices(&states), options)?;
    let view = View {
        request: &request,
        format: arguments.format,
        detail: Detail::of(arguments.verbose),
        plots: Plots::Never,
        reads_again: false,
        read_as: &[],
    };
    answer(decision, &view, permit, None)
}
