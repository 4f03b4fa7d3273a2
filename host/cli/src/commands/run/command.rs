//! Runs the command. It finds the targets that it may delete in files of a private folder.

use super::Runner;
use super::folder::PrivateFolder;
use super::supervise::Left;
use crate::commands::check::write_permit;
use anyhow::Context;
use reprieve::Permit;
use reprieve::ledger::Outcome;
use serde::Deserialize;
use std::fs::Permissions;
use std::io::BufWriter;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

/// The file that the command may write.
const OUTCOME: &str = "outcome.json";

/// The result of the command.
pub struct Ended {
    status: ExitStatus,
    /// The number of targets that it reported as deleted.
    pub deleted: Option<u64>,
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
pub fn run(runner: &Runner<'_>, permit: &Permit) -> anyhow::Result<Ended> {
    let (program, arguments) = runner.command.split_first().context("there is no command")?;
    let folder = PrivateFolder::create().context("no temporary folder")?;
    let list = permit.batch().list_name();
    write_targets(permit, &folder, &list).context("the list")?;
    let mut command = Command::new(program);
    command.args(arguments);
    if runner.signing.signs_permits() {
        let path = folder.path("permit.jwt");
        write_permit(permit, runner.signing, &path)?;
        command.env("REPRIEVE_PERMIT", path);
    }
    command.env("REPRIEVE_TARGETS", folder.path(&list)).env("REPRIEVE_OUTCOME", folder.path(OUTCOME));
    command.env("REPRIEVE_MODE", permit.claims().mode.as_str());
    command.env("REPRIEVE_ENVIRONMENT", &permit.claims().environment);
    if let Some(entry) = &permit.document().ledger {
        command.env("REPRIEVE_ENTRY", entry.entry.to_string());
    }
    folder.check()?;
    let finished = runner.supervise(&mut command).with_context(|| format!("cannot run `{}`", program.display()))?;
    let targets = permit.document().targets;
    let (deleted, unreadable) = match reported(&folder) {
        Ok(Some(deleted)) if deleted > targets => {
            (Some(deleted), Some(format!("that is more than the {targets} targets of the batch")))
        }
        Ok(deleted) => (deleted, None),
        Err(error) => (None, Some(format!("the outcome that it reported cannot be read: {error:#}"))),
    };
    let left = match finished.left {
        Left::Nothing => None,
        Left::Stopped => Some("it left processes running, which were stopped".to_owned()),
        Left::Running => Some("processes that it started could not be stopped and may have gone on".to_owned()),
    };
    let problems: Vec<String> = unreadable.into_iter().chain(left).collect();
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    Ok(Ended { status: finished.status, deleted, problem })
}

/// Writes the list exactly as it was vetted. From here on the batch counts as read.
fn write_targets(permit: &Permit, folder: &PrivateFolder, name: &str) -> anyhow::Result<()> {
    let mut file = BufWriter::new(folder.create_file(name)?);
    permit.batch().write_list(&mut file)?;
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    Ok(file.set_permissions(Permissions::from_mode(0o400))?)
}

/// Reads the number of deleted targets that the command reported, if it did.
fn reported(folder: &PrivateFolder) -> anyhow::Result<Option<u64>> {
    let bytes = folder.read(OUTCOME)?;
    Ok(bytes
        .map(|bytes| serde_json::from_slice::<ReportedOutcome>(&bytes))
        .transpose()?
        .map(|outcome| outcome.deleted))
}
