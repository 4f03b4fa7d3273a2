//! `reprieve policy build`: builds a component from a project.

use super::describe_all;
use crate::project::Project;
use clap::Args;
use reprieve_report::output::{Page, plain};
use reprieve_report::status::Status;
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
    let policies = describe_all(&built)?;
    let mut page = Page::default();
    for (policy, _) in &policies {
        line!(page, "{} {}: {}", plain(&policy.name), plain(&policy.version), plain(&policy.summary));
        for rule in &policy.rules {
            line!(page, "  {:<24} {}", plain(&rule.code), plain(&rule.summary));
        }
        page.blank();
    }
    let path = built.path.display().to_string();
    line!(page, "{}, {} KiB", plain(&path), built.bytes.len().div_ceil(1024));
    policies.first().into_iter().for_each(|(_, sha256)| line!(page, "sha256 = \"{sha256}\""));
    page.print()?;
    Ok(Status::Success)
}
