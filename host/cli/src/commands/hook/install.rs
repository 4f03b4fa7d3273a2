//! `reprieve hook install`: writes the hook into the settings of a harness.

use super::harness::Harness;
use super::settings::with_hook;
use crate::error::fail;
use crate::files::{Readers, write_whole};
use anyhow::Context;
use clap::Args;
use reprieve::{Folder, PolicySet};
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Write the hook into the settings of a harness in a project; what is in the settings stays
#[derive(Args, Debug)]
pub struct Arguments {
    /// The harness
    #[arg(long, value_enum)]
    harness: Harness,
    /// The folder of the project
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    project: PathBuf,
    /// The policy set [default: `reprieve.toml` in the folder of the project]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let harness = arguments.harness;
    let project = arguments.project.canonicalize().with_context(|| arguments.project.display().to_string())?;
    let config = arguments.config.clone().unwrap_or_else(|| project.join("reprieve.toml"));
    let config = config.canonicalize().map_err(|_| {
        let help = "`reprieve init --preset ai-agent` writes one";
        fail(format!("there is no policy set {}", config.display()), help)
    })?;
    let (folder, name) = Folder::of(&config)?;
    PolicySet::read(&folder, &name)?;
    let program = std::env::current_exe().context("the path of this program")?;
    let command = format!("{} hook --harness {} --config {}", quoted(&program)?, harness.name(), quoted(&config)?);
    let path = harness.settings(&project);
    // A link stays a link.
    let path = path.canonicalize().unwrap_or(path);
    let shown = plain(&path.display().to_string()).into_owned();
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| shown.clone()),
    };
    let after = with_hook(harness, before.as_deref(), &command).map_err(|why| {
        fail(
            format!("{}: {why}", path.display()),
            "correct the file, or add the hook by hand as docs/agents.md shows",
        )
    })?;
    if before.as_ref() == Some(&after) {
        outln!("{shown} has the hook already")?;
    } else {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        write_whole(&path, after.as_bytes(), Readers::All).with_context(|| format!("cannot write {shown}"))?;
        outln!("wrote {shown}")?;
    }
    outln!("note: {}", harness.weakness())?;
    outln!("next: reprieve hook doctor --harness {}", harness.name())?;
    Ok(Status::Success)
}

/// A path as one word of a shell.
pub fn quoted(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    Ok(match text.contains(['\'', '\n']) {
        true => {
            return Err(fail(format!("{} has a quote or a line break", path.display()), "move it to another folder"));
        }
        false if text.chars().all(is_plain) => text.to_owned(),
        false => format!("'{text}'"),
    })
}
