//! aws-nuke, of rebuy-de and of ekristen: what a dry run writes, as text or as JSON lines of its log.

mod json;

use crate::{Action, Input, Item, Options, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use std::collections::{HashMap, HashSet};

const REMOVES: &[&str] = &["would remove", "would remove after dependencies"];

/// Messages of a run that removed resources.
const DONE: &[&str] = &["failed", "removed", "triggered remove", "waiting"];

/// Starts of lines that only a run without the dry run writes.
const DONE_LINES: &[&str] = &["Do you really want to nuke these resources", "Nuke complete:", "Removal requested:"];

/// Starts of the line with the version.
const VERSIONS: &[&str] = &["aws-nuke version ", "aws-nuke - ", "> aws-nuke - "];

/// Words of which a reason to keep a resource has one. Reasons are free text of each resource type.
const KEEPS: &[&str] = &[
    "already",
    "can't",
    "cannot",
    "default",
    "deleted",
    "deleting",
    "disabled",
    "excluded",
    "excluding",
    "filtered",
    "ignored",
    "immutable",
    "managed",
    "no",
    "not",
    "owned",
    "pending",
    "predefined",
    "protected",
    "protection",
    "reserved",
    "service",
    "skip",
    "skipped",
    "skipping",
    "system",
    "terminated",
    "unable",
];

/// Starts of lines that say nothing of resources.
const SAID: &[&str] = &[
    "Do you want to continue? ",
    "Waiting ",
    "waiting ",
    "$ aws-nuke ",
    "> ",
    "starting scan for resources",
    "no-prompt flag set, continuing without prompting user",
];

/// Starts of the line that ends a dry run.
const ENDS: &[&str] = &[
    "No resource to delete.",
    "The above resources would be deleted",
    "Would delete these resources. Provide --no-dry-run",
];

/// Starts of log lines that logrus writes for a terminal or a file, and whether they are warnings.
const LOGS: &[(&str, bool)] = &[("DEBU[", false), ("INFO[", false), ("TRAC[", false), ("WARN[", true)];

#[derive(Default)]
struct Run {
    version: Option<String>,
    account: Option<String>,
    /// The total, the nukeable and the filtered resources that the run counted.
    counts: Option<[usize; 3]>,
    is_ended: bool,
    filtered: usize,
    warnings: usize,
    /// The resources that would be removed: the line, the item, and its properties.
    items: Vec<(u64, Item, Option<String>)>,
}

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut run = Run::default();
    for (number, line) in (1..).zip(input.text()?.lines()) {
        let line = without_colours(line);
        if line.starts_with('{') {
            json::read(input, number, &line, &mut run)?;
        } else if !line.trim().is_empty() {
            read_line(input, number, &line, &mut run)?;
        }
    }
    check_counts(input, &run)?;
    let mut summary = Summary {
        is_call: true,
        tool: Some(run.version.map_or_else(|| "aws-nuke".to_owned(), |version| format!("aws-nuke {version}"))),
        verb: Some("nuke".to_owned()),
        unseen: vec![
            "resources that appear between this dry run and the run, which looks them up again",
            "what AWS deletes along with a resource, such as the objects in a vault",
        ],
        ..Summary::default()
    };
    if let Some([_, _, filtered]) = run.counts.filter(|counts| counts[2] > 0) {
        summary.notes.push(format!("resources that are filtered and stay: {filtered}"));
    }
    if run.warnings > 0 {
        summary.notes.push(format!("aws-nuke warned: {}; resources may be missing", lines(run.warnings)));
    }
    if !run.is_ended {
        summary.notes.push("whether this was a dry run is not in the file".to_owned());
    }
    let key = |item: &Item| (item.record.kind.clone(), item.details.clone(), item.id.clone());
    let mut named: HashMap<_, usize> = HashMap::new();
    run.items.iter().for_each(|(_, item, _)| *named.entry(key(item)).or_default() += 1);
    let mut seen = HashSet::new();
    for (number, mut item, properties) in run.items {
        // The name of some types is not unique: records of Route 53 that differ in their type.
        if let Some(properties) = properties.filter(|_| named.get(&key(&item)).is_some_and(|count| *count > 1)) {
            item.id = format!("{} {properties}", item.id);
        }
        if !seen.insert((item.record.kind.clone(), item.details.clone(), item.id.clone())) {
            return Err(input.error(Place::Line(number), format!("the resource `{}` is listed twice", item.id)));
        }
        item.details.extend(run.account.clone().map(|account| ("account", account)));
        sink(item)?;
    }
    Ok(summary)
}

