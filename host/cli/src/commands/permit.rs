//! `reprieve permit`: verifies a permit before its bearer deletes anything.

use crate::error::{fail, redeem_help};
use crate::job::Job;
use crate::mode::ModeArgument;
use crate::setup::LedgerArguments;
use anyhow::Context;
use clap::{Args, Subcommand};
use reprieve::ledger::{Ledger, RedeemError};
use reprieve::model::Mode;
use reprieve::signed::{Expected, KeySet, PermitClaims};
use reprieve::{list_sha256, read_file};
use reprieve_report::output::{Page, plain};
use reprieve_report::status::Status;
use std::path::PathBuf;

/// The maximum size of a permit in bytes.
const MAX_PERMIT_BYTES: u64 = 1 << 20;

/// Verify permits
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Verify a permit for a list, or for a section of it, and use it; the same permit is refused the next time
    Verify(Verify),
}

/// `reprieve permit verify`
#[derive(Args, Debug)]
pub struct Verify {
    /// The permit that `check --permit` or `decide --section-permits` wrote
    permit: PathBuf,
    /// The list that is about to be deleted. Of several files, it is a file `….sha256` beside them with what `sha256sum`
    /// prints
    #[arg(long, value_name = "FILE", required_unless_present = "job")]
    targets: Option<PathBuf>,
    /// The folder that `reprieve plan` wrote. The files of the section that the permit names are about to be deleted, and are
    /// printed
    #[arg(long, value_name = "FOLDER", conflicts_with = "targets")]
    job: Option<PathBuf>,
    /// The mode in which it is about to be deleted
    #[arg(long)]
    mode: Option<ModeArgument>,
    /// The environment in which it is about to be deleted
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The public keys to trust, instead of those that the policy set names
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// Runs the command.
pub fn run(Command::Verify(arguments): &Command) -> anyhow::Result<Status> {
    let (ledger, signing) = arguments.ledger.open_with_keys()?;
    let keys = match &arguments.keys {
        Some(path) => KeySet::open(path)?,
        None => signing.permit_keys()?,
    };
    let token = read_file(&arguments.permit, MAX_PERMIT_BYTES).context("cannot read the permit")?;
    let token = String::from_utf8_lossy(&token);
    let named = arguments.targets.as_deref().map(list_sha256).transpose()?;
    let claims = match PermitClaims::open(&token, &keys) {
        Ok(claims) => claims,
        Err(error) => return refused(&error, error.help()),
    };
    let list = match named {
        Some(sha256) => List { sha256, files: Vec::new() },
        None => arguments.section(&claims)?,
    };
    let expected = Expected {
        targets_sha256: &list.sha256,
        mode: arguments.mode.map(Mode::from),
        environment: arguments.environment.as_deref(),
    };
    if let Err(error) = claims.check(&expected) {
        return refused(&error, error.help());
    }
    match ledger.redeem(&claims.reference()) {
        Ok(at) => {
            let section = claims.section.map(|section| format!("section {section}, ")).unwrap_or_default();
            outln!(
                "permitted: {} of {} targets in {} ({}, {section}entry {}), used at {at}",
                claims.mode.phrase(),
                claims.targets,
                plain(&claims.environment),
                plain(&claims.sub),
                claims.entry
            )?;
            list.files.iter().try_for_each(|file| outln!("{}", plain(&file.display().to_string())))?;
            Ok(Status::Allow)
        }
        Err(RedeemError::Ledger(error)) => Err(error.into()),
        Err(error) => refused(&error, redeem_help(&error).as_deref()),
    }
}

/// What is about to be deleted.
struct List {
    sha256: String,
    /// The files of a section.
    files: Vec<PathBuf>,
}

impl Verify {
    /// Reads the section of a job that a permit names.
    fn section(&self, claims: &PermitClaims) -> anyhow::Result<List> {
        let folder = self.job.as_deref().context("neither a list nor a job is named")?;
        let (_, plan) = Job::open(folder)?;
        let section = claims.section.ok_or_else(|| {
            fail("the permit is for the whole list, and not for a section", "name the list: `--targets FILE`")
        })?;
        let (files, sha256) = plan.batch.hash_section(section as usize)?;
        Ok(List { sha256, files })
    }
}

fn refused(error: &dyn std::fmt::Display, help: Option<&str>) -> anyhow::Result<Status> {
    let mut page = Page::default();
    page.message("refused:", &error.to_string());
    if let Some(help) = help {
        page.message("help:", help);
    }
    page.print()?;
    Ok(Status::Deny)
}
