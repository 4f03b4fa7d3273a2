//! One target of a list in JSON, read into a [`Row`] without copying its strings.

use super::mapping::{MAX_PARTS, Mapping, Role, folded, join_parts};
use crate::columns::{Field, LIST_COLUMNS, OwnValue, Row, Slot};
use crate::scalar::{Digits, Scalar, Text};
use crate::text::known;
use crate::times::{numeric_time, time};
use hashbrown::HashSet;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Reads targets whose fields have the names of a mapping.
pub(super) struct RowReader<'m> {
    mapping: &'m Mapping,
    /// Whether a member that holds no field, and a number for a text, is an error. Otherwise the member is left alone, and
    /// a whole number is a text.
    strict: bool,
    /// Names of members that were left alone.
    left_alone: HashSet<String>,
    /// The members that any target had.
    seen: Seen,
}

impl<'m> RowReader<'m> {
    /// Begins a list. If it is `strict`, a member that holds no field is an error, and so is a number for a text.
    pub fn new(mapping: &'m Mapping, strict: bool) -> Self {
        Self { mapping, strict, left_alone: HashSet::new(), seen: Seen(0) }
    }

    /// Reads a text that is one target.
    #[inline]
    pub fn read<'a>(&mut self, text: &'a str) -> Result<Row<'a>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let row = JsonRow { reader: self, exact: false }.deserialize(&mut deserializer);
        match row.and_then(|row| deserializer.end().map(|()| row)) {
            Err(_) => self.read_exactly(text),
            read => read,
        }
    }

    /// Reads a target with numbers of more than 64 bits, or finds what is wrong with it.
    #[cold]
    fn read_exactly<'a>(&mut self, text: &'a str) -> Result<Row<'a>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let row = JsonRow { reader: self, exact: true }.deserialize(&mut deserializer);
        row.and_then(|row| deserializer.end().map(|()| row))
    }

    /// Returns the names of the members that were left alone, and the members that any target had.
    pub fn found(self) -> (HashSet<String>, Seen) {
        (self.left_alone, self.seen)
    }

    /// Returns what a member holds that has not the name of a field; `None` if it is left alone.
    fn other_role(&mut self, name: &str) -> Result<Option<Role>, String> {
        if self.strict {
            return self.mapping.require(name).map(Some);
        }
        if self.left_alone.contains(name) {
            return Ok(None);
        }
        let role = self.mapping.role(name)?;
        if role.is_none() {
            if self.left_alone.len() >= MAX_LEFT_ALONE {
                return Err(too_many_names());
            }
            self.left_alone.insert(name.to_owned());
        }
        Ok(role)
    }
}

/// The maximum number of different names of members that are left alone.
pub(super) const MAX_LEFT_ALONE: usize = 4_096;

/// Describes a list with more of them.
pub(super) fn too_many_names() -> String {
    format!("the list has more than {MAX_LEFT_ALONE} different members that hold no field of a target")
}

/// Reads one target.
pub(super) struct JsonRow<'r, 'm> {
    pub reader: &'r mut RowReader<'m>,
    /// Whether numbers are read digit for digit. That is slower, and needed for numbers of more than 64 bits.
    pub exact: bool,
}

impl<'de> DeserializeSeed<'de> for JsonRow<'_, '_> {
    type Value = Row<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// The members that a target has so far: one bit per list column, then one per part of the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u32);

const PARTS_FROM: usize = 16;
const _: () = assert!(LIST_COLUMNS.len() < PARTS_FROM && PARTS_FROM + MAX_PARTS <= 32, "each member has a bit");

impl Seen {
    fn bit(role: Role) -> u32 {
        1 << role.part.map_or(role.field.position(), |part| PARTS_FROM + usize::from(part))
    }

    fn mark<E: Error>(&mut self, role: Role, name: &str) -> Result<(), E> {
        let bit = Self::bit(role);
        if self.0 & bit != 0 {
            return Err(duplicated(name));
        }
        self.0 |= bit;
        Ok(())
    }

