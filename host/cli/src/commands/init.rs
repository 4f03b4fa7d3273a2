//! `reprieve init`: a policy set to begin with.

use crate::Status;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// Write a policy set to begin with, with a comment on every choice
#[derive(Args, Debug)]
pub struct Arguments {
    /// What it is for
    #[arg(long, value_enum, default_value_t = Preset::RoutineSoft)]
    preset: Preset,
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE", default_value = "reprieve.toml")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// Routine clean-up, by soft delete alone
    RoutineSoft,
    /// Permanent deletion, because the law wants it
    ComplianceHard,
    /// Servers, clusters, volumes, whole environments
    InfraDestroy,
    /// What an agent asks for
    AiAgent,
    /// Erasure requests of data subjects
    Erasure,
}

impl Preset {
    const fn text(self) -> &'static str {
        match self {
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
            bail!("{path} is there already\nhelp: name another file with --out")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {path}")),
    };
    file.write_all(arguments.preset.text().as_bytes()).with_context(|| format!("cannot write {path}"))?;
    anstream::println!("wrote {path}; `reprieve policies` says what is in it");
    Ok(Status::Allow)
}
