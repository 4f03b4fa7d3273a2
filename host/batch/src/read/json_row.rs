//! One target of a list in JSON, read into a [`Row`] without copying its strings.

use super::mapping::{Mapping, folded};
use crate::columns::{Field, OwnValue, Row, Slot};
use crate::text::{known, time};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Reads a target whose fields have the names of a mapping.
#[derive(Clone, Copy)]
pub(super) struct JsonRow<'m>(pub &'m Mapping);

impl<'de> DeserializeSeed<'de> for JsonRow<'_> {
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

/// The fields that a target has so far: one bit per list column.
struct Seen(u32);

impl Seen {
    fn mark<E: Error>(&mut self, field: Field, name: &str) -> Result<(), E> {
        let bit = 1 << field.position();
        if self.0 & bit != 0 {
            return Err(duplicated(name));
        }
        self.0 |= bit;
        Ok(())
    }
}

fn duplicated<E: Error>(name: &str) -> E {
    E::custom(format_args!("the field `{name}` is duplicated"))
}

impl<'de> Visitor<'de> for JsonRow<'_> {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target: an object with `id`, `kind` and `tenant`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
        let mut row = Row::default();
        let mut seen = Seen(0);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let name = name.unwrap_or_default();
            let field = self.0.require_field(&name).map_err(A::Error::custom)?;
            if field.slot == Slot::Own {
                if row.own.iter().any(|other| other.name == name || folded(&other.name) == folded(&name)) {
                    return Err(duplicated(&name));
                }
                if let Some(text) = map.next_value::<Text<'de>>()?.0.and_then(known) {
                    row.own.push(OwnValue { name, text });
                }
                continue;
            }
            seen.mark(field, &name)?;
            match field.slot {
                Slot::Id => row.id = map.next_value::<Text<'de>>()?.0,
                Slot::Text(i) => row.texts[i] = map.next_value::<Text<'de>>()?.0.and_then(known),
                Slot::Time(i) => {
                    let text = map.next_value::<Text<'de>>()?.0.unwrap_or_default();
                    row.times[i] = time(&text).map_err(A::Error::custom)?;
                }
                Slot::Number(i) => row.numbers[i] = map.next_value()?,
                Slot::Own => {}
            }
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(json: &'a str) -> Result<Row<'a>, String> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        JsonRow(&Mapping::default()).deserialize(&mut deserializer).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_words_for_nothing_as_unknown_except_in_ids() {
        let nothing = r#"{"id": "NULL", "kind": " ", "tenant": "None", "x_own": "n/a", "created_at": "\\N"}"#;
        let row = read(nothing).unwrap();
        assert_eq!(row.id.as_deref(), Some("NULL"));
        assert!(row.texts.iter().all(Option::is_none) && row.times.iter().all(Option::is_none));
        assert!(row.own.is_empty());
        assert!(read(r#"{"id": "a", "created_at": 7}"#).is_err());
    }

    #[test]
    fn rejects_duplicated_fields() {
        for json in [r#"{"id": "a", "id": null}"#, r#"{"kind": "a", "kind": "b"}"#, r#"{"x_a": "a", "x_a": "b"}"#] {
            assert!(read(json).unwrap_err().contains("is duplicated"), "{json}");
        }
    }
}
