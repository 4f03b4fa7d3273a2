//! Targets as columns.

/// A run of consecutive targets.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Row number of the first target in the whole batch.
    pub first_row: u64,
    /// How many targets.
    pub rows: u32,
    /// The columns asked for, less those this batch does not have.
    pub columns: Vec<Column>,
    /// The names of all that were asked for. A session writes them; none is for none to be checked.
    pub asked: &'static [&'static str],
}

/// One column: a value a row.
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
#[derive(Clone, Debug)]
pub enum Values {
    /// Text.
    Strings(Strings),
    /// Text with few distinct values.
    Codes(Codes),
    /// Counts and sizes.
    U64s(Vec<u64>),
    /// Times, in seconds since 1970-01-01T00:00:00Z.
    I64s(Vec<i64>),
    /// Yes or no, as a bitmap.
    Bools(Vec<u8>),
}

/// Strings end to end: string `i` is `text[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    /// One more than there are strings.
    pub offsets: Vec<u32>,
    /// All of them.
    pub text: String,
}

/// A dictionary, and an index into it for each row.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    /// The distinct values of this chunk.
    pub dictionary: Strings,
    /// One a row.
    pub values: Vec<u32>,
}

/// A bitmap of the rows whose value is known; none where all are.
#[derive(Clone, Debug, Default)]
pub struct Validity(pub Option<Vec<u8>>);

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
    /// Judges a column of codes with one test per distinct value instead of one per row: calls `each` with the row
    /// number in the chunk and `test`'s answer for its value, or `None` where it is unknown. Any other type of
    /// column is unknown throughout.
    pub fn judge<T: Copy>(&self, mut test: impl FnMut(&str) -> T, mut each: impl FnMut(usize, Option<T>)) {
        let Values::Codes(codes) = &self.values else {
            (0..self.len()).for_each(|row| each(row, None));
            return;
        };
        let verdicts: Vec<T> = (0..codes.dictionary.len()).map(|i| test(codes.dictionary.get(i))).collect();
        for (row, code) in codes.values.iter().enumerate() {
            let verdict = if self.validity.is_known(row) { verdicts.get(*code as usize).copied() } else { None };
            each(row, verdict);
        }
    }

    fn len(&self) -> usize {
        match &self.values {
            Values::Strings(strings) => strings.len(),
            Values::Codes(codes) => codes.values.len(),
            Values::U64s(values) => values.len(),
            Values::I64s(values) => values.len(),
            // A bitmap does not say where it ends; what lies behind the last row is unknown as well.
            Values::Bools(bits) => bits.len() * 8,
        }
    }

    /// The text of row `i`, where it is known.
    pub fn text(&self, i: usize) -> Option<&str> {
        match &self.values {
            _ if !self.validity.is_known(i) => None,
            Values::Strings(strings) => Some(strings.get(i)),
            Values::Codes(codes) => codes.values.get(i).map(|code| codes.dictionary.get(*code as usize)),
            _ => None,
        }
    }

    /// The count or size in row `i`, where it is known.
    pub fn u64(&self, i: usize) -> Option<u64> {
        match &self.values {
            Values::U64s(values) if self.validity.is_known(i) => values.get(i).copied(),
            _ => None,
        }
    }

    /// The time in row `i` in seconds since 1970-01-01T00:00:00Z, where it is known.
    pub fn i64(&self, i: usize) -> Option<i64> {
        match &self.values {
            Values::I64s(values) if self.validity.is_known(i) => values.get(i).copied(),
            _ => None,
        }
    }

    /// Yes or no in row `i`, where it is known.
    pub fn bool(&self, i: usize) -> Option<bool> {
        match &self.values {
            Values::Bools(bits) if self.validity.is_known(i) => Some(bit(bits, i)),
            _ => None,
        }
    }
}

impl Chunk {
    /// The column of that name, if this batch has it. A column that is not there is unknown for every row.
    ///
    /// # Panics
    /// If the policy does not ask for it in `COLUMNS`: it would be unknown in every batch.
    #[track_caller]
    pub fn column(&self, name: &str) -> Option<&Column> {
        assert!(self.asked.is_empty() || self.asked.contains(&name), "a column that is not among `COLUMNS`");
        self.columns.iter().find(|column| column.name == name)
    }

    /// The row's number in the whole batch.
    pub const fn row(&self, row: usize) -> u64 {
        self.first_row + row as u64
    }
}
