//! Lists of indices and snapshots: `_cat/indices` and `_cat/snapshots` as JSON, `_cat/indices` as text, and `GET INDEX`.

use crate::object::Object;
use crate::{Action, Input, Item, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use std::collections::HashSet;

/// What the column of names may be called.
pub(super) const NAMES: &[&str] = &["index", "i", "idx"];

const HEALTH: &[&str] = &["green", "yellow", "red", "unknown", "unavailable"];

pub(super) fn read_json(rows: &[Object<'_>], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut seen = HashSet::new();
    for row in rows {
        let column = NAMES.iter().find(|name| row.has(name)).copied().unwrap_or("index");
        let name = row.id(column)?;
        if !seen.insert(name) {
            return Err(row.error(format!("the index `{name}` is listed twice")));
        }
        let mut item = Item::new(name, Action::Listed).kind("index");
        item.record.size_bytes = row.text_or_null("store.size")?.and_then(bytes);
        item.record.created_at = row.text_or_null("creation.date")?.and_then(seconds);
        for (member, detail) in [("docs.count", "documents"), ("status", "status"), ("uuid", "uuid")] {
            item.details.extend(row.text_or_null(member)?.map(|value| (detail, value.to_owned())));
        }
        sink(item)?;
    }
    Ok(summary())
}

/// Reads the rows of `_cat/snapshots?format=json`.
pub(super) fn read_snapshots(rows: &[Object<'_>], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut seen = HashSet::new();
    for row in rows {
        let (name, repository) = (row.id("id")?, row.text_or_null("repository")?);
        if !seen.insert((name, repository)) {
            return Err(row.error(format!("the snapshot `{name}` is listed twice")));
        }
        let mut item = Item::new(name, Action::Listed).kind("snapshot");
        item.record.created_at = row.text_or_null("start_epoch")?.and_then(|epoch| epoch.parse().ok());
        item.details.extend(row.text_or_null("status")?.map(|status| ("state", status.to_owned())));
        item.details.extend(repository.map(|repository| ("repository", repository.to_owned())));
        sink(item)?;
    }
    Ok(Summary { unseen: vec!["data that other snapshots share"], ..Summary::default() })
}

/// Reads the answer of `GET INDEX`: an object with a member per index.
pub(super) fn read_indices(document: &Object<'_>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    for (name, _) in document.members() {
        if !is_name(name) {
            return Err(document.error_at(name, format!("`{name}` is not the name of an index")));
        }
        let mut item = Item::new(name, Action::Listed).kind("index");
        if let Some(settings) = document.object(name)?.map(|index| index.object("settings")).transpose()?.flatten()
            && let Some(settings) = settings.object("index")?
        {
            item.record.created_at = settings.text_or_null("creation_date")?.and_then(seconds);
            item.details.extend(settings.text_or_null("uuid")?.map(|uuid| ("uuid", uuid.to_owned())));
        }
        sink(item)?;
    }
    Ok(summary())
}

/// Reads `_cat/indices` as text: with a header (`?v`), in the order of the default columns, or names only (`?h=index`).
pub(super) fn read_text(input: &Input<'_>, text: &str, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let lines: Vec<(u64, Vec<&str>)> = (1..)
        .zip(text.trim_end().lines())
        .map(|(number, line)| (number, line.split_whitespace().collect()))
        .collect();
    let header = lines.first().map(|(_, cells)| cells.as_slice()).filter(|cells| is_header(cells));
    let rows = lines.get(usize::from(header.is_some())..).unwrap_or_default();
    if rows.is_empty() && !text.ends_with('\n') {
        return Err(input.error(Place::Line(1), "the file ends within its header"));
    }
    let is_names = rows.iter().all(|(_, cells)| cells.len() == 1);
    let mut seen = HashSet::new();
    for (number, cells) in rows {
        let error = |message: String| {
            input.error(Place::Line(*number), message).with_help("pass the answer of `GET _cat/indices?format=json`")
        };
        let name = match header {
            Some(header) => by_header(header, cells),
            None => match cells.as_slice() {
                [name] if is_names => Ok(*name),
                cells => by_default(cells),
            },
        };
        let name = name.map_err(|message| error(message.to_owned()))?;
        if !is_name(name) {
            return Err(error(format!("`{name}` is not the name of an index")));
        }
        let is_cut = !text.ends_with('\n') && rows.last().is_some_and(|(last, _)| last == number);
        if is_cut
            && (cells.last() == Some(&name) || lines.first().is_some_and(|(_, first)| first.len() != cells.len()))
        {
            return Err(error("the file does not end with a line end: its last row may be cut off".to_owned()));
        }
        if !seen.insert(name) {
            return Err(error(format!("the index `{name}` is listed twice")));
        }
        sink(Item::new(name, Action::Listed).kind("index"))?;
    }
    Ok(summary())
}

fn is_header(cells: &[&str]) -> bool {
    let is_column = |cell: &&str| cell.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'));
    cells.iter().any(|cell| NAMES.contains(cell))
        && cells.iter().all(is_column)
        && !cells.iter().any(|cell| HEALTH.contains(cell) || matches!(*cell, "open" | "close"))
}

fn by_header<'a>(header: &[&str], cells: &[&'a str]) -> Result<&'a str, &'static str> {
    if header.starts_with(&["health", "status", "index"]) && cells.len() != header.len() {
        return by_default(cells);
    }
    let column = header.iter().position(|cell| NAMES.contains(cell));
    match column.and_then(|column| cells.get(column)) {
        Some(name) if cells.len() == header.len() => Ok(name),
        _ => Err("the row has more or fewer values than the header has columns"),
    }
}

/// Finds the name in the default columns: health, status, index, uuid, then numbers. A closed index has blank ones.
fn by_default<'a>(cells: &[&'a str]) -> Result<&'a str, &'static str> {
    let cells = match cells {
        [health, rest @ ..] if HEALTH.contains(health) => rest,
        cells => cells,
    };
    let is_uuid =
        |cell: &str| cell.len() == 22 && cell.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match cells {
        [status, name, uuid, numbers @ ..]
            if matches!(*status, "open" | "close")
                && is_uuid(uuid)
                && numbers.iter().all(|cell| cell.starts_with(|first: char| first.is_ascii_digit())) =>
        {
            Ok(name)
        }
        _ => Err("the row is not in the order health, status, index, uuid of the default columns"),
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed =
        |c: char| !c.is_control() && !c.is_whitespace() && !c.is_uppercase() && !"\\/*?\"<>|,#:{}[]()=".contains(c);
    !name.is_empty()
        && !name.starts_with(['-', '_', '+'])
        && name != "."
        && name != ".."
        && name.chars().all(is_allowed)
}

/// Reads a size that is exact: `260b`. Sizes in other units are rounded, and a number without a unit has an unknown one.
fn bytes(size: &str) -> Option<u64> {
    size.strip_suffix('b')?.parse().ok()
}

fn seconds(millis: &str) -> Option<i64> {
    millis.parse::<i64>().ok().map(|millis| millis / 1000)
}

fn summary() -> Summary {
    let unseen =
        vec!["aliases and data streams whose names are others, and documents that are written after the list"];
    Summary { unseen, ..Summary::default() }
}