    /// Whether a member was there.
    pub fn has(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    /// Adds the members of other targets.
    pub const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

fn duplicated<E: Error>(name: &str) -> E {
    E::custom(format_args!("the field `{name}` is duplicated"))
}

impl<'m> JsonRow<'_, 'm> {
    /// Reads a text, or a whole number by its digits.
    #[inline]
    fn text<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
        if self.reader.strict {
            return Ok(map.next_value::<Text<'de>>()?.0);
        }
        if self.exact {
            return Scalar::exact_text(map);
        }
        Ok(map.next_value::<Digits<'de>>()?.0)
    }

    fn time<'de, A: MapAccess<'de>>(&self, field: Field, map: &mut A) -> Result<Option<i64>, A::Error> {
        let numbers = self.reader.mapping.times;
        let read = match map.next_value::<Scalar<'de>>()? {
            Scalar::Null => Ok(None),
            Scalar::Text(text) => time(field.name(), &text, numbers),
            Scalar::Negative(number) => numeric_time(number, numbers),
            Scalar::Unsigned(number) => match i64::try_from(number) {
                Ok(number) => numeric_time(number, numbers),
                Err(_) => Err(format!("`{number}` is not within the years 0000 to 9999")),
            },
            Scalar::Inexact => {
                Err("a number with a fraction is not a time; write it like `2030-01-31T12:00:00Z`".to_owned())
            }
        };
        read.map_err(A::Error::custom)
    }
}

impl<'de> Visitor<'de> for JsonRow<'_, '_> {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target: an object with `id`, `kind` and `tenant`")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Row<'de>, A::Error> {
        let mut row = Row::default();
        let mut seen = Seen(0);
        // It stays empty, which costs nothing, unless the id is joined.
        let mut parts: Vec<Option<Cow<'de, str>>> = Vec::new();
        let count = self.reader.mapping.parts();
        parts.resize(count, None);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let name = name.unwrap_or_default();
            let role = match self.reader.mapping.known(&name) {
                Some(role) if role.field.slot != Slot::Own => role,
                _ => match self.reader.other_role(&name).map_err(A::Error::custom)? {
                    Some(role) => role,
                    None => {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                },
            };
            let field = role.field;
            if field.slot == Slot::Own {
                if row.own.iter().any(|other| other.name == name || folded(&other.name) == folded(&name)) {
                    return Err(duplicated(&name));
                }
                if let Some(text) = map.next_value::<Text<'de>>()?.0.and_then(known) {
                    row.own.push(OwnValue { name, text });
                }
                continue;
            }
            seen.mark(role, &name)?;
            match (field.slot, role.part) {
                (Slot::Id, Some(part)) => {
                    let text = self.text(&mut map)?;
                    parts.get_mut(usize::from(part)).into_iter().for_each(|part| part.clone_from(&text));
                }
                (Slot::Id, None) => row.id = self.text(&mut map)?,
                (Slot::Text(i), _) => row.texts[i] = self.text(&mut map)?.and_then(known),
                (Slot::Time(i), _) => row.times[i] = self.time(field, &mut map)?,
                (Slot::Number(i), _) => row.numbers[i] = map.next_value()?,
                (Slot::Own, _) => {}
            }
        }
        self.reader.seen.add(seen);
        if count > 0 {
            row.id = join_parts(parts).map(Cow::Owned);
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(json: &'a str) -> Result<Row<'a>, String> {
        RowReader::new(&Mapping::default(), false).read(json).map_err(|error| error.to_string())
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

    #[test]
    fn reads_a_whole_number_as_an_id_digit_for_digit() {
        for id in
            ["7", "0", "-1", "-0", "109252111498807689", "18446744073709551616", "123456789012345678901234567890"]
        {
            let json = format!(r#"{{"id": {id}, "kind": 7}}"#);
            let row = read(&json).unwrap();
            assert_eq!((row.id.as_deref(), row.texts.iter().flatten().count()), (Some(id), 1), "{id}");
        }
        for id in ["1.0", "1e3", "1E3", "9.43e17", "true", "[1]", "{}"] {
            let error = read(&format!(r#"{{"id": {id}}}"#)).expect_err(id);
            assert!(error.contains("whole number"), "{id}: {error}");
        }
        let mixed = read(r#"{"kind": "a\u0062", "id": 18446744073709551616, "tenant": null}"#).unwrap();
        assert_eq!(mixed.texts.iter().flatten().map(Cow::as_ref).collect::<Vec<_>>(), ["ab"]);
    }

    #[test]
    fn leaves_other_members_alone_but_no_misspelled_one() {
        let json = r#"{"id": "a", "metadata": {"tags": [{"id": "b"}]}, "Size": 7, "Size": null, "updated_at": "x"}"#;
        assert_eq!(read(json).unwrap().id.as_deref(), Some("a"));
        let error = read(r#"{"id": "a", "tennant": "t"}"#).unwrap_err();
        assert!(error.starts_with("a target has no field `tennant`; did you mean `tenant`?"), "{error}");
        let mapping = Mapping::default();
        for json in [json, r#"{"id": 7}"#] {
            assert!(RowReader::new(&mapping, true).read(json).is_err(), "a request has no other members: {json}");
        }
        let members = |count: usize| (0..count).map(|i| format!(r#", "m{i}": 0"#)).collect::<String>();
        for (count, is_read) in [(MAX_LEFT_ALONE, true), (MAX_LEFT_ALONE + 1, false)] {
            assert_eq!(read(&format!(r#"{{"id": "a"{}}}"#, members(count))).is_ok(), is_read, "{count}");
        }
    }
}
