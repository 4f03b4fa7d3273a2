//! Settings: what an operator may configure, each with its meaning, unit, bounds and default in one place.

use crate::rule::paragraph;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;

/// The settings of a policy. Implemented by [`settings!`](crate::settings).
pub trait Settings: Default + 'static {
    /// Reads settings from JSON. A setting that is absent has its default.
    ///
    /// # Errors
    /// They do not match the schema. The host checks this before a policy sees them.
    fn read(json: &str) -> Result<Self, String>;

    /// A JSON Schema of these settings.
    fn schema() -> String;
}

/// A type that a setting can have.
pub trait Setting: Serialize {
    /// The JSON Schema keywords of the type.
    fn keywords() -> String;
}

macro_rules! scalar {
    ($($type:ty = $name:literal),*) => {
        $(impl Setting for $type {
            fn keywords() -> String {
                concat!("\"type\":\"", $name, "\"").to_owned()
            }
        })*
    };
}

scalar!(u64 = "integer", f64 = "number", bool = "boolean", String = "string");

impl<T: Setting> Setting for Vec<T> {
    fn keywords() -> String {
        format!("\"type\":\"array\",\"uniqueItems\":true,\"items\":{{{}}}", T::keywords())
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    fn keywords() -> String {
        format!("\"type\":\"object\",\"additionalProperties\":{{{}}}", T::keywords())
    }
}

/// The name of a time zone, for example `Europe/Berlin`. The host checks that it exists and passes its offset from UTC
/// to the policy: see [`Context::local`](crate::Context::local).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeZone(pub String);

impl Setting for TimeZone {
    fn keywords() -> String {
        r#""type":"string","format":"time-zone""#.to_owned()
    }
}

/// The schema of one setting: the schema of its type, plus what [`settings!`](crate::settings) declares.
#[doc(hidden)]
pub fn property<T: Setting>(
    name: &str,
    doc: &[&str],
    default: &T,
    number: Option<(&dyn Display, &dyn Display, &str)>,
) -> String {
    let mut schema = format!(
        "\"{name}\":{{{},\"description\":{},\"default\":{}",
        T::keywords(),
        json(&paragraph(doc)),
        json(default),
    );
    if let Some((min, max, unit)) = number {
        schema += &format!(",\"minimum\":{min},\"maximum\":{max},\"x-unit\":\"{unit}\"");
    }
    schema + "}"
}

fn json(value: &impl Serialize) -> String {
    // Neither a text nor the value of a setting has a key that is not a text, so it can be written.
    serde_json::to_string(value).unwrap_or_default()
}

/// The schema of all settings.
#[doc(hidden)]
pub fn object(properties: &[String]) -> String {
    format!(
        "{{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\
         \"additionalProperties\":false,\"properties\":{{{}}}}}",
        properties.join(",")
    )
}

/// Declares the settings of a policy: a struct, its defaults and its JSON Schema.
///
/// ```
/// reprieve_sdk::settings! {
///     /// Settings of the policy `small-batches`.
///     pub struct Settings {
///         /// Targets that one batch may hold.
///         max_targets: u64 = 100, min = 0, max = 1_000_000, unit = "targets";
///         /// Kinds of targets that the limit does not apply to.
///         exempt: Vec<String> = Vec::new();
///     }
/// }
/// # fn main() { assert_eq!(Settings::default().max_targets, 100) }
/// ```
///
/// Each setting has a documentation comment, a type and a default. A number has bounds and a unit as well. A setting
/// that the operator does not set has its default; a setting that does not exist is an error.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $type:ty = $default:expr $(, min = $min:literal, max = $max:literal, unit = $unit:literal)?;
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::Settings for $name {
            fn read(json: &str) -> Result<Self, String> {
                use $crate::serde;

                #[derive(serde::Deserialize)]
                #[serde(crate = "serde")]
                struct Given {
                    $($field: Option<$type>,)*
                }

                let given: Given =
                    $crate::serde_json::from_str(json).map_err(|_| "they do not match the schema of this policy".to_owned())?;
                Ok(Self { $($field: given.$field.unwrap_or_else(|| $default),)* })
            }

            fn schema() -> String {
                let defaults = Self::default();
                $crate::object(&[$({
                    #[allow(unused_mut, unused_assignments)]
                    let mut number: Option<(&dyn ::std::fmt::Display, &dyn ::std::fmt::Display, &str)> = None;
                    $(number = Some((&$min, &$max, $unit));)?
                    $crate::property::<$type>(stringify!($field), &[$($doc),+], &defaults.$field, number)
                }),*])
            }
        }
    };
    // Input that the first arm does not match comes here, for an error that names the setting.
    ($(#[doc = $about:literal])+ pub struct $name:ident { $($body:tt)* }) => {
        $crate::settings!(@field $($body)*);
    };
    (@field
        $(#[doc = $doc:literal])+
        $field:ident : $type:ty = $default:expr $(, min = $min:literal, max = $max:literal, unit = $unit:literal)?;
        $($rest:tt)*
    ) => {
        $crate::settings!(@field $($rest)*);
    };
    (@field $(#[doc = $doc:literal])+ $field:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "cannot read the setting `", stringify!($field), "`: expected `name: type = default;` or, for a number, \
             `name: type = default, min = 0, max = 9, unit = \"unit\";`"
        ));
    };
    (@field $field:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "the setting `", stringify!($field), "` needs a documentation comment (`///`): what it means"
        ));
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "expected a documentation comment (`///`) and `pub struct Name { … }`"
        );
    };
}
