//! State files of Terraform and OpenTofu, version 4. Attributes may be secrets: nothing but the environment that tags name
//! is taken from them.

use super::address::{Step, module_path, quote, without_keys};
use crate::json::{Members, Value};
use crate::node::{Node, count};
use crate::{Action, Input, Item, Options, Part, Sink, Summary};
use reprieve_batch::ReadError;
use std::collections::{HashMap, HashSet};

const HELP: &str = "pass what `terraform state pull` or `tofu state pull` prints, and nothing else";

/// The members of a state.
const MEMBERS: [&str; 7] =
    ["version", "terraform_version", "serial", "lineage", "outputs", "resources", "check_results"];

/// Members of other documents, and what a document is that has one.
const OTHERS: [(&str, &str); 5] = [
    ("encrypted_data", "the state is encrypted"),
    ("resource_changes", "not a state: the member `resource_changes` belongs to a plan"),
    ("planned_values", "not a state: the member `planned_values` belongs to a plan"),
    ("format_version", "not a state file: the member `format_version` belongs to what `show -json` prints"),
    ("values", "not a state file: the member `values` belongs to what `show -json` prints"),
];

/// Attributes that have the tags of a resource.
const TAGS: [&str; 5] = ["tags_all", "tags", "effective_labels", "terraform_labels", "labels"];

/// The maximum length of the ids of dependents in bytes. An inventory has at most this.
const MAX_DEPENDENTS_BYTES: usize = 1 << 20;

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let document = input.json().map_err(|error| if error.help.is_some() { error } else { error.with_help(HELP) })?;
    let root = Node::root(input, &document);
    check_document(&root)?;
    let resources: Vec<Node<'_>> = root.required("resources")?.list()?.collect();
    let mut state = State::default();
    resources.iter().try_for_each(|resource| state.add(resource))?;
    let mut notes = Vec::new();
    if state.data > 0 {
        notes.push(count(state.data, "data source: it is not managed", "data sources: they are not managed"));
    }
    let mut without = 0;
    for object in &state.objects {
        let mut item = object.item.clone();
        item.record.dependents = state.dependents(object);
        without += usize::from(item.record.dependents.is_none());
        sink(item)?;
    }
    if without > 0 {
        let objects = count(without, "object has", "objects have");
        notes.push(format!("{objects} no dependents in the state, or too many of them: they stay unknown"));
    }
    Ok(Summary {
        is_state: true,
        tool: Some(tool(&root, &resources)?),
        notes,
        unseen: vec![
            "dependents in other states, and what a provider deletes beside a resource",
            "what was made, changed or deleted since the last run: the state is not the cloud",
        ],
        ..Summary::default()
    })
}

fn check_document(root: &Node<'_>) -> Result<(), ReadError> {
    for (name, message) in OTHERS {
        if let Some(member) = root.get(name)? {
            return Err(member.error(message).with_help(HELP));
        }
    }
    if let Some((name, member)) = root.members()?.find(|(name, _)| !MEMBERS.contains(name)) {
        let message = format!("the member `{name}` is not known, and it may hold resources");
        return Err(member.error(message).with_help(HELP));
    }
    let version = root.required("version").map_err(|error| error.with_help(HELP))?;
    if *version.value() != 4 {
        let message = format!("the version of the state is {}, known is 4", version.value());
        return Err(version
            .error(message)
            .with_help("a newer version of the tool writes it when it next changes the state"));
    }
    Ok(())
}

/// What a state has, and which objects depend on which resource.
#[derive(Default)]
struct State<'a> {
    objects: Vec<Object<'a>>,
    seen: HashSet<String>,
    /// The positions of the objects that depend on a resource, by its address without keys.
    dependents: HashMap<&'a str, Vec<usize>>,
    data: usize,
}

/// An object of a resource.
struct Object<'a> {
    item: Item,
    /// The module instance that it is in.
    path: Vec<Step<'a>>,
    /// The address of its resource without keys.
    resource: String,
}

