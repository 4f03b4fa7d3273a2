//! The members of a plan that are read. Values of resources may be secrets: nothing but an id is taken from them.

use crate::Input;
use reprieve_batch::{Place, ReadError};
use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::Segment;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

#[derive(Deserialize)]
pub(super) struct Plan {
    #[serde(default, deserialize_with = "given")]
    pub(super) format_version: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(super) terraform_version: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(super) timestamp: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(super) complete: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    pub(super) errored: Option<bool>,
    #[serde(default)]
    pub(super) resource_changes: Vec<Object<ResourceChange>>,
    #[serde(default)]
    pub(super) resource_drift: Vec<Object<Drift>>,
    #[serde(default)]
    pub(super) deferred_changes: Vec<Object<DeferredChange>>,
    #[serde(default)]
    pub(super) action_invocations: Vec<Object<ActionInvocation>>,
    #[serde(default)]
    pub(super) deferred_action_invocations: Vec<IgnoredAny>,
    #[serde(default, deserialize_with = "given")]
    pub(super) planned_values: Option<Object<Values>>,
    #[serde(default, deserialize_with = "given")]
    pub(super) prior_state: Option<Object<State>>,
    #[serde(default, rename = "applyable")]
    _applyable: IgnoredAny,
    #[serde(default, rename = "variables")]
    _variables: IgnoredAny,
    #[serde(default, rename = "output_changes")]
    _output_changes: IgnoredAny,
    #[serde(default, rename = "configuration")]
    _configuration: IgnoredAny,
    #[serde(default, rename = "relevant_attributes")]
    _relevant_attributes: IgnoredAny,
    #[serde(default, rename = "checks")]
    _checks: IgnoredAny,
    /// Members that are not of a plan, or not known.
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct ResourceChange {
    pub(super) address: String,
    #[serde(default, deserialize_with = "given")]
    pub(super) previous_address: Option<String>,
    pub(super) mode: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "given")]
    pub(super) provider_name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(super) deposed: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(super) action_reason: Option<String>,
    pub(super) change: Object<Change>,
}

#[derive(Deserialize)]
pub(super) struct Change {
    pub(super) actions: Vec<String>,
    #[serde(default)]
    before: Id,
    #[serde(default)]
    before_sensitive: Value,
}

impl Change {
    /// The id that the provider gave the object, unless it is a secret.
    pub(super) fn cloud_id(&self) -> Option<&str> {
        let is_secret = match &self.before_sensitive {
            Value::Null | Value::Bool(false) => false,
            Value::Object(members) => members.contains_key("id"),
            _ => true,
        };
        self.before.0.as_deref().filter(|id| !is_secret && !id.is_empty())
    }
}

#[derive(Deserialize)]
pub(super) struct Drift {
    pub(super) change: Object<Actions>,
}

#[derive(Deserialize)]
pub(super) struct Actions {
    #[serde(default)]
    pub(super) actions: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct DeferredChange {
    resource_change: Object<Drift>,
}

impl DeferredChange {
    pub(super) fn deletes(&self) -> bool {
        self.resource_change.change.actions.iter().any(|word| word == "delete")
    }
}

#[derive(Deserialize)]
pub(super) struct ActionInvocation {
    pub(super) address: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Deserialize)]
pub(super) struct State {
    #[serde(default)]
    pub(super) values: Option<Object<Values>>,
}

#[derive(Deserialize)]
pub(super) struct Values {
    #[serde(default)]
    pub(super) root_module: Object<Module>,
}

#[derive(Default, Deserialize)]
pub(super) struct Module {
    #[serde(default)]
    pub(super) resources: Vec<Object<Resource>>,
    #[serde(default)]
    pub(super) child_modules: Vec<Object<Module>>,
}

#[derive(Deserialize)]
pub(super) struct Resource {
    #[serde(default)]
    pub(super) address: String,
    #[serde(default)]
    pub(super) mode: String,
    #[serde(default)]
    pub(super) deposed_key: Option<String>,
}

/// A value that is an object. A type alone also accepts a list of its members.
#[derive(Default)]
pub(super) struct Object<T>(T);

impl<T> Deref for Object<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// The member `id` of an object, if it is text.
#[derive(Default)]
struct Id(Option<String>);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the values of a resource, or null")
    }

    fn visit_unit<E>(self) -> Result<Id, E> {
        Ok(Id(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Id, A::Error> {
        let mut id = None;
        while let Some(name) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == "id" {
                id = members.next_value::<Text>()?.0;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Id(id))
    }
}

/// Text, or something else that does not matter.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(Some(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Text, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

/// A member that may be absent, but not null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Parses the file as one plan. A duplicated member is an error.
pub(super) fn parse(input: &Input<'_>) -> Result<Plan, ReadError> {
    let text = input.text()?;
    if !text.trim_start().starts_with('{') {
        let first: String = text.lines().next().unwrap_or("").chars().take(60).collect();
        return Err(input.error(Place::Line(1), format!("not a plan: it begins with `{first}`")));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let plan = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } => pointer.push_str(&format!("/{key}")),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        input.typed_json_error(error.inner(), pointer)
    })?;
    deserializer.end().map_err(|error| input.json_tail_error(&error))?;
    Ok(plan)
}
