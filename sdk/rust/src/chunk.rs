//! Targets as columns.
//!
//! Strings are validated UTF-8 here, while the host's columns hold bytes. The two sets of types are separate on purpose.

/// A run of consecutive targets.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Row number of the first target, counted from 0 over the whole batch.
    pub first_row: u64,
    /// Number of targets.
    pub rows: u32,
    /// The requested columns, without those that this batch does not have.
    pub columns: Vec<Column>,
    /// Names of the requested columns, set by [`Session`](crate::Session). Empty: [`column`](Self::column) does not
    /// check the name.
    pub requested: &'static [&'static str],
}

/// One column: one value per row.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Values,
    /// Which rows are known.
    pub validity: Validity,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Strings.
    Strings(Strings),
    /// Strings with few distinct values.
    Codes(Codes),
    /// Counts and sizes.
    U64s(Vec<u64>),
    /// Times, in seconds since 1970-01-01T00:00:00Z.
    I64s(Vec<i64>),
    /// Booleans, as a bitmap.
    Bools(Vec<u8>),
}

/// Strings end to end: string `i` is `text[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// Start of each string, and the end of the last.
    pub offsets: Vec<u32>,
    /// All strings, concatenated.
    pub text: String,
}

/// A dictionary, and an index into it for each row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// The distinct values of this chunk.
    pub dictionary: Strings,
    /// One index per row.
    pub values: Vec<u32>,
}

/// A bitmap of the rows whose value is known. None: every row is known.
#[derive(Clone, Debug, Default)]
pub struct Validity(pub Option<Vec<u8>>);

/// A column of codes whose distinct values were mapped.
#[derive(Clone, Debug)]
pub struct Mapped<'a, T> {
    table: Vec<T>,
    codes: &'a [u32],
    validity: &'a Validity,
}

impl<T: Copy> Mapped<'_, T> {
    /// What the value of row `i` was mapped to. None: the value is unknown.
    #[inline]
    pub fn get(&self, i: usize) -> Option<T> {
        let code = self.codes.get(i).filter(|_| self.validity.is_known(i))?;
        self.table.get(*code as usize).copied()
    }
}

impl Strings {
    /// Number of strings.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there are no strings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `i`, or an empty string if there is no such string.
    pub fn get(&self, i: usize) -> &str {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&from), Some(&to)) => self.text.get(from as usize..to as usize).unwrap_or_default(),
            _ => "",
        }
    }
}

impl Validity {
    /// Whether row `i` is known.
    #[inline]
    pub fn is_known(&self, i: usize) -> bool {
        self.0.as_deref().is_none_or(|bits| bit(bits, i))
    }
}

#[inline]
fn bit(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
}

impl Column {
    /// Maps each distinct value of a column of codes once. In a column of another type every row is unknown.
    pub fn mapped<T: Copy>(&self, mut map: impl FnMut(&str) -> T) -> Mapped<'_, T> {
        let (table, codes) = match &self.values {
            Values::Codes(codes) => {
                let table = (0..codes.dictionary.len()).map(|i| map(codes.dictionary.get(i))).collect();
                (table, codes.values.as_slice())
            }
            _ => (Vec::new(), [].as_slice()),
        };
        Mapped { table, codes, validity: &self.validity }
    }

    /// Maps each distinct value of a column of codes once, then calls `each` for every row: with the row's index in the
    /// chunk and the mapped value, or `None` if the value is unknown. In a column of another type every row is unknown.
    pub fn map_distinct<T: Copy>(&self, map: impl FnMut(&str) -> T, mut each: impl FnMut(usize, Option<T>)) {
        let mapped = self.mapped(map);
        (0..self.len()).for_each(|row| each(row, mapped.get(row)));
    }

    fn len(&self) -> usize {
        match &self.values {
            Values::Strings(strings) => strings.len(),
            Values::Codes(codes) => codes.values.len(),
            Values::U64s(values) => values.len(),
            Values::I64s(values) => values.len(),
            // A bitmap does not store its length. The surplus rows are unknown, as are all others.
            Values::Bools(bits) => bits.len() * 8,
        }
    }

    /// The string in row `i`, if it is known.
    pub fn text(&self, i: usize) -> Option<&str> {
        match &self.values {
            _ if !self.validity.is_known(i) => None,
            Values::Strings(strings) => Some(strings.get(i)),
            Values::Codes(codes) => codes.values.get(i).map(|code| codes.dictionary.get(*code as usize)),
            _ => None,
        }
    }

    /// The count or size in row `i`, if it is known.
    pub fn u64(&self, i: usize) -> Option<u64> {
        match &self.values {
            Values::U64s(values) if self.validity.is_known(i) => values.get(i).copied(),
            _ => None,
        }
    }

    /// The time in row `i` in seconds since 1970-01-01T00:00:00Z, if it is known.
    pub fn i64(&self, i: usize) -> Option<i64> {
        match &self.values {
            Values::I64s(values) if self.validity.is_known(i) => values.get(i).copied(),
            _ => None,
        }
    }

    /// The boolean in row `i`, if it is known.
    pub fn bool(&self, i: usize) -> Option<bool> {
        match &self.values {
            Values::Bools(bits) if self.validity.is_known(i) => Some(bit(bits, i)),
            _ => None,
        }
    }
}

impl Chunk {
    /// The column `name`, if this batch has it. In an absent column every row is unknown.
    ///
    /// # Panics
    /// If `COLUMNS` does not contain `name`, because the column would be absent in every batch.
    #[track_caller]
    pub fn column(&self, name: &str) -> Option<&Column> {
        assert!(
            self.requested.is_empty() || self.requested.contains(&name),
            "`COLUMNS` does not contain the column `{name}`"
        );
        self.columns.iter().find(|column| column.name == name)
    }

    /// The row number in the whole batch.
    pub const fn row(&self, row: usize) -> u64 {
        self.first_row + row as u64
    }
}
