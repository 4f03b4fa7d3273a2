//! `reprieve check`: vets a batch.

use crate::files::{Readers, write_whole};
use crate::setup::{BatchArguments, Signing, Vetting};
use crate::{Status, report};
use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use reprieve::model::DecisionDocument;
use reprieve::{Decision, Permit};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Vet a deletion batch: say whether it may run, and if not, why not and what to do
///
/// With a ledger, an allow reserves the batch: say what became of it with `reprieve commit` or `reprieve abort`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// How to print the decision
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Where to write the permit, if it is an allow: a token that `reprieve permit verify` checks
    #[arg(long, value_name = "FILE")]
    permit: Option<PathBuf>,
}

/// How a decision is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// The decision document; see `reprieve schema decision`
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let Vetting { batch, gate, ledger, signing } = arguments.batch.open()?;
    if let Some(path) = &arguments.permit {
        ensure!(!path.exists(), "{} is there already\nhelp: name a new file for the permit", path.display());
        ensure!(
            ledger.is_some(),
            "a permit is used once, and only a ledger can see to that\nhelp: `ledger = \"reprieve.db\"` in reprieve.toml, or `--ledger FILE`"
        );
        // Better to say now than when the batch is allowed and reserved.
        signing.permit_key()?;
    }
    let decision = gate.vet(batch);
    let mut document = decision.document().clone();
    let said = (|| {
        if let (Decision::Allow(permit), Some(path)) = (&decision, &arguments.permit) {
            document.permit = Some(write_permit(permit, &signing, path)?);
        }
        print(&decision, &document, arguments.format)
    })();
    let status = decision.verdict().into();
    if let Decision::Allow(permit) = decision {
        match &said {
            // Whoever called goes on from here.
            Ok(()) => drop(permit.hand_over()),
            // An allow that nobody could read is not one.
            Err(error) => permit.abort(&format!("the answer could not be given: {error:#}"))?,
        }
    }
    gate.end_with_process();
    said.map(|()| status)
}

/// Prints a decision.
pub fn print(decision: &Decision, document: &DecisionDocument, format: Format) -> anyhow::Result<()> {
    let text = match format {
        Format::Human => report::decision(decision.claims(), document),
        Format::Json => serde_json::to_string_pretty(document)? + "\n",
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write the decision")
}

/// Writes the permit into a file that only this user can read; gives its id.
pub fn write_permit(permit: &Permit, signing: &Signing, path: &Path) -> anyhow::Result<String> {
    let token = permit.token(&signing.permit_key()?, signing.lifetime()).map_err(anyhow::Error::msg)?;
    write_whole(path, token.as_bytes(), Readers::Owner)
        .with_context(|| format!("cannot write the permit {}", path.display()))?;
    Ok(permit.document().ledger.as_ref().map(|entry| entry.sha256.clone()).unwrap_or_default())
}
