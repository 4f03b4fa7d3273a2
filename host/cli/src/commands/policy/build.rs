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
    let mut digest = String::new();
    let mut page = Page::default();
    for (policy, sha256) in describe_all(&built)? {
        line!(page, "{} {}: {}", plain(&policy.name), plain(&policy.version), plain(&policy.summary));
        for rule in &policy.rules {
            line!(page, "  {:<24} {}", plain(&rule.code), plain(&rule.summary));
        }
        page.blank();
        digest = sha256;
    }
    let path = built.path.display().to_string();
    line!(page, "{}, {} KiB", plain(&path), built.bytes.len().div_ceil(1024));
    line!(page, "sha256 = \"{digest}\"");
    page.print()?;
    Ok(Status::Success)
}
