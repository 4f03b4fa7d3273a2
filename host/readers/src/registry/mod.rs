//! Images, tags and packages: lists of Docker, of GitLab, Harbor and GitHub, and of registries. None of them is a deletion
//! before somebody says so.

mod harbor;
mod json;
mod table;

use crate::json::Value;
use crate::{Input, Item, Options, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

/// Parts of lines that report what was deleted.
const DONE: &[&str] = &[
    "Deleted Containers:",
    "Deleted Images:",
    "Deleted Networks:",
    "Deleted Volumes:",
    "Deleted build cache objects:",
    "Deleted: ",
    "Total reclaimed space:",
    "Untagged: ",
    "deleted: ",
    "untagged: ",
];

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let text = input.text()?;
    let mut summary = Summary {
        unseen: vec![
            "containers that use an image, and what pulls it",
            "rows or pages that are missing at the end of the file, if it was cut off there",
        ],
        ..Summary::default()
    };
    let items = if text.trim_start().starts_with(['{', '[']) {
        read_documents(input, text, &mut summary)?
    } else if harbor::is_table(text) {
        summary.tool = Some("Harbor".to_owned());
        harbor::read(input, text, &mut summary.notes)?
    } else {
        refuse_reports(input, text)?;
        summary.tool = Some("Docker".to_owned());
        table::read(input, text)?
    };
    for item in merged(input, items)? {
        sink(item)?;
    }
    Ok(summary)
}

/// Docker lists an image once for each of its tags: those are one image. Anything else is listed once.
fn merged(input: &Input<'_>, items: Vec<(Place, Item)>) -> Result<Vec<Item>, ReadError> {
    let mut merged: Vec<Item> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (place, item) in items {
        let known = seen.get(&item.id).and_then(|index| merged.get_mut(*index));
        let Some(known) = known else {
            seen.insert(item.id.clone(), merged.len());
            merged.push(item);
            continue;
        };
        let is_image = item.record.kind.as_deref() == Some("image");
        match (known.details.first_mut(), item.details.first()) {
            (Some(("tags", tags)), Some(("tags", more))) if is_image && !tags.split(", ").any(|tag| tag == more) => {
                tags.push_str(", ");
                tags.push_str(more);
            }
            _ => return Err(input.error(place, format!("`{}` is listed twice", item.id))),
        }
    }
    Ok(merged)
}

fn refuse_reports(input: &Input<'_>, text: &str) -> Result<(), ReadError> {
    let reported = |line: &str| DONE.iter().find(|part| line.contains(**part));
    match (1..).zip(text.lines()).find_map(|(number, line)| Some((number, reported(line)?))) {
        Some((number, part)) => {
            let message = format!("`{}`: this is a report of what was deleted", part.trim());
            let help = "pass a list of what is to be deleted, for example of `docker images`";
            Err(input.error(Place::Line(number), message).with_help(help))
        }
        None => Ok(()),
    }
}

/// Reads one document, documents that are one per line, or the pages of one list, one after the other.
fn read_documents(input: &Input<'_>, text: &str, summary: &mut Summary) -> Result<Vec<(Place, Item)>, ReadError> {
    let mut items = Vec::new();
    let mut types = HashSet::new();
    let mut pages = 0_usize;
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    while let Some(document) = documents.next() {
        let line = |offset: usize| {
            let before = text.as_bytes().get(..offset).unwrap_or_default();
            before.iter().filter(|byte| **byte == b'\n').count() as u64
        };
        // Parsed once more as a whole, to describe the fault.
        let fault = |error: serde_json::Error| {
            input.json().err().unwrap_or_else(|| input.error(Place::Line(error.line() as u64), "not JSON"))
        };
        let raw = document.map_err(fault)?.get();
        let offset = line(documents.byte_offset().saturating_sub(raw.len()));
        let page = Input { bytes: raw.as_bytes(), ..*input };
        let below = |error: ReadError| ReadError { place: moved(error.place.clone(), offset), ..error };
        let document = page.json().map_err(below)?;
        let is_list = document.is_array();
        let found = json::read(&page, &document, &mut summary.notes).map_err(below)?;
        pages = pages.saturating_add(1);
        if pages > 1 && !is_list && !json::is_line(raw) {
            return Err(input
                .error(Place::Line(offset.saturating_add(1)), "there is more after the end of the JSON document")
                .with_help("pass the output of one command"));
        }
        for (place, shape, item) in found {
            types.insert(shape);
            items.push((moved(place, offset), item));
        }
        if types.len() > 1 {
            let mut types: Vec<&str> = types.into_iter().collect();
            types.sort_unstable();
            let message = format!("the file lists things of several types: {}", types.join(", "));
            return Err(input.error(Place::Line(offset.saturating_add(1)), message));
        }
    }
    if let [only] = types.iter().copied().collect::<Vec<_>>().as_slice() {
        summary.tool = only.split(' ').next().map(str::to_owned);
    }
    if pages > 1 && text.trim_start().starts_with('[') {
        summary.notes.push(format!("the list has {pages} pages"));
    }
    Ok(items)
}

/// A place in a document that begins some lines further down.
fn moved(place: Place, lines: u64) -> Place {
    match place {
        Place::Whole => Place::Whole,
        Place::Line(line) => Place::Line(line.saturating_add(lines)),
        Place::Pointer { pointer, line } => Place::Pointer { pointer, line: line.saturating_add(lines) },
    }
}

/// Whether a value is a list of lists: the pages that `gh api --slurp` collects.
fn is_slurped(document: &Value<'_>) -> bool {
    document.as_array().is_some_and(|pages| !pages.is_empty() && pages.iter().all(Value::is_array))
}

/// Whether a text is the id of an image: 12 or 64 hexadecimal digits, the latter also with `sha256:` before it.
fn is_image_id(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_length = digits.len() == 64 || (digits.len() == 12 && digits.len() == text.len());
    is_length && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
