//! `reprieve policy …`: what the author of a policy needs, from an empty folder to a pinned module.

mod bench;
mod build;
mod inspect;
mod lint;
mod new;
mod random;
mod test;

use crate::Status;
use crate::project::Built;
use crate::setup::cache;
use clap::Subcommand;
use reprieve::{Gate, GateBuilder, PolicyEntry, PolicySet, Table};
use reprieve_cases::{Case, cases_below};

/// Write, build, test, measure and look into policies
#[derive(Subcommand, Debug)]
pub enum Command {
    New(new::Arguments),
    Build(build::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Inspect(inspect::Arguments),
    Lint(lint::Arguments),
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
    }
}

/// What a module under test is called in a set.
const NAME: &str = "policy.wasm";

/// Begins a gate that keeps what it compiles.
fn builder() -> GateBuilder {
    match cache() {
        Some(cache) => Gate::builder().cache(cache),
        None => Gate::builder(),
    }
}

/// The cases beside a policy: what it is tried with where batches are made up, for it may not work without settings or
/// data, and may have nothing to say at most times.
fn cases_beside(built: &Built) -> anyhow::Result<Vec<Case>> {
    let beside = built.path.ancestors().skip(1).take(3).map(|folder| folder.join("cases"));
    let paths = beside.filter_map(|folder| cases_below(&folder).ok()).next().unwrap_or_default();
    Ok(paths.iter().map(|path| Case::open(path)).collect::<Result<Vec<_>, _>>()?)
}

/// A gate with one policy alone, with the settings and data of a case, or without any.
fn gate_of(built: &Built, case: Option<&Case>, inventory: Table) -> anyhow::Result<Gate> {
    let builder = builder().inventory(inventory);
    let builder = match case {
        Some(case) => case.alone(builder, NAME, &built.bytes),
        None => {
            let entry = PolicyEntry { source: NAME.to_owned(), ..PolicyEntry::builtin("") };
            let set = PolicySet::of(vec![entry]);
            builder.policies(set, None).file(NAME, built.bytes.clone())
        }
    };
    Ok(builder.build()?)
}
