//! Targets as columns in Arrow's layouts: strings end to end behind offsets, dictionaries with codes, validity
//! bitmaps. A chunk is what a policy is handed, so a batch of a million rows is a few dozen buffers.

mod build;
mod bytes;
mod slice;
mod store;

pub(crate) use build::{ChunkBuilder, CodesBuilder, Numbers, ResolvedBuilder, Row, Texts};
pub(crate) use store::{At, Origin, Store};

use serde::{Deserialize, Serialize};

/// Rows of a full chunk.
pub const CHUNK_ROWS: usize = 65_536;

/// A chunk is closed early once its strings fill this many bytes, so that one chunk fits a policy's memory.
pub(crate) const CHUNK_BYTES: usize = 8 << 20;

/// The columns that there may be beside a list's own, which begin with `x_`: what the list says, then the inventory.
pub(crate) const NAMES: [&str; 19] = [
    "id",
    "kind",
    "tenant",
    "environment",
    "state",
    "created_at",
    "last_used_at",
    "size_bytes",
    "resolved_kind",
    "resolved_tenant",
    "resolved_environment",
    "resolved_state",
    "resolved_state_since",
    "resolved_created_at",
    "resolved_last_used_at",
    "resolved_size_bytes",
    "dependents",
    "legal_hold",
    "retain_until",
];

/// A run of consecutive targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// Row number of the first target in the whole batch.
    pub first_row: u64,
    /// How many targets: 1 to [`CHUNK_ROWS`].
    pub rows: u32,
    /// The columns that any of these targets has a value in, `id` first.
    pub columns: Vec<Column>,
}

/// One column: a value a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, as in the contract.
    pub name: String,
    /// Its values.
    pub values: Values,
    /// Which rows are known: bit `i % 8` of byte `i / 8`. None: all are.
    pub validity: Option<Vec<u8>>,
}

/// The values of a column. Where a row is unknown its slot holds an empty string, code 0, 0 or false.
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
    /// Yes or no, as a bitmap.
    Bools(Vec<u8>),
}

/// Strings end to end: string `i` is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strings {
    /// One more than there are strings.
    pub offsets: Vec<u32>,
    /// UTF-8.
    pub bytes: Vec<u8>,
}

/// A dictionary, and an index into it for each row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Codes {
    /// The distinct values of this chunk, in order of appearance.
    pub dictionary: Strings,
    /// One a row.
    pub values: Vec<u32>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Strings {
    /// How many strings.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `i`; empty where there is none.
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

    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(self.bytes.len() as u32);
    }
}

impl Column {
    /// Whether row `i` is known.
    #[inline]
    pub fn is_known(&self, i: usize) -> bool {
        self.validity.as_deref().is_none_or(|bits| bit(bits, i))
    }

    /// The text of row `i`, where it is known.
    pub fn text(&self, i: usize) -> Option<&str> {
        match &self.values {
            _ if !self.is_known(i) => None,
            Values::Strings(strings) => Some(strings.get(i)),
            Values::Codes(codes) => codes.values.get(i).map(|code| codes.dictionary.get(*code as usize)),
            _ => None,
        }
    }

    /// How many rows are unknown.
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

    /// Counts the rows of a column of codes: for each distinct value how often it stands there, and how many rows
    /// are unknown.
    pub(crate) fn count(&self) -> (Vec<(&str, u64)>, u64) {
        let Values::Codes(codes) = &self.values else { return (Vec::new(), 0) };
        let mut counts = vec![0_u64; codes.dictionary.len()];
        let mut unknown = 0;
        for (row, code) in codes.values.iter().enumerate() {
            match counts.get_mut(*code as usize) {
                Some(count) if self.is_known(row) => *count += 1,
                _ => unknown += 1,
            }
        }
        (codes.dictionary.iter().zip(counts).filter(|(_, count)| *count > 0).collect(), unknown)
    }
}

impl Chunk {
    /// The id of every target, in order; `None` where a row has none.
    pub fn ids(&self) -> impl Iterator<Item = Option<&str>> {
        let ids = self.column("id");
        (0..self.rows as usize).map(move |row| ids.and_then(|ids| ids.text(row)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Record;
    use std::borrow::Cow;

    #[test]
    fn there_are_the_columns_that_policies_may_ask_for() {
        let text = || Some(Cow::Borrowed("x"));
        let mut list = ChunkBuilder::default();
        list.push(&Row {
            id: text(),
            kind: text(),
            tenant: text(),
            environment: text(),
            state: text(),
            created_at: Some(1),
            last_used_at: Some(1),
            size_bytes: Some(1),
            extra: Vec::new(),
        });
        let mut resolved = ResolvedBuilder::default();
        resolved.push(Some(&Record::default()));
        let columns = list.finish().columns.into_iter().chain(resolved.finish());
        assert_eq!(columns.map(|column| column.name).collect::<Vec<_>>(), NAMES);
    }
}
