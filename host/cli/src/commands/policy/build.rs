//! `reprieve policy build`: one component from a project.

use crate::Status;
use crate::project::Project;
use crate::setup::cache;
use clap::Args;
use std::path::PathBuf;

/// Build the policy in a folder into one component, and say its size, digest and rules
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let built = Project::open(&arguments.folder)?.build()?;
    let (policy, sha256) = reprieve::describe(&built.bytes, cache())?;
    anstream::println!("{} {}: {}", policy.name, policy.version, policy.summary);
    policy.rules.iter().for_each(|rule| anstream::println!("  {:<24} {}", rule.code, rule.summary));
    anstream::println!("\n{}, {} KiB\nsha256 = \"{sha256}\"", built.path.display(), built.bytes.len().div_ceil(1024));
    Ok(Status::Allow)
}
