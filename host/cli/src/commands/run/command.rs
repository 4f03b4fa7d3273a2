//! Runs the command. It finds the targets that it may delete in files of a private folder.

use super::Runner;
use super::ended::{Ended, left_over, not_run};
use super::folder::PrivateFolder;
use super::{each, placeholder};
use crate::permits::write_permit;
use anyhow::{Context, ensure};
use reprieve::Permit;
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// The folder with a list in several files.
const LIST: &str = "list";
/// The file with the ids.
const IDS: &str = "ids";
/// The file that the command may write.
const OUTCOME: &str = "outcome.json";

/// The content of the file that `REPRIEVE_OUTCOME` names, which the command may write.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportedOutcome {
    deleted: u64,
}

/// Runs the command on the batch of a permit. An error means that it was not started.
pub fn run(runner: &Runner<'_>, permit: &Permit) -> anyhow::Result<Ended> {
    let each = placeholder::is_used(runner.command);
    if each {
        placeholder::check(runner.command, permit)?;
    }
    let folder = PrivateFolder::create().context("no temporary folder")?;
    let list = write_list(permit, &folder).context("the list")?;
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

/// Writes the ids alone, each with a NUL byte after it, which no id has.
fn write_ids(permit: &Permit, folder: &PrivateFolder) -> anyhow::Result<()> {
    write_file(folder, IDS, |file| {
        permit.batch().each_id(|id| -> anyhow::Result<()> {
            ensure!(!id.contains('\0'), "an id contains a NUL byte");
            file.write_all(id.as_bytes())?;
            Ok(file.write_all(&[0])?)
        })
    })
}

/// Writes the list exactly as it was vetted, and returns the name of its file. A list in several files has a folder of its
/// own, with a manifest of them. From here on the batch counts as read.
fn write_list(permit: &Permit, folder: &PrivateFolder) -> anyhow::Result<String> {
    let batch = permit.batch();
    let mut name = batch.list_name();
    if let Some(manifest) = batch.manifest() {
        name = format!("{LIST}/{name}");
        for file in manifest.files() {
            let path = format!("{LIST}/{}", file.path);
            write_file(folder, &path, |out| Ok(batch.write_file(file, out)?))?;
        }
    }
    write_file(folder, &name, |out| Ok(batch.write_list(out)?))?;
    Ok(name)
}

/// Writes a file that the command can only read.
fn write_file(
    folder: &PrivateFolder,
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut file = BufWriter::new(folder.create_file(name)?);
    write(&mut file)?;
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
