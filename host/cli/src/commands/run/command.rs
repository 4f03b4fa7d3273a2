//! Running the command: in files that it alone is told of, it finds what it may delete.

use super::signals::Signals;
use crate::commands::check::write_permit;
use crate::setup::Signing;
use anyhow::Context;
use reprieve::{Outcome, Permit};
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// What became of the command.
pub struct Ended {
    status: ExitStatus,
    /// How many targets it says it deleted.
    deleted: Option<u64>,
    /// What went wrong besides.
    pub complaint: Option<String>,
}

/// What the command may write into the file that `REPRIEVE_OUTCOME` names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    deleted: u64,
}

impl Ended {
    /// Whether all went well.
    pub fn succeeded(&self) -> bool {
        self.status.success() && self.complaint.is_none()
    }

    /// What is recorded of it. A command that failed may have deleted anything, unless it says how much. One that used
    /// its permit has begun, so it does not abort; nor does one that was killed, whatever it had said before.
    pub fn outcome(&self, used: bool) -> Outcome {
        match (self.succeeded(), self.deleted) {
            (false, Some(0)) if !used && self.status.code().is_some() => Outcome::Aborted { reason: self.in_words() },
            (succeeded, deleted) => Outcome::Committed { succeeded, deleted, note: Some(self.in_words()) },
        }
    }

    pub fn in_words(&self) -> String {
        let mut words = match (self.status.code(), self.status.signal()) {
            (Some(0), _) => "the command went well".to_owned(),
            (Some(code), _) => format!("the command went wrong, with exit status {code}"),
            (None, Some(signal)) => format!("the command was ended by signal {signal}"),
            (None, None) => "the command went wrong".to_owned(),
        };
        match self.deleted {
            Some(deleted) => words += &format!(", and deleted {deleted}"),
            None if !self.status.success() => words += ", and nobody knows how much it deleted",
            None => {}
        }
        if let Some(complaint) = &self.complaint {
            words += &format!("; {complaint}");
        }
        words
    }
}

/// Runs the command on the batch of a permit. An error means that it was not started.
pub fn run(command: &[OsString], permit: &Permit, signing: &Signing, signals: &Signals) -> anyhow::Result<Ended> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    // Nobody else can look into this folder.
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
    let (deleted, complaint) = match said(&outcome) {
        Ok(Some(deleted)) if deleted > targets => {
            (Some(deleted), Some(format!("that is more than the {targets} it was allowed to")))
        }
        Ok(said) => (said, None),
        Err(error) => (None, Some(format!("what it wrote about its outcome cannot be read: {error:#}"))),
    };
    Ok(Ended { status, deleted, complaint })
}

/// Writes the list as it was vetted. The batch is looked into from here on.
fn write_targets(permit: &Permit, path: &Path) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create_new(path).context("the list")?);
    permit.batch().write_list(&mut file)?;
    file.flush().context("the list")?;
    std::fs::set_permissions(path, Permissions::from_mode(0o400)).context("the list")
}

fn said(path: &Path) -> anyhow::Result<Option<u64>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice::<Said>(&bytes)?.deleted)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
