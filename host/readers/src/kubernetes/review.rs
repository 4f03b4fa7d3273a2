//! Requests for admission: AdmissionReview v1 and v1beta1, and the request alone.

use super::HELP;
use super::object::{self, Identity};
use crate::node::Node;
use crate::{Action, Item, Sink, Summary};
use reprieve_batch::ReadError;
use reprieve_model::Mode;

/// Reads the request of an AdmissionReview.
pub(super) fn read_review(root: &Node<'_>, sink: &mut Sink<'_>, summary: &mut Summary) -> Result<(), ReadError> {
    if let Some(version) = root.get("apiVersion")?
        && !matches!(version.text()?, "admission.k8s.io/v1" | "admission.k8s.io/v1beta1")
    {
        return Err(version.error(format!("the version `{}` of an AdmissionReview is not known", version.text()?)));
    }
    let Some(request) = root.given("request")? else {
        let message = "the AdmissionReview has no request: it is the answer of a webhook";
        return Err(root.error(message).with_help(HELP));
    };
    read_request(&request, sink, summary)
}

/// Reads a request. Only what it deletes is passed on.
pub(super) fn read_request(request: &Node<'_>, sink: &mut Sink<'_>, summary: &mut Summary) -> Result<(), ReadError> {
    let operation = request.required("operation")?;
    summary.is_call = true;
    if let Some(user) = request.given("userInfo")? {
        summary.actor = user.text_of("username")?.map(str::to_owned);
    }
    if request.given("dryRun")?.map(|flag| flag.flag()).transpose()? == Some(true) {
        summary.notes.push("the call is a dry run: it deletes nothing itself".to_owned());
    }
    summary.unseen = vec![
        "what goes with the object: objects that it owns, the content of a namespace, volumes and load balancers",
        "the other objects of a collection: each of them has a review of its own",
    ];
    let parts = Parts::of(request)?;
    let deleted = match operation.text()? {
        "DELETE" => delete(request, &parts, summary)?,
        "CREATE" if parts.subresource == Some("eviction") => evict(request, &parts, summary)?,
        "UPDATE" if parts.removes_last_finalizer()? => {
            summary.verb = Some("update".to_owned());
            summary.notes.push("the update removes the last finalizer of an object that is being deleted".to_owned());
            vec![parts.item(request)?]
        }
        "CREATE" | "UPDATE" | "CONNECT" => {
            summary.notes.push(format!("the operation is {}: nothing is deleted", operation.text()?));
            return Ok(());
        }
        other => return Err(operation.error(format!("the operation `{other}` is not known"))),
    };
    summary.mode = Some(Mode::Hard);
    deleted.into_iter().try_for_each(sink)
}

/// What a request says of its object.
struct Parts<'a> {
    kind: Option<&'a str>,
    name: Option<&'a str>,
    namespace: Option<&'a str>,
    subresource: Option<&'a str>,
    /// The object before the call.
    old: Option<Node<'a>>,
    /// The object after it.
    new: Option<Node<'a>>,
}

impl<'a> Parts<'a> {
    fn of(request: &Node<'a>) -> Result<Self, ReadError> {
        let kind = request.given("kind")?.map(|kind| kind.required("kind")?.id()).transpose()?;
        let parts = Self {
            kind,
            name: request.text_of("name")?,
            namespace: request.text_of("namespace")?,
            subresource: request.text_of("subResource")?,
            old: object(request, "oldObject")?,
            new: object(request, "object")?,
        };
        for object in parts.old.iter().chain(&parts.new) {
            parts.check(object)?;
        }
        Ok(parts)
    }

    /// Checks that an object is that of the request.
    fn check(&self, object: &Node<'_>) -> Result<(), ReadError> {
        let Some(metadata) = object.given("metadata")? else { return Ok(()) };
        let is_namespace = self.kind == Some("Namespace");
        let said = [
            ("kind", self.kind.filter(|_| self.subresource.is_none()), object.text_of("kind")?),
            ("name", self.name, metadata.text_of("name")?),
            ("namespace", self.namespace.filter(|_| !is_namespace), metadata.text_of("namespace")?),
        ];
        for (member, of_request, of_object) in said {
            if let (Some(a), Some(b)) = (of_request, of_object)
                && a != b
                && !(member == "kind" && b.ends_with("List"))
            {
                return Err(object.error(format!("the {member} is `{b}`, and that of the request is `{a}`")));
            }
        }
        Ok(())
    }

    /// The kind of the object.
    fn kind(&self) -> Result<Option<&'a str>, ReadError> {
        let of_object = self.old.as_ref().or(self.new.as_ref()).map(|object| object.text_of("kind")).transpose()?;
        Ok(self.kind.or(of_object.flatten()))
    }

    /// The item that the request is about.
    fn item(&self, request: &Node<'a>) -> Result<Item, ReadError> {
        let kind = self.kind()?;
        if let Some(object) = self.old.as_ref().filter(|object| object.value().get("metadata").is_some()) {
            let mut identity = Identity::of(object)?;
            identity.namespace = identity.namespace.or(self.namespace.filter(|_| kind != Some("Namespace")));
            return object::item(object, &identity, kind, Action::Delete);
        }
        let Some(name) = self.name else {
            return Err(request.error("neither the request nor its object has a name"));
        };
        let namespace = self.namespace.filter(|_| kind != Some("Namespace"));
        let identity = Identity { name, namespace, uid: None };
        Ok(identity.item(kind, Action::Delete))
    }

    /// Whether an object that waits for its finalizers has none after the call: it is then deleted.
    fn removes_last_finalizer(&self) -> Result<bool, ReadError> {
        let (Some(old), Some(new)) = (&self.old, &self.new) else { return Ok(false) };
        let Some(metadata) = old.given("metadata")? else { return Ok(false) };
        let is_deleted = metadata.given("deletionTimestamp")?.is_some();
        Ok(is_deleted && finalizers(old)? > 0 && finalizers(new)? == 0)
    }
}

