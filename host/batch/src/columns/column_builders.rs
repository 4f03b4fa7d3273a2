//! Building single columns value by value.

use super::chunk::{Codes, Column, FEW_ROWS, Strings, Values};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Which rows are known. There is no bitmap as long as all rows are known or all are unknown.
#[derive(Debug, Default)]
pub(crate) struct Validity {
    bits: Option<Vec<u8>>,
    rows: usize,
    known: usize,
    last_is_known: bool,
}

impl Validity {
    #[inline]
    fn push(&mut self, known: bool) {
        if self.bits.is_none() && (self.rows == 0 || known == self.last_is_known) {
            self.rows += 1;
        } else {
            self.push_bit(known);
        }
        self.known += usize::from(known);
        self.last_is_known = known;
    }

    fn push_bit(&mut self, known: bool) {
        let (rows, all_known) = (self.rows, self.last_is_known);
        let bits = self.bits.get_or_insert_with(|| match all_known {
            true => {
                let mut bits = vec![u8::MAX; rows / 8];
                bits.extend((!rows.is_multiple_of(8)).then(|| (1 << (rows % 8)) - 1));
                bits
            }
            false => vec![0; rows.div_ceil(8)],
        });
        if rows.is_multiple_of(8) {
            bits.push(0);
        }
        if let (true, Some(last)) = (known, bits.last_mut()) {
            *last |= 1 << (rows % 8);
        }
        self.rows += 1;
    }

    /// Returns the bitmap; `None` if every row is known.
    fn finish(self) -> Option<Vec<u8>> {
        let Self { bits, rows, known, .. } = self;
        bits.or_else(|| (known < rows).then(|| vec![0; rows.div_ceil(8)]))
    }
}

/// A column of text with a dictionary.
#[derive(Debug)]
pub(crate) struct CodesBuilder {
    /// Its dictionary has no offsets as long as it has no texts.
    pub(super) codes: Codes,
    validity: Validity,
    index: HashTable<u32>,
}

impl Default for CodesBuilder {
    fn default() -> Self {
        let dictionary = Strings { offsets: Vec::new(), bytes: Vec::new() };
        let codes = Codes { dictionary, values: Vec::new() };
        Self { codes, validity: Validity::default(), index: HashTable::new() }
    }
}

impl CodesBuilder {
    /// The number of rows so far.
    pub(super) const fn rows(&self) -> usize {
        self.validity.rows
    }

    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        let code = text.map(|text| self.code(text));
        self.push_code(code);
    }

    /// Adds the known rows of a column, of which row 0 becomes row `first`.
    pub(super) fn append(&mut self, first: usize, column: &Column, codes: &Codes) {
        let mut seen = vec![None; codes.dictionary.len()];
        for (row, code) in codes.values.iter().enumerate().filter(|(row, _)| column.is_known(*row)) {
            if let Some(seen) = seen.get_mut(*code as usize) {
                self.pad(first + row);
                let code = *seen.get_or_insert_with(|| self.code(codes.dictionary.get(*code as usize)));
                self.push_code(Some(code));
            }
        }
    }

    /// Adds unknown rows before row `row`.
    pub(super) fn pad(&mut self, row: usize) {
        (self.validity.rows..row).for_each(|_| self.push(None));
    }

    /// The code of the last row, if it is known.
    pub fn last(&self) -> Option<u32> {
        self.codes.values.last().copied().filter(|_| self.validity.last_is_known)
    }

    /// Adds a row with a code that [`code`](Self::code) returned.
    #[inline]
    pub fn push_code(&mut self, code: Option<u32>) {
        self.validity.push(code.is_some());
        if self.codes.values.is_empty() {
            self.codes.values.reserve(FEW_ROWS);
        }
        self.codes.values.push(code.unwrap_or_default());
    }

    /// Adds row `row`. The column stays empty before its first known row.
    #[inline]
    pub(super) fn put(&mut self, row: usize, text: Option<&str>) {
        if text.is_some() || self.validity.rows > 0 {
            self.pad(row);
            self.push(text);
        }
    }

    /// Adds a row with a text that may stand for an unknown value. Only a text that has no code is tested.
    #[inline]
    pub fn push_unless(&mut self, text: Option<&str>, is_unknown: impl Fn(&str) -> bool) {
        let code = text.and_then(|text| match self.known_code(text.as_bytes()) {
            Ok(code) => Some(code),
            Err(hash) => (!is_unknown(text)).then(|| self.add(text.as_bytes(), hash)),
        });
        self.push_code(code);
    }

    /// Returns the code of a text.
    #[inline]
    pub fn code(&mut self, text: &str) -> u32 {
        self.known_code(text.as_bytes()).unwrap_or_else(|hash| self.add(text.as_bytes(), hash))
    }

    /// Returns the code of a text, or its hash if it has none.
    #[inline]
    fn known_code(&self, text: &[u8]) -> Result<u32, u64> {
        // Most lists are sorted or of one kind, so the previous value is the most likely one.
        if let Some(&last) = self.codes.values.last()
            && (last as usize) < self.codes.dictionary.len()
            && self.codes.dictionary.bytes(last as usize) == text
        {
            return Ok(last);
        }
        let (hash, dictionary) = (FixedState::default().hash_one(text), &self.codes.dictionary);
        self.index.find(hash, |&code| dictionary.bytes(code as usize) == text).copied().ok_or(hash)
    }

    /// Adds a text that has no code.
    fn add(&mut self, text: &[u8], hash: u64) -> u32 {
        let hasher = FixedState::default();
        let dictionary = &mut self.codes.dictionary;
        let code = dictionary.len() as u32;
        dictionary.push(text);
        if self.index.is_empty() {
            self.index.reserve(FEW_ROWS, |_| 0);
        }
        let dictionary = &self.codes.dictionary;
        self.index.insert_unique(hash, code, |&code| hasher.hash_one(dictionary.bytes(code as usize)));
        code
    }

    /// Returns the column; `None` if no row is known.
    pub fn finish(self, name: &str) -> Option<Column> {
        (self.validity.known > 0).then(|| self.column(name))
    }

    pub(super) fn column(mut self, name: &str) -> Column {
        if self.codes.dictionary.is_empty() {
            self.codes.dictionary = Strings::default();
        }
        Column { name: name.to_owned(), values: Values::Codes(self.codes), validity: self.validity.finish() }
    }
}