fn check_counts(input: &Input<'_>, run: &Run) -> Result<(), ReadError> {
    let Some([total, nukeable, filtered]) = run.counts else {
        return Err(input
            .error(Place::Whole, "there is no line `Scan complete: …`: the file is cut off, or not of aws-nuke")
            .with_help("pass the whole output of a dry run"));
    };
    let listed = run.items.len();
    // With `--quiet`, no filtered resource is listed.
    let is_quiet = run.filtered == 0;
    if nukeable != listed || (filtered != run.filtered && !is_quiet) || nukeable.checked_add(filtered) != Some(total)
    {
        let kept = run.filtered;
        let message = format!(
            "the scan counts {total} resources, {nukeable} nukeable and {filtered} filtered, and the file lists \
             {listed} that would be removed and {kept} that stay"
        );
        return Err(input.error(Place::Whole, message).with_help("pass the whole output of a dry run"));
    }
    Ok(())
}

fn read_line(input: &Input<'_>, number: u64, line: &str, run: &mut Run) -> Result<(), ReadError> {
    let error = |message: String| input.error(Place::Line(number), message);
    let starts = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
    if read_message(input, number, line, run)? {
        return Ok(());
    }
    if line.starts_with("--- truncat") {
        return Err(error("the output is cut off here".to_owned()).with_help("pass the whole output of a dry run"));
    } else if let Some(rest) = line.strip_prefix("Do you really want to nuke the account with the ID ") {
        run.account = rest.split(" and the alias ").next().map(|id| id.trim_end_matches('?').to_owned());
    } else if let Some((_, is_warning)) = LOGS.iter().find(|(start, _)| line.starts_with(start)) {
        run.warnings += usize::from(*is_warning);
    } else if line.starts_with("time=") {
        read_log_level(line, run).map_err(error)?;
    } else if !starts(SAID) {
        let resource = resource(line).ok_or_else(|| {
            error("the line is not understood: neither a resource nor a message of aws-nuke".to_owned())
                .with_help("pass the whole output of one dry run, as aws-nuke wrote it")
        })?;
        let [region, kind, rest] = resource;
        in_scan(input, number, run)?;
        read_resource(input, number, [region, kind], rest, run)?;
    }
    Ok(())
}

