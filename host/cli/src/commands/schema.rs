//! `reprieve schema`: prints the JSON Schema of a document.

use clap::{Args, ValueEnum};
use reprieve_report::output::data;
use reprieve_report::status::Status;

/// Print the JSON Schema of a document
#[derive(Args, Debug)]
pub struct Arguments {
    /// The document
    document: Document,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Document {
    /// The request that a pipeline submits
    Request,
    /// The decision that `check --format json` prints
    Decision,
    /// The policy set, `reprieve.toml`
    Config,
    /// The review that policies receive
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
    data(|out| Ok(writeln!(out, "{}", serde_json::to_string_pretty(&schema)?)?))?;
    Ok(Status::Success)
}
