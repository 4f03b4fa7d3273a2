//! `reprieve policy …`: the commands for authors of policies, from a new project to a pinned module.

mod bench;
mod build;
mod inspect;
mod lint;
mod new;
mod random;
mod test;
mod update;

use crate::error::fail;
use crate::project::{Built, component};
use crate::setup::{build, equipped};
use clap::{Args, Subcommand};
use reprieve::inventory::Table;
use reprieve::policy::{Descriptor, LoadError, PolicyEntry};
use reprieve::{BuildError, Gate, GateBuilder, PolicySet};
use reprieve_cases::{Case, cases_below};
use reprieve_report::status::Status;
use std::path::{Path, PathBuf};

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

/// The policy that a command is about.
#[derive(Args, Debug)]
struct Subject {
    /// The folder of a policy, which is built first, or a wasm module
    #[arg(default_value = ".")]
    policy: PathBuf,
    /// The policy, if the module holds several
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl Subject {
    fn component(&self) -> anyhow::Result<Built> {
        component(&self.policy, self.name.as_deref())
    }
}

/// The name of a module under test in its policy set.
const NAME: &str = "policy.wasm";

/// Begins a gate for a module. What this program has built from source counts as pinned.
fn builder(built: &Built) -> GateBuilder {
    let builder = equipped(Gate::builder());
    if built.from_source { builder.pinned(&built.bytes) } else { builder }
}

/// Reads the description of the policy that is meant, and the digest of its module.
fn describe(built: &Built) -> anyhow::Result<(Descriptor, String)> {
    builder(built).describe(&built.bytes, built.policy.as_deref()).map_err(|error| match error {
        BuildError::Module(LoadError::Several { names, .. }) => {
            let message = format!("{}: it holds several policies", built.path.display());
            fail(message, format!("name one of them: --name {}", names.join(", --name ")))
        }
        error => error.into(),
    })
}

/// Reads the descriptions of all policies of a module, each with the digest of the module.
fn describe_all(built: &Built) -> Result<Vec<(Descriptor, String)>, BuildError> {
    let describe = |name| builder(built).describe(&built.bytes, name);
    match describe(None) {
        Err(BuildError::Module(LoadError::Several { names, .. })) => {
            names.iter().map(|name| describe(Some(name))).collect()
        }
        only => only.map(|only| vec![only]),
    }
}

/// Where the cases of a policy are below a folder: in `cases/NAME`, if it is one of several and the folder exists, or in `cases`.
fn cases_of(folder: &Path, name: Option<&str>) -> PathBuf {
    let cases = folder.join("cases");
    name.map(|name| cases.join(name)).filter(|own| own.is_dir()).unwrap_or(cases)
}

/// Opens the cases beside a policy. Generated batches take settings, data and times from them, because a policy may not
/// work without settings or data, and may have no findings at most times.
fn cases_beside(built: &Built) -> anyhow::Result<Vec<Case>> {
    let beside = built.path.ancestors().skip(1).take(3).map(|folder| cases_of(folder, built.policy.as_deref()));
    let paths = beside.filter_map(|folder| cases_below(&folder).ok()).next().unwrap_or_default();
    Ok(paths.iter().map(|path| Case::open(path)).collect::<Result<Vec<_>, _>>()?)
}

/// Builds a gate with a single policy, with the settings and data of a case or without any.
fn gate_of(built: &Built, case: Option<&Case>, inventory: Table) -> anyhow::Result<Gate> {
    let builder = builder(built).inventory(inventory);
    let builder = match case {
        Some(case) => case.with_policy(builder, NAME, built.policy.as_deref(), &built.bytes),
        None => {
            let (source, name) = (NAME.to_owned(), built.policy.clone());
            let entry = PolicyEntry { source, name, ..PolicyEntry::builtin("") };
            let set = PolicySet::of(vec![entry]);
            builder.policies(set, None).file(NAME, built.bytes.clone())
        }
    };
    build(builder)
}
