//! `reprieve check`: vets a batch.

use crate::setup::BatchArguments;
use crate::{Status, report};
use anyhow::Context;
use clap::{Args, ValueEnum};
use reprieve::model::Verdict;
use std::io::Write;

/// Vet a deletion batch: say whether it may run, and if not, why not and what to do
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
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
    let batch = arguments.batch.batch()?;
    let gate = arguments.batch.gate()?;
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
