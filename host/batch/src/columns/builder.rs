//! Building columns row by row.

use super::chunk::{CHUNK_ROWS, Chunk, Codes, Column, MAX_CHUNK_BYTES, Strings, Values};
use super::fields::{Field, LIST_COLUMNS, NUMBERS, Slot, TEXTS, TIMES};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// The values of one target before they are added to columns. `None` is unknown. The index of a value is its
/// [`Slot`].
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    pub id: Option<Cow<'a, str>>,
    pub texts: [Option<Cow<'a, str>>; TEXTS],
    pub times: [Option<i64>; TIMES],
    pub numbers: [Option<u64>; NUMBERS],
    /// The list's own columns.
    pub own: Vec<OwnValue<'a>>,
}

/// A value in one of a list's own columns.
#[derive(Debug)]
pub(crate) struct OwnValue<'a> {
    /// The name of the column, with `x_`.
    pub name: Cow<'a, str>,
    pub text: Cow<'a, str>,
}

/// Which rows are known. There is no bitmap before the first unknown row.
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
        self.known += usize::from(known);
        self.last_is_known = known;
        if known && self.bits.is_none() {
            self.rows += 1;
        } else {
            self.push_bit(known);
        }
    }

    fn push_bit(&mut self, known: bool) {
        let rows = self.rows;
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = vec![u8::MAX; rows / 8];
            bits.extend((!rows.is_multiple_of(8)).then(|| (1 << (rows % 8)) - 1));
            bits
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
        self.bits
    }
}

/// A column of text with a dictionary.
#[derive(Debug, Default)]
pub(crate) struct CodesBuilder {
    pub(super) codes: Codes,
    validity: Validity,
    index: HashTable<u32>,
}

impl CodesBuilder {
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        let code = text.map(|text| self.code(text));
        self.push_code(code);
    }

    /// Adds the known rows of a column, of which row 0 becomes row `first`.
    fn append(&mut self, first: usize, column: &Column, codes: &Codes) {
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
    fn pad(&mut self, row: usize) {
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
        self.codes.values.push(code.unwrap_or_default());
    }

    /// Adds row `row`. The column stays empty before its first known row.
    #[inline]
    fn put(&mut self, row: usize, text: Option<&str>) {
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
        dictionary.bytes.extend_from_slice(text);
        dictionary.offsets.push(dictionary.bytes.len() as u32);
        let dictionary = &self.codes.dictionary;
        self.index.insert_unique(hash, code, |&code| hasher.hash_one(dictionary.bytes(code as usize)));
        code
    }

    /// Returns the column; `None` if no row is known.
    pub fn finish(self, name: &str) -> Option<Column> {
        (self.validity.known > 0).then(|| self.column(name))
    }

    pub(super) fn column(self, name: &str) -> Column {
        Column { name: name.to_owned(), values: Values::Codes(self.codes), validity: self.validity.finish() }
    }
}

/// A column of numbers.
#[derive(Debug)]
pub(crate) struct NumbersBuilder<T> {
    pub(super) values: Vec<T>,
    validity: Validity,
}

impl<T> Default for NumbersBuilder<T> {
    fn default() -> Self {
        Self { values: Vec::new(), validity: Validity::default() }
    }
}

impl<T: Default> NumbersBuilder<T> {
    #[inline]
    pub fn push(&mut self, value: Option<T>) {
        self.validity.push(value.is_some());
        self.values.push(value.unwrap_or_default());
    }

    /// Adds the known rows of a column, of which row 0 becomes row `first`.
    fn append(&mut self, first: usize, values: &[T], is_known: impl Fn(usize) -> bool)
    where
        T: Copy,
    {
        for (row, value) in values.iter().enumerate().filter(|(row, _)| is_known(*row)) {
            self.pad(first + row);
            self.push(Some(*value));
        }
    }

