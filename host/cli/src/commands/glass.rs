//! `reprieve override`: breaking the glass, by two people.

use crate::Status;
use crate::files::{Readers, write_whole};
use crate::reading::ReadingArguments;
use crate::report::plain;
use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use reprieve::model::{BreakGlass, Duration};
use reprieve::{Draft, Key, KeySet};
use std::path::{Path, PathBuf};

/// Lift findings of one decision, signed by two people
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Write an override and sign it as the first
    New(New),
    /// Add a signature
    Sign(Sign),
    /// Say what an override lifts, for which request and list, until when, and who has signed it
    Show(Show),
}

/// `reprieve override new`
#[derive(Args, Debug)]
pub struct New {
    /// The request it is for
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
            let seconds = i64::try_from(arguments.length.seconds()).unwrap_or(i64::MAX);
            let until = batch.evaluated_at().plus(seconds);
            let key = Key::open(&arguments.key)?;
            let codes = arguments.codes.iter().cloned();
            let draft = Draft::new(codes, &batch, &arguments.reason, until, &key)?;
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
            show(&signed);
        }
        Command::Show(arguments) => {
            show(&Draft::open(&arguments.file)?.read(&KeySet::open(&arguments.keys)?)?);
        }
    }
    Ok(Status::Allow)
}

/// What those who sign have to know.
fn show(glass: &BreakGlass) {
    anstream::println!("override {}", glass.id);
    for (what, value) in [
        ("lifts", glass.codes.join(", ")),
        ("for a", format!("{} delete in {}", glass.mode.as_str(), glass.environment)),
        ("by request", glass.request_sha256.clone()),
        ("of list", glass.targets_sha256.clone()),
        ("until", glass.expires_at.to_string()),
        ("because", glass.reason.clone()),
        ("signed by", glass.signed_by.join(" and ")),
    ] {
        anstream::println!("  {what} {}", plain(&value));
    }
}

fn write(path: &Path, draft: &Draft) -> anyhow::Result<()> {
    write_whole(path, draft.to_json().as_bytes(), Readers::All)
        .with_context(|| format!("cannot write {}", path.display()))
}
