//! A row of an inventory in JSON. Null and absent are unknown; an empty list of dependents is known.

use super::Sharers;
use super::column::{InventoryColumn, inventory_column};
use super::row::{InventoryRow, InventoryRowBuilder};
use crate::scalar::{Digits, Scalar, Text};
use crate::text::{flag, is_unknown, number};
use crate::times::{retain_until, time};
use hashbrown::HashMap;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The maximum number of different names of members.
const MAX_NAMES: usize = 4_096;

/// Reads rows of an inventory in JSON. Members that are no column are left alone, unless their name looks like that of one.
#[derive(Debug, Default)]
pub(crate) struct InventoryReader {
    /// The column of each name that was seen, if it has one.
    names: HashMap<String, Option<InventoryColumn>>,
    /// The names in the order in which they were seen.
    pub seen: Vec<SeenName>,
    /// The line of the row that is being read.
    pub line: u64,
}

/// A name of a member.
#[derive(Debug)]
pub(crate) struct SeenName {
    pub name: String,
    /// The line of the first row that has it.
    pub line: u64,
}

/// Checks that rows do not have too many different names of members.
pub(crate) fn check_names(count: usize) -> Result<(), String> {
    if count > MAX_NAMES {
        return Err(format!("the inventory has more than {MAX_NAMES} different members"));
    }
    Ok(())
}

impl InventoryReader {
    /// Reads a text that is one row. The outer error is one of the JSON, the inner one of the row.
    pub fn read<'a>(&mut self, json: &'a str) -> Result<Result<InventoryRow<'a>, String>, serde_json::Error> {
        let row = match self.read_as(json, false) {
            Err(_) => self.read_as(json, true),
            read => read,
        };
        row.map(InventoryRowBuilder::finish)
    }

    fn read_as<'a>(&mut self, json: &'a str, exact: bool) -> Result<InventoryRowBuilder<'a>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let row = JsonRow { reader: self, exact }.deserialize(&mut deserializer)?;
        deserializer.end().map(|()| row)
    }

    fn column(&mut self, name: &str) -> Result<Option<InventoryColumn>, String> {
        if let Some(column) = self.names.get(name) {
            return Ok(*column);
        }
        let column = inventory_column(name)?;
        check_names(self.names.len() + 1)?;
        self.names.insert(name.to_owned(), column);
        self.seen.push(SeenName { name: name.to_owned(), line: self.line });
        Ok(column)
    }
}

struct JsonRow<'r> {
    reader: &'r mut InventoryReader,
    /// Whether numbers are read digit for digit. That is slower, and needed for numbers of more than 64 bits.
    exact: bool,
}

impl<'de> DeserializeSeed<'de> for JsonRow<'_> {
    type Value = InventoryRowBuilder<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<InventoryRowBuilder<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl JsonRow<'_> {
    /// Reads a text, or a whole number by its digits.
    fn text<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
        if self.exact {
            return Scalar::exact_text(map);
        }
        Ok(map.next_value::<Digits<'de>>()?.0)
    }
}

impl<'de> Visitor<'de> for JsonRow<'_> {
    type Value = InventoryRowBuilder<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of an inventory: an object with `id` and what is known of it")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<InventoryRowBuilder<'de>, A::Error> {
        let mut row = InventoryRowBuilder::default();
        // One bit for each column that was seen.
        let mut seen = 0_u32;
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let name = name.unwrap_or_default();
            let Some(column) = self.reader.column(&name).map_err(A::Error::custom)? else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let bit = 1 << column as u32;
            if seen & bit != 0 {
                return Err(A::Error::custom(format_args!("the field `{name}` is duplicated")));
            }
            self.member(column, &mut map, &mut row)?;
            seen |= bit;
        }
        if seen & (1 << InventoryColumn::Id as u32) == 0 {
            return Err(A::Error::custom("missing field `id`"));
        }
        Ok(row)
    }
}

