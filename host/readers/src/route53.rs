//! Amazon Route 53: lists of record sets, and change batches. The id of a record is its name, its type and, if it has one,
//! its set identifier: records of one name and of several types are different things.

use crate::cloud::answers;
use crate::node::{Node, count};
use crate::{Action, Input, Item, Options, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use std::collections::{HashMap, HashSet};

const TYPES: &[&str] = &[
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB",
    "TLSA", "TXT",
];

const RECORD: &[&str] = &[
    "AliasTarget",
    "CidrRoutingConfig",
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "HealthCheckId",
    "MultiValueAnswer",
    "Name",
    "Region",
    "ResourceRecords",
    "SetIdentifier",
    "TTL",
    "TrafficPolicyInstanceId",
    "Type",
    "Weight",
];

/// Members that say that the list goes on.
const NEXT: &[&str] = &["NextRecordIdentifier", "NextRecordName", "NextRecordType", "NextToken"];

/// A change of a batch.
struct Change<'a> {
    action: &'a str,
    node: Node<'a>,
    item: Item,
}

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    if input.text()?.contains("<ChangeResourceRecordSetsResponse") {
        return Err(answered(input.error(Place::Whole, "this is the answer to a change, which was made already")));
    }
    let document = input.json()?;
    let root = Node::root(input, &document);
    if root.value().is_array() {
        return read_list(&root, sink);
    }
    let answers = answers(&root)?;
    let node = match answers.as_deref() {
        None => root,
        Some([answer]) => answer.clone(),
        Some(_) => return Err(root.error("the recording has several answers").with_help("pass one answer")),
    };
    if let Some(answer) = node.get("ChangeInfo")? {
        return Err(answered(answer.error("this is the answer to a change, which was made already")));
    }
    if let Some(records) = node.get("ResourceRecordSets")? {
        only(&node, &["IsTruncated", "MaxItems", "ResourceRecordSets", "ResponseMetadata"], NEXT)?;
        refuse_pages(&node)?;
        return read_list(&records, sink);
    }
    if let Some(batch) = node.get("ChangeBatch")? {
        only(&node, &["ChangeBatch", "HostedZoneId"], &[])?;
        let zone = node.given("HostedZoneId")?.map(|zone| zone.id()).transpose()?;
        return read_batch(&batch, zone, sink);
    }
    if node.get("Changes")?.is_some() {
        return read_batch(&node, None, sink);
    }
    Err(node.error("neither a list of record sets (`ResourceRecordSets`) nor a change batch (`Changes`)"))
}

fn answered(error: ReadError) -> ReadError {
    error.with_help("pass the change batch, before it is sent")
}

fn only(node: &Node<'_>, known: &[&str], also: &[&str]) -> Result<(), ReadError> {
    match node.members()?.find(|(name, _)| !known.contains(name) && !also.contains(name)) {
        Some((name, member)) => Err(member.error(format!("the member `{name}` is not understood"))),
        None => Ok(()),
    }
}

fn refuse_pages(node: &Node<'_>) -> Result<(), ReadError> {
    let truncated = node.get("IsTruncated")?.map(|flag| flag.flag()).transpose()?;
    let mut next = None;
    for name in NEXT {
        next = next.or(node.text_of(name)?);
    }
    if truncated == Some(true) || next.is_some() {
        return Err(node
            .error("this is one page of several: the list goes on")
            .with_help("pass the output of `aws route53 list-resource-record-sets` without `--max-items`"));
    }
    Ok(())
}

fn read_list(records: &Node<'_>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut seen = HashSet::new();
    let mut top = 0_usize;
    for record in records.list()? {
        let item = item(&record, Action::Listed)?;
        top += usize::from(item.record.kind.as_deref() == Some("SOA"));
        if !seen.insert(compared(&item.target_id())) {
            return Err(record.error(format!("the record `{}` is listed twice", item.id)));
        }
        sink(item)?;
    }
    let mut summary = summary(false);
    if top > 0 {
        summary
            .notes
            .push("Route 53 refuses to delete the SOA record of a zone and the NS record beside it".to_owned());
    }
    Ok(summary)
}

fn summary(is_call: bool) -> Summary {
    Summary {
        is_call,
        tool: Some("Amazon Route 53".to_owned()),
        unseen: vec!["the zone, if the file does not name it", "what resolves these names"],
        ..Summary::default()
    }
}

