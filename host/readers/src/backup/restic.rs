//! What restic writes as JSON: `restic snapshots --json` and `restic forget --dry-run --json`.

use crate::json::Value;
use crate::object::{Object, type_of};
use crate::{Action, Input, Item, Sink, Summary};
use reprieve_batch::ReadError;
use reprieve_model::Timestamp;
use std::collections::HashSet;

/// What restic cannot tell of a snapshot, whichever way it writes it.
pub(super) const UNSEEN: &str = "data that other snapshots share, and snapshots that are made after the list";

const GROUP: &[&str] = &["host", "keep", "paths", "reasons", "remove", "tags"];

pub(super) fn read(input: &Input<'_>, items: &[Object<'_>], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let all = |name: &str| items.iter().all(|item| item.has(name));
    let mut summary = Summary { tool: Some("restic".to_owned()), unseen: vec![UNSEEN], ..Summary::default() };
    if items.is_empty() {
        summary.notes.push("the list is empty".to_owned());
    } else if all("keep") && all("remove") {
        read_forget(items, &mut summary, sink)?;
    } else if all("group_key") {
        let mut seen = HashSet::new();
        for group in items {
            group.only(&["group_key", "snapshots"])?;
            let snapshots = group.objects("snapshots")?;
            let snapshots = snapshots.ok_or_else(|| group.error("the list `snapshots` is missing"))?;
            list(&snapshots, &mut seen, sink)?;
        }
    } else if all("id") && all("tree") {
        list(items, &mut HashSet::new(), sink)?;
    } else {
        return Err(input
            .error_at("", "not a list of snapshots: the items have no `id` and `tree`, or no `keep` and `remove`")
            .with_help("pass the output of `restic snapshots --json` or `restic forget --dry-run --json`"));
    }
    Ok(summary)
}

fn read_forget(groups: &[Object<'_>], summary: &mut Summary, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let mut kept = HashSet::new();
    let mut removed = Vec::new();
    for group in groups {
        group.only(GROUP)?;
        let keep = snapshots(group, "keep")?;
        let reasons = group.members().find(|(name, _)| *name == "reasons").map(|(_, reasons)| reasons);
        if let Some(Value::Array(reasons)) = reasons
            && reasons.len() != keep.len()
        {
            let message = format!("{} reasons for {} snapshots that are kept", reasons.len(), keep.len());
            return Err(group.error_at("reasons", message));
        }
        for snapshot in keep {
            let id = id(&snapshot)?;
            if !kept.insert(id) {
                return Err(snapshot.error(format!("the snapshot `{id}` is kept twice")));
            }
        }
        removed.extend(snapshots(group, "remove")?);
    }
    let mut seen = HashSet::new();
    for snapshot in &removed {
        let id = id(snapshot)?;
        if kept.contains(id) {
            return Err(snapshot.error(format!("the snapshot `{id}` is both kept and removed")));
        }
        sink(item(snapshot, &mut seen, Action::Delete)?)?;
    }
    summary.verb = Some("forget".to_owned());
    summary.is_call = true;
    summary.notes.push(format!("snapshots that are kept: {}", kept.len()));
    summary.notes.push("whether this was a dry run is not in the file: restic writes the same JSON".to_owned());
    Ok(())
}

/// Returns the snapshots of a list. restic writes an empty list as `null`.
fn snapshots<'a>(group: &Object<'a>, name: &str) -> Result<Vec<Object<'a>>, ReadError> {
    match group.members().find(|(member, _)| *member == name) {
        Some((_, Value::Null)) => Ok(Vec::new()),
        Some((_, Value::Array(_))) => Ok(group.objects(name)?.unwrap_or_default()),
        Some((_, other)) => Err(group.error_at(name, format!("`{name}` must be a list, found {}", type_of(other)))),
        None => Err(group.error(format!("the list `{name}` is missing"))),
    }
}

fn list<'a>(items: &[Object<'a>], seen: &mut HashSet<&'a str>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    items.iter().try_for_each(|snapshot| sink(item(snapshot, seen, Action::Listed)?))
}

fn item<'a>(snapshot: &Object<'a>, seen: &mut HashSet<&'a str>, action: Action) -> Result<Item, ReadError> {
    let id = id(snapshot)?;
    if !seen.insert(id) {
        return Err(snapshot.error(format!("the snapshot `{id}` is listed twice")));
    }
    let mut item = Item::new(id, action).kind("snapshot");
    let time = snapshot.text("time")?;
    item.record.created_at = time.and_then(|time| Timestamp::parse(time).ok()).map(Timestamp::seconds);
    item.details.extend(snapshot.text("short_id")?.map(|short| ("short_id", short.to_owned())));
    item.details.extend(snapshot.text("hostname")?.map(|host| ("host", host.to_owned())));
    Ok(item)
}

/// Returns the full id of a snapshot. The short one must be its start.
fn id<'a>(snapshot: &Object<'a>) -> Result<&'a str, ReadError> {
    let id = snapshot.id("id")?;
    if id.len() != 64 || !is_hex(id) {
        return Err(snapshot.error_at("id", format!("`{id}` is not an id of 64 hexadecimal digits")));
    }
    match snapshot.text("short_id")? {
        Some(short) if short.is_empty() || !id.starts_with(short) => {
            Err(snapshot.error_at("short_id", format!("`{short}` is not the start of the id `{id}`")))
        }
        _ => Ok(id),
    }
}

/// Whether a text has lower-case hexadecimal digits only.
pub(super) fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}
