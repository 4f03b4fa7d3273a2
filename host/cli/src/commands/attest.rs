//! `reprieve attest`: adds evidence of what was done to a request, bound to its list.

use crate::edit::edit;
use crate::setup::BatchArguments;
use anyhow::Context;
use clap::{Args, Subcommand};
use reprieve::Batch;
use reprieve::model::{self, Duration, Timestamp};
use reprieve::signed::{Evidence, Key, sign_evidence};
use reprieve_readers::draft::Document;
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Add evidence to a request: a dry run, a backup, a restore test, or a notice to the owners
#[derive(Subcommand, Debug)]
pub enum Command {
    /// State that the call ran over this list without deleting anything
    DryRun(DryRun),
    /// State that a backup covers this list
    Backup(Backup),
    /// State what a restore takes, as it was tested
    Restore(Restore),
    /// State that the owners were notified
    Notice(Notice),
}

/// Who vouches for the evidence.
#[derive(Args, Debug)]
pub struct SignatureArguments {
    /// Sign it with this private key. `[attestations]` in the policy set names the public keys
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl SignatureArguments {
    /// Signs evidence of a batch, if there is a key, and returns it with what is printed of the signature.
    fn sign<T: Evidence>(&self, evidence: T, batch: &Batch) -> anyhow::Result<(T, String)> {
        let Some(path) = &self.key else { return Ok((evidence, String::new())) };
        let key = Key::open(path)?;
        let signed = sign_evidence(evidence, batch.claims(), batch.evaluated_at(), &key)?;
        Ok((signed, format!(", signed by {}", plain(key.id()))))
    }
}

/// `reprieve attest dry-run`
#[derive(Args, Debug)]
pub struct DryRun {
    #[command(flatten)]
    batch: BatchArguments,
    /// The program that ran, and that will make the call. Its digest is recorded for both
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    #[command(flatten)]
    signature: SignatureArguments,
}

/// `reprieve attest backup`
#[derive(Args, Debug)]
pub struct Backup {
    #[command(flatten)]
    batch: BatchArguments,
    /// The name of the backup
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where it is, for example `s3://backups/apps`
    #[arg(long, value_name = "PLACE")]
    location: String,
    /// When it was completed
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    completed_at: Timestamp,
    /// It was read back and verified
    #[arg(long)]
    verified: bool,
    /// The time until which it cannot be deleted
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    immutable_until: Option<Timestamp>,
    #[command(flatten)]
    signature: SignatureArguments,
}

/// `reprieve attest restore`
#[derive(Args, Debug)]
pub struct Restore {
    #[command(flatten)]
    batch: BatchArguments,
    /// When a restore was last tested
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    tested_at: Timestamp,
    /// Number of tenants that the test restored
    #[arg(long, value_name = "COUNT")]
    tested_scale: u64,
    /// What one restore recovers
    #[arg(long, value_name = "WORD", default_value = "tenant")]
    granularity: String,
    /// Number of tenants that one restore batch recovers
    #[arg(long, value_name = "COUNT")]
    tenants_per_batch: u64,
    /// How long a restore batch takes
    #[arg(long, value_name = "DURATION", value_parser = Duration::parse)]
    batch_duration: Duration,
    /// Number of restore batches that run in parallel
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    parallel_batches: u64,
}

/// `reprieve attest notice`
#[derive(Args, Debug)]
pub struct Notice {
    #[command(flatten)]
    batch: BatchArguments,
    /// When the owners were notified
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    notified_at: Timestamp,
    /// Number of owners who objected
    #[arg(long, value_name = "COUNT")]
    opt_outs: u64,
}

/// Runs the command.
pub fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::DryRun(arguments) => dry_run(arguments)?,
        Command::Backup(arguments) => backup(arguments)?,
        Command::Restore(arguments) => restore(arguments)?,
        Command::Notice(arguments) => {
            let mut notice = Document::default();
            notice.add("owners_notified_at", json!(arguments.notified_at));
            notice.add("opt_outs", arguments.opt_outs);
            edit(&arguments.batch.request, |request| request.replace("notice", notice))?;
            outln!("added the notice of {}", arguments.notified_at)?;
        }
    }
    Ok(Status::Success)
}

/// The number of ids that evidence shows.
const SAMPLE: usize = 5;

fn dry_run(arguments: &DryRun) -> anyhow::Result<()> {
    let (batch, facts) = arguments.batch.facts()?;
    let program = arguments.program.as_deref().map(digest_of).transpose()?;
    let dry_run = model::DryRun {
        at: Some(batch.evaluated_at()),
        targets_sha256: Some(batch.targets_sha256().to_owned()),
        environment: Some(batch.claims().environment.clone()),
        count: Some(batch.len()),
        by_kind: Some(serde_json::from_value(json!(facts.kinds.counts)).context("the kinds cannot be stated")?),
        sample: Some(sample(&batch)?),
        program_sha256: program.clone(),
        token: None,
    };
    let (dry_run, by) = arguments.signature.sign(dry_run, &batch)?;
    edit(&arguments.batch.request, |request| {
        request.replace("dry_run", Document::of(&dry_run));
        if let Some(program) = program {
            request.set("operation.program_sha256", program.into());
        }
    })?;
    outln!("added the dry run of {} targets{by}", batch.len())?;
    Ok(())
}

fn backup(arguments: &Backup) -> anyhow::Result<()> {
    let (batch, _) = arguments.batch.facts()?;
    let backup = model::Checkpoint {
        id: Some(arguments.name.clone()),
        completed_at: Some(arguments.completed_at),
        verified: Some(arguments.verified),
        covers_sha256: Some(batch.targets_sha256().to_owned()),
        location: Some(arguments.location.clone()),
        immutable_until: arguments.immutable_until,
        token: None,
    };
    let (backup, by) = arguments.signature.sign(backup, &batch)?;
    edit(&arguments.batch.request, |request| request.push("recovery.checkpoints", Document::of(&backup)))?;
    outln!("added the backup of {} targets{by}", batch.len())?;
    Ok(())
}

fn restore(arguments: &Restore) -> anyhow::Result<()> {
    let mut restore = Document::default();
    restore.add("granularity", arguments.granularity.as_str());
    restore.add("tested_at", json!(arguments.tested_at));
    restore.add("tested_scale", arguments.tested_scale);
    restore.add("tenants_per_batch", arguments.tenants_per_batch);
    restore.add("batch_duration", json!(arguments.batch_duration));
    restore.add("parallel_batches", arguments.parallel_batches);
    edit(&arguments.batch.request, |request| request.replace("recovery.restore", restore))?;
    outln!("added the restore test of {}", arguments.tested_at)?;
    Ok(())
}

/// The first ids of the list.
fn sample(batch: &Batch) -> anyhow::Result<Vec<String>> {
    let ids = (0..batch.len().min(SAMPLE as u64)).map(|row| batch.id(row));
    Ok(ids.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// SHA-256 of a program, lower-case hex.
fn digest_of(path: &Path) -> anyhow::Result<String> {
    let mut file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).with_context(|| path.display().to_string())?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
