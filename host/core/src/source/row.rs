//! One target of a list in JSON, read without a copy.

use super::nearest;
use crate::columns::Row;
use reprieve_model::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The fields of a target; any other has to begin with `x_`.
pub(super) const FIELDS: &[&str] =
    &["id", "kind", "tenant", "environment", "state", "created_at", "last_used_at", "size_bytes"];

/// Says that a list has no such field, and which may have been meant.
pub(super) fn unknown_field(name: &str) -> String {
    match nearest(name, FIELDS.iter().copied()) {
        Some(known) => format!("a target has no field `{name}`; did you mean `{known}`?"),
        None => format!("a target has no field `{name}`; fields of your own begin with `x_`"),
    }
}

/// Text that says nothing is unknown.
pub(super) fn known<'a>(text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    (!text.trim().is_empty()).then_some(text)
}

impl<'de> Deserialize<'de> for Row<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

/// A string that borrows from the input unless it has escapes; null is unknown.
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or null")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Borrow)
    }
}

/// A field may stand once.
struct Seen(u16);

impl Seen {
    fn mark<E: Error>(&mut self, field: usize, name: &str) -> Result<(), E> {
        let bit = 1 << field;
        if self.0 & bit != 0 {
            return Err(E::custom(format_args!("the field `{name}` stands here twice")));
        }
        self.0 |= bit;
        Ok(())
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target: an object with `id`, `kind` and `tenant`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
        let mut row = Row::default();
        let mut seen = Seen(0);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let name = name.unwrap_or_default();
            if let Some(field) = FIELDS.iter().position(|field| *field == name) {
                seen.mark(field, &name)?;
            }
            let text = |value: Text<'de>| value.0.and_then(known);
            match name.as_ref() {
                "id" => row.id = map.next_value::<Text<'de>>()?.0,
                "kind" => row.kind = text(map.next_value()?),
                "tenant" => row.tenant = text(map.next_value()?),
                "environment" => row.environment = text(map.next_value()?),
                "state" => row.state = text(map.next_value()?),
                "created_at" => row.created_at = map.next_value::<Option<Timestamp>>()?.map(Timestamp::seconds),
                "last_used_at" => row.last_used_at = map.next_value::<Option<Timestamp>>()?.map(Timestamp::seconds),
                "size_bytes" => row.size_bytes = map.next_value()?,
                own if own.starts_with("x_") => {
                    if row.extra.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::custom(format_args!("the field `{name}` stands here twice")));
                    }
                    if let Text(Some(value)) = map.next_value()? {
                        row.extra.push((name, value));
                    }
                }
                _ => return Err(A::Error::custom(unknown_field(&name))),
            }
        }
        Ok(row)
    }
}
