//! Maps of a document, read strictly: a key that stands there twice is an error, because the second value would
//! silently win.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

/// A JSON object with keys of the submitter's choosing, each at most once.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema), schemars(transparent))]
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
                        return Err(de::Error::custom(format_args!("the key `{key}` stands here twice")));
                    }
                    entries.insert(key, map.next_value()?);
                }
                Ok(UniqueMap(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_stand_once() {
        let read = |text| serde_json::from_str::<UniqueMap<u64>>(text);
        assert_eq!(read(r#"{"a":1,"b":2}"#).unwrap().0.len(), 2);
        assert!(read(r#"{"a":1,"a":2}"#).unwrap_err().to_string().contains("`a` stands here twice"));
    }
}
