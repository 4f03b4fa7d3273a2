//! `reprieve schema`: the JSON Schemas of the documents.

use crate::Status;
use clap::{Args, ValueEnum};
use std::io::Write;

/// Print a JSON Schema
#[derive(Args, Debug)]
pub struct Arguments {
    /// Of which document
    document: Document,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Document {
    /// What a pipeline submits
    Request,
    /// What `check --format json` prints
    Decision,
    /// What `reprieve.toml` holds
    Config,
    /// What policies are handed
    Review,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let schema = match arguments.document {
        Document::Request => reprieve::schema::request(),
        Document::Decision => reprieve::schema::decision(),
        Document::Config => reprieve::schema::config(),
        Document::Review => reprieve::schema::review(),
    };
    writeln!(anstream::stdout().lock(), "{}", serde_json::to_string_pretty(&schema)?)?;
    Ok(Status::Allow)
}
