//! A chunk and its columns.

use crate::text::{MAX_VALUE_BYTES, control_character, describe_control, is_plain, name_flaw};
use serde::{Deserialize, Serialize};

/// Rows of a full chunk.
pub const CHUNK_ROWS: usize = 65_536;

/// A chunk is closed early once its strings fill this many bytes, so that one chunk fits a policy's memory.
pub(crate) const MAX_CHUNK_BYTES: usize = 8 << 20;

/// A run of consecutive targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// Row number of the first target in the whole batch.
    pub first_row: u64,
    /// The number of targets: 1 to [`CHUNK_ROWS`].
    pub rows: u32,
    /// The columns that any of these targets has a value in, `id` first.
    pub columns: Vec<Column>,
}

/// One column: one value per row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, as in the contract.
    pub name: String,
    /// Its values.
    pub values: Values,
    /// Which rows are known: bit `i % 8` of byte `i / 8`. `None`: every row is known.
    pub validity: Option<Vec<u8>>,
}

/// The values of a column. The slot of an unknown row holds an empty string, code 0, 0 or false.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// Text.
    Strings(Strings),
    /// Text with few distinct values.
    Codes(Codes),
    /// Counts and sizes.
    U64s(Vec<u64>),
    /// Times in seconds since 1970-01-01T00:00:00Z.
    I64s(Vec<i64>),
    /// True or false, as a bitmap.
    Bools(Vec<u8>),
}

/// The rows of a small batch. A hash table of sixteen slots has room for as many.
pub(crate) const FEW_ROWS: usize = 14;

/// Strings end to end: string `i` is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strings {
    /// One more than the number of strings.
    pub offsets: Vec<u32>,
    /// UTF-8.
    pub bytes: Vec<u8>,
}

/// A dictionary, and an index into it for each row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Codes {
    /// The distinct values of this chunk, in order of appearance.
    pub dictionary: Strings,
    /// One per row.
    pub values: Vec<u32>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Strings {
    /// The number of strings.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there are no strings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `i`; empty if there is no such string.
    pub fn get(&self, i: usize) -> &str {
        str::from_utf8(self.bytes(i)).unwrap_or_default()
    }

    /// The bytes of string `i`.
    #[inline]
    pub(crate) fn bytes(&self, i: usize) -> &[u8] {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&from), Some(&to)) => self.bytes.get(from as usize..to as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Every string.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The first string that is longer than a value may be, and its length.
    fn first_long(&self) -> Option<(usize, usize)> {
        if self.bytes.len() <= MAX_VALUE_BYTES {
            return None;
        }
        let mut lengths = self.offsets.array_windows().map(|[from, to]| (to - from) as usize);
        let i = lengths.clone().position(|length| length > MAX_VALUE_BYTES)?;
        lengths.nth(i).map(|length| (i, length))
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        if self.offsets.len() <= 1 {
            self.make_room();
        }
        self.bytes.extend_from_slice(text);
        self.offsets.push(self.bytes.len() as u32);
    }

    /// Makes room for the strings of a small batch at once.
    #[cold]
    fn make_room(&mut self) {
        self.offsets.reserve(1 + FEW_ROWS);
        self.bytes.reserve(FEW_ROWS * 16);
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
    }
}

/// A value that is longer than a value may be.
#[derive(Debug)]
pub(crate) struct LongValue {
    /// The row of the chunk.
    pub row: u64,
    pub column: String,
    pub bytes: usize,
}

/// How often each value of a column occurs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ValueCounts<'a> {
    /// The distinct values that occur, with the number of their rows.
    #[serde(borrow)]
    pub known: Vec<(&'a str, u64)>,
    /// The number of unknown rows.
    pub unknown: u64,
}

impl Column {
    /// Whether row `i` is known.
    #[inline]
    pub fn is_known(&self, i: usize) -> bool {
        self.validity.as_deref().is_none_or(|bits| bit(bits, i))
    }

    /// The text of row `i`, if it is known.
    pub fn text(&self, i: usize) -> Option<&str> {
        match &self.values {
            _ if !self.is_known(i) => None,
            Values::Strings(strings) => Some(strings.get(i)),
            Values::Codes(codes) => codes.values.get(i).map(|code| codes.dictionary.get(*code as usize)),
            _ => None,
        }
    }

