//! JSON documents as readers see them. Texts without escapes are those of the file and not copied, and members are in the order
//! of the file, so a document takes a small multiple of the memory of its file.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Number;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

/// How many members are compared one by one to find a duplicate.
const FEW: usize = 16;

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(Cow<'a, str>),
    /// A list.
    Array(Box<[Value<'a>]>),
    /// An object.
    Object(Members<'a>),
}

/// The members of an object, in the order of the file. Each name is there once.
#[derive(Clone, Debug, PartialEq)]
pub struct Members<'a>(Box<[(Cow<'a, str>, Value<'a>)]>);

impl<'a> Members<'a> {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().find_map(|(member, value)| (member == name).then_some(value))
    }

    /// Whether there is a member of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// The number of members.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Value<'a> {
    /// The value with copies of its texts, so that it does not need the file.
    pub fn into_owned(self) -> Value<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(owned(text)),
            Self::Array(items) => Value::Array(items.into_iter().map(Self::into_owned).collect()),
            Self::Object(Members(members)) => {
                let members = members.into_iter().map(|(name, value)| (owned(name), value.into_owned()));
                Value::Object(Members(members.collect()))
            }
        }
    }

    /// The value of a member. `None` if this is not an object, or has no such member.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.as_object()?.get(name)
    }

    /// The value at a JSON pointer without escapes.
    pub fn pointer(&self, pointer: &str) -> Option<&Value<'a>> {
        pointer.split('/').skip(1).try_fold(self, |value, token| match value {
            Self::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => value.get(token),
        })
    }

    /// Its text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// Its truth value, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// Its number, if it is one of at least 0 without a fraction.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    /// Its number, if it is one without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }

    /// Its number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }

    /// Its items, if it is a list.
    pub const fn as_array(&self) -> Option<&[Value<'a>]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// Its members, if it is an object.
    pub const fn as_object(&self) -> Option<&Members<'a>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is a text.
    pub const fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether it is a list.
    pub const fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether it is an object.
    pub const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// What it is, for messages.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::String(_) => "text",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl PartialEq<i64> for Value<'_> {
    fn eq(&self, other: &i64) -> bool {
        self.as_i64() == Some(*other)
    }
}

/// As JSON.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members.iter()),
        }
    }
}

/// Reads a value. An object that has a member twice is an error: another program may take the other one.
pub(crate) fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value<'de>, D::Error> {
    Strict(&RefCell::default()).deserialize(deserializer)
}

/// The items and members that were read of the lists and objects that have not ended. The allocation of a list or an object is
/// made when its length is known.
#[derive(Default)]
struct Open<'de> {
    items: Vec<Value<'de>>,
    members: Vec<(Cow<'de, str>, Value<'de>)>,
}

#[derive(Clone, Copy)]
struct Strict<'o, 'de>(&'o RefCell<Open<'de>>);

impl<'de> DeserializeSeed<'de> for Strict<'_, 'de> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_, 'de> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let begin = self.0.borrow().items.len();
        while let Some(item) = items.next_element_seed(self)? {
            self.0.borrow_mut().items.push(item);
        }
        Ok(Value::Array(self.0.borrow_mut().items.drain(begin..).collect()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value<'de>, A::Error> {
        let begin = self.0.borrow().members.len();
        let mut many = HashSet::new();
        while let Some(name) = members.next_key_seed(Name)? {
            let value = members.next_value_seed(self)?;
            let mut open = self.0.borrow_mut();
            let read = open.members.get(begin..).unwrap_or_default();
            let is_duplicated = if read.len() < FEW {
                read.iter().any(|(other, _)| *other == name)
            } else {
                if many.is_empty() {
                    many.extend(read.iter().map(|(name, _)| name.clone()));
                }
                !many.insert(name.clone())
            };
            if is_duplicated {
                return Err(A::Error::custom(format!("the member `{name}` is duplicated")));
            }
            open.members.push((name, value));
        }
        Ok(Value::Object(Members(self.0.borrow_mut().members.drain(begin..).collect())))
    }
}

/// The name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value<'_>, String> {
        value(&mut serde_json::Deserializer::from_str(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn texts_without_escapes_are_not_copied() {
        let value = read(r#"{"a":"b","c\n":"d\"","e":[1,-2,1.5,true,null,"f"]}"#).unwrap();
        let Value::Object(Members(members)) = &value else { panic!("{value}") };
        let borrowed = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        let of = |value: &Value<'_>| matches!(value, Value::String(text) if borrowed(text));
        let names: Vec<bool> = members.iter().map(|(name, _)| borrowed(name)).collect();
        assert_eq!((names, of(&members[0].1), of(&members[1].1)), (vec![true, false, true], true, false));
        assert_eq!(value.get("c\n").and_then(Value::as_str), Some("d\""));
        assert_eq!(value.pointer("/e/1"), Some(&Value::Number((-2).into())));
        assert_eq!(value.to_string(), r#"{"a":"b","c\n":"d\"","e":[1,-2,1.5,true,null,"f"]}"#);
    }

    #[test]
    fn a_duplicated_member_is_an_error_in_small_and_large_objects() {
        for members in [2, FEW - 1, FEW, FEW + 1, FEW + 2, 100] {
            for second in 1..members {
                let names = (0..members).map(|i| if i == second { 0 } else { i });
                let text: Vec<String> = names.map(|i| format!(r#""m{i}":{i}"#)).collect();
                let error = read(&format!("{{{}}}", text.join(","))).unwrap_err();
                assert!(error.contains("the member `m0` is duplicated"), "{error}");
            }
            let text: Vec<String> = (0..members).map(|i| format!(r#""m{i}":{i}"#)).collect();
            let text = format!("{{{}}}", text.join(","));
            assert_eq!(read(&text).unwrap().as_object().map(Members::len), Some(members));
        }
    }
}
