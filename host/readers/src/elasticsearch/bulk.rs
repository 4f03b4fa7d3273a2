//! The body of `_bulk`: actions on documents, one per line. All but `delete` have a second line.

use crate::json::Value;
use crate::object::Object;
use crate::{Action, Input, Item, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use reprieve_model::Mode;
use std::collections::HashSet;

/// Every action.
pub(super) const ACTIONS: &[&str] = &["create", "delete", "index", "update"];

const METADATA: &[&str] = &[
    "_id",
    "_index",
    "_parent",
    "_retry_on_conflict",
    "_routing",
    "_type",
    "_version",
    "_version_type",
    "dynamic_templates",
    "if_primary_term",
    "if_seq_no",
    "list_executed_pipelines",
    "parent",
    "pipeline",
    "require_alias",
    "require_data_stream",
    "retry_on_conflict",
    "routing",
    "version",
    "version_type",
];

/// Members of the second line of an update. A `script` is not among them: it may delete the document.
const UPDATE: &[&str] = &["_source", "detect_noop", "doc", "doc_as_upsert", "upsert"];

pub(super) fn read(input: &Input<'_>, lines: &[(u64, Value)], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let (mut seen, mut written) = (HashSet::new(), 0_u64);
    let mut lines = lines.iter();
    while let Some((number, value)) = lines.next() {
        let (action, metadata) = action(input, value, *number)?;
        if action == "delete" {
            sink(deleted(&metadata, &mut seen)?)?;
            continue;
        }
        let Some((number, source)) = lines.next() else {
            let message = format!("the file ends after `{action}`: its document is missing");
            return Err(input.error(Place::Line(*number), message));
        };
        check_source(action, &Object::of_line(input, source, *number)?)?;
        written += 1;
    }
    let notes = (written > 0).then(|| format!("documents that are written and stay: {written}"));
    Ok(Summary {
        is_call: true,
        verb: Some("_bulk".to_owned()),
        mode: Some(Mode::Hard),
        notes: notes.into_iter().collect(),
        unseen: vec!["the parameters in the URL, and pipelines, which may change what is written"],
        ..Summary::default()
    })
}

fn action<'a>(input: &Input<'a>, value: &'a Value<'a>, number: u64) -> Result<(&'a str, Object<'a>), ReadError> {
    let line = Object::of_line(input, value, number)?;
    let mut members = line.members();
    let (Some((name, _)), None) = (members.next(), members.next()) else {
        return Err(line
            .error("expected one action, for example `delete`")
            .with_help("each document is on one line"));
    };
    if !ACTIONS.contains(&name) {
        let message = format!("the action `{name}` is not understood; `create`, `delete`, `index` and `update` are");
        return Err(line.error(message));
    }
    let Some(metadata) = line.object(name)? else { return Err(line.error("the action is empty")) };
    metadata.only(METADATA)?;
    Ok((name, metadata))
}

fn deleted(metadata: &Object<'_>, seen: &mut HashSet<(String, String, Option<String>)>) -> Result<Item, ReadError> {
    if !metadata.has("_index") {
        let message = "`_index` is missing: the index is in the URL of the call, and not in this file";
        return Err(metadata.error(message).with_help("write `_index` into every action"));
    }
    let (index, id) = (metadata.id("_index")?, metadata.id("_id")?);
    let routing = match metadata.text_or_null("routing")? {
        Some(routing) => Some(routing),
        None => metadata.text_or_null("_routing")?,
    };
    if !seen.insert((index.to_owned(), id.to_owned(), routing.map(str::to_owned))) {
        return Err(metadata.error(format!("the document `{id}` of `{index}` is deleted twice")));
    }
    let mut item = Item::new(format!("{index}/{id}"), Action::Delete).kind("document");
    for (member, detail) in [("if_seq_no", "seq_no"), ("if_primary_term", "primary_term"), ("version", "version")] {
        item.details.extend(metadata.count(member)?.map(|number| (detail, number.to_string())));
    }
    item.details.extend(routing.map(|routing| ("routing", routing.to_owned())));
    Ok(item)
}

fn check_source(action: &str, source: &Object<'_>) -> Result<(), ReadError> {
    if action != "update" {
        return Ok(());
    }
    if source.has("script") {
        let message = "an update with a script may delete the document (`ctx.op`), and scripts are not read";
        return Err(source.error_at("script", message));
    }
    source.only(UPDATE)
}