    /// Adds unknown rows before row `row`.
    fn pad(&mut self, row: usize) {
        (self.validity.rows..row).for_each(|_| self.push(None));
    }

    /// Adds row `row`. The column stays empty before its first known row.
    #[inline]
    fn put(&mut self, row: usize, value: Option<T>) {
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
        Column { name: name.to_owned(), values: wrap(self.values), validity: self.validity.finish() }
    }
}

/// A column of text without a dictionary.
#[derive(Debug, Default)]
pub(crate) struct StringsBuilder {
    strings: Strings,
    validity: Validity,
}

impl StringsBuilder {
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        self.validity.push(text.is_some());
        self.strings.push(text.unwrap_or_default());
    }

    /// Returns the column; `None` if no row is known.
    pub fn finish_if_known(self, name: String) -> Option<Column> {
        (self.validity.known > 0).then(|| self.finish(name))
    }

    pub fn finish(self, name: String) -> Column {
        Column { name, values: Values::Strings(self.strings), validity: self.validity.finish() }
    }
}

/// A chunk while rows are added to it. Its first row is 0.
#[derive(Debug, Default)]
pub(crate) struct ChunkBuilder {
    rows: usize,
    /// Bytes of text that were added in all columns together, and of the offsets of the list's own columns.
    bytes: usize,
    ids: StringsBuilder,
    texts: [CodesBuilder; TEXTS],
    times: [NumbersBuilder<i64>; TIMES],
    numbers: [NumbersBuilder<u64>; NUMBERS],
    own: Vec<OwnColumn>,
}

#[derive(Debug)]
struct OwnColumn {
    name: String,
    texts: StringsBuilder,
}

impl ChunkBuilder {
    pub fn push(&mut self, row: &Row<'_>) {
        let texts = row.texts.iter().chain([&row.id]);
        self.bytes += texts.flatten().map(|text| text.len()).sum::<usize>();
        self.ids.push(row.id.as_deref());
        for (column, text) in self.texts.iter_mut().zip(&row.texts) {
            column.put(self.rows, text.as_deref());
        }
        for (column, time) in self.times.iter_mut().zip(row.times) {
            column.put(self.rows, time);
        }
        for (column, number) in self.numbers.iter_mut().zip(row.numbers) {
            column.put(self.rows, number);
        }
        if !row.own.is_empty() || !self.own.is_empty() {
            self.push_own(&row.own);
        }
        self.rows += 1;
    }

