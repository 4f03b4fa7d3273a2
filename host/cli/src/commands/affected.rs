//! `reprieve report`: who is affected by a decision, and in which order they could be restored.

use crate::report::plain;
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
            "{tenant:<a$}  {:>9}  {owner:<b$}  {contact:<c$}  {:>4}, done after {}\n",
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
