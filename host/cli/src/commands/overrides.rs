//! `reprieve override`: lifts findings of one decision, signed by two people.

use crate::error::fail;
use crate::files::{Readers, write_whole};
use crate::reading::ReadingArguments;
use crate::setup::{PolicyArguments, build, builtin_gate};
use anyhow::Context;
use clap::{Args, Subcommand};
use reprieve::Gate;
use reprieve::model::{Duration, OverrideTerms};
use reprieve::signed::{Key, KeySet, OverrideDraft};
use reprieve_report::output::{Page, plain};
use reprieve_report::status::Status;
use std::path::{Path, PathBuf};

/// Lift findings of one decision with an override that two people sign
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Write an override with a first signature
    New(New),
    /// Add a signature
    Sign(Sign),
    /// Show what an override lifts, for which request and list, until when, and who signed it
    Show(Show),
}

/// `reprieve override new`
#[derive(Args, Debug)]
pub struct New {
    /// The request that it is for
    request: PathBuf,
    #[command(flatten)]
    reading: ReadingArguments,
    #[command(flatten)]
    policies: PolicyArguments,
    /// The codes to lift. `retention/*` and faults can never be lifted; `reprieve explain CODE` tells
    #[arg(long, value_name = "CODE", value_delimiter = ',', required = true)]
    codes: Vec<String>,
    /// The reason
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it is valid; at most one day
    #[arg(long = "for", value_name = "DURATION", default_value = "PT1H", value_parser = Duration::parse)]
    lifetime: Duration,
    /// Your private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file to write
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
    /// The public keys of the people who may sign
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
}

/// `reprieve override show`
#[derive(Args, Debug)]
pub struct Show {
    /// The override
    file: PathBuf,
    /// The public keys of the people who may sign
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
}

/// Runs the command.
pub fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::New(arguments) => new(arguments)?,
        Command::Sign(arguments) => {
            let mut draft = OverrideDraft::open(&arguments.file)?;
            let (key, trusted) = (Key::open(&arguments.key)?, KeySet::open(&arguments.keys)?);
            draft.sign(&key, &trusted)?;
            let terms = draft.terms(&trusted)?;
            write(&arguments.file, &draft)?;
            show(&terms)?;
        }
        Command::Show(arguments) => {
            show(&OverrideDraft::open(&arguments.file)?.terms(&KeySet::open(&arguments.keys)?)?)?;
        }
    }
    Ok(Status::Success)
}

fn new(arguments: &New) -> anyhow::Result<()> {
    let batch = arguments.reading.request(&arguments.request)?;
    let path = &arguments.out;
    if path.exists() {
        return Err(fail(format!("{} already exists", path.display()), "name another file with `--out FILE`"));
    }
    // It is valid from now on. Whether it still is, the clock of the ledger decides.
    let seconds = i64::try_from(arguments.lifetime.seconds()).unwrap_or(i64::MAX);
    let until = batch.evaluated_at().plus(seconds);
    let key = Key::open(&arguments.key)?;
    // The set that decides may have policies that the set of this folder does not have, so the built-in ones count too.
    let gates = [build(arguments.policies.builder_without_ledger()?)?, builtin_gate()?];
    let codes = arguments.codes.iter().cloned();
    let never_lifted = |code: &str| gates.iter().any(|gate| is_never_lifted(gate, code));
    let draft = OverrideDraft::new(codes, &batch, &arguments.reason, until, &key, never_lifted)?;
    write(path, &draft)?;
    let signer = key.id();
    let path = path.display().to_string();
    outln!("{}: signed by {}; add a second signature with `reprieve override sign`", plain(&path), plain(signer))?;
    Ok(())
}

/// Whether no override may lift a code, or any code of a policy if its rule is `*`.
fn is_never_lifted(gate: &Gate, code: &str) -> bool {
    let all_of = code.strip_suffix("/*");
    let mut descriptors = gate.policies().map(|info| info.descriptor);
    gate.is_never_lifted(code)
        || descriptors.any(|descriptor| {
            all_of == Some(&descriptor.name) && descriptor.rules.iter().any(|rule| rule.never_lifted)
        })
}

/// Prints what the signers have to know.
fn show(terms: &OverrideTerms) -> std::io::Result<()> {
    let mut page = Page::default();
    line!(page, "override {}", plain(&terms.id));
    // No code may be left out, so a line has few of them.
    for codes in terms.codes.chunks(8) {
        let codes: Vec<_> = codes.iter().map(|code| plain(code)).collect();
        line!(page, "  lifts {}", codes.join(", "));
    }
    line!(page, "  for a batch of mode `{}` in {}", terms.mode.as_str(), plain(&terms.environment));
    line!(page, "  by request {}", plain(&terms.request_sha256));
    line!(page, "  of list {}", plain(&terms.targets_sha256));
    line!(page, "  until {}", terms.expires_at);
    page.paragraph("  ", &format!("because {}", terms.reason));
    line!(page, "  signed by {}", plain(&terms.signed_by.join(" and ")));
    page.print()
}

fn write(path: &Path, draft: &OverrideDraft) -> anyhow::Result<()> {
    write_whole(path, draft.to_json().as_bytes(), Readers::All)
        .with_context(|| format!("cannot write {}", path.display()))
}