/// A column of numbers.
#[derive(Debug)]
pub(crate) struct NumbersBuilder<T> {
    /// Empty before the first known row: most inventories do not have every column.
    values: Vec<T>,
    validity: Validity,
    capacity: usize,
}

impl<T> Default for NumbersBuilder<T> {
    fn default() -> Self {
        Self { values: Vec::new(), validity: Validity::default(), capacity: 0 }
    }
}

impl<T: Copy + Default> NumbersBuilder<T> {
    /// Makes room for this many rows once one of them is known.
    pub(super) const fn reserve(&mut self, rows: usize) {
        self.capacity = rows;
    }

    /// The number of rows so far.
    pub(super) const fn rows(&self) -> usize {
        self.validity.rows
    }

    #[inline]
    pub fn push(&mut self, value: Option<T>) {
        if value.is_some() && self.validity.known == 0 {
            self.values.reserve_exact(self.capacity);
            self.values.resize(self.validity.rows, T::default());
        }
        self.validity.push(value.is_some());
        if self.validity.known > 0 {
            self.values.push(value.unwrap_or_default());
        }
    }

    /// Adds the known rows of a column, of which row 0 becomes row `first`.
    pub(super) fn append(&mut self, first: usize, values: &[T], is_known: impl Fn(usize) -> bool) {
        for (row, value) in values.iter().enumerate().filter(|(row, _)| is_known(*row)) {
            self.pad(first + row);
            self.push(Some(*value));
        }
    }

    /// Adds unknown rows before row `row`.
    pub(super) fn pad(&mut self, row: usize) {
        (self.validity.rows..row).for_each(|_| self.push(None));
    }

    /// Adds row `row`. The column stays empty before its first known row.
    #[inline]
    pub(super) fn put(&mut self, row: usize, value: Option<T>) {
        if value.is_some() || self.validity.rows > 0 {
            self.pad(row);
            self.push(value);
        }
    }

    /// Returns the column; `None` if no row is known.
    pub fn finish(self, name: &str, wrap: fn(Vec<T>) -> Values) -> Option<Column> {
        (self.validity.known > 0).then(|| self.column(name, wrap))
    }

    pub(super) fn column(self, name: &str, wrap: fn(Vec<T>) -> Values) -> Column {
        let values = if self.validity.known == 0 { vec![T::default(); self.validity.rows] } else { self.values };
        Column { name: name.to_owned(), values: wrap(values), validity: self.validity.finish() }
    }
}

/// A column of text without a dictionary.
#[derive(Debug, Default)]
pub(crate) struct StringsBuilder {
    strings: Strings,
    validity: Validity,
}

impl StringsBuilder {
    /// The number of rows so far.
    pub(super) const fn rows(&self) -> usize {
        self.validity.rows
    }

    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        self.validity.push(text.is_some());
        self.strings.push(text.unwrap_or_default().as_bytes());
    }

    /// Returns the column; `None` if no row is known.
    pub fn finish_if_known(self, name: String) -> Option<Column> {
        (self.validity.known > 0).then(|| self.finish(name))
    }

    pub fn finish(self, name: String) -> Column {
        Column { name, values: Values::Strings(self.strings), validity: self.validity.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_known_rows_is_that_of_the_column() {
        for (rows, pattern) in (0..=10).flat_map(|rows| (0..1_u32 << rows).map(move |pattern| (rows, pattern))) {
            let is_known = |row: usize| pattern >> row & 1 == 1;
            for capacity in [0, rows] {
                let (mut numbers, mut codes) = (NumbersBuilder::<u64>::default(), CodesBuilder::default());
                numbers.reserve(capacity);
                for row in 0..rows {
                    numbers.push(is_known(row).then_some(row as u64 + 1));
                    codes.push(is_known(row).then_some("text"));
                }
                assert_eq!(codes.last().is_some(), rows > 0 && is_known(rows - 1));
                let expected: Vec<u64> =
                    (0..rows).map(|row| if is_known(row) { row as u64 + 1 } else { 0 }).collect();
                let numbers = numbers.column("numbers", Values::U64s);
                assert!(matches!(&numbers.values, Values::U64s(values) if *values == expected), "{pattern:b}");
                for column in [numbers, codes.column("codes")] {
                    let bits = column.validity.as_deref();
                    assert_eq!(bits.is_none(), (0..rows).all(is_known), "{pattern:b}");
                    let bits = bits.map(|bits| bits.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte)));
                    assert!(bits.is_none_or(|bits| bits == pattern), "{pattern:b}");
                }
            }
        }
    }
}
