//! What Borg writes as JSON: `borg list --json`, `borg repo-list --json` and `borg info --json`.

use super::restic::is_hex;
use crate::object::Object;
use crate::{Action, Item, Sink, Summary};
use reprieve_batch::ReadError;
use reprieve_model::Timestamp;
use std::collections::HashSet;

/// What Borg cannot tell of an archive, whichever way it writes it.
pub(super) const UNSEEN: &str = "data that other archives share, and archives that are made after the list";

pub(super) fn read(document: &Object<'_>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    document.only(&["archives", "cache", "encryption", "repository", "security_dir"])?;
    let Some(archives) = document.objects("archives")? else {
        let message = "there is no list `archives`: this is about the repository, or about a backup that was made";
        return Err(document.error(message).with_help("pass the output of `borg list --json REPOSITORY`"));
    };
    let mut seen = HashSet::new();
    for archive in &archives {
        let name = archive.id("name")?;
        if archive.text("archive")?.is_some_and(|other| other != name) {
            return Err(archive.error_at("archive", format!("`archive` and `name` of `{name}` disagree")));
        }
        if !seen.insert(name) {
            return Err(archive.error(format!("the archive `{name}` is listed twice")));
        }
        let id = archive.id("id")?;
        if !is_id(id) {
            return Err(archive.error_at("id", format!("`{id}` is not an id of 64 hexadecimal digits")));
        }
        let mut item = item(name, Some(id), Action::Listed);
        // Borg 1 writes times without a zone, so they are unknown.
        let start = archive.text("start")?;
        item.record.created_at = start.and_then(|start| Timestamp::parse(start).ok()).map(Timestamp::seconds);
        item.details.extend(archive.text("hostname")?.map(|host| ("host", host.to_owned())));
        sink(item)?;
    }
    Ok(summary())
}

/// Returns an archive as an item. It is deleted by its name; the id tells it from a later one of that name.
pub(super) fn item(name: &str, id: Option<&str>, action: Action) -> Item {
    let mut item = Item::new(name, action).kind("archive");
    item.details.extend(id.map(|id| ("archive_id", id.to_owned())));
    item
}

pub(super) fn is_id(id: &str) -> bool {
    id.len() == 64 && is_hex(id)
}

pub(super) fn summary() -> Summary {
    Summary { tool: Some("Borg".to_owned()), unseen: vec![UNSEEN], ..Summary::default() }
}
