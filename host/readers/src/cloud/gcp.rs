//! Resources of Google Cloud, as `gcloud` and the APIs print them.

use crate::node::Node;
use crate::{Action, Item};
use reprieve_batch::ReadError;

/// Kinds whose id is not the member `name`. Empty: the member is unique only within another resource.
const ID_MEMBERS: [(&str, &str); 8] = [
    ("bigquery#dataset", "id"),
    ("bigquery#job", "id"),
    ("bigquery#table", "id"),
    ("cloudresourcemanager#project", "projectId"),
    ("dns#resourceRecordSet", ""),
    ("sql#backupRun", "id"),
    ("sql#sslCert", "sha1Fingerprint"),
    ("sql#user", ""),
];

/// Collections whose resources have no member `kind`, and what one of them is.
const COLLECTIONS: [(&str, &str); 20] = [
    ("backups", "backup"),
    ("clusters", "cluster"),
    ("cryptoKeys", "crypto key"),
    ("databases", "database"),
    ("folders", "folder"),
    ("functions", "function"),
    ("instances", "instance"),
    ("jobs", "job"),
    ("keyRings", "key ring"),
    ("keys", "key"),
    ("nodePools", "node pool"),
    ("projects", "project"),
    ("repositories", "repository"),
    ("roles", "role"),
    ("secrets", "secret"),
    ("serviceAccounts", "service account"),
    ("services", "service"),
    ("snapshots", "snapshot"),
    ("subscriptions", "subscription"),
    ("topics", "topic"),
];

fn text<'a>(node: &Node<'a>, member: &str) -> Option<&'a str> {
    node.value().get(member).and_then(|value| value.as_str())
}

/// Whether this says itself that it is a resource of Google Cloud.
pub(super) fn is_resource(node: &Node<'_>) -> bool {
    let is_path = |name: &str| ["projects/", "organizations/", "folders/"].iter().any(|root| name.starts_with(root));
    text(node, "kind").is_some_and(|kind| kind.contains('#'))
        || text(node, "selfLink").is_some_and(|link| link.starts_with("https://"))
        || text(node, "name").is_some_and(is_path)
        || is_project(node)
}

/// Whether this is a project. Its name is for people, or its number.
fn is_project(node: &Node<'_>) -> bool {
    let is_number = |name: &str| name.strip_prefix("projects/").is_some_and(|number| !number.contains('/'));
    text(node, "projectId").is_some()
        && (text(node, "lifecycleState").is_some() || text(node, "name").is_some_and(is_number))
}

/// The path of a resource: its link, or its name.
fn path<'a>(node: &Node<'a>) -> &'a str {
    text(node, "selfLink").or(text(node, "name")).unwrap_or("")
}

/// The segment of a path after another.
fn after<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let mut segments = path.split('/').skip_while(|segment| *segment != name);
    segments.nth(1)
}

/// The member that is the id.
pub(super) fn id_member(node: &Node<'_>) -> Result<&'static str, ReadError> {
    if is_project(node) {
        return Ok("projectId");
    }
    let kind = text(node, "kind").unwrap_or("");
    match ID_MEMBERS.iter().find(|(of, _)| *of == kind) {
        None => Ok("name"),
        Some((_, "")) => {
            let message = format!("the name of a `{kind}` is not unique");
            Err(node.error(message).with_help("name the members that make up the id"))
        }
        Some((_, member)) => Ok(member),
    }
}

pub(super) fn item(node: &Node<'_>, id: String) -> Result<Item, ReadError> {
    let path = path(node);
    let kind = match node.text_of("kind")? {
        Some(kind) => kind,
        None if is_project(node) => "project",
        None => {
            let collection = path.rsplit('/').nth(1).unwrap_or("");
            COLLECTIONS.iter().find(|(of, _)| *of == collection).map_or(collection, |(_, kind)| kind)
        }
    };
    let mut item = Item::new(id, Action::Listed).kind(kind);
    item.record.created_at =
        super::time_of(node, &["creationTimestamp", "creationTime", "createTime", "timeCreated", "creationDate"]);
    item.record.state = text(node, "status").or(text(node, "state")).map(str::to_owned);
    item.record.size_bytes = super::gibibytes(node, "sizeGb").or(super::gibibytes(node, "diskSizeGb"));
    item.record.dependents = dependents(node);
    let last = |value: &'_ str| value.rsplit('/').next().map(str::to_owned);
    let details = [
        ("project", after(path, "projects").map(str::to_owned)),
        ("zone", text(node, "zone").and_then(last)),
        ("region", text(node, "region").and_then(last)),
    ];
    item.details = details.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    Ok(item)
}

/// The disks that an instance deletes with itself.
fn dependents(node: &Node<'_>) -> Option<Vec<String>> {
    let disks = node.value().get("disks").filter(|_| text(node, "kind") == Some("compute#instance"))?;
    let mut names = Vec::new();
    for disk in disks.as_array()? {
        if disk.get("autoDelete")?.as_bool()? {
            names.push(disk.get("source")?.as_str()?.rsplit('/').next()?.to_owned());
        }
    }
    Some(names)
}

/// The elements of a map by zone or region.
pub(super) fn aggregated<'a>(scopes: &Node<'a>) -> Result<Vec<Node<'a>>, ReadError> {
    let mut items = Vec::new();
    for (_, scope) in scopes.members()? {
        for (name, member) in scope.members()? {
            if name == "warning" {
                check_warning(&member)?;
                continue;
            }
            items.extend(member.list()?);
        }
    }
    Ok(items)
}

/// Checks that a warning says only that there is nothing.
pub(super) fn check_warning(warning: &Node<'_>) -> Result<(), ReadError> {
    let code = warning.required("code")?.text()?;
    if code == "NO_RESULTS_ON_PAGE" {
        return Ok(());
    }
    let message = format!("a place did not answer (`{code}`), so resources may be missing");
    Err(warning.error(message).with_help("list them again"))
}
