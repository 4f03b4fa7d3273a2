//! Values in JSON that borrow from the text they are read from.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A string that borrows from the input unless it has escapes; null is unknown.
pub(crate) struct Text<'a>(pub Option<Cow<'a, str>>);

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

/// A string, or a whole number by its digits; null is unknown. A number whose digits are not known is an error: one with a
/// fraction or an exponent, or of more than 64 bits. [`Scalar::exact_text`] reads the digits of the latter.
pub(crate) struct Digits<'a>(pub Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Digits<'de> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Digits<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Digits(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Digits(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Digits(None))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Digits(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Digits(Some(Cow::Owned(number.to_string()))))
            }
        }
        deserializer.deserialize_any(Borrow)
    }
}

/// A string, a number or null.
pub(crate) enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
    Unsigned(u64),
    /// A whole number below 0.
    Negative(i64),
    /// A number with a fraction or an exponent, or one of more than 64 bits: its value is rounded.
    Inexact,
}

const EXPECTED: &str = "a string, a whole number or null";

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Null)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Unsigned(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Negative(number))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Inexact)
            }
        }
        deserializer.deserialize_any(Borrow)
    }
}

impl<'a> Scalar<'a> {
    /// Reads the value of a member as text: a string, or a whole number digit for digit.
    pub fn exact_text<A: MapAccess<'a>>(map: &mut A) -> Result<Option<Cow<'a, str>>, A::Error> {
        let raw = map.next_value::<&'a RawValue>()?.get();
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Some(Cow::Borrowed(raw)));
        }
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(A::Error::custom(format_args!(
                "`{raw}` is not written as a whole number; write an id in quotes"
            )));
        }
        let invalid = |found| A::Error::custom(format_args!("invalid type: {found}, expected {EXPECTED}"));
        match serde_json::from_str(raw) {
            Ok(Text(text)) => Ok(text),
            Err(_) => Err(match raw.as_bytes().first() {
                Some(b'[') => invalid("sequence"),
                Some(b'{') => invalid("map"),
                _ => invalid("boolean"),
            }),
        }
    }
}
