//! What Borg writes as text or as a log: `borg list`, `borg info`, and dry runs of `borg prune` and `borg delete`.

use super::borg::{is_id, item, summary};
use crate::json::Value;
use crate::object::Object;
use crate::{Action, Input, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use std::collections::HashSet;

const PRUNED: &[&str] = &["Would prune:", "Would delete archive:", "Would delete:"];
const KEPT: &[&str] = &["Keeping archive", "Keeping checkpoint archive"];
const DONE: &[&str] = &["Pruning archive", "Pruning checkpoint archive", "Pruning:", "Deleting archive", "Deleted "];
const SAID: &[&str] = &["Finished dry-run."];

/// Lines of `borg info` that follow the name of an archive.
const INFO: &[&str] = &[
    "All archives:",
    "Archive fingerprint:",
    "Chunk index:",
    "Command line:",
    "Comment:",
    "Deduplicated size:",
    "Duration:",
    "Hostname:",
    "Number of files:",
    "Original size:",
    "Tags:",
    "This archive:",
    "Time (end):",
    "Time (start):",
    "Username:",
    "Utilization of max",
    "Working Directory:",
    "------",
    "       ",
];

/// Types of log lines that only show progress.
const PROGRESS: &[&str] = &["archive_progress", "file_status", "progress_message", "progress_percent"];

/// Whether a text is of Borg: a line begins like one of its lines, or has an archive with its id.
pub(super) fn is_borg(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("Archive name:") || is_said(line) || listed(line).is_some())
}

/// Whether a line is one of a run of `borg prune` or `borg delete`.
fn is_said(line: &str) -> bool {
    [PRUNED, KEPT, DONE].iter().any(|starts| starts.iter().any(|start| line.starts_with(start)))
}

pub(super) fn read(input: &Input<'_>, text: &str, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let lines: Vec<(u64, &str)> = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect();
    let Some((_, first)) = lines.first() else { return Err(input.error(Place::Whole, "the file is empty")) };
    if first.starts_with("Archive name:") {
        read_info(input, &lines, sink)
    } else if listed(first).is_some() && !is_said(first) {
        read_list(input, &lines, sink)
    } else {
        read_dry_run(input, &lines, !text.ends_with('\n'), sink)
    }
}

/// Reads the lines of `borg --log-json`. Their messages are the lines that Borg writes as text.
pub(super) fn read_log(
    input: &Input<'_>,
    documents: &[(u64, Value)],
    sink: &mut Sink<'_>,
) -> Result<Summary, ReadError> {
    let mut lines = Vec::new();
    for (number, value) in documents {
        let document = Object::of_line(input, value, *number)?;
        match document.required("type")? {
            "log_message" => {
                let message = document.required("message")?;
                if document.required("levelname")? != "INFO" {
                    return Err(document.error_at("message", format!("Borg warned or failed: {message}")));
                }
                lines.extend(message.lines().map(|line| (*number, line)));
            }
            progress if PROGRESS.contains(&progress) => {}
            other => return Err(document.error_at("type", format!("the type `{other}` is not understood"))),
        }
    }
    read_dry_run(input, &lines, false, sink)
}

/// Reads the lines of a dry run. Of an open file, no line end follows the last line.
fn read_dry_run(
    input: &Input<'_>,
    lines: &[(u64, &str)],
    is_open: bool,
    sink: &mut Sink<'_>,
) -> Result<Summary, ReadError> {
    let (mut kept, mut pruned) = (Vec::new(), Vec::new());
    let mut counts = Counts::default();
    for (number, line) in lines {
        let error = |message: String| input.error(Place::Line(*number), message);
        let starts = |starts: &[&str]| starts.iter().find_map(|start| line.strip_prefix(start));
        if starts(DONE).is_some() {
            return Err(error("this is a report of what was deleted, not a dry run".to_owned())
                .with_help("pass the output of the command with `--dry-run --list`"));
        } else if let Some(rest) = starts(PRUNED) {
            let rest = if line.starts_with("Would delete") { counts.strip(rest) } else { Ok(rest) };
            let archive = rest.and_then(|rest| archive(rest.trim()).ok_or("no name of an archive is in the line"));
            pruned.push((*number, archive.map_err(|message| error(message.to_owned()))?));
        } else if let Some(rest) = starts(KEPT) {
            // `Keeping archive (rule: daily #1): name`, and in older versions `Keeping archive: name`.
            let rest =
                rest.strip_prefix(':').or_else(|| rest.strip_prefix(" (rule: ")?.split_once("):").map(|rest| rest.1));
            let archive = rest.and_then(|rest| archive(rest.trim()));
            kept.push(archive.ok_or_else(|| error("no name of an archive is in the line".to_owned()))?);
        } else if !SAID.contains(line) {
            return Err(error(format!("the line `{line}` is not understood")));
        }
    }
    if counts.read != counts.total.unwrap_or(0) {
        let total = counts.total.unwrap_or(0);
        let message = format!("the lines count {total} archives and list {}: the file is cut off", counts.read);
        return Err(input.error(Place::Whole, message));
    }
    let last = lines.last().filter(|_| is_open);
    if let Some((number, line)) = last.filter(|(_, line)| !line.ends_with([']', ')', '.'])) {
        let message = format!("the file does not end with a line end: the line `{line}` may be cut off");
        return Err(input.error(Place::Line(*number), message));
    }
    let kept: HashSet<(&str, Option<&str>)> = kept.into_iter().collect();
    let names: HashSet<&str> = kept.iter().map(|(name, _)| *name).collect();
    let mut seen = HashSet::new();
    for (number, (name, id)) in &pruned {
        if names.contains(name) || !seen.insert(*name) {
            let problem = if names.contains(name) { "both kept and deleted" } else { "listed twice" };
            return Err(input.error(Place::Line(*number), format!("the archive `{name}` is {problem}")));
        }
        sink(item(name, *id, Action::Delete))?;
    }
    let mut summary = summary();
    summary.verb = Some(if counts.total.is_some() { "delete" } else { "prune" }.to_owned());
    summary.unseen.push("lines that are missing at the end of the file, if it was cut off there");
    if kept.is_empty() && counts.total.is_none() {
        summary.notes.push("the file lists no archive that is kept".to_owned());
    } else if !kept.is_empty() {
        summary.notes.push(format!("archives that are kept: {}", kept.len()));
    }
    Ok(summary)
}

