//! Lists as JSON: of Docker, of GitLab, Harbor, GitHub and Docker Hub, and of the API that every registry has.

use super::{is_image_id, is_slurped};
use crate::json::Value;
use crate::node::Node;
use crate::{Action, Input, Item};
use reprieve_batch::{Place, ReadError};
use reprieve_model::Timestamp;

/// An item with its place and the name of what it is.
pub(super) type Read = (Place, &'static str, Item);

/// A type of thing, known by its members.
struct Shape {
    /// Whose it is, and what it is.
    name: &'static str,
    kind: &'static str,
    /// Members that each has.
    has: &'static [&'static str],
    /// The member that is the id as the call to delete takes it.
    id: &'static str,
    created: &'static [&'static str],
    /// The member with its exact size in bytes.
    size: &'static str,
    /// Members that become details.
    details: &'static [(&'static str, &'static str)],
}

const fn shape(name: &'static str, kind: &'static str, has: &'static [&'static str], id: &'static str) -> Shape {
    Shape { name, kind, has, id, created: &["created_at"], size: "", details: &[] }
}

/// The first that fits is taken.
const SHAPES: &[Shape] = &[
    Shape {
        details: &[("path", "path")],
        ..shape("GitLab repository", "repository", &["id", "path", "project_id", "location"], "id")
    },
    Shape {
        size: "total_size",
        details: &[("name", "name"), ("digest", "digest")],
        ..shape("GitLab tag", "tag", &["name", "path", "location"], "path")
    },
    Shape {
        details: &[("name", "name"), ("version", "version"), ("package_type", "package_type")],
        ..shape("GitLab package", "package", &["id", "name", "version", "package_type"], "id")
    },
    Shape {
        size: "size",
        details: &[("name", "file_name")],
        ..shape("GitLab package file", "package-file", &["id", "package_id", "file_name"], "id")
    },
    Shape {
        created: &["push_time"],
        size: "size",
        details: &[("repository", "repository_name")],
        ..shape("Harbor artifact", "artifact", &["digest", "repository_id", "project_id", "size"], "digest")
    },
    Shape {
        created: &["push_time"],
        ..shape("Harbor tag", "tag", &["artifact_id", "repository_id", "name"], "name")
    },
    Shape {
        created: &["creation_time"],
        ..shape("Harbor repository", "repository", &["id", "name", "project_id", "artifact_count"], "name")
    },
    Shape {
        details: &[("name", "name")],
        ..shape("GitHub package version", "package-version", &["id", "name", "package_html_url"], "id")
    },
    Shape {
        details: &[("package_type", "package_type")],
        ..shape("GitHub package", "package", &["id", "name", "package_type", "version_count"], "name")
    },
    Shape {
        created: &[],
        size: "full_size",
        details: &[("digest", "digest")],
        ..shape("Docker Hub tag", "tag", &["name", "repository", "images", "full_size"], "name")
    },
    Shape {
        created: &[],
        details: &[("digest", "Digest")],
        ..shape("Docker image", "image", &["ID", "Repository", "Tag"], "ID")
    },
    Shape { created: &["Created"], size: "Size", ..shape("Docker image", "image", &["Id", "RepoTags"], "Id") },
    Shape {
        created: &[],
        details: &[("name", "Names"), ("image", "Image")],
        ..shape("Docker container", "container", &["ID", "Image", "Names"], "ID")
    },
    Shape { created: &[], ..shape("Docker volume", "volume", &["Driver", "Mountpoint", "Name"], "Name") },
    Shape {
        created: &[],
        details: &[("name", "Name")],
        ..shape("Docker network", "network", &["Driver", "ID", "Name", "Scope"], "ID")
    },
];

/// Reads a document: a list, pages of a list in a list, a thing alone, or an answer with a list in it.
pub(super) fn read(input: &Input<'_>, document: &Value<'_>, notes: &mut Vec<String>) -> Result<Vec<Read>, ReadError> {
    let root = Node::root(input, document);
    if document.is_array() {
        let mut read = Vec::new();
        if is_slurped(document) {
            for page in root.list()? {
                read_list(&page, &mut read)?;
            }
        } else {
            read_list(&root, &mut read)?;
        }
        if [20, 30, 100].contains(&read.len()) {
            notes.push(format!("the list has exactly {} elements, which is a full page: it may go on", read.len()));
        }
        return Ok(read);
    }
    for (tags, repository, shape) in [("tags", "name", "Registry tag"), ("Tags", "Repository", "Registry tag")] {
        if is_of(&root, &[tags, repository]) {
            let name = root.required(repository)?.id()?;
            let tags = root.required(tags)?;
            let item = |tag: Node<'_>| Ok((place(&tag), shape, listed(format!("{name}:{}", tag.id()?), "tag")));
            return if tags.is_null() { Ok(Vec::new()) } else { tags.list()?.map(item).collect() };
        }
    }
    if is_of(&root, &["repositories"]) {
        let item = |name: Node<'_>| Ok((place(&name), "Registry repository", listed(name.id()?, "repository")));
        return root.required("repositories")?.list()?.map(item).collect();
    }
    if let Some(results) = root.get("results")? {
        return read_results(&root, &results);
    }
    if root.object()?.keys().any(|name| ["ImagesDeleted", "VolumesDeleted", "SpaceReclaimed"].contains(&name)) {
        return Err(root
            .error("this is a report of what was deleted")
            .with_help("pass a list of what is to be deleted"));
    }
    Ok(vec![read_one(&root)?])
}

