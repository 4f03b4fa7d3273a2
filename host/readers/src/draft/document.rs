//! A JSON document whose fields keep their order.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::fmt;

/// An object whose fields keep their order, which people read.
#[derive(Debug, Default)]
pub struct Document(Vec<(String, Node)>);

#[derive(Debug)]
enum Node {
    Value(Value),
    List(Vec<Node>),
    Object(Document),
}

/// What only people know.
pub const fn blank() -> Value {
    Value::Null
}

impl Document {
    /// Returns the fields of a value that is written as an object.
    pub fn of(value: &impl Serialize) -> Self {
        // Text, numbers and maps of them are always written, and read again.
        serde_json::to_string(value).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Adds a field.
    pub fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.push((name.to_owned(), Node::Value(value.into())));
    }

    /// Adds a field that is an object.
    pub fn add_object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        let mut object = Self::default();
        fill(&mut object);
        self.0.push((name.to_owned(), Node::Object(object)));
    }

    /// Sets a field, given with dots between the names of nested objects: `reason.ticket`.
    pub fn set(&mut self, field: &str, value: Value) {
        let (name, rest) = field.split_once('.').map_or((field, None), |(name, rest)| (name, Some(rest)));
        match (rest, self.node(name)) {
            (None, node) => *node = Node::Value(value),
            (Some(rest), Node::Object(object)) => object.set(rest, value),
            (Some(rest), node) => {
                let mut object = Self::default();
                object.set(rest, value);
                *node = Node::Object(object);
            }
        }
    }

    /// The node of a field. A field that is missing is added.
    fn node(&mut self, name: &str) -> &mut Node {
        let at = self.0.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), Node::Value(Value::Null)));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Replaces a field with an object.
    pub fn replace(&mut self, field: &str, value: Self) {
        let (name, rest) = field.split_once('.').map_or((field, None), |(name, rest)| (name, Some(rest)));
        match (rest, self.node(name)) {
            (None, node) => *node = Node::Object(value),
            (Some(rest), Node::Object(object)) => object.replace(rest, value),
            (Some(rest), node) => {
                let mut object = Self::default();
                object.replace(rest, value);
                *node = Node::Object(object);
            }
        }
    }

    /// Appends to a field that is a list, or becomes one.
    pub fn push(&mut self, field: &str, value: Self) {
        let (name, rest) = field.split_once('.').map_or((field, None), |(name, rest)| (name, Some(rest)));
        match (rest, self.node(name)) {
            (None, Node::List(items)) => items.push(Node::Object(value)),
            (None, node) => *node = Node::List(vec![Node::Object(value)]),
            (Some(rest), Node::Object(object)) => object.push(rest, value),
            (Some(rest), node) => {
                let mut object = Self::default();
                object.push(rest, value);
                *node = Node::Object(object);
            }
        }
    }

    /// The fields that are `null`, with dots between the names of nested objects.
    pub fn blanks(&self) -> Vec<String> {
        let of_node = |(name, node): &(String, Node)| match node {
            Node::Value(Value::Null) => vec![name.clone()],
            Node::Value(_) | Node::List(_) => Vec::new(),
            Node::Object(object) => object.blanks().into_iter().map(|field| format!("{name}.{field}")).collect(),
        };
        self.0.iter().flat_map(of_node).collect()
    }

    /// The document as indented JSON with a line break at its end.
    pub fn to_json(&self) -> String {
        // Text, numbers and maps of them are always written.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, node)| map.serialize_entry(name, node))?;
        map.end()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Object(document) => Ok(document),
            Node::Value(_) | Node::List(_) => Err(serde::de::Error::custom("expected an object")),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Nodes;

        impl<'de> Visitor<'de> for Nodes {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Value(Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Value(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Value(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Value(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Value(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Value(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
                let mut object = Vec::new();
                while let Some(field) = fields.next_entry()? {
                    object.push(field);
                }
                Ok(Node::Object(Document(object)))
            }
        }

        deserializer.deserialize_any(Nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_are_set_by_their_names() {
        let mut document = Document::default();
        document.add("id", "z");
        document.add_object("actor", |actor| {
            actor.add("type", blank());
            actor.add("id", blank());
        });
        assert_eq!(document.blanks(), ["actor.type", "actor.id"]);
        document.set("actor.id", "svc".into());
        document.set("reason.ticket", "CHG-1".into());
        document.set("id", 7.into());
        let mut approval = Document::default();
        approval.add("by", "bob");
        document.push("approvals", approval);
        let json: String = document.to_json().split_whitespace().collect();
        let expected =
            r#"{"id":7,"actor":{"type":null,"id":"svc"},"reason":{"ticket":"CHG-1"},"approvals":[{"by":"bob"}]}"#;
        assert_eq!(json, expected);
        let again: Document = serde_json::from_str(expected).unwrap();
        assert_eq!(again.to_json(), document.to_json());
    }
}