/// The `(2/5)` at the end of the lines of `borg delete`, which count from 1.
#[derive(Default)]
struct Counts {
    read: u64,
    total: Option<u64>,
}

impl Counts {
    fn strip<'a>(&mut self, line: &'a str) -> Result<&'a str, &'static str> {
        let (line, count) = line.rsplit_once(" (").ok_or("the count at the end of the line is missing")?;
        let numbers = count.strip_suffix(')').and_then(|count| count.split_once('/'));
        let numbers = numbers.and_then(|(read, total)| Some((read.parse::<u64>().ok()?, total.parse::<u64>().ok()?)));
        let (read, total) = numbers.ok_or("the count at the end of the line is missing")?;
        if self.read.checked_add(1) != Some(read) || self.total.is_some_and(|other| other != total) {
            return Err("the counts at the ends of the lines are not in order: lines are missing");
        }
        (self.read, self.total) = (read, Some(total));
        Ok(line)
    }
}

fn read_list(input: &Input<'_>, lines: &[(u64, &str)], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut seen = HashSet::new();
    for (number, line) in lines {
        let Some((name, id)) = listed(line).filter(|_| !is_said(line)) else {
            let message = format!("expected an archive with its time and id, found `{line}`");
            return Err(input
                .error(Place::Line(*number), message)
                .with_help("pass the output of `borg list --json`"));
        };
        if !seen.insert(name) {
            return Err(input.error(Place::Line(*number), format!("the archive `{name}` is listed twice")));
        }
        sink(item(name, Some(id), Action::Listed))?;
    }
    Ok(summary())
}

fn read_info(input: &Input<'_>, lines: &[(u64, &str)], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut seen = HashSet::new();
    let mut lines = lines.iter().peekable();
    while let Some((number, line)) = lines.next() {
        let error = |message: String| input.error(Place::Line(*number), message);
        let Some(name) = line.strip_prefix("Archive name:").map(str::trim) else {
            if INFO.iter().any(|start| line.starts_with(start)) {
                continue;
            }
            return Err(error(format!("the line `{line}` is not understood")).with_help("pass `borg info --json`"));
        };
        let id = lines.next().and_then(|(_, line)| line.strip_prefix("Archive fingerprint:")).map(str::trim);
        let Some(id) = id.filter(|id| is_id(id) && !name.is_empty()) else {
            return Err(error("expected a name, and the fingerprint of the archive on the next line".to_owned()));
        };
        if !seen.insert(name) {
            return Err(error(format!("the archive `{name}` is listed twice")));
        }
        sink(item(name, Some(id), Action::Listed))?;
    }
    Ok(summary())
}

/// Reads an archive as Borg formats it: `name   Mon, 2017-02-27 12:27:20 [id]`, or its name alone.
fn archive(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some((name, id)) = listed(text) {
        return Some((name, Some(id)));
    }
    // Borg 1.0 has the time and no id.
    let name = before_time(text).unwrap_or(text);
    let is_word = !name.is_empty() && !name.contains(char::is_whitespace) && !name.contains(char::is_control);
    is_word.then_some((name, None))
}

fn listed(line: &str) -> Option<(&str, &str)> {
    let (rest, id) = line.trim_end().strip_suffix(']')?.rsplit_once(" [")?;
    let name = before_time(rest)?;
    (is_id(id) && !name.is_empty() && !name.contains(char::is_control)).then_some((name, id))
}

/// Returns what is before `Mon, 2017-02-27 12:27:20`, which may have an offset like `+0200` after it.
fn before_time(text: &str) -> Option<&str> {
    let text = match text.rsplit_once(' ') {
        Some((rest, zone)) if zone.len() == 5 && zone.starts_with(['+', '-']) => rest,
        _ => text,
    };
    let time = text.get(text.len().checked_sub(24)?..)?;
    let shape = |byte: u8| match byte {
        b'0'..=b'9' => b'0',
        b'A'..=b'Z' | b'a'..=b'z' => b'a',
        other => other,
    };
    let shape: Vec<u8> = time.bytes().map(shape).collect();
    (shape == b"aaa, 0000-00-00 00:00:00").then(|| text.get(..text.len() - 24).unwrap_or("").trim())
}
