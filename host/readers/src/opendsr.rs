//! OpenDSR, formerly OpenGDPR: requests of people to have their data erased. One request has one person with one or more
//! identities; every identity is an item.

use crate::json::Value;
use crate::object::{Object, objects, type_of};
use crate::{Action, Input, Item, Options, Sink, Summary};
use reprieve_batch::ReadError;
use std::collections::HashSet;

/// Members of answers, status reports and discovery documents. None of them is in a request.
const ANSWER: &[&str] = &[
    "controller_id",
    "encoded_request",
    "error",
    "expected_completion_time",
    "processor_certificate",
    "processor_signature",
    "received_time",
    "request_status",
    "results_count",
    "results_url",
    "status_callback_url",
    "supported_identities",
    "supported_subject_request_types",
];

const REQUEST: &[&str] = &[
    "api_version",
    "extensions",
    "group_id",
    "property_id",
    "regulation",
    "skip_waiting_period",
    "status_callback_urls",
    "subject_identities",
    "subject_request_id",
    "subject_request_type",
    "submitted_time",
];

/// The one extension that the specification lists with identities of its own.
const MPARTICLE: &[&str] = &["opendsr.mparticle.com", "opengdpr.mparticle.com"];

/// What one identity is: its type, its format and its value.
type Identity = (String, Option<String>, String);

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let document = input.json()?;
    let requests = match &document {
        Value::Array(items) => objects(input, items)?,
        other => vec![Object::new(input, other, "")?],
    };
    if requests.is_empty() {
        return Err(input.error_at("", "the list has no request"));
    }
    let mut summary = Summary {
        unseen: vec![
            "further identities that a processor links to these, and the data that it holds under them",
            "processors that the request is passed on to",
        ],
        ..Summary::default()
    };
    let mut seen = HashSet::new();
    for request in &requests {
        read_request(request, &mut seen, &mut summary, sink)?;
    }
    Ok(summary)
}

fn read_request(
    request: &Object<'_>,
    seen: &mut HashSet<Identity>,
    summary: &mut Summary,
    sink: &mut Sink<'_>,
) -> Result<(), ReadError> {
    if let Some(member) = ANSWER.iter().find(|member| request.has(member)) {
        let message = format!("`{member}` is in answers and callbacks only: this is not a request");
        return Err(request.error(message).with_help("pass the request that the controller sent"));
    }
    request.only(REQUEST)?;
    let id = request.id("subject_request_id")?;
    let regulation = request.text("regulation")?;
    match request.required("subject_request_type")? {
        "erasure" => summary.verb = Some("erasure".to_owned()),
        kind @ ("access" | "portability") => {
            summary.notes.push(format!("request {id}: `{kind}` deletes nothing"));
            return Ok(());
        }
        other => {
            let message = format!("the type `{other}` is not understood; `erasure`, `access` and `portability` are");
            return Err(request.error_at("subject_request_type", message));
        }
    }
    let identities = identities(request)?;
    let extended = extensions(request, id, summary)?;
    if identities.is_empty() && extended.is_empty() {
        return Err(request.error("the request names no identity"));
    }
    for identity in identities.into_iter().chain(extended) {
        if !seen.insert(identity.clone()) {
            let (kind, _, value) = identity;
            return Err(request.error(format!("the identity `{kind}` `{value}` is listed twice")));
        }
        let (kind, format, value) = identity;
        let mut item = Item::new(value, Action::Delete).kind(kind);
        item.details.extend(format.map(|format| ("identity_format", format)));
        item.details.push(("subject_request_id", id.to_owned()));
        item.details.extend(regulation.map(|regulation| ("regulation", regulation.to_owned())));
        sink(item)?;
    }
    Ok(())
}

/// Reads `subject_identities`: a list of identities, or, since version 3 of mParticle's API, an object of them by type.
fn identities(request: &Object<'_>) -> Result<Vec<Identity>, ReadError> {
    let member = request.members().find(|(name, _)| *name == "subject_identities");
    if !matches!(member, Some((_, Value::Object(_)))) {
        return list(request, "subject_identities");
    }
    let Some(by_type) = request.object("subject_identities")? else { return Ok(Vec::new()) };
    let mut identities = Vec::new();
    for (kind, _) in by_type.members() {
        let Some(identity) = by_type.object(kind)? else { continue };
        identity.only(&["encoding", "value"])?;
        let format = identity.text("encoding")?.map(str::to_owned);
        identities.push((kind.to_owned(), format, identity.id("value")?.to_owned()));
    }
    Ok(identities)
}

fn list(object: &Object<'_>, name: &str) -> Result<Vec<Identity>, ReadError> {
    let mut identities = Vec::new();
    for identity in object.objects(name)?.unwrap_or_default() {
        identity.only(&["identity_format", "identity_type", "identity_value"])?;
        let format = identity.text("identity_format")?.map(str::to_owned);
        identities.push((
            identity.id("identity_type")?.to_owned(),
            format,
            identity.text_or_number("identity_value")?,
        ));
    }
    Ok(identities)
}

/// Reads the identities of known extensions. Those of other processors are a note: their members mean what they define.
fn extensions(request: &Object<'_>, id: &str, summary: &mut Summary) -> Result<Vec<Identity>, ReadError> {
    let mut identities = Vec::new();
    let Some(extensions) = request.object("extensions")? else { return Ok(identities) };
    for (domain, _) in extensions.members() {
        let Some(extension) = extensions.object(domain)? else { continue };
        if !MPARTICLE.contains(&domain) {
            summary.notes.push(format!("request {id}: the extension of `{domain}` is not read; it may name more"));
            continue;
        }
        extension.only(&["identities", "mpids"])?;
        for (i, (_, mpid)) in extension.list("mpids")?.unwrap_or_default().into_iter().enumerate() {
            let Some(mpid) = mpid.as_i64() else {
                let message = format!("item {i} must be a signed integer of 64 bits, found {}", type_of(mpid));
                return Err(extension.error_at("mpids", message));
            };
            identities.push(("mpid".to_owned(), None, mpid.to_string()));
        }
        identities.extend(list(&extension, "identities")?);
    }
    Ok(identities)
}
