//! What restic writes as text: the tables of `restic forget --dry-run` and `restic snapshots`.

use super::restic::{UNSEEN, is_hex};
use crate::{Action, Input, Item, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use std::collections::HashSet;
use std::iter::Peekable;

/// Lines that only say what restic does. Anything else is refused.
const SAID: &[&str] = &[
    "$ restic ",
    "Applying Policy: ",
    "created new cache",
    "found ",
    "no policy was specified",
    "repository ",
    "snapshots for ",
    "snapshots:",
    "using cache",
];

/// Parts of lines of a run that was not dry.
const DONE: &[&str] = &["files deleted", "have been removed", "removed snapshot"];

/// What a table says of its snapshots.
#[derive(Clone, Copy, PartialEq)]
enum Heading {
    Keep,
    Remove,
    None,
}

struct Row<'a> {
    line: u64,
    id: &'a str,
    host: Option<String>,
}

#[derive(Default)]
struct Tables<'a> {
    kept: Vec<Row<'a>>,
    removed: Vec<Row<'a>>,
    listed: Vec<Row<'a>>,
    /// The ids that restic says it would have removed.
    announced: Option<Vec<Row<'a>>>,
    is_dry: bool,
}

type Lines<'a> = Peekable<std::iter::Zip<std::ops::RangeFrom<u64>, std::str::Lines<'a>>>;

pub(super) fn read(input: &Input<'_>, text: &str, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut tables = read_tables(input, text)?;
    if let Some(announced) = tables.announced.take() {
        if tables.removed.is_empty() {
            tables.removed = announced;
        } else {
            let in_tables: HashSet<&str> = tables.removed.iter().map(|row| row.id).collect();
            if announced.len() != tables.removed.len() || announced.iter().any(|row| !in_tables.contains(row.id)) {
                return Err(input.error(Place::Whole, "the tables and the ids that would be removed disagree"));
            }
        }
    }
    if tables.kept.is_empty() && tables.removed.is_empty() && tables.listed.is_empty() {
        return Err(input
            .error(Place::Whole, "there is no table of snapshots")
            .with_help("pass the output of `restic forget --dry-run --json`"));
    }
    let mut summary = Summary { tool: Some("restic".to_owned()), unseen: vec![UNSEEN], ..Summary::default() };
    summary.unseen.push("groups of snapshots that are missing at the end of the file, if it was cut off there");
    if tables.listed.is_empty() {
        summary.verb = Some("forget".to_owned());
        summary.is_call = true;
        summary.notes.push(format!("snapshots that are kept: {}", tables.kept.len()));
        if !tables.is_dry {
            summary.notes.push("whether this was a dry run is not in the file".to_owned());
        }
    } else if !tables.kept.is_empty() || !tables.removed.is_empty() {
        return Err(input.error(Place::Whole, "there is a table without a heading `keep` or `remove`"));
    }
    emit(input, &tables, sink)?;
    Ok(summary)
}

fn emit(input: &Input<'_>, tables: &Tables<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let kept: HashSet<&str> = tables.kept.iter().map(|row| row.id).collect();
    let mut seen = HashSet::new();
    let removed = tables.removed.iter().map(|row| (row, Action::Delete));
    for (row, action) in removed.chain(tables.listed.iter().map(|row| (row, Action::Listed))) {
        let problem = match (kept.contains(row.id), seen.insert(row.id)) {
            (true, _) => "is both kept and removed",
            (_, false) => "is listed twice",
            (false, true) => {
                let mut item = Item::new(row.id, action).kind("snapshot");
                item.details.extend(row.host.clone().map(|host| ("host", host)));
                sink(item)?;
                continue;
            }
        };
        return Err(input
            .error(Place::Line(row.line), format!("the short id `{}` {problem}: it is of two snapshots", row.id))
            .with_help("pass the output with `--json`, which has the full ids"));
    }
    Ok(())
}

