//! One target of a list in JSON, read without a copy.

use super::fields::{Field, Mapping};
use crate::columns::Row;
use reprieve_model::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Text that says nothing is unknown.
#[inline]
pub(super) fn known<'a>(text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    says_something(&text).then_some(text)
}

#[inline]
pub(super) fn says_something(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_graphic) || !text.trim().is_empty()
}

/// Reads a target whose fields have these names.
#[derive(Clone, Copy)]
pub(super) struct Fields<'m>(pub &'m Mapping);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Row<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

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
    fn mark<E: Error>(&mut self, field: Field, name: &str) -> Result<(), E> {
        let bit = 1 << field as u16;
        if self.0 & bit != 0 {
            return Err(E::custom(format_args!("the field `{name}` stands here twice")));
        }
        self.0 |= bit;
        Ok(())
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target: an object with `id`, `kind` and `tenant`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
        let mut row = Row::default();
        let mut seen = Seen(0);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let name = name.unwrap_or_default();
            let field = self.0.field_of(&name).map_err(A::Error::custom)?;
            let text = |value: Text<'de>| value.0.and_then(known);
            if field == Field::Own {
                if row.extra.iter().any(|(other, _)| *other == name) {
                    return Err(A::Error::custom(format_args!("the field `{name}` stands here twice")));
                }
                if let Text(Some(value)) = map.next_value()? {
                    row.extra.push((name, value));
                }
                continue;
            }
            seen.mark(field, &name)?;
            match field {
                Field::Id => row.id = map.next_value::<Text<'de>>()?.0,
                Field::Kind => row.kind = text(map.next_value()?),
                Field::Tenant => row.tenant = text(map.next_value()?),
                Field::Environment => row.environment = text(map.next_value()?),
                Field::State => row.state = text(map.next_value()?),
                Field::CreatedAt => row.created_at = map.next_value::<Option<Timestamp>>()?.map(Timestamp::seconds),
                Field::LastUsedAt => {
                    row.last_used_at = map.next_value::<Option<Timestamp>>()?.map(Timestamp::seconds);
                }
                Field::SizeBytes => row.size_bytes = map.next_value()?,
                Field::Own => {}
            }
        }
        Ok(row)
    }
}
