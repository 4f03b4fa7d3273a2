//! `reprieve init`: writes a first policy set.

use crate::error::fail;
use anyhow::Context;
use clap::{Args, ValueEnum};
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// Write a first policy set with a comment on every choice
#[derive(Args, Debug)]
pub struct Arguments {
    /// The use case
    #[arg(long, value_enum, default_value_t = Preset::Starter)]
    preset: Preset,
    /// The file to write, which must not exist
    #[arg(long, value_name = "FILE", default_value = "reprieve.toml")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// What is wrong is denied, and what was not shown is a warning
    Starter,
    /// Routine clean-up with soft deletes only
    RoutineSoft,
    /// Permanent deletion that a law requires
    ComplianceHard,
    /// Servers, clusters, volumes and whole environments
    InfraDestroy,
    /// Deletions that an AI agent requests
    AiAgent,
    /// Erasure requests of data subjects
    Erasure,
}

impl Preset {
    const fn text(self) -> &'static str {
        match self {
            Self::Starter => include_str!("../../presets/starter.toml"),
            Self::RoutineSoft => include_str!("../../presets/routine-soft.toml"),
            Self::ComplianceHard => include_str!("../../presets/compliance-hard.toml"),
            Self::InfraDestroy => include_str!("../../presets/infra-destroy.toml"),
            Self::AiAgent => include_str!("../../presets/ai-agent.toml"),
            Self::Erasure => include_str!("../../presets/erasure.toml"),
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let path = arguments.out.display();
    let mut file = match File::create_new(&arguments.out) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(fail(format!("{path} already exists"), "name another file with `--out FILE`"));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {path}")),
    };
    file.write_all(arguments.preset.text().as_bytes()).with_context(|| format!("cannot write {path}"))?;
    outln!("wrote {}; `reprieve policies` shows its policies", plain(&path.to_string()))?;
    Ok(Status::Success)
}
