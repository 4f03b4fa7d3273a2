//! Maps of a document, read strictly: a duplicate key is an error, because the second value would silently replace the
//! first.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

/// A JSON object with keys that the submitter chooses. A duplicate key is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema), schemars(transparent, inline))]
#[serde(transparent)]
pub struct UniqueMap<T>(pub BTreeMap<String, T>);

impl<T> Deref for UniqueMap<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for UniqueMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Entries<T> {
            type Value = UniqueMap<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if entries.contains_key(&key) {
                        return Err(de::Error::custom(format_args!("duplicate key `{key}`")));
                    }
                    entries.insert(key, map.next_value()?);
                }
                Ok(UniqueMap(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Any JSON value, read as strictly as the rest of a document: a duplicate key is an error at every depth.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema), schemars(transparent, inline))]
#[serde(transparent)]
pub struct Free(pub serde_json::Value);

impl<'de> Deserialize<'de> for Free {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> de::Visitor<'de> for Any {
            type Value = serde_json::Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(serde_json::Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Free(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(items.into())
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let entries = UniqueMap::<Free>::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(entries.0.into_iter().map(|(key, Free(value))| (key, value)).collect())
            }
        }

        deserializer.deserialize_any(Any).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_free_value_unchanged() {
        let text = r#"{"a":[1,-2,0.5,"x",null,true,{"b":{}}]}"#;
        assert_eq!(serde_json::to_string(&serde_json::from_str::<Free>(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn rejects_a_duplicate_key_at_any_depth() {
        let error = serde_json::from_str::<Free>(r#"[{"a":[{"b":1,"b":2}]}]"#).unwrap_err().to_string();
        assert!(error.contains("duplicate key `b`"), "{error}");
    }

    #[test]
    fn rejects_a_duplicate_key() {
        let read = |text| serde_json::from_str::<UniqueMap<u64>>(text);
        assert_eq!(read(r#"{"a":1,"b":2}"#).unwrap().0.len(), 2);
        assert!(read(r#"{"a":1,"a":2}"#).unwrap_err().to_string().contains("duplicate key `a`"));
    }
}