impl JsonRow<'_> {
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        column: InventoryColumn,
        map: &mut A,
        builder: &mut InventoryRowBuilder<'de>,
    ) -> Result<(), A::Error> {
        use InventoryColumn as C;
        let name = column.name();
        let in_column = |message: String| A::Error::custom(format_args!("`{name}`: {message}"));
        let row = &mut builder.row;
        match column {
            C::Id => row.id = self.text(map)?.unwrap_or_default(),
            C::StateSince | C::CreatedAt | C::LastUsedAt => {
                let text = self.text(map)?.unwrap_or_default();
                let at = time(name, &text, None).map_err(in_column)?;
                builder.set_time(column, at);
            }
            C::RetainUntil => {
                let text = self.text(map)?.unwrap_or_default();
                row.retain_until = retain_until(&text).map_err(in_column)?;
            }
            C::SizeBytes => row.size_bytes = self.number(map)?.map_err(in_column)?,
            C::PoolMinimum => row.pool_minimum = self.number(map)?.map_err(in_column)?,
            C::Tenants => row.tenants = map.next_value::<Tenants>()?.0.map_err(in_column)?,
            C::Dependents => row.dependents = map.next_value::<Option<Ids>>()?.map(|ids| ids.0),
            C::LegalHold => row.legal_hold = map.next_value::<Flag>()?.0.map_err(in_column)?,
            C::Kind | C::Tenant | C::Environment | C::State | C::Pool | C::Owner | C::Contact => {
                let text = self.text(map)?.filter(|text| !is_unknown(text));
                builder.set_name(column, text);
            }
        }
        Ok(())
    }

    fn number<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Result<Option<u64>, String>, A::Error> {
        Ok(number(&self.text(map)?.unwrap_or_default()))
    }
}

/// A list of ids, of which whole numbers are read by their digits.
struct Ids(Vec<String>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Ids;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of ids")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Ids, A::Error> {
                let mut ids = Vec::new();
                while let Some(item) = items.next_element::<Scalar<'de>>()? {
                    ids.push(match item {
                        Scalar::Text(text) => text.into_owned(),
                        Scalar::Unsigned(number) => number.to_string(),
                        Scalar::Negative(number) => number.to_string(),
                        Scalar::Null | Scalar::Inexact => {
                            return Err(A::Error::custom("an item of the list is not an id; write it in quotes"));
                        }
                    });
                }
                Ok(Ids(ids))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// The tenants of a thing: a list of names, a number, or null.
struct Tenants(Result<Option<Sharers>, String>);

