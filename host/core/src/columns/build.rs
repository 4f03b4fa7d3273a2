//! Building columns row by row.

use super::{CHUNK_BYTES, CHUNK_ROWS, Chunk, Codes, Column, Strings, Values};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// A target on its way into columns. `None` is unknown.
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    pub id: Option<Cow<'a, str>>,
    pub kind: Option<Cow<'a, str>>,
    pub tenant: Option<Cow<'a, str>>,
    pub environment: Option<Cow<'a, str>>,
    pub state: Option<Cow<'a, str>>,
    pub created_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub size_bytes: Option<u64>,
    /// The list's own columns: name with `x_`, value.
    pub extra: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Which rows are known. The bitmap begins with the first row that is not.
#[derive(Debug, Default)]
pub(crate) struct Validity {
    bits: Option<Vec<u8>>,
    rows: usize,
    known: usize,
}

impl Validity {
    #[inline]
    fn push(&mut self, known: bool) {
        self.known += usize::from(known);
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

    /// The bitmap; nothing where every row is known.
    fn finish(self) -> Option<Vec<u8>> {
        self.bits
    }
}

/// A column of text with a dictionary.
#[derive(Debug, Default)]
pub(crate) struct CodesBuilder {
    codes: Codes,
    validity: Validity,
    index: HashTable<u32>,
}

impl CodesBuilder {
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        let code = text.map(|text| self.code(text));
        self.push_code(code);
    }

    /// Adds a row with a code that [`code`](Self::code) gave.
    #[inline]
    pub fn push_code(&mut self, code: Option<u32>) {
        self.validity.push(code.is_some());
        self.codes.values.push(code.unwrap_or_default());
    }

    /// Adds row `row`. As long as none was known, there is no column.
    #[inline]
    fn put(&mut self, row: usize, text: Option<&str>) {
        if text.is_some() || self.validity.rows > 0 {
            (self.validity.rows..row).for_each(|_| self.push(None));
            self.push(text);
        }
    }

    /// The code of a text.
    #[inline]
    pub fn code(&mut self, text: &str) -> u32 {
        let text = text.as_bytes();
        // Lists are mostly sorted or of one kind: the value before is the likeliest.
        if let Some(&last) = self.codes.values.last()
            && (last as usize) < self.codes.dictionary.len()
            && self.codes.dictionary.bytes(last as usize) == text
        {
            return last;
        }
        self.look_up(text)
    }

    fn look_up(&mut self, text: &[u8]) -> u32 {
        let hasher = FixedState::default();
        let dictionary = &mut self.codes.dictionary;
        let hash = hasher.hash_one(text);
        if let Some(&code) = self.index.find(hash, |&code| dictionary.bytes(code as usize) == text) {
            return code;
        }
        let code = dictionary.len() as u32;
        dictionary.bytes.extend_from_slice(text);
        dictionary.offsets.push(dictionary.bytes.len() as u32);
        let dictionary = &self.codes.dictionary;
        self.index.insert_unique(hash, code, |&code| hasher.hash_one(dictionary.bytes(code as usize)));
        code
    }

    /// The column; nothing where no row is known.
    pub fn finish(self, name: &str) -> Option<Column> {
        (self.validity.known > 0).then(|| self.column(name))
    }

    fn column(self, name: &str) -> Column {
        Column { name: name.to_owned(), values: Values::Codes(self.codes), validity: self.validity.finish() }
    }
}

/// A column of numbers.
#[derive(Debug)]
pub(crate) struct Numbers<T> {
    values: Vec<T>,
    validity: Validity,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { values: Vec::new(), validity: Validity::default() }
    }
}

impl<T: Default> Numbers<T> {
    #[inline]
    pub fn push(&mut self, value: Option<T>) {
        self.validity.push(value.is_some());
        self.values.push(value.unwrap_or_default());
    }

    /// Adds row `row`. As long as none was known, there is no column.
    #[inline]
    fn put(&mut self, row: usize, value: Option<T>) {
        if value.is_some() || self.validity.rows > 0 {
            (self.validity.rows..row).for_each(|_| self.push(None));
            self.push(value);
        }
    }

    /// The column; nothing where no row is known.
    pub fn finish(self, name: &str, wrap: fn(Vec<T>) -> Values) -> Option<Column> {
        (self.validity.known > 0).then(|| self.column(name, wrap))
    }

    fn column(self, name: &str, wrap: fn(Vec<T>) -> Values) -> Column {
        Column { name: name.to_owned(), values: wrap(self.values), validity: self.validity.finish() }
    }
}

/// A column of text without a dictionary.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    strings: Strings,
    validity: Validity,
}

impl Texts {
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        self.validity.push(text.is_some());
        self.strings.push(text.unwrap_or_default());
    }

    /// The column; nothing where no row is known.
    pub fn finish_if_known(self, name: String) -> Option<Column> {
        (self.validity.known > 0).then(|| self.finish(name))
    }

    pub fn finish(self, name: String) -> Column {
        Column { name, values: Values::Strings(self.strings), validity: self.validity.finish() }
    }
}

