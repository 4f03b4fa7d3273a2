//! Objects of Kubernetes, and lists of them.

use super::HELP;
use crate::node::Node;
use crate::{Action, Item, Sink, Summary};
use reprieve_batch::ReadError;
use reprieve_model::Timestamp;
use std::collections::{HashMap, HashSet};

/// Kinds that are not things in a cluster, and what they are.
const NOT_AN_OBJECT: [(&str, &str); 9] = [
    ("AdmissionReview", "a request for admission, and must be the whole file"),
    ("Status", "the answer to a call that was made already"),
    ("DeleteOptions", "the options of a deletion, which names no object"),
    ("Table", "a table for people"),
    ("PartialObjectMetadata", "the metadata of an object, without its kind"),
    ("PartialObjectMetadataList", "metadata of objects, without their kind"),
    ("WatchEvent", "a report of what changed already"),
    ("Event.audit.k8s.io", "a report of what was done already"),
    ("EventList.audit.k8s.io", "a report of what was done already"),
];

/// Who an object is.
pub(super) struct Identity<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: Option<&'a str>,
    pub(super) uid: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// Reads the metadata of an object.
    pub(super) fn of(object: &Node<'a>) -> Result<Self, ReadError> {
        let metadata = object.required("metadata")?;
        Ok(Self {
            name: metadata.required("name")?.id()?,
            namespace: metadata.text_of("namespace")?,
            uid: metadata.text_of("uid")?,
        })
    }

    /// Creates an item of which nothing but its kind is known. Objects of several kinds may have one name.
    pub(super) fn item(&self, kind: Option<&str>, action: Action) -> Item {
        Item { is_of_kind: true, ..Item::new(self.id(), action).kind(kind.unwrap_or("")) }
    }

    /// The namespace and the name.
    pub(super) fn id(&self) -> String {
        self.namespace.map_or_else(|| self.name.to_owned(), |namespace| format!("{namespace}/{}", self.name))
    }
}

/// Creates the item of an object, with the values that the object states.
pub(super) fn item(
    object: &Node<'_>,
    identity: &Identity<'_>,
    kind: Option<&str>,
    action: Action,
) -> Result<Item, ReadError> {
    let mut item = identity.item(kind, action);
    let metadata = object.required("metadata")?;
    if let Some(created) = metadata.given("creationTimestamp")? {
        let time = Timestamp::parse(created.text()?).map_err(|message| created.error(message))?;
        item.record.created_at = time.known().map(Timestamp::seconds);
    }
    let phase = object.given("status")?.filter(|status| status.value().is_object());
    let phase = phase.map(|status| status.text_of("phase")).transpose()?.flatten();
    let is_terminating = metadata.given("deletionTimestamp")?.is_some();
    item.record.state = if is_terminating { Some("Terminating") } else { phase }.map(str::to_owned);
    let details = [("uid", identity.uid), ("api_version", object.text_of("apiVersion")?)];
    item.details = details.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
    Ok(item)
}

/// Reads an object or a list of objects. They are listed, not deleted.
pub(super) fn read(root: &Node<'_>, sink: &mut Sink<'_>, summary: &mut Summary) -> Result<(), ReadError> {
    let kind = root.required("kind")?.id()?;
    check_kind(root, kind)?;
    summary.unseen =
        vec!["what goes with an object and is not in the file: objects that it owns, the content of a namespace"];
    if root.get("items")?.is_none() {
        let identity = Identity::of(root)?;
        return sink(item(root, &identity, Some(kind), Action::Listed)?);
    }
    let Some(of) = kind.strip_suffix("List") else {
        return Err(root.error(format!("the kind `{kind}` is not a list, and it has items")));
    };
    check_complete(root)?;
    let listed = read_items(root, of, Action::Listed)?;
    listed.into_iter().try_for_each(sink)
}

