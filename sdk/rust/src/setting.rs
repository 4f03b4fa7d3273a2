//! Settings: what an operator may change, each with its meaning, unit, bounds and default in one place.

use crate::rule::paragraph;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The settings of a policy. Implemented by [`settings!`](crate::settings).
pub trait Settings: Default + DeserializeOwned + 'static {
    /// A JSON Schema of these settings.
    fn schema() -> Value;
}

/// A type a setting can have.
pub trait Setting {
    /// The JSON Schema of the type alone.
    fn schema() -> Value;
}

impl Setting for u64 {
    fn schema() -> Value {
        json!({ "type": "integer" })
    }
}

impl Setting for f64 {
    fn schema() -> Value {
        json!({ "type": "number" })
    }
}

impl Setting for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

impl Setting for String {
    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema(), "uniqueItems": true })
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

/// The schema of one setting: that of its type, and what stands beside it in [`settings!`](crate::settings).
#[doc(hidden)]
pub fn property<T: Setting>(
    doc: &[&str],
    default: Value,
    range: Option<(Value, Value)>,
    unit: Option<&str>,
) -> Value {
    let mut schema = T::schema();
    schema["description"] = paragraph(doc).into();
    schema["default"] = default;
    if let Some((least, most)) = range {
        schema["minimum"] = least;
        schema["maximum"] = most;
    }
    if let Some(unit) = unit {
        schema["x-unit"] = unit.into();
    }
    schema
}

/// Declares the settings of a policy: a struct, its defaults and its JSON Schema.
///
/// Each setting has a documentation comment, a type, a default and, for a number, its bounds and its unit:
/// `max_tenants: u64 = 60, 0..=1_000_000, "tenants";`. A setting that is not given has its default; one that does
/// not exist is an error.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident : $type:ty = $default:expr $(, $least:literal ..= $most:literal, $unit:literal)?;)*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, $crate::serde::Deserialize)]
        #[serde(crate = "reprieve_sdk::serde", default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::Settings for $name {
            fn schema() -> $crate::serde_json::Value {
                let defaults = Self::default();
                let mut properties = $crate::serde_json::Map::new();
                $(
                    #[allow(unused_mut, unused_assignments)]
                    let (mut range, mut unit) = (None, None);
                    $(
                        range = Some(($crate::serde_json::json!($least), $crate::serde_json::json!($most)));
                        unit = Some($unit);
                    )?
                    let default = $crate::serde_json::json!(defaults.$field);
                    properties.insert(
                        stringify!($field).to_owned(),
                        $crate::property::<$type>(&[$($doc),+], default, range, unit),
                    );
                )*
                $crate::serde_json::json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "type": "object",
                    "additionalProperties": false,
                    "properties": properties,
                })
            }
        }
    };
}
