//! `reprieve targets`: prints the targets of a request in their canonical form.

use crate::reading::ReadingArguments;
use clap::Args;
use reprieve_report::output::data;
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Print the targets of a request as NDJSON; the digest of an inline list is the digest of these bytes
#[derive(Args, Debug)]
pub struct Arguments {
    /// The request, or `-` for standard input
    request: PathBuf,
    #[command(flatten)]
    reading: ReadingArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let batch = arguments.reading.request(&arguments.request)?;
    data(|mut out| Ok(batch.write_targets(&mut out)?))?;
    Ok(Status::Success)
}
