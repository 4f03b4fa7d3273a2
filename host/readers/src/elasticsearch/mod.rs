//! Elasticsearch and OpenSearch: lists of indices, snapshots and documents, and the bodies of calls that delete documents.

mod bulk;
mod cat;

use crate::json::Value;
use crate::lines::json_lines;
use crate::object::{Object, objects};
use crate::{Action, Input, Item, Options, Sink, Summary};
use reprieve_batch::ReadError;
use reprieve_model::{Mode, Timestamp};
use std::collections::HashSet;

/// Members of reports of what was done already, and of answers that only confirm.
const DONE: &[&str] = &[
    "accepted",
    "acknowledged",
    "batches",
    "completed",
    "deleted",
    "errors",
    "items",
    "noops",
    "task",
    "version_conflicts",
];

/// Members of a body of `_delete_by_query`.
const QUERY: &[&str] = &["_source", "conflicts", "max_docs", "query", "size", "slice", "sort"];

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let text = input.text()?;
    if !text.trim_start().starts_with(['{', '[']) {
        return cat::read_text(input, text, sink);
    }
    if is_lines(input, text) {
        let lines = json_lines(input)?;
        let is_dump = lines.first().is_some_and(|(_, first)| first.get("_index").is_some());
        return if is_dump { read_dump(input, &lines, sink) } else { bulk::read(input, &lines, sink) };
    }
    match &input.json()? {
        Value::Array(items) => read_list(input, &objects(input, items)?, sink),
        document => read_document(&Object::new(input, document, "")?, document, sink),
    }
}

/// Whether a file is one JSON document per line: its first line is a document, and there are more, or it is an action of
/// `_bulk` or a document of a dump.
fn is_lines(input: &Input<'_>, text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let document = Input { bytes: lines.next().unwrap_or("").as_bytes(), ..*input }.json();
    let Ok(Value::Object(members)) = document else { return false };
    let is_action = members.len() == 1 && members.keys().any(|name| bulk::ACTIONS.contains(&name));
    is_action || members.contains_key("_index") || lines.next().is_some()
}

fn read_list(input: &Input<'_>, items: &[Object<'_>], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let all = |name: &str| items.iter().all(|item| item.has(name));
    match items {
        [] => Ok(Summary { notes: vec!["the list is empty".to_owned()], ..Summary::default() }),
        _ if all("_index") && all("_id") => read_hits(items, sink),
        _ if cat::NAMES.iter().any(|name| all(name)) => cat::read_json(items, sink),
        _ if all("id") && all("start_epoch") => cat::read_snapshots(items, sink),
        _ => Err(input
            .error_at(
                "",
                "not a list of indices, snapshots or documents: the items have no `index`, or not all of them",
            )
            .with_help("pass the answer of `GET _cat/indices?format=json`")),
    }
}

fn read_document(document: &Object<'_>, value: &Value<'_>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    if document.has("error") {
        return Err(document.error("this is the answer of a call that failed"));
    }
    if let Some(member) = DONE.iter().find(|member| document.has(member)) {
        let message =
            format!("`{member}` is in answers only: this is a report of a call that was made, not a request");
        return Err(document.error(message).with_help("pass the body of the call instead"));
    }
    if document.has("hits") {
        read_search(document, sink)
    } else if document.has("snapshots") || document.has("responses") {
        read_snapshots(document, sink)
    } else if document.has("query") {
        read_query(document, value)
    } else if document.members().next().is_some() && document.members().all(|(_, index)| is_index(index)) {
        cat::read_indices(document, sink)
    } else {
        Err(document.error("not a body or an answer that is known: it has no `query`, `hits` or `snapshots`"))
    }
}

fn is_index(value: &Value<'_>) -> bool {
    value.get("settings").is_some() && (value.get("aliases").is_some() || value.get("mappings").is_some())
}

/// Reads a body of `_delete_by_query`. What it deletes is known when it runs, so it is a selector and no list.
fn read_query(body: &Object<'_>, value: &Value<'_>) -> Result<Summary, ReadError> {
    body.only(QUERY)?;
    let Some(query) = body.object("query")? else { return Err(body.error("the member `query` is missing")) };
    if query.members().next().is_none() {
        return Err(body.error_at("query", "the query is empty"));
    }
    let mut notes = vec!["the indices are in the URL of the call, and not in this file".to_owned()];
    if query.has("match_all") {
        notes.push("the query matches every document".to_owned());
    }
    for name in ["max_docs", "size"] {
        // Before 7.3 the limit was `size`, and -1 was no limit.
        if name == "size" && value.get(name).and_then(Value::as_i64) == Some(-1) {
            continue;
        }
        if let Some(most) = body.count(name)? {
            notes.push(format!("at most {most} documents go (`{name}`); which ones is not in this file"));
        }
    }
    match body.text("conflicts")? {
        None | Some("abort") => {}
        Some("proceed") => notes.push("documents that change meanwhile stay (`conflicts: proceed`)".to_owned()),
        Some(other) => return Err(body.error_at("conflicts", format!("`{other}` is not `abort` or `proceed`"))),
    }
    if body.has("slice") {
        notes.push("this is one slice; further calls delete the other slices".to_owned());
    }
    Ok(Summary {
        verb: Some("_delete_by_query".to_owned()),
        mode: Some(Mode::Hard),
        selector: Some(value.to_string()),
        notes,
        unseen: vec!["the indices and the parameters in the URL, and the documents that match when the call runs"],
        ..Summary::default()
    })
}