/// Reads the items of a list. `of` is their kind if they do not say it, and may be empty.
pub(super) fn read_items(list: &Node<'_>, of: &str, action: Action) -> Result<Vec<Item>, ReadError> {
    let mut items = Vec::new();
    let mut family = Family::default();
    let mut seen = HashSet::new();
    for object in list.required("items")?.list()? {
        let kind = match object.get("kind")? {
            Some(kind) => kind.id()?,
            None if of.is_empty() => return Err(object.error("the member `kind` is missing")),
            None => of,
        };
        check_kind(&object, kind)?;
        if object.get("items")?.is_some() && kind.ends_with("List") {
            return Err(object.error("a list in a list").with_help(HELP));
        }
        let identity = Identity::of(&object)?;
        if !seen.insert((identity.id(), kind, object.text_of("apiVersion")?)) {
            return Err(object.error(format!("the {kind} `{}` is listed twice", identity.id())));
        }
        let item = item(&object, &identity, Some(kind), action)?;
        family.add(&object, &identity, &item.target_id())?;
        items.push((item, identity));
    }
    let with_dependents = items.into_iter().map(|(mut item, identity)| {
        item.record.dependents = family.dependents(&identity, item.record.kind.as_deref());
        item
    });
    Ok(with_dependents.collect())
}

/// Which objects of a file go with another.
#[derive(Default)]
struct Family<'a> {
    by_owner: HashMap<&'a str, Vec<String>>,
    by_namespace: HashMap<&'a str, Vec<String>>,
}

impl<'a> Family<'a> {
    /// Adds an object whose id in a target list is `id`.
    fn add(&mut self, object: &Node<'a>, identity: &Identity<'a>, id: &str) -> Result<(), ReadError> {
        if let Some(namespace) = identity.namespace {
            self.by_namespace.entry(namespace).or_default().push(id.to_owned());
        }
        let Some(owners) = object.required("metadata")?.given("ownerReferences")? else { return Ok(()) };
        for owner in owners.list()? {
            // An owner without a uid owns no object that is known.
            if let Some(uid) = owner.text_of("uid")? {
                self.by_owner.entry(uid).or_default().push(id.to_owned());
            }
        }
        Ok(())
    }

    /// The objects of the file that go with another. None: the file has none, and there may be some.
    fn dependents(&self, identity: &Identity<'_>, kind: Option<&str>) -> Option<Vec<String>> {
        let owned = identity.uid.and_then(|uid| self.by_owner.get(uid)).into_iter().flatten();
        let is_namespace = kind == Some("Namespace") && identity.namespace.is_none();
        let content = is_namespace.then(|| self.by_namespace.get(identity.name)).flatten().into_iter().flatten();
        let mut seen = HashSet::new();
        let ids: Vec<String> = owned.chain(content).filter(|id| seen.insert(id.as_str())).cloned().collect();
        (!ids.is_empty()).then_some(ids)
    }
}

fn check_kind(object: &Node<'_>, kind: &str) -> Result<(), ReadError> {
    let version = object.text_of("apiVersion")?.unwrap_or("");
    let group = version.split('/').next().unwrap_or("");
    let qualified = format!("{kind}.{group}");
    let found = NOT_AN_OBJECT.iter().find(|(name, _)| *name == kind || *name == qualified);
    found.map_or(Ok(()), |(_, what)| Err(object.error(format!("the kind `{kind}` is {what}")).with_help(HELP)))
}

/// Checks that a list is not one page of several.
fn check_complete(list: &Node<'_>) -> Result<(), ReadError> {
    let Some(metadata) = list.given("metadata")? else { return Ok(()) };
    let remaining = metadata.given("remainingItemCount")?;
    let is_cut = metadata.text_of("continue")?.is_some() || remaining.is_some_and(|count| *count.value() != 0);
    if is_cut {
        let message = "the list is one page of several, so objects are missing";
        return Err(metadata.error(message).with_help("list all of them: `kubectl get` without --limit does"));
    }
    Ok(())
}