fn read_batch(batch: &Node<'_>, zone: Option<&str>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    only(batch, &["Changes", "Comment"], &[])?;
    batch.text_of("Comment")?;
    let mut changes = Vec::new();
    for node in batch.required("Changes")?.list()? {
        changes.push(change(node)?);
    }
    if changes.is_empty() {
        return Err(batch.error("the batch has no change"));
    }
    let made = |action: &str| -> HashMap<String, usize> {
        let changes = changes.iter().enumerate().filter(|(_, change)| change.action == action);
        changes.map(|(index, change)| (compared(&change.item.target_id()), index)).collect()
    };
    let (created, upserted) = (made("CREATE"), made("UPSERT"));
    let mut summary = Summary { verb: Some("ChangeResourceRecordSets".to_owned()), ..summary(true) };
    for (records, done) in [(&created, "created: CREATE"), (&upserted, "created or changed in place: UPSERT")] {
        if !records.is_empty() {
            let one = count(records.len(), "record is", "records are");
            summary.notes.push(format!("{one} {done}"));
        }
    }
    let mut seen = HashSet::new();
    for (index, Change { action, node, mut item }) in changes.into_iter().enumerate() {
        let id = compared(&item.target_id());
        if !seen.insert((action, id.clone())) {
            return Err(node.error(format!("the record `{}` has two changes {action}", item.id)));
        }
        if action != "DELETE" {
            continue;
        }
        if [&created, &upserted].iter().any(|made| made.get(&id).is_some_and(|later| *later > index)) {
            item.action = Action::Replace;
        }
        item.details.extend(zone.map(|zone| ("zone", zone.to_owned())));
        sink(item)?;
    }
    Ok(summary)
}

fn change(node: Node<'_>) -> Result<Change<'_>, ReadError> {
    only(&node, &["Action", "ResourceRecordSet"], &[])?;
    let action = node.required("Action")?;
    let word = action.text()?;
    if !["CREATE", "DELETE", "UPSERT"].contains(&word) {
        let message = format!("the action `{word}` is not understood; `CREATE`, `DELETE` and `UPSERT` are");
        return Err(action.error(message));
    }
    let item = item(&node.required("ResourceRecordSet")?, Action::Delete)?;
    Ok(Change { action: word, node, item })
}

fn item(record: &Node<'_>, action: Action) -> Result<Item, ReadError> {
    only(record, RECORD, &[])?;
    let name = word(&record.required("Name")?)?;
    let kind = record.required("Type")?;
    let kind = TYPES.iter().find(|known| Some(**known) == kind.value().as_str()).ok_or_else(|| {
        kind.error("the type of a record is not understood").with_help("replace what a template left open")
    })?;
    let set = record.get("SetIdentifier")?.map(|set| set.id()).transpose()?;
    let alias = record.get("AliasTarget")?.map(|alias| alias.required("DNSName")?.id()).transpose()?;
    let values = record.get("ResourceRecords")?;
    if let Some(values) = &values {
        for value in values.list()? {
            value.required("Value")?.id()?;
        }
    }
    if alias.is_none() && values.is_none() && record.get("TrafficPolicyInstanceId")?.is_none() {
        return Err(record.error("the record has neither `ResourceRecords` nor `AliasTarget`"));
    }
    let id = [Some(name), set].into_iter().flatten().collect::<Vec<_>>().join(" ");
    // Records of several types have one name.
    let mut item = Item { is_of_kind: true, ..Item::new(id, action).kind(*kind) };
    item.details.push(("name", name.to_owned()));
    item.details.extend(set.map(|set| ("set_identifier", set.to_owned())));
    item.details.extend(alias.map(|alias| ("alias", alias.to_owned())));
    Ok(item)
}

/// The name of a record. A name with a blank is of a template: Route 53 writes a blank as `\040`.
fn word<'a>(name: &Node<'a>) -> Result<&'a str, ReadError> {
    let text = name.id()?;
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(name
            .error(format!("`{text}` is not a name of a domain"))
            .with_help("replace what a template left open"));
    }
    Ok(text)
}

/// An id as Route 53 compares it: without regard to case, and with the dot at the end of the name.
fn compared(id: &str) -> String {
    let (name, rest) = id.split_once(' ').unwrap_or((id, ""));
    format!("{}. {rest}", name.trim_end_matches('.').to_ascii_lowercase())
}