/// Reads the answer of a search, if it has all documents that match.
fn read_search(answer: &Object<'_>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    for name in ["timed_out", "terminated_early", "is_partial", "is_running"] {
        if answer.flag(name)? == Some(true) {
            return Err(answer.error_at(name, format!("the search did not finish (`{name}`): the list is not whole")));
        }
    }
    if let Some(shards) = answer.object("_shards")?
        && shards.count("failed")?.is_some_and(|failed| failed > 0)
    {
        return Err(answer.error_at("_shards", "shards of the search failed: the list is not whole"));
    }
    if answer.has("_clusters") {
        return Err(answer.error_at("_clusters", "a search of several clusters is not understood"));
    }
    let Some(hits) = answer.object("hits")? else { return Err(answer.error("the member `hits` is missing")) };
    let Some(list) = hits.objects("hits")? else { return Err(hits.error("the member `hits` is missing")) };
    let total = match hits.members().find(|(name, _)| *name == "total") {
        Some((_, Value::Number(_))) => hits.count("total")?,
        Some(_) => match hits.object("total")? {
            Some(total) if total.text("relation")? == Some("eq") => total.count("value")?,
            _ => None,
        },
        None => None,
    };
    let Some(total) = total else {
        let message = "how many documents match is not exact: whether the list is whole is unknown";
        return Err(hits.error_at("total", message).with_help("search with `track_total_hits=true`"));
    };
    if total != list.len() as u64 {
        let message = format!("{total} documents match and {} are listed: this is one page", list.len());
        return Err(hits.error_at("hits", message).with_help("write every page as one document per line"));
    }
    read_hits(&list, sink)
}

fn read_dump(input: &Input<'_>, lines: &[(u64, Value)], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let hits =
        lines.iter().map(|(number, value)| Object::of_line(input, value, *number)).collect::<Result<Vec<_>, _>>()?;
    read_hits(&hits, sink)
}

fn read_hits(hits: &[Object<'_>], sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut seen = HashSet::new();
    for hit in hits {
        let (index, id) = (hit.id("_index")?, hit.id("_id")?);
        if hit.flag("found")? == Some(false) {
            return Err(hit.error_at("found", format!("the document `{id}` was not found")));
        }
        let routing = hit.text_or_null("_routing")?;
        if !seen.insert((index, id, routing)) {
            return Err(hit.error(format!("the document `{id}` of `{index}` is listed twice")));
        }
        let mut item = Item::new(format!("{index}/{id}"), Action::Listed).kind("document");
        for (member, detail) in [("_seq_no", "seq_no"), ("_primary_term", "primary_term")] {
            item.details.extend(hit.count(member)?.map(|number| (detail, number.to_string())));
        }
        item.details.extend(routing.map(|routing| ("routing", routing.to_owned())));
        sink(item)?;
    }
    let unseen =
        vec!["documents that were written after the search, and those of aliases and data streams with other names"];
    Ok(Summary { unseen, ..Summary::default() })
}

/// Reads the answer of `GET _snapshot/REPOSITORY/_all`: one list, or in versions 7.0 to 7.15 one per repository.
fn read_snapshots(answer: &Object<'_>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut summary = Summary {
        unseen: vec!["data that other snapshots share, and snapshots of other repositories"],
        ..Summary::default()
    };
    let mut seen = HashSet::new();
    if answer.has("responses") {
        answer.only(&["responses"])?;
        for part in answer.objects("responses")?.unwrap_or_default() {
            part.only(&["repository", "snapshots"])?;
            list_snapshots(&part, part.text("repository")?, &mut seen, &mut summary, sink)?;
        }
        return Ok(summary);
    }
    answer.only(&["next", "remaining", "snapshots", "total"])?;
    if answer.count("remaining")?.is_some_and(|remaining| remaining > 0) || answer.text("next")?.is_some() {
        return Err(answer
            .error("this is one page of a longer list")
            .with_help("ask for all snapshots without `size`"));
    }
    let listed = list_snapshots(answer, None, &mut seen, &mut summary, sink)?;
    if let Some(total) = answer.count("total")?
        && total != listed
    {
        return Err(answer.error_at("total", format!("`total` is {total}, and {listed} snapshots are listed")));
    }
    Ok(summary)
}

fn list_snapshots(
    part: &Object<'_>,
    repository: Option<&str>,
    seen: &mut HashSet<(String, String)>,
    summary: &mut Summary,
    sink: &mut Sink<'_>,
) -> Result<u64, ReadError> {
    let Some(snapshots) = part.objects("snapshots")? else {
        return Err(part.error("the list `snapshots` is missing: the repository did not answer"));
    };
    for snapshot in &snapshots {
        let name = snapshot.id("snapshot")?;
        let repository = snapshot.text("repository")?.or(repository);
        if !seen.insert((repository.unwrap_or("").to_owned(), name.to_owned())) {
            return Err(snapshot.error(format!("the snapshot `{name}` is listed twice")));
        }
        let failures = snapshot.list("failures")?.map_or(0, |failures| failures.len());
        let state = snapshot.text("state")?;
        if failures > 0 {
            let state = state.unwrap_or("no state");
            summary.notes.push(format!("the snapshot `{name}` has {state} and {failures} failures: it is not whole"));
        }
        let mut item = Item::new(name, Action::Listed).kind("snapshot");
        let millis = snapshot.count("start_time_in_millis")?.and_then(|millis| i64::try_from(millis / 1000).ok());
        let written = snapshot.text("start_time")?.and_then(|time| Timestamp::parse(time).ok());
        item.record.created_at = millis.or(written.map(Timestamp::seconds));
        item.details.extend(state.map(|state| ("state", state.to_owned())));
        item.details.extend(repository.map(|repository| ("repository", repository.to_owned())));
        sink(item)?;
    }
    Ok(snapshots.len() as u64)
}
