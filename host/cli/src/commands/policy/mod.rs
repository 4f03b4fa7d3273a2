//! `reprieve policy …`: the commands for authors of policies, from a new project to a pinned module.

mod bench;
mod build;
mod inspect;
mod lint;
mod new;
mod random;
mod test;
mod update;

use crate::project::Built;
use crate::setup::{build, equipped};
use clap::Subcommand;
use reprieve::inventory::Table;
use reprieve::policy::PolicyEntry;
use reprieve::{Gate, GateBuilder, PolicySet};
use reprieve_cases::{Case, cases_below};
use reprieve_report::status::Status;

/// Create, build, test, measure and inspect policies
#[derive(Subcommand, Debug)]
pub enum Command {
    New(new::Arguments),
    Build(build::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Inspect(inspect::Arguments),
    Lint(lint::Arguments),
    UpdateSdk(update::Arguments),
}

impl Command {
    /// Whether the exit status is an answer that a caller may act on.
    pub const fn answers(&self) -> bool {
        matches!(self, Self::Test(_) | Self::Lint(_))
    }
}

/// Runs the command.
pub fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::New(arguments) => new::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Lint(arguments) => lint::run(arguments),
        Command::UpdateSdk(arguments) => update::run(arguments),
    }
}

/// The name of a module under test in its policy set.
const NAME: &str = "policy.wasm";

/// Begins a gate for a module. What this program has built from source counts as pinned.
fn builder(built: &Built) -> GateBuilder {
    let builder = equipped(Gate::builder());
    if built.from_source { builder.pinned(&built.bytes) } else { builder }
}

/// Opens the cases beside a policy. Generated batches take settings, data and times from them, because a policy may not
/// work without settings or data, and may have no findings at most times.
fn cases_beside(built: &Built) -> anyhow::Result<Vec<Case>> {
    let beside = built.path.ancestors().skip(1).take(3).map(|folder| folder.join("cases"));
    let paths = beside.filter_map(|folder| cases_below(&folder).ok()).next().unwrap_or_default();
    Ok(paths.iter().map(|path| Case::open(path)).collect::<Result<Vec<_>, _>>()?)
}

/// Builds a gate with a single policy, with the settings and data of a case or without any.
fn gate_of(built: &Built, case: Option<&Case>, inventory: Table) -> anyhow::Result<Gate> {
    let builder = builder(built).inventory(inventory);
    let builder = match case {
        Some(case) => case.with_policy(builder, NAME, &built.bytes),
        None => {
            let entry = PolicyEntry { source: NAME.to_owned(), ..PolicyEntry::builtin("") };
            let set = PolicySet::of(vec![entry]);
            builder.policies(set, None).file(NAME, built.bytes.clone())
        }
    };
    build(builder)
}
