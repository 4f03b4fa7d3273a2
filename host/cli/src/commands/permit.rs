//! `reprieve permit`: what a process does that is handed a permit, before it deletes anything.

use crate::Status;
use crate::setup::LedgerArguments;
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use reprieve::{Expected, KeySet, Ledger, PermitClaims, Refused, list_sha256, model};
use std::path::PathBuf;

/// Check permits
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Check a permit against the list at hand, and use it: a second time it is refused
    Verify(Verify),
}

/// `reprieve permit verify`
#[derive(Args, Debug)]
pub struct Verify {
    /// The permit, as `check --permit` wrote it
    permit: PathBuf,
    /// The list that is about to be deleted
    #[arg(long, value_name = "FILE")]
    targets: PathBuf,
    /// The mode it is about to be deleted in
    #[arg(long)]
    mode: Option<Mode>,
    /// Where
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The public keys to trust, instead of those that the policy set names
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// A mode.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Marked for deletion
    Soft,
    /// Permanent
    Hard,
}

impl From<Mode> for model::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Soft => Self::Soft,
            Mode::Hard => Self::Hard,
        }
    }
}

/// Runs the command.
pub fn run(Command::Verify(arguments): &Command) -> anyhow::Result<Status> {
    let (ledger, signing) = arguments.ledger.open_with_keys()?;
    let keys = match &arguments.keys {
        Some(path) => KeySet::open(path)?,
        None => signing.permit_keys()?,
    };
    let token = std::fs::read_to_string(&arguments.permit)
        .with_context(|| format!("cannot read the permit {}", arguments.permit.display()))?;
    let targets_sha256 = list_sha256(&arguments.targets)?;
    let expected = Expected {
        targets_sha256: &targets_sha256,
        mode: arguments.mode.map(model::Mode::from),
        environment: arguments.environment.as_deref(),
    };
    let used = PermitClaims::verify(&token, &keys, &expected)
        .and_then(|claims| ledger.redeem(&claims).map(|at| (claims, at)));
    match used {
        Ok((claims, at)) => {
            anstream::println!(
                "permitted: {} delete of {} targets in {} ({}, entry {}), used at {at}",
                claims.mode.as_str(),
                claims.targets,
                claims.environment,
                claims.sub,
                claims.entry
            );
            Ok(Status::Allow)
        }
        Err(Refused::Unavailable(error)) => Err(error.into()),
        Err(refused) => {
            anstream::println!("refused: {refused}");
            Ok(Status::Deny)
        }
    }
}