/// An object of a request. Some programs write the text `None` for an object that is absent.
fn object<'a>(request: &Node<'a>, member: &str) -> Result<Option<Node<'a>>, ReadError> {
    let Some(object) = request.given(member)?.filter(|object| object.value() != "None") else { return Ok(None) };
    object.object()?;
    Ok(Some(object))
}

/// The number of finalizers of an object. Those of a namespace are also in its `spec`.
fn finalizers(object: &Node<'_>) -> Result<usize, ReadError> {
    let mut found = 0;
    for part in ["metadata", "spec"] {
        let part = object.given(part)?.map(|part| part.given("finalizers")).transpose()?.flatten();
        found += part.map(|list| Ok::<_, ReadError>(list.list()?.count())).transpose()?.unwrap_or(0);
    }
    Ok(found)
}

fn delete(request: &Node<'_>, parts: &Parts<'_>, summary: &mut Summary) -> Result<Vec<Item>, ReadError> {
    if let Some(subresource) = parts.subresource {
        return Err(request.error(format!("the deletion of the subresource `{subresource}` is not known")));
    }
    summary.verb = Some("delete".to_owned());
    if let Some(options) = request.given("options")? {
        summary.cascade = cascade(&options)?;
        let wanted = options.given("preconditions")?.map(|given| given.text_of("uid")).transpose()?.flatten();
        let uid =
            parts.old.as_ref().and_then(|old| old.value().pointer("/metadata/uid")).and_then(|uid| uid.as_str());
        if let (Some(wanted), Some(uid)) = (wanted, uid)
            && wanted != uid
        {
            return Err(options.error(format!("the precondition is the uid `{wanted}`, and the object has `{uid}`")));
        }
    }
    let kind = parts.kind()?;
    if matches!(kind, Some("Namespace" | "CustomResourceDefinition")) {
        // Its content goes with it, whatever the options are.
        summary.cascade = Some(true);
    }
    if parts.name.is_some() {
        return Ok(vec![parts.item(request)?]);
    }
    let Some(old) = &parts.old else { return whole_collection(request, parts, summary) };
    if old.get("items")?.is_some() {
        summary.verb = Some("deletecollection".to_owned());
        let of = old.text_of("kind")?.and_then(|kind| kind.strip_suffix("List")).or(kind).unwrap_or("");
        return object::read_items(old, of, Action::Delete);
    }
    if request.get("name")?.is_some() || request.get("uid")?.is_some() {
        // The API server leaves the name of a request out if the call deletes a collection.
        summary.verb = Some("deletecollection".to_owned());
        summary.notes.push("the call deletes a collection, and this is one object of it".to_owned());
    }
    Ok(vec![parts.item(request)?])
}

/// The request for a collection names no object: what goes is known only to the API server.
fn whole_collection(request: &Node<'_>, parts: &Parts<'_>, summary: &mut Summary) -> Result<Vec<Item>, ReadError> {
    let resource = request.given("resource")?.map(|resource| resource.text_of("resource")).transpose()?.flatten();
    let Some(what) = resource.or(parts.kind) else {
        return Err(request.error("the request names neither an object nor a resource"));
    };
    let scope = parts.namespace.map_or("the cluster".to_owned(), |namespace| format!("the namespace `{namespace}`"));
    summary.verb = Some("deletecollection".to_owned());
    summary.selector = Some(format!("{what} in {scope}"));
    summary.notes.push(format!("the call deletes a collection that the file does not list: {what} in {scope}"));
    Ok(Vec::new())
}

fn evict(request: &Node<'_>, parts: &Parts<'_>, summary: &mut Summary) -> Result<Vec<Item>, ReadError> {
    let metadata = parts.new.as_ref().map(|new| new.given("metadata")).transpose()?.flatten();
    let of_object = |member| metadata.as_ref().map(|metadata| metadata.text_of(member)).transpose();
    let Some(name) = parts.name.or(of_object("name")?.flatten()) else {
        return Err(request.error("the eviction names no pod"));
    };
    if let Some(options) = parts.new.as_ref().map(|new| new.given("deleteOptions")).transpose()?.flatten() {
        summary.cascade = cascade(&options)?;
    }
    summary.verb = Some("evict".to_owned());
    let identity = Identity { name, namespace: parts.namespace.or(of_object("namespace")?.flatten()), uid: None };
    Ok(vec![identity.item(Some("Pod"), Action::Delete)])
}

/// Whether the options of a deletion delete what the object owns. None: the kind of the object decides that.
fn cascade(options: &Node<'_>) -> Result<Option<bool>, ReadError> {
    if let Some(kind) = options.text_of("kind")?
        && kind != "DeleteOptions"
    {
        return Err(options.error(format!("the options of a deletion are `{kind}`")));
    }
    let orphans = options.given("orphanDependents")?.map(|flag| flag.flag()).transpose()?;
    let policy = options.given("propagationPolicy")?;
    match (policy, orphans) {
        (None, orphans) => Ok(orphans.map(|orphans| !orphans)),
        (Some(policy), None) => match policy.text()? {
            "Background" | "Foreground" => Ok(Some(true)),
            "Orphan" => Ok(Some(false)),
            other => Err(policy.error(format!("the propagation policy `{other}` is not known"))),
        },
        (Some(policy), Some(_)) => Err(policy.error("`propagationPolicy` and `orphanDependents` exclude each other")),
    }
}
