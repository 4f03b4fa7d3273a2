//! The batch: its request, or the file of another tool, and everything that is needed to vet it.

use super::gate::GateArguments;
use super::ledger::NAME_A_LEDGER;
use crate::drafting::{ClaimArguments, From, FromArguments, format};
use crate::error::fail;
use crate::reading::ReadingArguments;
use anyhow::Context;
use clap::Args;
use reprieve::model::{Facts, Timestamp};
use reprieve::signed::{Override, OverrideDraft, Signing};
use reprieve::{Batch, Gate, ReadAs};
use reprieve_ledger::SqlLedger;
use reprieve_readers::Format;
use reprieve_report::output::plain;
use reprieve_report::render::RequestFile;
use std::path::{Path, PathBuf};

/// A batch and the facts about it.
#[derive(Args, Debug)]
pub struct BatchArguments {
    /// The request, or `-` for standard input. With `--from`, a file of another tool
    pub request: PathBuf,
    /// Read a plan, an export or a report of another tool and draft the request; `reprieve read --help` lists the formats
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    from: Option<&'static Format>,
    #[command(flatten, next_help_heading = "With --from")]
    claims: ClaimArguments,
    #[command(flatten)]
    from_arguments: FromArguments,
    #[command(flatten, next_help_heading = "Options")]
    reading: ReadingArguments,
    #[command(flatten)]
    gate: GateArguments,
    /// Decide for this time instead of now. Not with a ledger, because its clock decides
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// Lift the findings that this override names; see `reprieve override`
    #[arg(long = "override", value_name = "FILE")]
    override_file: Option<PathBuf>,
}

/// A batch, and everything that is needed to vet it.
pub struct Vetting {
    /// The batch.
    pub batch: Batch,
    /// The list, if it was made from a file of another tool. It is removed when this is dropped.
    pub from: Option<From>,
    /// The gate.
    pub gate: Gate,
    /// The ledger that the gate records in.
    pub ledger: Option<SqlLedger>,
    /// The settings for permits and overrides.
    pub signing: Signing,
    /// The override that the arguments name.
    pub with_override: Option<Override>,
}

impl BatchArguments {
    /// The file of the request.
    pub fn file(&self) -> RequestFile {
        let name = self.request.display().to_string();
        match self.from {
            Some(format) => RequestFile::of_tool(name, format.name),
            None => RequestFile::named(name),
        }
    }

    /// Reads the batch and builds the gate at the same time, because neither needs the other.
    pub fn open(&self) -> anyhow::Result<Vetting> {
        let (batch, gate) = std::thread::scope(|scope| {
            let gate = scope.spawn(|| self.gate.open(self.reading.resources()));
            (self.batch(), gate.join())
        });
        let (batch, from) = batch?;
        let (gate, ledger, signing) = gate.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let with_override = self.override_file.as_deref().map(|path| read_override(path, &signing)).transpose()?;
        if with_override.is_some() && ledger.is_none() {
            return Err(fail("an override is used once, which only a ledger can ensure", NAME_A_LEDGER));
        }
        Ok(Vetting { batch, from, gate, ledger, signing, with_override })
    }

    /// The URL of the ledger, if it is in a database.
    pub fn ledger_url(&self) -> anyhow::Result<Option<String>> {
        let ledger = &self.gate.ledger;
        let builder = ledger.policies.configured_builder()?;
        let name = ledger.named(&builder).map(|(name, _)| name.to_owned());
        Ok(name.filter(|name| name.contains("://")))
    }

    fn batch(&self) -> anyhow::Result<(Batch, Option<From>)> {
        let (batch, from) = match self.from {
            None if !self.claims.is_empty() => {
                let message = "the claims of a request are in its file";
                return Err(fail(
                    message,
                    "use these flags with `--from FORMAT`, or `reprieve draft` to write a request",
                ));
            }
            None => {
                let batch = self.reading.request(&self.request)?;
                let ways = batch.read_as();
                for note in ways.iter().filter_map(|read| how_it_was_read(read, ways.len() > 1)) {
                    errln!("note: {}", plain(&note));
                }
                (batch, None)
            }
            Some(format) => {
                let from =
                    From::read(format, &self.request, &self.claims, &self.from_arguments, self.reading.no_header())?;
                for note in &from.summary.notes {
                    errln!("note: {}", plain(note));
                }
                let shown = format!("{} as {}", self.request.display(), format.name);
                let request = from.request.to_json();
                (self.reading.drafted(&request, &shown, from.folder.path())?, Some(from))
            }
        };
        Ok(match self.at {
            Some(at) => (batch.at(at), from),
            None => (batch, from),
        })
    }

    /// Reads the batch and returns what policies receive about it, without deciding and without recording.
    pub fn facts(&self) -> anyhow::Result<(Batch, Facts)> {
        let gate = self.gate.open_without_ledger(self.reading.resources())?;
        let (batch, _) = self.batch()?;
        let facts = gate.facts(&batch).map_err(|fault| anyhow::Error::msg(fault.message))?;
        Ok((batch, facts))
    }
}

/// Describes how a list was read, if not every column of it was, or if it is not as most lists are.
fn how_it_was_read(read: &ReadAs, names_file: bool) -> Option<String> {
    let delimiter = read.delimiter().filter(|delimiter| *delimiter != ',');
    let is_usual = delimiter.is_none() && matches!(read.encoding(), "" | "UTF-8") && read.array().is_none();
    if is_usual && read.left_alone().is_empty() {
        return None;
    }
    let what = if names_file { read.file() } else { "the list" };
    let mut parts = vec![format!("{what} was read as {}", read.format())];
    if !matches!(read.encoding(), "" | "UTF-8") {
        parts.push(format!("encoded in {}", read.encoding()));
    }
    if let Some(array) = read.array() {
        parts.push(format!("from the array `{array}`"));
    }
    parts.extend(delimiter.map(|delimiter| format!("separated by `{}`", delimiter.escape_default())));
    parts.extend(read.header_line().map(|line| format!("line {line} names its columns")));
    let fields: Vec<&str> = read.columns().iter().map(|column| column.field).collect();
    parts.push(format!("read: {}", fields.join(", ")));
    if !read.left_alone().is_empty() {
        parts.push(format!("left alone: {}", read.left_alone().join(", ")));
    }
    Some(parts.join("; "))
}

/// Reads an override, and verifies its signatures.
pub fn read_override(path: &Path, signing: &Signing) -> anyhow::Result<Override> {
    let draft = OverrideDraft::open(path)?;
    draft.verify(&signing.override_keys()?).with_context(|| path.display().to_string())
}
