//! Runs the command. It finds the targets that it may delete in files of a private folder.

use super::Runner;
use super::folder::PrivateFolder;
use super::supervise::Left;
use super::{each, placeholder};
use crate::commands::check::write_permit;
use anyhow::{Context, ensure};
use reprieve::Permit;
use reprieve::ledger::Outcome;
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

/// The file with the ids.
const IDS: &str = "ids";
/// The file that the command may write.
const OUTCOME: &str = "outcome.json";

/// The result of the command.
pub struct Ended {
    pub status: ExitStatus,
    /// The number of targets that it reported as deleted.
    pub deleted: Option<u64>,
    /// The number of targets that an earlier run deleted, by its log.
    pub earlier: u64,
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
        if self.earlier > 0 {
            words += &format!("; its log has {} deleted before", self.earlier);
        }
        if let Some(problem) = &self.problem {
            words += &format!("; {problem}");
        }
        words
    }
}

/// Runs the command on the batch of a permit. An error means that it was not started.
pub fn run(runner: &Runner<'_>, permit: &Permit) -> anyhow::Result<Ended> {
    let each = placeholder::is_used(runner.command);
    if each {
        placeholder::check(runner.command, permit)?;
    }
    let folder = PrivateFolder::create().context("no temporary folder")?;
    let list = permit.batch().list_name();
    write_targets(permit, &folder, &list).context("the list")?;
    write_ids(permit, &folder).context("the list of ids")?;
    let mut variables = vec![
        ("REPRIEVE_TARGETS", folder.path(&list).into_os_string()),
        ("REPRIEVE_IDS", folder.path(IDS).into_os_string()),
        ("REPRIEVE_OUTCOME", folder.path(OUTCOME).into_os_string()),
        ("REPRIEVE_MODE", permit.claims().mode.as_str().into()),
        ("REPRIEVE_ENVIRONMENT", permit.claims().environment.as_str().into()),
    ];
    if runner.signing.signs_permits() {
        let path = folder.path("permit.jwt");
        write_permit(permit, runner.signing, &path)?;
        variables.push(("REPRIEVE_PERMIT", path.into_os_string()));
    }
    if let Some(entry) = &permit.document().ledger {
        variables.push(("REPRIEVE_ENTRY", entry.entry.to_string().into()));
    }
    folder.check()?;
    let prepare = |arguments: &[OsString]| {
        let (program, arguments) = arguments.split_first().context("there is no command")?;
        let mut command = Command::new(program);
        runner.secrets.remove_from(&mut command);
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        anyhow::Ok(command)
    };
    if each {
        return each::run(runner, permit, prepare);
    }
    let mut command = prepare(runner.command)?;
    let finished = runner.supervise(&mut command).with_context(|| not_run(&command))?;
    let targets = permit.document().targets;
    let (deleted, unreadable) = match reported(&folder) {
        Ok(Some(deleted)) if deleted > targets => {
            (Some(deleted), Some(format!("that is more than the {targets} targets of the batch")))
        }
        Ok(deleted) => (deleted, None),
        Err(error) => (None, Some(format!("the outcome that it reported cannot be read: {error:#}"))),
    };
    let problems: Vec<String> = unreadable.into_iter().chain(left_over(finished.left)).collect();
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    Ok(Ended { status: finished.status, deleted, earlier: 0, problem })
}

/// Says that a command cannot be run.
pub fn not_run(command: &Command) -> String {
    format!("cannot run `{}`", command.get_program().display())
}

/// What the command left running.
pub fn left_over(left: Left) -> Option<String> {
    match left {
        Left::Nothing => None,
        Left::Stopped => Some("it left processes running, which were stopped".to_owned()),
        Left::Running => Some("processes that it started could not be stopped and may have gone on".to_owned()),
    }
}

/// Writes the ids alone, each with a NUL byte after it, which no id has.
fn write_ids(permit: &Permit, folder: &PrivateFolder) -> anyhow::Result<()> {
    let mut file = BufWriter::new(folder.create_file(IDS)?);
    permit.batch().each_id(|id| -> anyhow::Result<()> {
        ensure!(!id.contains('\0'), "an id contains a NUL byte");
        file.write_all(id.as_bytes())?;
        Ok(file.write_all(&[0])?)
    })?;
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    Ok(file.set_permissions(Permissions::from_mode(0o400))?)
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
