//! SQL: a file of statements, or the export of a query as CSV or TSV.

mod csv;
mod deletion;
mod drops;
mod export;
mod findings;
mod reading;
mod rows;
mod statement;
mod uses;

pub use deletion::{Database, Deletion, Rows, TableName, Target, deletion};
pub use uses::Uses;

use crate::{Input, Item, Options, Sink, Summary};
use findings::Found;
use reading::{DIALECTS, GENERIC, Named, Reading, read_as};
use reprieve_batch::{Place, ReadError};
use reprieve_model::Mode;
use std::cell::LazyCell;
use std::collections::HashSet;

/// The maximum bytes of statements. Their tokens and trees take some 80 times as much memory.
const MAX_STATEMENTS_BYTES: usize = 64 << 20;

const AMBIGUOUS: &str = "avoid backslashes and double quotes in texts, and comments in comments";

pub(crate) fn read(input: &Input<'_>, options: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let extension = input.name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv") => export::read(input, options, csv::Delimiter::Comma, sink),
        Some("tsv") => export::read(input, options, csv::Delimiter::Tab, sink),
        _ => read_statements(input, options, sink),
    }
}

fn read_statements(input: &Input<'_>, options: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let reading = choose(input, input.text()?, key_column(input, options)?, &DIALECTS)?;
    let findings = reading.findings;
    let mut seen = HashSet::new();
    let mut selectors = Vec::new();
    for (line, found) in &findings.found {
        let Found::Item { kind, id, action, verb } = found else { continue };
        if !seen.insert((kind, id)) {
            return Err(input.error(Place::Line(*line), format!("`{id}` of the kind `{kind}` is named twice")));
        }
        let mut item = Item::new(id, *action).kind(kind);
        item.details.push(("statement", (*verb).to_owned()));
        sink(item)?;
    }
    let mut notes = findings.notes();
    for (line, found) in &findings.found {
        let Found::Selector { statement, .. } = found else { continue };
        selectors.push(statement.as_str());
        notes.push(format!("line {line}: the statement selects its rows itself; no list can be made of them"));
    }
    let verbs: HashSet<&str> = findings.found.iter().map(|(_, found)| found.verb()).collect();
    Ok(Summary {
        is_call: true,
        mode: (!verbs.is_empty()).then_some(Mode::Hard),
        verb: if verbs.len() == 1 { verbs.into_iter().next().map(str::to_owned) } else { None },
        cascade: findings.cascade.then_some(true),
        selector: (!selectors.is_empty()).then(|| selectors.join("; ")),
        notes,
        unseen: vec![
            "what triggers, rules, event schedulers and functions delete",
            "rows that foreign keys with ON DELETE CASCADE delete, and those of partitions and child tables",
            "the schema and the database that names without one are of",
            "the types of the key columns: a number that is compared with a text column may name several rows in MySQL",
        ],
        ..Summary::default()
    })
}

/// The column that names a row.
fn key_column<'a>(input: &Input<'_>, options: &'a Options) -> Result<&'a str, ReadError> {
    match options.id.as_slice() {
        [] => Ok("id"),
        [key] => Ok(key),
        keys => {
            let message = format!("one column names a row of a statement, found {}", keys.len());
            Err(input.error(Place::Whole, message))
        }
    }
}

/// Reads a file in these dialects and returns the reading with the most deletions. Dialects disagree on where texts and
/// comments end, so what one of them finds, even before it fails, must be in the reading that is returned.
fn choose(input: &Input<'_>, text: &str, key: &str, dialects: &[Named]) -> Result<Reading, ReadError> {
    if text.len() > MAX_STATEMENTS_BYTES {
        let message = format!("the statements have {} bytes, at most {MAX_STATEMENTS_BYTES} are read", text.len());
        return Err(input
            .error(Place::Whole, message)
            .with_help("split the file, or write the keys into a CSV file"));
    }
    let mut readings: Vec<Reading> = dialects.iter().map(|dialect| read_as(dialect, text, key)).collect();
    if readings.iter().all(|reading| reading.error.is_some()) {
        readings.push(read_as(&GENERIC, text, key));
    }
    if let Some((line, message)) = readings.iter().filter_map(|reading| reading.refusal.as_ref()).min() {
        return Err(input.error(Place::Line(*line), message));
    }
    let whole = readings.iter().enumerate().filter(|(_, reading)| reading.error.is_none());
    let Some((best, _)) = whole.max_by_key(|(i, reading)| (reading.findings.found.len(), usize::MAX - i)) else {
        let furthest = readings.iter().filter_map(|reading| reading.error.as_ref()).max_by_key(|(line, _)| *line);
        let (line, message) = furthest.cloned().unwrap_or((1, "not SQL".to_owned()));
        return Err(input
            .error(Place::Line(line), format!("the statement is not understood: {message}"))
            .with_help("write statements of PostgreSQL, MySQL or SQLite, without commands of their clients"));
    };
    let best = readings.swap_remove(best);
    check_agreement(input, &best, &readings)?;
    if best.findings.is_empty() {
        return Err(input.error(Place::Whole, "the file has no statement"));
    }
    if let Some(line) = best.findings.open_transaction {
        let message = "the transaction that begins here is not ended: the file is cut off, or it deletes nothing";
        return Err(input.error(Place::Line(line), message).with_help("end it with COMMIT"));
    }
    if let Some(line) = best.findings.renamed.filter(|_| !best.findings.found.is_empty()) {
        let message = "a table is renamed here, so the names in the file are not those before it runs";
        return Err(input.error(Place::Line(line), message).with_help("rename and delete in files of their own"));
    }
    Ok(best)
}

/// Checks that other readings have nothing that the best one has not.
fn check_agreement(input: &Input<'_>, best: &Reading, others: &[Reading]) -> Result<(), ReadError> {
    let found = &best.findings.found;
    let in_any_order = LazyCell::new(|| found.iter().map(|(_, found)| found).collect::<HashSet<&Found>>());
    for other in others {
        if other.risky_words > best.risky_words {
            let message = format!("{} reads more statements in the file than {}", other.dialect, best.dialect);
            return Err(input.error(Place::Whole, message).with_help(AMBIGUOUS));
        }
        // Mostly all dialects find the same in the same order.
        for (i, (line, item)) in other.findings.found.iter().enumerate() {
            if found.get(i).is_none_or(|(_, same)| same != item) && !in_any_order.contains(item) {
                let message = format!("{} and {} read the file differently from here", best.dialect, other.dialect);
                return Err(input.error(Place::Line(*line), message).with_help(AMBIGUOUS));
            }
        }
    }
    Ok(())
}
