//! Reading the values of Arrow arrays as text, numbers and times.

use crate::times::{numeric_time, of_date, time};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use reprieve_model::{NumericTimes, Timestamp};
use std::borrow::Cow;

/// The years 0000 to 9999 in seconds since 1970. RFC 3339 has no other years.
const RFC_3339_YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// The text of a row; `None` if it is null.
pub(super) type Texts<'a> = Box<dyn Fn(usize) -> Option<Cow<'a, str>> + 'a>;
/// The time of a row; `None` if it is null.
pub(super) type Times<'a> = Box<dyn Fn(usize) -> Result<Option<i64>, String> + 'a>;
/// The number of a row; `None` if it is null.
pub(super) type Integers<'a> = Box<dyn Fn(usize) -> Option<i128> + 'a>;

/// Reads an array as text: strings, whole numbers, and UUIDs.
pub(super) fn texts(array: &ArrayRef) -> Result<Texts<'_>, String> {
    fn borrowed<'a>(array: &'a ArrayRef, get: impl Fn(usize) -> &'a str + 'a) -> Texts<'a> {
        Box::new(move |row| array.is_valid(row).then(|| Cow::Borrowed(get(row))))
    }
    Ok(match array.data_type() {
        DataType::Utf8 => {
            let array_of = array.as_string::<i32>();
            borrowed(array, |row| array_of.value(row))
        }
        DataType::LargeUtf8 => {
            let array_of = array.as_string::<i64>();
            borrowed(array, |row| array_of.value(row))
        }
        DataType::Utf8View => {
            let array_of = array.as_string_view();
            borrowed(array, |row| array_of.value(row))
        }
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = texts(dictionary.values())?;
            if dictionary.values().is_empty() {
                return Ok(Box::new(|_| None));
            }
            let keys = dictionary.normalized_keys();
            Box::new(move |row| if array.is_valid(row) { values(*keys.get(row)?) } else { None })
        }
        DataType::FixedSizeBinary(16) => {
            let bytes = array.as_fixed_size_binary();
            Box::new(move |row| array.is_valid(row).then(|| Cow::Owned(uuid(bytes.value(row)))))
        }
        DataType::Boolean => {
            let bools = array.as_boolean();
            Box::new(move |row| {
                array.is_valid(row).then(|| Cow::Borrowed(if bools.value(row) { "true" } else { "false" }))
            })
        }
        DataType::Null => Box::new(|_| None),
        _ => {
            let integers = integers(array)?;
            Box::new(move |row| integers(row).map(|number| Cow::Owned(number.to_string())))
        }
    })
}

fn numbers<'a, T: ArrowPrimitiveType<Native: Into<i128>>>(array: &'a ArrayRef) -> Integers<'a> {
    let numbers = array.as_primitive::<T>();
    Box::new(move |row| array.is_valid(row).then(|| numbers.value(row).into()))
}

/// Reads an array as whole numbers.
pub(super) fn integers(array: &ArrayRef) -> Result<Integers<'_>, String> {
    Ok(match array.data_type() {
        DataType::Int8 => numbers::<Int8Type>(array),
        DataType::Int16 => numbers::<Int16Type>(array),
        DataType::Int32 => numbers::<Int32Type>(array),
        DataType::Int64 => numbers::<Int64Type>(array),
        DataType::UInt8 => numbers::<UInt8Type>(array),
        DataType::UInt16 => numbers::<UInt16Type>(array),
        DataType::UInt32 => numbers::<UInt32Type>(array),
        DataType::UInt64 => numbers::<UInt64Type>(array),
        DataType::Null => Box::new(|_| None),
        other => return Err(format!("its type is {other}; expected text or whole numbers")),
    })
}

/// Times in the unit of their array.
struct Moments<'a> {
    values: Integers<'a>,
    /// The number of units in a second; 1 if a unit is longer.
    units_per_second: i128,
    /// The number of seconds in a unit; 1 if a unit is shorter.
    seconds_per_unit: i128,
}