impl<'de> Deserialize<'de> for Tenants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Tenants;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of the names of tenants, a whole number or null")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tenants, A::Error> {
                let mut names = Vec::new();
                while let Some(item) = items.next_element::<Scalar<'de>>()? {
                    names.push(match item {
                        Scalar::Null => None,
                        Scalar::Text(text) => Some(text.into_owned()),
                        Scalar::Unsigned(number) => Some(number.to_string()),
                        Scalar::Negative(number) => Some(number.to_string()),
                        Scalar::Inexact => {
                            return Err(A::Error::custom("an item of the list is not a name; write it in quotes"));
                        }
                    });
                }
                Ok(Tenants(Ok(Sharers::of_names(names))))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Tenants, E> {
                Ok(Tenants(Sharers::of_number(number)))
            }

            /// A text may be a number or a word for nothing. A name is in a list.
            fn visit_str<E: Error>(self, text: &str) -> Result<Tenants, E> {
                let number = number(text).map_err(|_| format!("expected a list or a whole number, found `{text}`"));
                Ok(Tenants(number.and_then(|number| number.map_or(Ok(None), Sharers::of_number))))
            }

            fn visit_unit<E: Error>(self) -> Result<Tenants, E> {
                Ok(Tenants(Ok(None)))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// A flag: true, false, null, or one of the words for them.
struct Flag(Result<Option<bool>, String>);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false` or null")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(Ok(Some(value))))
            }

            fn visit_unit<E: Error>(self) -> Result<Flag, E> {
                Ok(Flag(Ok(None)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                Ok(Flag(flag(text.trim())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Flag, E> {
                Ok(Flag(flag(&number.to_string())))
            }
        }
        deserializer.deserialize_any(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn read(json: &str) -> Result<(String, Record), String> {
        let row = InventoryReader::default().read(json).map_err(|error| error.to_string())??;
        Ok((row.id.to_string(), row.fields().to_record()))
    }

    #[test]
    fn reads_numbers_flags_and_dates_and_leaves_other_members_alone() {
        let json = r#"{"id": 123456789012345678901, "tenant": 7, "legal_hold": "f", "size_bytes": "9",
            "dependents": ["a", 7], "created_at": "2030-01-31 12:00:00+00", "retain_until": "infinity",
            "Tags": [{"Key": "id"}], "x_own": [1], "owner": null}"#;
        let (id, record) = read(json).unwrap();
        assert_eq!(id, "123456789012345678901");
        let expected = Record {
            tenant: Some("7".to_owned()),
            legal_hold: Some(false),
            size_bytes: Some(9),
            dependents: Some(vec!["a".to_owned(), "7".to_owned()]),
            created_at: Some(1_896_091_200),
            retain_until: Some(253_402_300_799),
            ..Record::default()
        };
        assert_eq!(record, expected);
    }

    #[test]
    fn reads_tenants_as_names_or_a_number() {
        let tenants = |json: &str| read(&format!(r#"{{"id": "a", "tenants": {json}}}"#)).unwrap().1.tenants;
        let sharers = |names: &[&str], unnamed| {
            Some(Sharers { names: names.iter().map(|name| (*name).to_owned()).collect(), unnamed })
        };
        assert_eq!(tenants(r#"["b", "c;d", 7, "b", null, "n/a"]"#), sharers(&["b", "c;d", "7"], 2));
        assert_eq!((tenants("400"), tenants(r#""400""#)), (sharers(&[], 400), sharers(&[], 400)));
        for none in ["0", "[]", "null", r#""""#, r#""NULL""#] {
            assert_eq!(tenants(none), None, "{none}");
        }
    }

    #[test]
    fn rejects_what_may_be_a_mistake() {
        for (json, part) in [
            (r#"{"id": "a", "legal_hodl": true}"#, "did you mean `legal_hold`?"),
            (r#"{"id": "a", "LegalHold": true}"#, "did you mean `legal_hold`?"),
            (r#"{"id": "a", "legal_hold": "maybe"}"#, "expected `true` or `false`, found `maybe`"),
            (r#"{"id": "a", "legal_hold": 2}"#, "expected `true` or `false`, found `2`"),
            (r#"{"id": "a", "kind": "b", "kind": "b"}"#, "is duplicated"),
            (r#"{"kind": "a"}"#, "missing field `id`"),
            (r#"{"id": null}"#, "the id is empty"),
            (r#"{"id": 1.0}"#, "is not written as a whole number"),
            (r#"{"id": "a", "dependents": [1.5]}"#, "is not an id"),
            (r#"{"id": "a", "dependents": "b"}"#, "expected a list of ids"),
            (r#"{"id": "a", "tenants": "b"}"#, "expected a list or a whole number, found `b`"),
            (r#"{"id": "a", "tenants": 1.5}"#, "expected a list of the names of tenants"),
            (r#"{"id": "a", "tenants": -1}"#, "expected a list of the names of tenants"),
            (r#"{"id": "a", "tenants": 12345678901234567890123}"#, "expected a list of the names of tenants"),
            (r#"{"id": "a", "tenants": 1000000001}"#, "at most 1000000000 are allowed"),
            (r#"{"id": "a", "tenants": [["b"]]}"#, "expected a string, a whole number or null"),
            (r#"{"id": "a", "tenants": ["b\u0000"]}"#, "`tenants`: it contains the control character"),
            (r#"{"id": "a", "retain_until": 1893456000}"#, "2030-01-01T00:00:00Z in seconds"),
            (r#"{"id": "a", "size_bytes": -1}"#, "is not a whole number"),
            (r#"{"id": "a"} {}"#, "trailing"),
            (r#"[1]"#, "expected a row of an inventory"),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
