//! What the APIs of clouds answer to a call that lists resources. Command lines print it, and Cloud Custodian stores it.

mod aws;
mod aws_shapes;
mod aws_types;
mod azure;
mod gcp;
mod recorded;

pub(crate) use aws::find_type;
pub(crate) use recorded::answers;

use crate::node::{Node, count};
use crate::{Action, Item, Options, Sink};
use reprieve_batch::ReadError;
use reprieve_model::Timestamp;
use std::collections::HashSet;

/// Members that are not empty, or true, where an answer is one page of several. Case and `_` do not matter.
const OF_A_PAGE: [&str; 16] = [
    "continuationtoken",
    "hasmoreapplications",
    "hasmoredeliverystreams",
    "hasmoreresults",
    "hasmorestreams",
    "istruncated",
    "lastevaluatedbackuparn",
    "lastevaluatedtablename",
    "marker",
    "nextlink",
    "nextmarker",
    "nextpagetoken",
    "nexttoken",
    "paginationtoken",
    "position",
    "truncated",
];

/// What a list cannot say.
pub(crate) const UNSEEN: [&str; 2] = [
    "what goes with a resource and is not in the list: the content of a group, a bucket or a network",
    "whether the list was filtered, and resources that were made or deleted since",
];

const KIND_HELP: &str = "name the kind of the items, and the members that are the id";

/// Passes on the items of lists, each once.
pub(crate) struct Collector<'s, 'f> {
    sink: &'s mut Sink<'f>,
    seen: HashSet<(String, Option<String>)>,
    /// What a person says of the items.
    pub(crate) options: &'s Options,
    /// Snapshots that the service made itself. No call deletes them.
    automated: usize,
}

impl<'s, 'f> Collector<'s, 'f> {
    pub(crate) fn new(options: &'s Options, sink: &'s mut Sink<'f>) -> Self {
        Self { sink, seen: HashSet::new(), options, automated: 0 }
    }

    /// For people: what is listed and cannot be deleted.
    pub(crate) fn notes(&self) -> Vec<String> {
        let automated = self.automated;
        let text = count(automated, "snapshot is automated", "snapshots are automated");
        if automated > 0 { vec![format!("{text}: the service refuses to delete it")] } else { Vec::new() }
    }

    /// Passes an item on. Azure compares ids without case.
    fn add(&mut self, node: &Node<'_>, item: Item, ignores_case: bool) -> Result<(), ReadError> {
        let id = if ignores_case { item.id.to_lowercase() } else { item.id.clone() };
        if let (Some(said), Some(kind)) = (&self.options.kind, &item.record.kind)
            && said != kind
        {
            return Err(node.error(format!("the kind is `{kind}`, and not `{said}`")));
        }
        if !self.seen.insert((id, item.record.kind.clone())) {
            let message = format!("the id `{}` is listed twice, so it does not say which one is meant", item.id);
            return Err(node.error(message).with_help("name members that make up an id, for example `selfLink`"));
        }
        (self.sink)(item)
    }