fn read_tables<'a>(input: &Input<'_>, text: &'a str) -> Result<Tables<'a>, ReadError> {
    let mut tables = Tables::default();
    let mut lines: Lines<'a> = (1..).zip(text.lines()).peekable();
    while let Some((number, line)) = lines.next() {
        let error = |message: String| input.error(Place::Line(number), message);
        if let Some(part) = DONE.iter().find(|part| line.contains(*part) && !line.starts_with("would have ")) {
            return Err(error(format!("`{part}`: this is a report of what was removed, not a dry run")));
        } else if line.starts_with("ID ") {
            let rows = read_table(input, number, line, &mut lines, None)?;
            tables.listed.extend(rows);
        } else if let Some((heading, count)) = heading(line) {
            let Some((number, header)) = lines.next().filter(|(_, header)| header.starts_with("ID ")) else {
                return Err(error("the table after this line is missing".to_owned()));
            };
            let rows = read_table(input, number, header, &mut lines, Some(count))?;
            if heading == Heading::Keep { tables.kept.extend(rows) } else { tables.removed.extend(rows) }
        } else if line == "Would have removed the following snapshots:" {
            let Some((number, ids)) = lines.next() else { return Err(error("the ids are missing".to_owned())) };
            let ids = ids.strip_prefix('{').and_then(|ids| ids.strip_suffix('}'));
            let ids = ids.ok_or_else(|| input.error(Place::Line(number), "expected ids in braces"))?;
            for id in ids.split(' ') {
                announce(input, number, id, &mut tables)?;
            }
        } else if let Some(id) = line.strip_prefix("would have removed snapshot ") {
            announce(input, number, id, &mut tables)?;
        } else if !line.trim().is_empty() && !SAID.iter().any(|start| line.starts_with(start)) {
            return Err(error(format!("the line `{line}` is not understood"))
                .with_help("pass the output of `restic forget --dry-run --json`, without lines of other programs"));
        }
        tables.is_dry |=
            line.starts_with("$ restic ") && line.split(' ').any(|word| matches!(word, "--dry-run" | "-n"));
    }
    Ok(tables)
}

fn announce<'a>(input: &Input<'_>, line: u64, id: &'a str, tables: &mut Tables<'a>) -> Result<(), ReadError> {
    if !is_short_id(id) {
        return Err(input.error(Place::Line(line), format!("`{id}` is not the id of a snapshot")));
    }
    tables.is_dry = true;
    tables.announced.get_or_insert_default().push(Row { line, id, host: None });
    Ok(())
}

/// Reads `keep 5 snapshots:`.
fn heading(line: &str) -> Option<(Heading, u64)> {
    let (heading, rest) = match line.split_once(' ')? {
        ("keep", rest) => (Heading::Keep, rest),
        ("remove", rest) => (Heading::Remove, rest),
        _ => (Heading::None, ""),
    };
    let count = rest.strip_suffix(" snapshots:")?.parse().ok()?;
    (heading != Heading::None).then_some((heading, count))
}

/// Reads a table to its last line, `5 snapshots`. A snapshot with several paths, tags or reasons has further lines, which
/// begin with blanks.
fn read_table<'a>(
    input: &Input<'_>,
    number: u64,
    header: &str,
    lines: &mut Lines<'a>,
    count: Option<u64>,
) -> Result<Vec<Row<'a>>, ReadError> {
    let columns = ["Host", "Tags"].map(|name| header.find(name));
    let mut rows = Vec::new();
    let mut rules = 0;
    let mut footer = None;
    while let Some((number, line)) = lines.next_if(|_| footer.is_none()) {
        if is_rule(line) {
            rules += 1;
        } else if rules == 1 && (line.trim().is_empty() || line.starts_with(' ')) {
            continue;
        } else if rules == 1 {
            let id = line.split(' ').next().filter(|id| is_short_id(id) && has_time(line, id.len()));
            let Some(id) = id else {
                return Err(input.error(Place::Line(number), format!("expected a snapshot, found `{line}`")));
            };
            rows.push(Row { line: number, id, host: cell(line, columns) });
        } else {
            footer = line.strip_suffix(" snapshots").and_then(|count| count.parse::<u64>().ok());
            if rules != 2 || footer.is_none() {
                return Err(
                    input.error(Place::Line(number), format!("expected the end of the table, found `{line}`"))
                );
            }
        }
    }
    let found = rows.len() as u64;
    match footer {
        None => {
            Err(input.error(Place::Line(number), "the table has no last line `… snapshots`: the file is cut off"))
        }
        Some(footer) if footer != found || count.is_some_and(|count| count != found) => {
            let count = count.unwrap_or(footer);
            let message = format!("the table has {found} snapshots, and the file says {count} and {footer}");
            Err(input.error(Place::Line(number), message))
        }
        Some(_) => Ok(rows),
    }
}

fn is_rule(line: &str) -> bool {
    line.len() > 10 && line.bytes().all(|byte| byte == b'-')
}

fn is_short_id(id: &str) -> bool {
    id.len() >= 8 && is_hex(id)
}

/// Whether `  2025-04-21 11:00:00` follows the id.
fn has_time(line: &str, after: usize) -> bool {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    let rest: Vec<u8> = line.bytes().skip(after).take(21).map(shape).collect();
    rest == b"  0000-00-00 00:00:00"
}

/// Returns the text of a row between two columns of its header, if the row has ASCII characters up to there.
fn cell(line: &str, columns: [Option<usize>; 2]) -> Option<String> {
    let [Some(start), Some(end)] = columns else { return None };
    let text = line.get(..end).filter(|text| text.is_ascii())?.get(start..)?.trim();
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