/// Whether a document may follow another one: it is one of several lines.
pub(super) fn is_line(text: &str) -> bool {
    !text.contains('\n')
}

fn is_of(node: &Node<'_>, members: &[&str]) -> bool {
    let object = node.value().as_object();
    object.is_some_and(|object| object.len() == members.len() && members.iter().all(|name| object.contains_key(name)))
}

/// Reads an answer of Docker Hub: it counts all, and has one page.
fn read_results(root: &Node<'_>, results: &Node<'_>) -> Result<Vec<Read>, ReadError> {
    let mut read = Vec::new();
    read_list(results, &mut read)?;
    let is_page = ["next", "previous"].iter().any(|name| root.value().get(name).is_some_and(|page| !page.is_null()));
    let count = root.required("count")?;
    if is_page || count.value().as_u64() != u64::try_from(read.len()).ok() {
        let message = format!("this is one page of several: it has {} of {} elements", read.len(), count.value());
        return Err(root.error(message).with_help("pass all pages as one list"));
    }
    Ok(read)
}

fn read_list(list: &Node<'_>, read: &mut Vec<Read>) -> Result<(), ReadError> {
    for node in list.list()? {
        read.push(read_one(&node)?);
    }
    Ok(())
}

fn read_one(node: &Node<'_>) -> Result<Read, ReadError> {
    let object = node.object()?;
    let Some(shape) = SHAPES.iter().find(|shape| shape.has.iter().all(|name| object.contains_key(name))) else {
        return Err(node
            .error("neither an image, a tag, a repository, an artifact nor a package of a known registry")
            .with_help("pass a list as the API or `docker … --format json` returns it, with all its members"));
    };
    let id = node.required(shape.id)?;
    let id = if shape.id == "id" { digits(&id)? } else { text(&id, shape.kind)? };
    let mut item = listed(id, shape.kind);
    for (name, member) in shape.details {
        item.details
            .extend(node.text_of(member)?.filter(|text| *text != "<none>").map(|text| (*name, text.to_owned())));
    }
    for member in shape.created {
        item.record.created_at = node.given(member)?.map(|time| seconds(&time)).transpose()?.flatten();
    }
    if !shape.size.is_empty() {
        item.record.size_bytes = node.given(shape.size)?.map(|size| bytes(&size)).transpose()?;
    }
    let mut tags = tags(node, shape)?;
    if !tags.is_empty() {
        item.details.insert(0, ("tags", tags.join(", ")));
    }
    if shape.name == "Harbor artifact" {
        tags.extend(children(node)?);
        item.record.dependents = Some(tags);
    }
    Ok((place(node), shape.name, item))
}

/// The tags of an image, an artifact or a package version: they go with it.
fn tags(node: &Node<'_>, shape: &Shape) -> Result<Vec<String>, ReadError> {
    let tags = match shape.name {
        "Harbor artifact" => node.given("tags")?,
        "Docker image" if shape.id == "Id" => node.given("RepoTags")?,
        "GitHub package version" => match node.given("metadata")? {
            Some(metadata) => metadata.given("container")?.map(|it| it.given("tags")).transpose()?.flatten(),
            None => None,
        },
        _ => None,
    };
    let mut names = Vec::new();
    if let Some(tags) = tags {
        for tag in tags.list()? {
            let name = if tag.value().is_object() { tag.required("name")? } else { tag };
            names.push(name.id()?.to_owned());
        }
    }
    if shape.id == "ID" && shape.kind == "image" {
        let (name, tag) = (node.required("Repository")?.text()?, node.required("Tag")?.text()?);
        names.extend(Some(format!("{name}:{tag}")).filter(|name| !name.contains("<none>")));
    }
    Ok(names)
}

/// The images of an index of Harbor, one for each platform. They go with it.
fn children(node: &Node<'_>) -> Result<Vec<String>, ReadError> {
    let Some(references) = node.given("references")? else { return Ok(Vec::new()) };
    references.list()?.map(|child| Ok(child.required("child_digest")?.id()?.to_owned())).collect()
}

fn listed(id: impl Into<String>, kind: &str) -> Item {
    Item::new(id, Action::Listed).kind(kind)
}

/// A whole number as its digits.
fn digits(id: &Node<'_>) -> Result<String, ReadError> {
    match id.value() {
        Value::Number(number) if number.is_u64() || number.is_i64() => Ok(number.to_string()),
        other => Err(id.error(format!("the id {other} is not a whole number of 64 bits"))),
    }
}

fn text(id: &Node<'_>, kind: &str) -> Result<String, ReadError> {
    let text = id.id()?;
    let is_clean = !text.chars().any(char::is_control) && text.trim() == text && !text.starts_with('<');
    if is_clean && (kind != "image" || is_image_id(text)) {
        return Ok(text.to_owned());
    }
    Err(id.error(format!("`{text}` is not the id of one {kind}")))
}

/// A time: text, or seconds since 1970. The year 1 of Go is unknown.
fn seconds(time: &Node<'_>) -> Result<Option<i64>, ReadError> {
    if let Some(seconds) = time.value().as_i64() {
        return Ok(Some(seconds));
    }
    let text = time.text()?;
    if text.starts_with("0001-") {
        return Ok(None);
    }
    Ok(Timestamp::parse(text).ok().map(Timestamp::seconds))
}

fn bytes(size: &Node<'_>) -> Result<u64, ReadError> {
    size.value().as_u64().ok_or_else(|| size.error("expected a size in bytes"))
}

fn place(node: &Node<'_>) -> Place {
    node.error("").place
}