    /// Passes on the elements of a list whose type is known from its place or from a person.
    pub(crate) fn add_typed(&mut self, items: &[Node<'_>], kind: &str, id: &str) -> Result<(), ReadError> {
        let (is_text, is_azure) = (are_text(items), kind.starts_with("azure."));
        for node in items {
            let item = if is_text {
                Item::new(node.id()?, Action::Listed)
            } else {
                aws::item(node, kind, &self.id_of(node, id)?)?
            };
            self.automated += usize::from(aws::is_automated(node, kind));
            self.add(node, item.kind(kind), is_azure)?;
        }
        Ok(())
    }

    /// Passes on the elements of a list that say themselves what they are.
    pub(crate) fn add_described(&mut self, items: &[Node<'_>]) -> Result<(), ReadError> {
        for node in items {
            if azure::is_resource(node) {
                let id = self.id_of(node, "id")?;
                self.add(node, azure::item(node, id)?, true)?;
            } else if gcp::is_resource(node) {
                let member = if self.options.id.is_empty() { gcp::id_member(node)? } else { "" };
                let id = self.id_of(node, member)?;
                self.add(node, gcp::item(node, id)?, false)?;
            } else {
                return Err(node.error("it is not known what this is, and what its id is").with_help(KIND_HELP));
            }
        }
        Ok(())
    }

    /// The id: the members that a person names, or one member.
    fn id_of(&self, node: &Node<'_>, member: &str) -> Result<String, ReadError> {
        if self.options.id.is_empty() {
            return Ok(at(node, member)?.id()?.to_owned());
        }
        let parts: Result<Vec<&str>, ReadError> = self.options.id.iter().map(|name| at(node, name)?.id()).collect();
        Ok(parts?.join("/"))
    }
}

/// Whether every element says itself what it is.
pub(crate) fn are_described(items: &[Node<'_>]) -> bool {
    items.iter().all(|node| azure::is_resource(node) || gcp::is_resource(node))
}

/// Whether every element is the text of an id.
fn are_text(items: &[Node<'_>]) -> bool {
    items.iter().all(|node| node.value().is_string())
}

/// Passes on the pages of a recorded list.
pub(crate) fn add_pages(pages: &[Node<'_>], collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    for (index, page) in pages.iter().enumerate() {
        add_page(page, index + 1 == pages.len(), collector)?;
    }
    Ok(())
}

/// Passes on the list of an answer.
pub(crate) fn add_answer(answer: &Node<'_>, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    add_page(answer, true, collector)
}

fn add_page(answer: &Node<'_>, is_last: bool, collector: &mut Collector<'_, '_>) -> Result<(), ReadError> {
    if answer.value().is_array() {
        let items: Vec<Node<'_>> = answer.list()?.collect();
        return add_unnamed(answer, &items, collector);
    }
    if is_last {
        check_complete(answer)?;
    }
    let lists = lists(answer)?;
    let mut filled = lists.iter().filter(|list| !list.items.is_empty());
    let (first, second) = (filled.next(), filled.next());
    match (first, second) {
        (None, _) if lists.is_empty() => {
            let message = "the answer has no list of resources: it may be the answer to another call";
            Err(answer.error(message).with_help("pass what a call that lists resources prints"))
        }
        (None, _) => Ok(()),
        (Some(list), None) => {
            if are_described(&list.items) {
                return collector.add_described(&list.items);
            }
            match aws::type_of(&list.name, &list.items, collector.options) {
                Ok(Some(found)) => collector.add_typed(&list.items, found.name, found.id),
                Ok(None) if collector.options.kind.is_some() => add_unnamed(answer, &list.items, collector),
                Ok(None) => {
                    let message = format!("the list `{}` is not known, or its elements have no id", list.name);
                    Err(answer.error(message).with_help(KIND_HELP))
                }
                Err(message) => Err(answer.error(message).with_help(KIND_HELP)),
            }
        }
        (Some(one), Some(other)) => {
            let message = format!("the answer has several lists, `{}` and `{}`", one.name, other.name);
            Err(answer.error(message).with_help("pass one of them"))
        }
    }
}

/// Passes on elements of a list whose name does not say what they are.
pub(crate) fn add_unnamed(
    list: &Node<'_>,
    items: &[Node<'_>],
    collector: &mut Collector<'_, '_>,
) -> Result<(), ReadError> {
    if are_described(items) {
        return collector.add_described(items);
    }
    let options = collector.options;
    let found = match &options.kind {
        Some(kind) => find_type(kind),
        None => aws::recognize(items).map_err(|message| list.error(message).with_help(KIND_HELP))?,
    };
    match (found, &options.kind) {
        (Some(found), _) => collector.add_typed(items, found.name, found.id),
        (None, Some(kind)) if !options.id.is_empty() || are_text(items) => collector.add_typed(items, kind, ""),
        _ => Err(list.error("it is not known what the items are, and what their id is").with_help(KIND_HELP)),
    }
}

/// A list in an answer.
struct List<'a> {
    /// The path to it, as in the table of types.
    name: String,
    items: Vec<Node<'a>>,
}

/// The lists in an answer. A list that is not empty and not known may hold resources: it is an error.
fn lists<'a>(answer: &Node<'a>) -> Result<Vec<List<'a>>, ReadError> {
    let mut lists = Vec::new();
    for (name, member) in answer.members()? {
        if let Some(list) = aws::list(name, &member)? {
            lists.push(list);
        } else if name == "items" && member.value().is_object() {
            lists.push(List { name: name.to_owned(), items: gcp::aggregated(&member)? });
        } else if member.value().is_array() {
            let items: Vec<Node<'_>> = member.list()?.collect();
            lists.push(List { name: name.to_owned(), items });
        }
    }
    Ok(lists)
}

/// Checks that an answer is not one page of several.
fn check_complete(answer: &Node<'_>) -> Result<(), ReadError> {
    for (name, member) in answer.members()? {
        let plain = name.replace('_', "").to_ascii_lowercase();
        let value = member.value();
        let is_set = !(value.is_null() || value == "" || value.as_bool() == Some(false));
        if OF_A_PAGE.contains(&plain.as_str()) && is_set {
            let message = format!("`{name}` is set: the answer is one page of several, so resources are missing");
            return Err(member.error(message).with_help("list all of them in one file"));
        }
        if name == "warning" {
            gcp::check_warning(&member)?;
        }
        if matches!(plain.as_str(), "unreachable" | "unreachables")
            && value.as_array().is_none_or(|list| !list.is_empty())
        {
            return Err(member
                .error("some places did not answer, so resources may be missing")
                .with_help("list them again"));
        }
    }
    Ok(())
}

/// A member, by a path of names with dots.
fn at<'a>(node: &Node<'a>, path: &str) -> Result<Node<'a>, ReadError> {
    path.split('.').try_fold(node.clone(), |node, name| node.required(name))
}

/// A time as APIs, command lines and recordings write it.
pub(crate) fn time(node: &Node<'_>) -> Option<i64> {
    let value = node.value();
    if let Some(text) = value.as_str() {
        return Timestamp::parse(text).ok()?.known().map(Timestamp::seconds);
    }
    if value.get("__class__").and_then(|class| class.as_str()) == Some("datetime") {
        let part = |name: &str| value.get(name).and_then(|part| part.as_i64());
        let [year, month, day] = [part("year")?, part("month")?, part("day")?];
        let [hour, minute, second] = [part("hour")?, part("minute")?, part("second")?];
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        return Timestamp::parse(&text).ok()?.known().map(Timestamp::seconds);
    }
    None
}

/// The time of the first of some members that is there.
fn time_of(node: &Node<'_>, members: &[&str]) -> Option<i64> {
    members.iter().find_map(|member| time(&node.given(member).ok()??))
}

/// A size in GiB, as a number or as text of digits, in bytes.
fn gibibytes(node: &Node<'_>, member: &str) -> Option<u64> {
    let value = node.value().get(member)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    number.checked_mul(1 << 30)
}
