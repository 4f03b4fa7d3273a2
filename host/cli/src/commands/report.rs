//! `reprieve report`: lists the tenants that a decision affects, and the order in which they would be restored.

use super::outcome::LIST_DECISIONS;
use crate::error::with_help;
use crate::setup::LedgerArguments;
use clap::{Args, ValueEnum};
use reprieve::ledger::{LedgerError, Outcome};
use reprieve::model::{Duration, Timestamp};
use reprieve::{Breakdown, DecisionReport};
use reprieve_ledger::{RecordedDecision, RestoredTenant, SqlLedger};
use reprieve_report::output::{Page, data, plain};
use reprieve_report::render::{self, Detail, Plots, Printed, RequestFile, html, plural};
use reprieve_report::status::Status;
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
    /// Show every finding in full
    #[arg(long)]
    verbose: bool,
    /// Show bars of the targets by kind, by tenant and by age
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    plots: Plots,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For spreadsheets and mail merges. An apostrophe precedes text that a spreadsheet would read as a formula
    Csv,
    /// For programs
    Json,
    /// One file for a browser, with plots
    Html,
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
    let (recorded, lines) = read(&arguments.ledger, &arguments.decision)?;
    match arguments.format {
        Format::Table => {
            let plots = if arguments.plots.are_shown() { Some(recorded.breakdown()?) } else { None };
            table(&recorded, &lines, Detail::of(arguments.verbose), plots.as_ref()).print()?;
        }
        Format::Csv => data(|out| csv(out, &lines))?,
        Format::Json => {
            data(|out| Ok(writeln!(out, "{}", serde_json::to_string_pretty(&document(&recorded, &lines)?)?)?))?
        }
        Format::Html => {
            let page = as_html(&recorded, &lines)?;
            data(|out| Ok(out.write_all(page.as_bytes())?))?;
        }
    }
    Ok(Status::Success)
}

/// Returns the report of a decision, for people and for programs.
pub fn report(ledger: &LedgerArguments, decision: &str) -> anyhow::Result<(Page, serde_json::Value)> {
    let (recorded, lines) = read(ledger, decision)?;
    let document = serde_json::to_value(document(&recorded, &lines)?)?;
    Ok((table(&recorded, &lines, Detail::Screen, None), document))
}

/// Reads a decision, and the tenants that it affects.
fn read(ledger: &LedgerArguments, decision: &str) -> anyhow::Result<(RecordedDecision, Vec<Line>)> {
    let recorded = find(&ledger.open()?, decision)?;
    let line = |RestoredTenant { affected, batch, after }: RestoredTenant| Line {
        tenant: affected.tenant,
        things: affected.things,
        owner: affected.owner,
        contact: affected.contact,
        restore_batch: batch,
        restored_after: after,
    };
    let lines: Vec<Line> = recorded.restore_order()?.into_iter().map(line).collect();
    Ok((recorded, lines))
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

/// The name of the request in commands: its file is not recorded.
fn request() -> RequestFile {
    RequestFile::named("REQUEST")
}

fn as_html(recorded: &RecordedDecision, lines: &[Line]) -> anyhow::Result<String> {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let row = |line: &Line| {
        let (owner, contact) = (known(&line.owner), known(&line.contact));
        let restored = format!("batch {}, after {}", line.restore_batch, line.restored_after);
        vec![line.tenant.clone(), format!("{} things", line.things), owner, contact, restored]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    let titles = ["tenant", "things", "owner", "contact", "restored in"];
    let (document, outcome) = (recorded.document(), recorded.state_in_words());
    let printed = Printed { claims: &recorded.record.review.claims, document: &document, request: &request() };
    let tenants = Some(html::Tenants { titles: &titles, rows: &rows });
    let beside = html::Beside { read_as: &[], outcome: Some(&outcome), tenants };
    Ok(html::page(&printed, &recorded.breakdown()?, beside)?)
}

fn table(recorded: &RecordedDecision, lines: &[Line], detail: Detail, plots: Option<&Breakdown>) -> Page {
    let document = recorded.document();
    let printed = Printed { claims: &recorded.record.review.claims, document: &document, request: &request() };
    let mut page = render::decision(&printed, detail, plots);
    page.blank();
    line!(page, "{}", plain(&recorded.state_in_words()));
    page.blank();
    let known = |text: &Option<String>| plain(text.as_deref().unwrap_or("unknown")).into_owned();
    let cells = |line: &Line| [plain(&line.tenant).into_owned(), known(&line.owner), known(&line.contact)];
    let cells: Vec<[String; 3]> = lines.iter().map(cells).collect();
    let titles = ["tenant", "owner", "contact"];
    let width = |i: usize| {
        cells.iter().map(|cells| cells[i].chars().count()).chain([titles[i].len()]).max().unwrap_or_default()
    };
    let (a, b, c) = (width(0), width(1), width(2));
    line!(page, "{:<a$}  {:>9}  {:<b$}  {:<c$}  restore batch", titles[0], "things", titles[1], titles[2]);
    for (line, [tenant, owner, contact]) in lines.iter().zip(&cells) {
        line!(
            page,
            "{tenant:<a$}  {:>9}  {owner:<b$}  {contact:<c$}  {:>4}, restored after {}",
            line.things,
            line.restore_batch,
            line.restored_after
        );
    }
    if let unnamed @ 1.. = recorded.unnamed_tenants(lines.len()) {
        line!(page, "and at most {} without a name", plural(unnamed, "tenant", "tenants"));
    }
    page
}

fn csv(out: &mut dyn Write, lines: &[Line]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    for line in lines {
        let cell = |text: &Option<String>| text.as_deref().map(as_cell);
        let Line { things, restore_batch, restored_after, .. } = *line;
        let (tenant, owner, contact) = (as_cell(&line.tenant), cell(&line.owner), cell(&line.contact));
        writer.serialize(Line { tenant, things, owner, contact, restore_batch, restored_after })?;
    }
    Ok(writer.flush()?)
}

/// Marks text with an apostrophe where a spreadsheet would read a formula: at its beginning, and after a character that
/// separates cells in some country.
fn as_cell(text: &str) -> String {
    let mut cell = String::new();
    let mut begins = true;
    for c in text.chars() {
        let is_formula = matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
        if begins && is_formula {
            cell.push('\'');
        }
        begins = matches!(c, ';' | '\t' | '\r' | '\n') || (begins && c.is_whitespace());
        cell.push(c);
    }
    cell
}

/// The report for programs.
#[derive(Serialize)]
struct Report<'a> {
    entry: u64,
    recorded_at: Timestamp,
    decision: DecisionReport,
    outcome: &'a Option<Outcome>,
    tenants: &'a [Line],
    unnamed_tenants: u64,
}

fn document<'a>(recorded: &'a RecordedDecision, lines: &'a [Line]) -> anyhow::Result<Report<'a>> {
    Ok(Report {
        entry: recorded.entry,
        recorded_at: recorded.at,
        decision: DecisionReport { decision: recorded.document(), breakdown: recorded.breakdown()? },
        outcome: &recorded.outcome,
        tenants: lines,
        unnamed_tenants: recorded.unnamed_tenants(lines.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for (text, cell) in [
            ("ann@one.example", "ann@one.example"),
            ("a-1 + b", "a-1 + b"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("+49 30", "'+49 30"),
            ("@sum", "'@sum"),
            ("\t=1", "'\t'=1"),
            ("  =1", "  '=1"),
            ("＝1", "'＝1"),
            ("x;=1", "x;'=1"),
            ("x\n-1", "x\n'-1"),
        ] {
            assert_eq!(as_cell(text), cell);
        }
    }
}
