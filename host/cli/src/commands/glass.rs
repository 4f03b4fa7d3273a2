//! `reprieve override`: breaking the glass, by two people.

use crate::Status;
use crate::files::{Readers, write_whole};
use crate::reading::ReadingArguments;
use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use reprieve::model::{Duration, Timestamp};
use reprieve::{Draft, Key, KeySet};
use std::path::{Path, PathBuf};

/// Lift findings of one decision, signed by two people
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Write an override and sign it as the first
    New(New),
    /// Add a signature
    Sign(Sign),
    /// Say what an override lifts, for which list, until when, and who has signed it
    Show(Show),
}

/// `reprieve override new`
#[derive(Args, Debug)]
pub struct New {
    /// The request whose list it is for
    request: PathBuf,
    #[command(flatten)]
    reading: ReadingArguments,
    /// The codes to lift; `retention/*` and faults can never be lifted
    #[arg(long, value_name = "CODE", value_delimiter = ',', required = true)]
    codes: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it is good for; at most a day
    #[arg(long = "for", value_name = "DURATION", default_value = "PT1H", value_parser = Duration::parse)]
    length: Duration,
    /// Your private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "override.json")]
    out: PathBuf,
}

/// `reprieve override sign`
#[derive(Args, Debug)]
pub struct Sign {
    /// The override
    file: PathBuf,
    /// Your private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The public keys of those who may sign
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
}

/// `reprieve override show`
#[derive(Args, Debug)]
pub struct Show {
    /// The override
    file: PathBuf,
    /// The public keys of those who may sign
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
}

/// Runs the command.
pub fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::New(arguments) => {
            let batch = arguments.reading.request(&arguments.request)?;
            ensure!(!arguments.out.exists(), "{} is there already\nhelp: `--out FILE`", arguments.out.display());
            // It is good from this moment on; the ledger's clock will say whether it still is.
            let from = batch.evaluated_at();
            let until = from.plus(i64::try_from(arguments.length.seconds()).unwrap_or(i64::MAX));
            let key = Key::open(&arguments.key)?;
            let codes = arguments.codes.iter().cloned();
            let draft = Draft::new(codes, batch.targets_sha256(), &arguments.reason, from, until, &key)?;
            write(&arguments.out, &draft)?;
            anstream::println!(
                "{}: signed by {}; it takes a second signature: `reprieve override sign`",
                arguments.out.display(),
                key.id()
            );
        }
        Command::Sign(arguments) => {
            let mut draft = Draft::open(&arguments.file)?;
            let (key, trusted) = (Key::open(&arguments.key)?, KeySet::open(&arguments.keys)?);
            draft.sign(&key, &trusted)?;
            let signed = draft.read(&trusted)?;
            write(&arguments.file, &draft)?;
            anstream::println!("{}: signed by {}", arguments.file.display(), signed.signed_by.join(" and "));
        }
        Command::Show(arguments) => {
            let glass = Draft::open(&arguments.file)?.read(&KeySet::open(&arguments.keys)?)?;
            let until: Timestamp = glass.expires_at;
            anstream::println!(
                "override {}\n  lifts {}\n  for the list {}\n  until {until}\n  because {}\n  signed by {}",
                glass.id,
                glass.codes.join(", "),
                glass.targets_sha256,
                glass.reason,
                glass.signed_by.join(" and ")
            );
        }
    }
    Ok(Status::Allow)
}

fn write(path: &Path, draft: &Draft) -> anyhow::Result<()> {
    write_whole(path, draft.to_json().as_bytes(), Readers::All)
        .with_context(|| format!("cannot write {}", path.display()))
}