    /// The first row whose value is longer than a value may be, and its length.
    fn first_long(&self) -> Option<(usize, usize)> {
        match &self.values {
            Values::Strings(strings) => strings.first_long(),
            Values::Codes(codes) => {
                let (long, length) = codes.dictionary.first_long()?;
                let row = codes
                    .values
                    .iter()
                    .enumerate()
                    .position(|(row, code)| *code as usize == long && self.is_known(row));
                row.map(|row| (row, length))
            }
            Values::U64s(_) | Values::I64s(_) | Values::Bools(_) => None,
        }
    }

    /// The number of unknown rows.
    pub(crate) fn unknown(&self) -> u64 {
        let known: u64 = self.validity.iter().flatten().map(|byte| u64::from(byte.count_ones())).sum();
        self.validity.as_ref().map_or(0, |_| self.rows() - known)
    }

    fn rows(&self) -> u64 {
        (match &self.values {
            Values::Strings(strings) => strings.len(),
            Values::Codes(codes) => codes.values.len(),
            Values::U64s(values) => values.len(),
            Values::I64s(values) => values.len(),
            Values::Bools(bits) => 8 * bits.len(),
        }) as u64
    }

    /// The sum of the known values of a column of numbers; it stops at the maximum. None: none is known.
    pub(crate) fn sum(&self) -> Option<u64> {
        let Values::U64s(values) = &self.values else { return None };
        let known = values.iter().enumerate().filter(|(row, _)| self.is_known(*row));
        known.map(|(_, value)| *value).reduce(u64::saturating_add)
    }

    /// Counts the values of a column of codes.
    pub fn count(&self) -> ValueCounts<'_> {
        let Values::Codes(codes) = &self.values else { return ValueCounts::default() };
        let mut counts = vec![0_u64; codes.dictionary.len()];
        let mut unknown = 0;
        for (row, code) in codes.values.iter().enumerate() {
            match counts.get_mut(*code as usize) {
                Some(count) if self.is_known(row) => *count += 1,
                _ => unknown += 1,
            }
        }
        ValueCounts { known: codes.dictionary.iter().zip(counts).filter(|(_, count)| *count > 0).collect(), unknown }
    }
}

impl Chunk {
    /// The id of every target, in order; `None` for a row without an id.
    pub fn ids(&self) -> impl Iterator<Item = Option<&str>> {
        let ids = self.column("id");
        (0..self.rows as usize).map(move |row| ids.and_then(|ids| ids.text(row)))
    }

    /// The same, as bytes.
    pub(crate) fn id_bytes(&self) -> impl Iterator<Item = Option<&[u8]>> + Clone {
        let column = self.columns.first();
        (0..self.rows as usize).map(move |row| match column.map(|column| (column.is_known(row), &column.values)) {
            Some((true, Values::Strings(ids))) => Some(ids.bytes(row)),
            _ => None,
        })
    }

    /// The first value that is longer than a value may be.
    pub(crate) fn long_value(&self) -> Option<LongValue> {
        let found = self.columns.iter().filter_map(|column| {
            let (row, bytes) = column.first_long()?;
            Some(LongValue { row: row as u64, column: column.name.clone(), bytes })
        });
        found.min_by_key(|value| value.row)
    }

    /// The first name of a kind, a tenant or an environment that may not be one: its row, its column, and what is wrong.
    pub(crate) fn name_flaw(&self) -> Option<(u64, &str, String)> {
        let flaw = |column: &'_ Column, name: &str| match column.name.as_str() {
            "kind" | "environment" => name_flaw(name),
            "tenant" => control_character(name).map(describe_control),
            _ => None,
        };
        self.columns.iter().find_map(|column| {
            let Values::Codes(codes) = &column.values else { return None };
            if is_plain(&codes.dictionary.bytes) {
                return None;
            }
            let (code, message) = (0..codes.dictionary.len())
                .find_map(|code| Some((code, flaw(column, codes.dictionary.get(code))?)))?;
            let is_first = |row: &usize| column.is_known(*row) && codes.values.get(*row) == Some(&(code as u32));
            let row = (0..self.rows as usize).find(is_first).unwrap_or_default();
            Some((row as u64, column.name.as_str(), message))
        })
    }

    /// The column of that name, if any of these targets has a value in it.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[inline]
pub(crate) fn bit(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
}