impl<'a> State<'a> {
    fn add(&mut self, resource: &Node<'a>) -> Result<(), ReadError> {
        let mode = resource.required("mode")?;
        let (kind, name) = (resource.required("type")?.id()?, resource.required("name")?.id()?);
        match mode.text()? {
            "managed" => {}
            "data" => {
                self.data += 1;
                return Ok(());
            }
            other => return Err(mode.error(format!("the mode `{other}` is not known"))),
        }
        let module = resource.text_of("module")?.unwrap_or("");
        let Some(path) = module_path(module) else {
            return Err(resource.error(format!("`{module}` is not the path of a module")));
        };
        let local = format!("{kind}.{name}");
        let prefix = if module.is_empty() { local.clone() } else { format!("{module}.{local}") };
        for instance in resource.required("instances")?.list()? {
            if instance.get("depends_on")?.is_some() {
                let message = "a state of Terraform before 0.13 does not name all dependencies";
                return Err(instance.error(message).with_help("apply once with a newer version"));
            }
            let mut item = Item::new(format!("{prefix}{}", key(&instance)?), Action::Listed).kind(kind);
            item.part =
                instance.given("deposed")?.map(|key| key.id()).transpose()?.map(|key| Part::Deposed(key.into()));
            item.record.environment = environment(&instance);
            let id = item.target_id();
            if let Some(dependencies) = instance.given("dependencies")? {
                for dependency in dependencies.list()? {
                    self.dependents.entry(dependency.id()?).or_default().push(self.objects.len());
                }
            }
            if !self.seen.insert(id) {
                return Err(instance.error(format!("`{}` is in the state twice", item.target_id())));
            }
            self.objects.push(Object { item, path: path.clone(), resource: without_keys(&path, &local) });
        }
        Ok(())
    }

    /// The objects that depend on one, by their ids. None: the state has none, or too many for an inventory.
    ///
    /// A state names the resource that an object depends on, and not which instance, so all its instances count. Two
    /// instances of one module cannot depend on each other, because that would be a circle.
    fn dependents(&self, object: &Object<'_>) -> Option<Vec<String>> {
        let mut ids = Vec::new();
        let mut bytes = 0;
        for at in self.dependents.get(object.resource.as_str())? {
            let other = self.objects.get(*at)?;
            let shared = object.path.iter().zip(&other.path).take_while(|(a, b)| a.name == b.name);
            let is_self = other.resource == object.resource;
            if is_self || shared.into_iter().any(|(a, b)| a.key != b.key) {
                continue;
            }
            let id = other.item.target_id();
            bytes += id.len();
            if bytes > MAX_DEPENDENTS_BYTES {
                return None;
            }
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
        (!ids.is_empty()).then_some(ids)
    }
}

/// The key of an instance, as its address has it.
fn key(instance: &Node<'_>) -> Result<String, ReadError> {
    let Some(key) = instance.given("index_key")? else { return Ok(String::new()) };
    match key.value() {
        Value::Number(number) if number.is_u64() => Ok(format!("[{number}]")),
        Value::String(text) => Ok(quote(text)),
        _ => Err(key.error("expected the number or the text of an index")),
    }
}

/// The environment that the tags of an instance name. None: they name none, or several, or are secret.
fn environment(instance: &Node<'_>) -> Option<String> {
    let object = instance.value();
    let secret = object.get("sensitive_attributes").and_then(Value::as_array).unwrap_or_default();
    let is_secret = |name: &str| {
        // Each is a path of steps, of which the first names the attribute. What is not understood may be any attribute.
        secret.iter().any(|path| path.pointer("/0/value").and_then(Value::as_str).is_none_or(|first| first == name))
    };
    let mut found: Option<&str> = None;
    for name in TAGS.into_iter().filter(|name| !is_secret(name)) {
        let tags = object.get("attributes").and_then(|attributes| attributes.get(name)).and_then(Value::as_object);
        for (tag, value) in tags.into_iter().flat_map(Members::iter) {
            let value = value.as_str().map(str::trim).filter(|value| !value.is_empty());
            let is_environment = tag.eq_ignore_ascii_case("environment") || tag.eq_ignore_ascii_case("env");
            let Some(value) = value.filter(|_| is_environment) else { continue };
            if found.is_some_and(|other| other != value) {
                return None;
            }
            found = Some(value);
        }
    }
    found.map(str::to_owned)
}

fn tool(root: &Node<'_>, resources: &[Node<'_>]) -> Result<String, ReadError> {
    let mut is_of = [false; 2];
    for resource in resources {
        let provider = resource.text_of("provider")?.unwrap_or("");
        is_of[0] |= provider.contains("[\"registry.terraform.io/");
        is_of[1] |= provider.contains("[\"registry.opentofu.org/");
    }
    let name = match is_of {
        [true, false] => "Terraform",
        [false, true] => "OpenTofu",
        _ => "Terraform or OpenTofu",
    };
    Ok(match root.text_of("terraform_version")? {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    })
}
