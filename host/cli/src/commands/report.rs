//! `reprieve report`: lists the tenants that a decision affects, and the order in which they would be restored.

use super::outcome::LIST_DECISIONS;
use crate::error::with_help;
use crate::render;
use crate::render::plain;
use crate::setup::LedgerArguments;
use crate::status::Status;
use clap::{Args, ValueEnum};
use reprieve::ledger::{LedgerError, Outcome};
use reprieve::model::{DecisionDocument, Duration, Timestamp};
use reprieve::record::{Affected, restore_plan};
use reprieve_ledger::{RecordedDecision, SqlLedger};
use serde::Serialize;
use std::io::Write;

/// List the tenants that a decision affects, with owner, contact and the batch in which each would be restored
#[derive(Args, Debug)]
pub struct Arguments {
    /// The ledger entry of the decision, or the `id` of a request for its last decision
    decision: String,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For spreadsheets and mail merges
    Csv,
    /// For programs
    Json,
}

/// A line of the report: one tenant.
#[derive(Serialize)]
struct Line {
    tenant: String,
    /// The number of its things that are deleted.
    things: u64,
    owner: Option<String>,
    contact: Option<String>,
    /// The restore batch that contains it, counted from 1.
    restore_batch: u64,
    /// The time from the start of the restore until the tenant is restored.
    restored_after: Duration,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let ledger = arguments.ledger.open()?;
    let recorded = find(&ledger, &arguments.decision)?;
    let affected = recorded.affected()?;
    let plan = restore_plan(&recorded.record.decision.restore, affected.len() as u64);
    let line = |(affected, (restore_batch, seconds)): (Affected, (u64, u64))| Line {
        tenant: affected.tenant,
        things: affected.things,
        owner: affected.owner,
        contact: affected.contact,
        restore_batch,
        restored_after: Duration::from_seconds(seconds),
    };
    let lines: Vec<Line> = affected.into_iter().zip(plan).map(line).collect();
    let text = match arguments.format {
        Format::Table => table(&recorded, &lines),
        Format::Csv => csv(&lines)?,
        Format::Json => json(&recorded, &lines)?,
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Status::Success)
}

/// Returns the decision of an entry, or the last decision about a request.
fn find(ledger: &SqlLedger, name: &str) -> anyhow::Result<RecordedDecision> {
    let found = match name.parse() {
        Ok(entry) => ledger.decision(entry),
        Err(_) => ledger.last_decision(name),
    };
    found.map_err(|error| match error {
        LedgerError::NotFound { .. } | LedgerError::Misuse { .. } => with_help(error, LIST_DECISIONS),
        error => error.into(),
    })
}

fn state(recorded: &RecordedDecision) -> String {
    use reprieve::model::Verdict;
    match (&recorded.outcome, recorded.record.decision.decision) {
        (None, Verdict::Allow) => "open: its outcome is not recorded".to_owned(),
        (None, _) => "not allowed: nothing was deleted".to_owned(),
        (Some(Outcome::Aborted { reason }), _) => format!("aborted: {reason}"),
        (Some(Outcome::Committed { succeeded, deleted, note }), _) => {
            let deleted = deleted.map_or("an unknown number".to_owned(), |deleted| deleted.to_string());
            let result = if *succeeded { "the run succeeded" } else { "the run failed" };
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("ran: {deleted} of the targets were deleted, and {result}{note}")
        }
    }
}

fn table(recorded: &RecordedDecision, lines: &[Line]) -> String {
    let mut text = render::decision(&recorded.record.review.claims, &recorded.document());
    text += &format!("\n{}\n\n", plain(&state(recorded)));
    let known = |text: &Option<String>| plain(text.as_deref().unwrap_or("unknown")).into_owned();
    let cells = |line: &Line| [plain(&line.tenant).into_owned(), known(&line.owner), known(&line.contact)];
    let cells: Vec<[String; 3]> = lines.iter().map(cells).collect();
    let titles = ["tenant", "owner", "contact"];
    let width = |i: usize| {
        cells.iter().map(|cells| cells[i].chars().count()).chain([titles[i].len()]).max().unwrap_or_default()
    };
    let (a, b, c) = (width(0), width(1), width(2));
    text += &format!("{:<a$}  {:>9}  {:<b$}  {:<c$}  restore batch\n", titles[0], "things", titles[1], titles[2]);
    for (line, [tenant, owner, contact]) in lines.iter().zip(&cells) {
        text += &format!(
            "{tenant:<a$}  {:>9}  {owner:<b$}  {contact:<c$}  {:>4}, restored after {}\n",
            line.things, line.restore_batch, line.restored_after
        );
    }
    text
}

fn csv(lines: &[Line]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    lines.iter().try_for_each(|line| writer.serialize(line))?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn json(recorded: &RecordedDecision, lines: &[Line]) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Report<'a> {
        entry: u64,
        recorded_at: Timestamp,
        decision: DecisionDocument,
        outcome: &'a Option<Outcome>,
        tenants: &'a [Line],
    }
    let report = Report {
        entry: recorded.entry,
        recorded_at: recorded.at,
        decision: recorded.document(),
        outcome: &recorded.outcome,
        tenants: lines,
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}
