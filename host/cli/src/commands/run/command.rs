//! Runs the command. It finds the targets that it may delete in files of a private folder.

use super::signals::Signals;
use crate::commands::check::write_permit;
use crate::signing::Signing;
use anyhow::Context;
use reprieve::Permit;
use reprieve::ledger::Outcome;
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// The result of the command.
pub struct Ended {
    status: ExitStatus,
    /// The number of targets that it reported as deleted.
    deleted: Option<u64>,
    /// What failed apart from the command itself.
    pub problem: Option<String>,
}

/// The content of the file that `REPRIEVE_OUTCOME` names, which the command may write.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportedOutcome {
    deleted: u64,
}

impl Ended {
    /// Whether the run succeeded.
    pub fn succeeded(&self) -> bool {
        self.status.success() && self.problem.is_none()
    }

    /// The outcome to record. A command that failed may have deleted any number of targets, unless it reported 0. One that
    /// used its permit has begun to delete, so its batch is not aborted; neither is that of a command that was killed,
    /// whatever it reported before.
    pub fn outcome(&self, used: bool) -> Outcome {
        match (self.succeeded(), self.deleted) {
            (false, Some(0)) if !used && self.status.code().is_some() => Outcome::Aborted { reason: self.in_words() },
            (succeeded, deleted) => Outcome::Committed { succeeded, deleted, note: Some(self.in_words()) },
        }
    }

    /// Describes the result.
    pub fn in_words(&self) -> String {
        let mut words = match (self.status.code(), self.status.signal()) {
            (Some(0), _) => "the command succeeded".to_owned(),
            (Some(code), _) => format!("the command failed with exit status {code}"),
            (None, Some(signal)) => format!("the command was ended by signal {signal}"),
            (None, None) => "the command failed".to_owned(),
        };
        match self.deleted {
            Some(deleted) => words += &format!(", and deleted {deleted}"),
            None if !self.status.success() => words += ", and it is unknown how many targets it deleted",
            None => {}
        }
        if let Some(problem) = &self.problem {
            words += &format!("; {problem}");
        }
        words
    }
}

/// Runs the command on the batch of a permit. An error means that it was not started.
pub fn run(command: &[OsString], permit: &Permit, signing: &Signing, signals: &Signals) -> anyhow::Result<Ended> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    // Only this user can read this folder.
    let folder = tempfile::Builder::new().prefix("reprieve-").tempdir().context("no temporary folder")?;
    let targets = folder.path().join(permit.batch().list_name());
    let outcome = folder.path().join("outcome.json");
    write_targets(permit, &targets)?;
    let mut command = Command::new(program);
    command.args(arguments).env("REPRIEVE_TARGETS", &targets).env("REPRIEVE_OUTCOME", &outcome);
    command.env("REPRIEVE_MODE", permit.claims().mode.as_str());
    command.env("REPRIEVE_ENVIRONMENT", &permit.claims().environment);
    if let Some(entry) = &permit.document().ledger {
        command.env("REPRIEVE_ENTRY", entry.entry.to_string());
    }
    if signing.signs_permits() {
        let path = folder.path().join("permit.jwt");
        write_permit(permit, signing, &path)?;
        command.env("REPRIEVE_PERMIT", path);
    }
    let status = signals.run(&mut command).with_context(|| format!("cannot run `{}`", program.display()))?;
    let targets = permit.document().targets;
    let (deleted, problem) = match reported(&outcome) {
        Ok(Some(deleted)) if deleted > targets => {
            (Some(deleted), Some(format!("that is more than the {targets} targets of the batch")))
        }
        Ok(deleted) => (deleted, None),
        Err(error) => (None, Some(format!("the outcome that it reported cannot be read: {error:#}"))),
    };
    Ok(Ended { status, deleted, problem })
}

/// Writes the list exactly as it was vetted. From here on the batch counts as read.
fn write_targets(permit: &Permit, path: &Path) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create_new(path).context("the list")?);
    permit.batch().write_list(&mut file)?;
    file.flush().context("the list")?;
    std::fs::set_permissions(path, Permissions::from_mode(0o400)).context("the list")
}

/// Reads the number of deleted targets that the command reported, if it did.
fn reported(path: &Path) -> anyhow::Result<Option<u64>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice::<ReportedOutcome>(&bytes)?.deleted)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
