//! Settings: what an operator may change, each with its meaning, unit, bounds and default in one place.

use crate::rule::paragraph;
use miniserde::de::{Deserialize, Visitor};
use miniserde::ser::Fragment;
use miniserde::{Serialize, json, make_place};
use std::collections::BTreeMap;
use std::fmt::Display;

/// The settings of a policy. Implemented by [`settings!`](crate::settings).
pub trait Settings: Default + 'static {
    /// Reads them from JSON; what is not given has its default.
    ///
    /// # Errors
    /// What cannot be read. The host has checked them against the schema before.
    fn read(json: &str) -> Result<Self, String>;

    /// A JSON Schema of these settings.
    fn schema() -> String;
}

/// A type a setting can have.
pub trait Setting: Serialize {
    /// The keywords of JSON Schema for the type alone.
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

/// A time zone, as in `Europe/Berlin`. The host checks that there is one of this name, and tells the policy how far its
/// clock is ahead: see [`Case::local`](crate::Case::local).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(pub String);

impl Setting for TimeZone {
    fn keywords() -> String {
        r#""type":"string","format":"time-zone""#.to_owned()
    }
}

impl Serialize for TimeZone {
    fn begin(&self) -> Fragment<'_> {
        self.0.begin()
    }
}

make_place!(Place);

impl Deserialize for TimeZone {
    fn begin(out: &mut Option<Self>) -> &mut dyn Visitor {
        Place::new(out)
    }
}

impl Visitor for Place<TimeZone> {
    fn string(&mut self, name: &str) -> miniserde::Result<()> {
        self.out = Some(TimeZone(name.to_owned()));
        Ok(())
    }
}

/// The schema of one setting: that of its type, and what stands beside it in [`settings!`](crate::settings).
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
        json::to_string(&paragraph(doc)),
        json::to_string(default),
    );
    if let Some((least, most, unit)) = number {
        schema += &format!(",\"minimum\":{least},\"maximum\":{most},\"x-unit\":\"{unit}\"");
    }
    schema + "}"
}

/// The schema of all of them.
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
                use $crate::miniserde;

                #[derive(miniserde::Deserialize)]
                struct Given {
                    $($field: Option<$type>,)*
                }

                let given: Given = miniserde::json::from_str(json).map_err(|_| "not settings of this policy".to_owned())?;
                Ok(Self { $($field: given.$field.unwrap_or_else(|| $default),)* })
            }

            fn schema() -> String {
                let defaults = Self::default();
                $crate::object(&[$({
                    #[allow(unused_mut, unused_assignments)]
                    let mut number: Option<(&dyn ::std::fmt::Display, &dyn ::std::fmt::Display, &str)> = None;
                    $(number = Some((&$least, &$most, $unit));)?
                    $crate::property::<$type>(stringify!($field), &[$($doc),+], &defaults.$field, number)
                }),*])
            }
        }
    };
    // What is not as above comes here, for an error that names the setting.
    ($(#[doc = $about:literal])+ pub struct $name:ident { $($body:tt)* }) => {
        $crate::settings!(@field $($body)*);
    };
    (@field $(#[doc = $doc:literal])+ $field:ident : $type:ty = $default:expr $(, $least:literal ..= $most:literal, $unit:literal)?; $($rest:tt)*) => {
        $crate::settings!(@field $($rest)*);
    };
    (@field $(#[doc = $doc:literal])+ $field:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "the setting `", stringify!($field), "` is not written as `name: type = default;` or, for a number, as \
             `name: type = default, least..=most, \"unit\";`"
        ));
    };
    (@field $field:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "the setting `", stringify!($field), "` needs a documentation comment (`///`): what it means"
        ));
    };
    ($($other:tt)*) => {
        ::core::compile_error!("settings! takes a documentation comment (`///`) and `pub struct Name { … }`");
    };
}