/// Reads a message about the run as a whole, which newer versions write into their log. Returns whether it is one.
fn read_message(input: &Input<'_>, number: u64, line: &str, run: &mut Run) -> Result<bool, ReadError> {
    let error = |message: String| input.error(Place::Line(number), message);
    let starts = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
    let is_asked_again = run.counts.is_some() && line.starts_with("Do you really want to nuke ");
    if starts(DONE_LINES) || is_asked_again {
        return Err(done(error("this is the output of a run that removes resources".to_owned())));
    } else if let Some(counts) = line.strip_prefix("Scan complete: ") {
        let counts =
            counts_of(counts).ok_or_else(|| error("the counts of the scan are not understood".to_owned()))?;
        if run.counts.replace(counts).is_some() {
            return Err(error("this is a second scan".to_owned()).with_help("pass the output of one run"));
        }
    } else if starts(ENDS) {
        if run.counts.is_none() || run.is_ended {
            return Err(error("this line must follow the counts of one scan".to_owned()));
        }
        run.is_ended = true;
    } else if let Some(version) = VERSIONS.iter().find_map(|start| line.strip_prefix(start)) {
        if run.counts.is_some() || run.version.is_some() || !run.items.is_empty() {
            return Err(error("this is a second run".to_owned()).with_help("pass the output of one run"));
        }
        run.version = version.split(' ').next().filter(|version| *version != "unknown").map(str::to_owned);
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Reads a line `time="…" level=warning msg="…"`.
fn read_log_level(line: &str, run: &mut Run) -> Result<(), String> {
    let level = line.split(' ').find_map(|word| word.strip_prefix("level="));
    add_log(level.unwrap_or(""), run)
}

fn add_log(level: &str, run: &mut Run) -> Result<(), String> {
    match level {
        "debug" | "info" | "trace" => Ok(()),
        "warning" => {
            run.warnings += 1;
            Ok(())
        }
        _ => Err(format!("aws-nuke logs at the level `{level}`: the scan failed, so resources are missing")),
    }
}

/// Refuses a resource after the end of the scan: it is of a removal or of another run.
fn in_scan(input: &Input<'_>, number: u64, run: &Run) -> Result<(), ReadError> {
    match run.counts {
        None => Ok(()),
        Some(_) => Err(input.error(Place::Line(number), "a resource follows after the scan was complete")),
    }
}

/// Splits the line of a resource: its region, its type and the rest.
fn resource(line: &str) -> Option<[&str; 3]> {
    let (region, rest) = line.split_once(" - ")?;
    let (kind, rest) = rest.split_once(" - ")?;
    let is_word = |word: &str, others: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    (is_word(region, "-_") && is_word(kind, ":") && rest.contains(" - ")).then_some([region, kind, rest])
}

fn read_resource(
    input: &Input<'_>,
    number: u64,
    place: [&str; 2],
    rest: &str,
    run: &mut Run,
) -> Result<(), ReadError> {
    let removed = REMOVES.iter().find_map(|message| rest.strip_suffix(message)?.strip_suffix(" - "));
    if let Some(named) = removed {
        let (id, properties) = id_and_properties(named);
        let item = item(place, id, properties).map_err(|message| input.error(Place::Line(number), message))?;
        run.items.push((number, item, properties.filter(|list| *list != "[]").map(str::to_owned)));
        return Ok(());
    }
    let reason = rest.rsplit(" - ").next().unwrap_or(rest);
    if DONE.contains(&reason) || reason.starts_with("waiting ") {
        let message = format!("`{reason}`: this is the output of a run that removes resources");
        return Err(done(input.error(Place::Line(number), message)));
    }
    let mut words = reason.split(|c: char| !c.is_ascii_alphanumeric() && c != '\'');
    if reason.contains("would remove") || !words.any(|word| KEEPS.contains(&word.to_ascii_lowercase().as_str())) {
        let message = format!("whether the resource stays is not understood: `{reason}`");
        return Err(input.error(Place::Line(number), message));
    }
    run.filtered += 1;
    Ok(())
}

fn done(error: ReadError) -> ReadError {
    error.with_help("pass the output of a dry run, without `--no-dry-run`")
}

/// Splits `id - [name: "value", …]`. Either may be missing.
fn id_and_properties(named: &str) -> (&str, Option<&str>) {
    let is_list = |text: &str| text == "[]" || (text.contains(": \"") && text.ends_with("\"]"));
    if named.starts_with('[') && is_list(named) {
        return ("", Some(named));
    }
    let starts = named.match_indices(" - [").map(|(at, _)| at);
    let split = starts.filter_map(|at| Some((named.get(..at)?, named.get(at + 3..)?)));
    split.into_iter().find(|(_, list)| is_list(list)).map_or((named, None), |(id, list)| (id, Some(list)))
}

/// A resource that would be removed. Without a name, its properties identify it: aws-nuke compares those then.
fn item(place: [&str; 2], id: &str, properties: Option<&str>) -> Result<Item, String> {
    let [region, kind] = place;
    let id = match id.strip_prefix('\'') {
        Some(rest) => rest.strip_suffix('\'').ok_or_else(|| format!("the quote of the id `{id}` is not closed"))?,
        None if id.is_empty() => properties.filter(|list| *list != "[]").unwrap_or(""),
        None => id,
    };
    if id.trim().is_empty() || id.chars().any(char::is_control) {
        return Err(format!("the {kind} has no name and no properties"));
    }
    // A user and its login profile have one name.
    let mut item = Item { is_of_kind: true, ..Item::new(id, Action::Delete).kind(kind) };
    item.details.push(("region", region.to_owned()));
    Ok(item)
}

/// Parses `13 total, 11 nukeable, 2 filtered.`
fn counts_of(text: &str) -> Option<[usize; 3]> {
    let mut words = text.trim_end().strip_suffix('.')?.split(", ");
    let mut count = |name: &str| words.next()?.strip_suffix(name)?.strip_suffix(' ')?.parse::<usize>().ok();
    let counts = [count("total")?, count("nukeable")?, count("filtered")?];
    words.next().is_none().then_some(counts)
}

/// Removes the escape sequences that colour a line.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or("").to_owned();
    for part in parts {
        match part.split_once('m').filter(|(code, _)| code.chars().all(|c| c.is_ascii_digit() || c == ';')) {
            Some((_, text)) => plain.push_str(text),
            None => plain.extend(["\u{1b}[", part]),
        }
    }
    plain
}

fn lines(number: usize) -> String {
    crate::node::count(number, "line", "lines")
}
