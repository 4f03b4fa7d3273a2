//! `reprieve targets`: the targets of a request in their canonical form.

use crate::Status;
use crate::setup::request;
use clap::Args;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Print the targets of a request as NDJSON; the digest of an inline list is that of these bytes
#[derive(Args, Debug)]
pub struct Arguments {
    /// The request, or `-` for standard input
    request: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let batch = request(&arguments.request)?;
    let mut out = BufWriter::new(anstream::stdout().lock());
    batch.write_targets(&mut out)?;
    out.flush()?;
    Ok(Status::Allow)
}