    fn push_own(&mut self, own: &[OwnValue<'_>]) {
        self.bytes += own.iter().map(|value| value.text.len()).sum::<usize>();
        let before = self.own.len();
        for value in own {
            if !self.own.iter().any(|known| known.name == value.name) {
                let mut texts = StringsBuilder::default();
                (0..self.rows).for_each(|_| texts.push(None));
                self.own.push(OwnColumn { name: value.name.clone().into_owned(), texts });
            }
        }
        self.bytes += size_of::<u32>() * (self.own.len() + self.rows * (self.own.len() - before));
        for column in &mut self.own {
            let value = own.iter().find(|value| value.name == column.name);
            column.texts.push(value.map(|value| value.text.as_ref()));
        }
    }

    /// Adds the rows of a chunk at once, as [`push`](Self::push) would one by one. Returns false, and adds none, if they might
    /// overfill this chunk, or if either has columns of its own.
    pub fn append(&mut self, chunk: &Chunk) -> bool {
        let (first, rows) = (self.rows, self.rows + chunk.rows as usize);
        let field = |column: &Column| Field::of(&column.name).filter(|field| field.slot != Slot::Own);
        let is_plain = self.own.is_empty() && chunk.columns.iter().all(|column| field(column).is_some());
        if !is_plain || rows > CHUNK_ROWS || self.bytes + text_bytes(chunk) >= MAX_CHUNK_BYTES {
            return false;
        }
        for column in &chunk.columns {
            let Some(field) = field(column) else { continue };
            let known = |row: usize| column.is_known(row);
            match (field.slot, &column.values) {
                (Slot::Id, _) => (0..chunk.rows as usize).for_each(|row| self.ids.push(column.text(row))),
                (Slot::Text(i), Values::Codes(codes)) => self.texts[i].append(first, column, codes),
                (Slot::Time(i), Values::I64s(times)) => self.times[i].append(first, times, known),
                (Slot::Number(i), Values::U64s(numbers)) => self.numbers[i].append(first, numbers, known),
                _ => {}
            }
        }
        (self.ids.validity.rows..rows).for_each(|_| self.ids.push(None));
        self.texts.iter_mut().filter(|column| column.validity.rows > 0).for_each(|column| column.pad(rows));
        self.times.iter_mut().filter(|column| column.validity.rows > 0).for_each(|column| column.pad(rows));
        self.numbers.iter_mut().filter(|column| column.validity.rows > 0).for_each(|column| column.pad(rows));
        self.bytes += text_bytes(chunk);
        self.rows = rows;
        true
    }

    pub fn is_full(&self) -> bool {
        self.rows >= CHUNK_ROWS || self.bytes >= MAX_CHUNK_BYTES
    }

    /// Returns the chunk: the list columns in the order of the table, then the list's own columns by name.
    pub fn finish(mut self) -> Chunk {
        let mut columns = vec![self.ids.finish("id".to_owned())];
        for column in LIST_COLUMNS {
            columns.extend(match column.field.slot {
                Slot::Text(i) => std::mem::take(&mut self.texts[i]).finish(column.name),
                Slot::Time(i) => std::mem::take(&mut self.times[i]).finish(column.name, Values::I64s),
                Slot::Number(i) => std::mem::take(&mut self.numbers[i]).finish(column.name, Values::U64s),
                Slot::Id | Slot::Own => None,
            });
        }
        self.own.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        columns.extend(self.own.into_iter().map(|column| column.texts.finish(column.name)));
        Chunk { first_row: 0, rows: self.rows as u32, columns }
    }
}

/// The bytes of the texts of all rows, those of a dictionary in every row.
fn text_bytes(chunk: &Chunk) -> usize {
    let of = |column: &Column| match &column.values {
        Values::Strings(strings) => strings.bytes.len(),
        Values::Codes(codes) => {
            let known = codes.values.iter().enumerate().filter(|(row, _)| column.is_known(*row));
            known.map(|(_, code)| codes.dictionary.bytes(*code as usize).len()).sum()
        }
        Values::U64s(_) | Values::I64s(_) | Values::Bools(_) => 0,
    };
    chunk.columns.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_the_list_columns_of_the_table_in_their_order() {
        let text = || Some(Cow::Borrowed("x"));
        let mut builder = ChunkBuilder::default();
        builder.push(&Row {
            id: text(),
            texts: [const { Some(Cow::Borrowed("x")) }; TEXTS],
            times: [Some(1); TIMES],
            numbers: [Some(1); NUMBERS],
            own: vec![OwnValue { name: Cow::Borrowed("x_own"), text: Cow::Borrowed("x") }],
        });
        let names = LIST_COLUMNS.iter().map(|column| column.name).chain(["x_own"]);
        assert!(builder.finish().columns.iter().map(|column| column.name.as_str()).eq(names));
    }

    #[test]
    fn leaves_out_columns_without_a_known_value() {
        let mut builder = ChunkBuilder::default();
        builder.push(&Row::default());
        builder.push(&Row { times: [Some(1); TIMES], ..Row::default() });
        let chunk = builder.finish();
        assert!(chunk.column("id").is_some());
        for column in LIST_COLUMNS {
            let is_time = matches!(column.field.slot, Slot::Time(_));
            assert_eq!(chunk.column(column.name).is_some(), is_time || column.name == "id", "{}", column.name);
        }
    }
}