impl<'a> Moments<'a> {
    /// Reads an array of times; `None` if its values are not times. A time without a zone is in UTC.
    fn of(array: &'a ArrayRef) -> Option<Self> {
        let (values, units_per_second, seconds_per_unit) = match array.data_type() {
            DataType::Date32 => (numbers::<Date32Type>(array), 1, 86_400),
            DataType::Date64 => (numbers::<Date64Type>(array), 1_000, 1),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => (numbers::<TimestampSecondType>(array), 1, 1),
                TimeUnit::Millisecond => (numbers::<TimestampMillisecondType>(array), 1_000, 1),
                TimeUnit::Microsecond => (numbers::<TimestampMicrosecondType>(array), 1_000_000, 1),
                TimeUnit::Nanosecond => (numbers::<TimestampNanosecondType>(array), 1_000_000_000, 1),
            },
            _ => return None,
        };
        Some(Self { values, units_per_second, seconds_per_unit })
    }

    /// Returns the time of a row in seconds since 1970.
    fn seconds(&self, row: usize) -> Result<Option<i64>, String> {
        let Some(moment) = (self.values)(row) else { return Ok(None) };
        let seconds = moment.div_euclid(self.units_per_second) * self.seconds_per_unit;
        let seconds = i64::try_from(seconds).ok().filter(|seconds| RFC_3339_YEARS.contains(seconds));
        seconds.map(Some).ok_or_else(|| "the time is not within the years 0000 to 9999".to_owned())
    }
}

/// Whether the values of such an array are times.
pub(super) const fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _))
}

/// Reads an array as the times of a column in seconds since 1970: times, dates, text, and numbers if `numbers` says what
/// they mean.
pub(super) fn times<'a>(
    array: &'a ArrayRef,
    column: &'a str,
    numbers: Option<NumericTimes>,
) -> Result<Times<'a>, String> {
    if let Some(moments) = Moments::of(array) {
        if is_date(array.data_type()) {
            return Ok(Box::new(move |row| Ok(moments.seconds(row)?.map(|midnight| of_date(column, midnight)))));
        }
        return Ok(Box::new(move |row| moments.seconds(row)));
    }
    if is_text(array.data_type()) {
        let texts = texts(array)?;
        return Ok(Box::new(move |row| time(column, &texts(row).unwrap_or_default(), numbers)));
    }
    let kind = array.data_type();
    match integers(array) {
        Ok(integers) if numbers.is_some() => Ok(Box::new(move |row| {
            let Some(number) = integers(row) else { return Ok(None) };
            let number = i64::try_from(number).map_err(|_| format!("{number} is not a time"))?;
            numeric_time(number, numbers)
        })),
        Ok(_) => Err(format!(
            "its type is {kind}; expected times or text, or set `times` of the list to `unix-seconds` or `unix-milliseconds`"
        )),
        Err(_) => Err(format!("its type is {kind}; expected times or text")),
    }
}

/// Reads an array as text. Times are in the form of RFC 3339.
pub(super) fn texts_and_times(array: &ArrayRef) -> Result<Texts<'_>, String> {
    if is_time(array.data_type()) {
        let times = times(array, "", None)?;
        let is_date = is_date(array.data_type());
        return Ok(Box::new(move |row| {
            // A date stays one: its column tells which second of the day it stands for. The message of an invalid time is not a time either, so the row is rejected with it.
            let text = match times(row) {
                Ok(at) if is_date => Timestamp::from_seconds(at?).to_string().split('T').next()?.to_owned(),
                Ok(at) => Timestamp::from_seconds(at?).to_string(),
                Err(error) => error,
            };
            Some(Cow::Owned(text))
        }));
    }
    texts(array)
}

/// Whether the values of such an array are days.
pub(super) const fn is_date(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Date64)
}

/// Whether the values of such an array are strings.
pub(super) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = hex::encode(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}
