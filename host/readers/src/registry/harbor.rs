//! Tables that Harbor logs for a retention rule: of each tag whether the rule deletes or retains it.

use crate::{Action, Input, Item};
use reprieve_batch::{Place, ReadError};
use std::collections::BTreeMap;

const HEADER: [&str; 6] = ["Digest", "Tag", "Kind", "PushedTime", "PulledTime", "Retention"];

/// A row of a table.
struct Row<'a> {
    line: u64,
    repository: &'a str,
    digest: &'a str,
    tag: &'a str,
    kind: &'a str,
    is_deleted: bool,
}

impl Row<'_> {
    fn id(&self) -> String {
        match self.tag {
            "" => format!("{}@{}", self.repository, self.digest),
            tag => format!("{}:{tag}", self.repository),
        }
    }
}

/// Whether a text has the header of such a table.
pub(super) fn is_table(text: &str) -> bool {
    text.lines().any(|line| cells(line).is_some_and(|cells| cells == HEADER))
}

/// Reads the tags that the rule deletes. A registry deletes a manifest with all of its tags, so each of them goes along with
/// the others, also one that the rule retains.
pub(super) fn read(input: &Input<'_>, text: &str, notes: &mut Vec<String>) -> Result<Vec<(Place, Item)>, ReadError> {
    let rows = rows(input, text)?;
    let mut tags: BTreeMap<(&str, &str), Vec<&Row<'_>>> = BTreeMap::new();
    for row in &rows {
        tags.entry((row.repository, row.digest)).or_default().push(row);
    }
    let (deleted, retained): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_deleted);
    if !retained.is_empty() {
        let verb = if retained.len() == 1 { "tag is" } else { "tags are" };
        notes.push(format!("{} {verb} retained", retained.len()));
    }
    notes.push("the times of the table have no zone, so they are unknown".to_owned());
    let mut items = Vec::new();
    for row in deleted {
        let siblings = tags.get(&(row.repository, row.digest)).into_iter().flatten();
        let siblings: Vec<_> = siblings.filter(|other| other.line != row.line).collect();
        if let Some(lost) = siblings.iter().find(|other| !other.is_deleted) {
            notes.push(format!(
                "line {}: `{}` is retained, but it has the same manifest as `{}`, and is deleted with it",
                lost.line,
                lost.id(),
                row.id()
            ));
        }
        let mut item = Item::new(row.id(), Action::Listed).kind(if row.tag.is_empty() { row.kind } else { "tag" });
        item.details.push(("digest", row.digest.to_owned()));
        item.record.dependents = Some(siblings.iter().map(|other| other.id()).collect());
        items.push((Place::Line(row.line), item));
    }
    Ok(items)
}

fn rows<'a>(input: &Input<'_>, text: &'a str) -> Result<Vec<Row<'a>>, ReadError> {
    let (mut rows, mut repository, mut is_in_table) = (Vec::new(), None, false);
    for (line, content) in (1..).zip(text.lines()) {
        let error = |message: String| input.error(Place::Line(line), message);
        let Some(cells) = cells(content) else {
            // A table belongs to the repository that is named directly before it.
            if std::mem::take(&mut is_in_table) {
                repository = None;
            }
            match content.split_once("Repository: ") {
                Some((before, name)) if before.trim().is_empty() || is_log(before) => {
                    repository = Some(name.trim()).filter(|name| !name.is_empty());
                }
                _ if content.trim().is_empty() || is_log(content) => {}
                _ => return Err(error("neither a line of a log nor a row between `|`".to_owned())),
            }
            continue;
        };
        if cells == HEADER {
            is_in_table = true;
            continue;
        }
        if cells.iter().all(|cell| !cell.is_empty() && cell.bytes().all(|byte| byte == b'-')) {
            continue;
        }
        let [digest, tag, kind, _, _, retention] = cells.as_slice() else {
            return Err(error(format!("the row has {} columns; the table has {}", cells.len(), HEADER.len())));
        };
        if !is_in_table {
            return Err(error("the row is in no table with a header of Harbor".to_owned()));
        }
        let repository = repository.ok_or_else(|| {
            error("no line before the table names its repository (`Repository: project/name`)".to_owned())
        })?;
        if !super::is_image_id(digest) || !digest.starts_with("sha256:") {
            return Err(error(format!("`{digest}` is not a digest")));
        }
        let is_deleted = match *retention {
            "DEL" => true,
            "RETAIN" => false,
            other => return Err(error(format!("`{other}` is neither `DEL` nor `RETAIN`"))),
        };
        rows.push(Row { line, repository, digest, tag, kind, is_deleted });
    }
    Ok(rows)
}

/// Whether a line is one of a log: it begins with a date, and has no part of a row.
fn is_log(line: &str) -> bool {
    let date = line.bytes().take("2026-01-05".len()).map(|byte| if byte.is_ascii_digit() { b'9' } else { byte });
    date.eq(*b"9999-99-99") && !line.contains('|')
}

/// The cells of a row between `|`.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}
