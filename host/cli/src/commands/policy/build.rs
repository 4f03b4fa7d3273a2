//! `reprieve policy build`: builds a component from a project.

use crate::project::Project;
use crate::setup::cache;
use crate::status::Status;
use clap::Args;
use reprieve::policy::describe;
use std::path::PathBuf;

/// Build the policy in a folder into one component, and print its rules, size and digest
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let built = Project::open(&arguments.folder)?.build()?;
    let (policy, sha256) = describe(&built.bytes, cache())?;
    outln!("{} {}: {}", policy.name, policy.version, policy.summary)?;
    policy.rules.iter().try_for_each(|rule| outln!("  {:<24} {}", rule.code, rule.summary))?;
    outln!("\n{}, {} KiB\nsha256 = \"{sha256}\"", built.path.display(), built.bytes.len().div_ceil(1024))?;
    Ok(Status::Success)
}
