//! Which objects of a JSON document are its rows: the elements of arrays, the objects of the document, or the elements of
//! one array in each of its objects.

use crate::error::without_position;
use crate::scalar::Text;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Names of members that hold the rows wherever they are arrays.
const USUAL_NAMES: [&str; 4] = ["items", "Items", "value", "Contents"];

/// Where the rows of a document are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// In one array or several.
    Arrays,
    /// The objects of the document are the rows.
    Objects,
    /// In the array of this name, in each object of the document.
    Member(String),
    /// In an array of an object that is too long to be read at once: the first array of objects in it.
    FirstMember,
}

/// Whether the rows of a document are usually in a member of this name.
pub(super) fn is_usual(name: &str) -> bool {
    USUAL_NAMES.contains(&name)
}

/// Describes two arrays of which either may hold the rows.
pub(super) fn ambiguous(names: &[&str]) -> String {
    format!("ambiguous: the rows may be in any of the arrays `{}`", names.join("`, `"))
}

/// Determines the shape of a document from its first object. `is_id` tells which members are those of an id: an object
/// that has one is a row.
pub(super) fn shape_of(object: &str, is_id: impl Fn(&str) -> bool) -> Result<Shape, serde_json::Error> {
    use serde::de::Error;
    let members = serde_json::Deserializer::from_str(object).deserialize_map(Members)?;
    if members.iter().any(|member| is_id(&member.name)) {
        return Ok(Shape::Objects);
    }
    let named = |is: fn(&Member) -> bool| {
        let names = members.iter().filter(|member| is(member));
        names.map(|member| member.name.as_str()).collect::<Vec<&str>>()
    };
    let usual = named(|member| is_usual(&member.name) && member.value != Value::Other);
    let full = named(|member| member.value == Value::Objects);
    let empty = named(|member| member.value == Value::Empty);
    match [usual, full, empty].into_iter().find(|names| !names.is_empty()).as_deref() {
        None => Ok(Shape::Objects),
        Some([name]) => Ok(Shape::Member((*name).to_owned())),
        Some(names) => Err(serde_json::Error::custom(ambiguous(names))),
    }
}

/// Returns the message of an error without its position.
pub(super) fn message(error: &serde_json::Error) -> String {
    if error.is_eof() { "the JSON ends too early".to_owned() } else { without_position(error) }
}

#[derive(Clone, Copy, PartialEq)]
enum Value {
    /// An array whose first element is an object.
    Objects,
    /// An array without elements.
    Empty,
    /// Null, which some programs write for an empty array.
    Null,
    Other,
}

struct Member {
    name: String,
    value: Value,
}

impl Value {
    fn of(json: &str) -> Self {
        match json.strip_prefix('[').map(|inside| inside.trim_ascii_start().as_bytes().first()) {
            Some(Some(b'{')) => Self::Objects,
            Some(Some(b']')) => Self::Empty,
            None if json == "null" => Self::Null,
            _ => Self::Other,
        }
    }
}

/// Reads the members of an object.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Member>, A::Error> {
        let mut members = Vec::new();
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let value = Value::of(map.next_value::<&RawValue>()?.get());
            members.push(Member { name: name.unwrap_or_default().into_owned(), value });
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_array_that_has_the_rows() {
        let shape = |json| shape_of(json, |name| name == "id").map_err(|error| message(&error));
        let member = |name: &str| Ok(Shape::Member(name.to_owned()));
        for (json, expected) in [
            (r#"{"tags": [{"a": 1}], "id": "a"}"#, Ok(Shape::Objects)),
            (r#"{"kind": "List", "items": [{"id": "a"}], "metadata": {}}"#, member("items")),
            (r#"{"CommonPrefixes": [{"Prefix": "a"}], "Contents": []}"#, member("Contents")),
            (r#"{"kind": "List", "items": null}"#, member("items")),
            (r#"{"Images": [ {"ImageId": "a"}], "names": ["a"]}"#, member("Images")),
            (r#"{"Images": []}"#, member("Images")),
            (r#"{"name": "a"}"#, Ok(Shape::Objects)),
            (
                r#"{"Versions": [{}], "DeleteMarkers": [{}]}"#,
                Err("ambiguous: the rows may be in any of the arrays `Versions`, `DeleteMarkers`".to_owned()),
            ),
            (
                r#"{"value": [], "items": []}"#,
                Err("ambiguous: the rows may be in any of the arrays `value`, `items`".to_owned()),
            ),
        ] {
            assert_eq!(shape(json), expected, "{json}");
        }
        assert!(shape("{").is_err());
    }
}
