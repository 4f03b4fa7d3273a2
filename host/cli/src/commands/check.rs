//! `reprieve check`: vets a batch.

use crate::setup::{PolicyArguments, request};
use crate::{Status, report};
use anyhow::Context;
use clap::{Args, ValueEnum};
use reprieve::model::{Timestamp, Verdict};
use reprieve::{PastBatches, Table};
use std::io::Write;
use std::path::PathBuf;

/// Vet a deletion batch: say whether it may run, and if not, why not and what to do
#[derive(Args, Debug)]
pub struct Arguments {
    /// The request, or `-` for standard input
    request: PathBuf,
    /// Take the targets from this file instead of those that the request names
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    #[command(flatten)]
    policies: PolicyArguments,
    /// Resolve ids with this inventory, instead of the one that the policy set names
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// What was deleted before: a JSON array of batches
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Decide for this time instead of now
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// How to print the decision
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// The decision document; see `reprieve schema decision`
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let mut batch = request(&arguments.request)?;
    if let Some(path) = &arguments.targets {
        batch = batch.with_targets(path)?;
    }
    if let Some(at) = arguments.at {
        batch = batch.at(at);
    }
    let mut builder = arguments.policies.builder()?;
    if let Some(path) = &arguments.inventory {
        builder = builder.inventory(Table::open(path)?);
    }
    if let Some(path) = &arguments.history {
        builder = builder.history(PastBatches::open(path)?);
    }
    let gate = builder.build()?;
    let decision = gate.vet(batch);
    // The process ends with this command: giving back the address space of the pool would take as long as the check.
    std::mem::forget(gate);
    let (claims, document) = match &decision {
        reprieve::Decision::Allow(permit) => (permit.batch().claims(), permit.document()),
        reprieve::Decision::Deny(withheld) | reprieve::Decision::Undecided(withheld) => {
            (withheld.batch().claims(), withheld.document())
        }
    };
    let text = match arguments.format {
        Format::Human => report::decision(claims, document),
        Format::Json => serde_json::to_string_pretty(document)? + "\n",
    };
    // An allow that nobody could read is not one.
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write the decision")?;
    Ok(match decision.verdict() {
        Verdict::Allow => Status::Allow,
        Verdict::Deny => Status::Deny,
        Verdict::Undecided => Status::Undecided,
    })
}
