//! `reprieve report`: who is affected by a decision, and in which order they could be restored.

use crate::setup::LedgerArguments;
use crate::{Status, report};
use clap::{Args, ValueEnum};
use reprieve::model::{DecisionDocument, Duration, Timestamp};
use reprieve::{Outcome, restore_plan};
use reprieve_ledger::{Recorded, SqlLedger};
use serde::Serialize;
use std::io::Write;

/// Say who is affected by a decision: every tenant with its owner and contact, and the batch it would be restored in
#[derive(Args, Debug)]
pub struct Arguments {
    /// The ledger's entry of the decision, or the request's `id` for the last one about it
    decision: String,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// How to print it
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

/// A tenant.
#[derive(Serialize)]
struct Line {
    tenant: String,
    /// Its things that go.
    things: u64,
    owner: Option<String>,
    contact: Option<String>,
    /// The restore batch that it is in, counted from 1.
    restore_batch: u64,
    /// How long after the beginning of the restore it is back.
    restored_after: Duration,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let ledger = arguments.ledger.open()?;
    let recorded = find(&ledger, &arguments.decision)?;
    let affected = recorded.affected()?;
    let plan = restore_plan(&recorded.record.decision.restore, affected.len() as u64);
    let line = |(affected, (restore_batch, seconds)): (reprieve::Affected, (u64, u64))| Line {
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
    Ok(Status::Allow)
}

/// The decision of this entry, or the last about this request.
fn find(ledger: &SqlLedger, name: &str) -> anyhow::Result<Recorded> {
    Ok(match name.parse() {
        Ok(entry) => ledger.decision(entry)?,
        Err(_) => ledger.decision_about(name)?,
    })
}

fn state(recorded: &Recorded) -> String {
    use reprieve::model::Verdict;
    match (&recorded.outcome, recorded.record.decision.decision) {
        (None, Verdict::Allow) => "open: nobody has said what became of it".to_owned(),
        (None, _) => "not allowed: nothing was deleted".to_owned(),
        (Some(Outcome::Aborted { reason }), _) => format!("aborted: {reason}"),
        (Some(Outcome::Committed { succeeded, deleted, note }), _) => {
            let deleted = deleted.map_or("an unknown number".to_owned(), |deleted| deleted.to_string());
            let how = if *succeeded { "it went well" } else { "it went wrong" };
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("ran: {deleted} of the targets were deleted, and {how}{note}")
        }
    }
}

fn table(recorded: &Recorded, lines: &[Line]) -> String {
    let mut text = report::decision(&recorded.record.review.claims, &recorded.document());
    text += &format!("\n{}\n\n", state(recorded));
    let width = |of: &dyn Fn(&Line) -> usize, least: usize| lines.iter().map(of).max().unwrap_or(0).max(least);
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let tenant = width(&|line| line.tenant.chars().count(), "tenant".len());
    let owner = width(&|line| known(&line.owner).chars().count(), "owner".len());
    let contact = width(&|line| known(&line.contact).chars().count(), "contact".len());
    text += &format!(
        "{:<tenant$}  {:>9}  {:<owner$}  {:<contact$}  restore batch\n",
        "tenant", "things", "owner", "contact"
    );
    for line in lines {
        text += &format!(
            "{:<tenant$}  {:>9}  {:<owner$}  {:<contact$}  {:>4}, done after {}\n",
            line.tenant,
            line.things,
            known(&line.owner),
            known(&line.contact),
            line.restore_batch,
            line.restored_after
        );
    }
    text
}

fn csv(lines: &[Line]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    lines.iter().try_for_each(|line| writer.serialize(line))?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn json(recorded: &Recorded, lines: &[Line]) -> anyhow::Result<String> {
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
