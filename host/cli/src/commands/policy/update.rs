//! `reprieve policy update-sdk`: replaces the SDK in a project.

use crate::error::fail;
use crate::project::Project;
use crate::sdk::{FOLDER, Sdk, VERSION};
use clap::Args;
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Replace the SDK in a project by the one of this version
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder of the project
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let project = Project::open(&arguments.folder)?;
    if !project.folder.join(FOLDER).is_dir() {
        let message = format!("{} contains no SDK: there is no folder {FOLDER}", arguments.folder.display());
        let help =
            "take another version from where the project has its SDK, or create a project with `reprieve policy new`";
        return Err(fail(message, help));
    }
    let sdk = Sdk::of(project.language)?;
    let old = sdk.replace(&project.folder)?;
    outln!("{FOLDER}: SDK {VERSION}, sha256 {}; it was {}", sdk.sha256(), plain(&old))?;
    Ok(Status::Success)
}