/// A chunk being filled. Its first row is 0.
#[derive(Debug, Default)]
pub(crate) struct ChunkBuilder {
    rows: usize,
    /// Bytes of text that were pushed, in all columns together.
    bytes: usize,
    ids: Texts,
    kind: CodesBuilder,
    tenant: CodesBuilder,
    environment: CodesBuilder,
    state: CodesBuilder,
    created_at: Numbers<i64>,
    last_used_at: Numbers<i64>,
    size_bytes: Numbers<u64>,
    extra: Vec<(String, Texts)>,
}

impl ChunkBuilder {
    pub fn push(&mut self, row: &Row<'_>) {
        let texts = [&row.id, &row.kind, &row.tenant, &row.environment, &row.state];
        self.bytes += texts.into_iter().flatten().map(|text| text.len()).sum::<usize>();
        self.ids.push(row.id.as_deref());
        self.kind.put(self.rows, row.kind.as_deref());
        self.tenant.put(self.rows, row.tenant.as_deref());
        self.environment.put(self.rows, row.environment.as_deref());
        self.state.put(self.rows, row.state.as_deref());
        self.created_at.put(self.rows, row.created_at);
        self.last_used_at.put(self.rows, row.last_used_at);
        self.size_bytes.put(self.rows, row.size_bytes);
        if !row.extra.is_empty() || !self.extra.is_empty() {
            self.push_extra(&row.extra);
        }
        self.rows += 1;
    }

    fn push_extra(&mut self, extra: &[(Cow<'_, str>, Cow<'_, str>)]) {
        self.bytes += extra.iter().map(|(_, text)| text.len()).sum::<usize>();
        for (name, _) in extra {
            if !self.extra.iter().any(|(known, _)| known == name) {
                let mut column = Texts::default();
                (0..self.rows).for_each(|_| column.push(None));
                self.extra.push((name.clone().into_owned(), column));
            }
        }
        for (name, column) in &mut self.extra {
            column.push(extra.iter().find(|(other, _)| other == name).map(|(_, text)| text.as_ref()));
        }
    }

    pub fn is_full(&self) -> bool {
        self.rows >= CHUNK_ROWS || self.bytes >= CHUNK_BYTES
    }

    pub fn finish(mut self) -> Chunk {
        self.extra.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut columns = vec![self.ids.finish("id".to_owned())];
        columns.extend(self.kind.finish("kind"));
        columns.extend(self.tenant.finish("tenant"));
        columns.extend(self.environment.finish("environment"));
        columns.extend(self.state.finish("state"));
        columns.extend(self.created_at.finish("created_at", Values::I64s));
        columns.extend(self.last_used_at.finish("last_used_at", Values::I64s));
        columns.extend(self.size_bytes.finish("size_bytes", Values::U64s));
        columns.extend(self.extra.into_iter().map(|(name, column)| column.finish(name)));
        Chunk { first_row: 0, rows: self.rows as u32, columns }
    }
}

/// The columns that an inventory's answers fill.
#[derive(Debug, Default)]
pub(crate) struct ResolvedBuilder {
    kind: CodesBuilder,
    tenant: CodesBuilder,
    environment: CodesBuilder,
    state: CodesBuilder,
    state_since: Numbers<i64>,
    created_at: Numbers<i64>,
    last_used_at: Numbers<i64>,
    size_bytes: Numbers<u64>,
    dependents: Numbers<u64>,
    legal_hold: Numbers<u8>,
    retain_until: Numbers<i64>,
}

impl ResolvedBuilder {
    pub fn push(&mut self, record: Option<&crate::inventory::Record>) {
        self.kind.push(record.and_then(|record| record.kind.as_deref()));
        self.tenant.push(record.and_then(|record| record.tenant.as_deref()));
        self.environment.push(record.and_then(|record| record.environment.as_deref()));
        self.state.push(record.and_then(|record| record.state.as_deref()));
        self.state_since.push(record.and_then(|record| record.state_since));
        self.created_at.push(record.and_then(|record| record.created_at));
        self.last_used_at.push(record.and_then(|record| record.last_used_at));
        self.size_bytes.push(record.and_then(|record| record.size_bytes));
        self.dependents.push(record.and_then(|record| record.dependents.as_ref()).map(|ids| ids.len() as u64));
        self.legal_hold.push(record.and_then(|record| record.legal_hold).map(u8::from));
        self.retain_until.push(record.and_then(|record| record.retain_until));
    }

    /// Every resolved column, known or not: there was an inventory, and this is what it said.
    pub fn finish(self) -> Vec<Column> {
        let bools: fn(Vec<u8>) -> Values = |values| {
            let mut bits = vec![0; values.len().div_ceil(8)];
            for (row, value) in values.iter().enumerate() {
                if let Some(byte) = bits.get_mut(row / 8) {
                    *byte |= value << (row % 8);
                }
            }
            Values::Bools(bits)
        };
        vec![
            self.kind.column("resolved_kind"),
            self.tenant.column("resolved_tenant"),
            self.environment.column("resolved_environment"),
            self.state.column("resolved_state"),
            self.state_since.column("resolved_state_since", Values::I64s),
            self.created_at.column("resolved_created_at", Values::I64s),
            self.last_used_at.column("resolved_last_used_at", Values::I64s),
            self.size_bytes.column("resolved_size_bytes", Values::U64s),
            self.dependents.column("dependents", Values::U64s),
            self.legal_hold.column("legal_hold", bools),
            self.retain_until.column("retain_until", Values::I64s),
        ]
    }
}
