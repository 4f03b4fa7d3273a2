//! How a list was read: what a report shows so that a person can check it.

use super::mapping::Mapping;
use crate::columns::LIST_COLUMNS;
use reprieve_model::shorten;

/// The maximum number of names of columns that were left alone, and are shown.
const MAX_LEFT_ALONE: usize = 32;

/// The maximum length of such a name in characters; a longer one is cut.
const MAX_NAME_CHARS: usize = 100;

/// How a list was read, or a file of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadAs {
    file: String,
    pub(super) format: &'static str,
    pub(super) encoding: &'static str,
    pub(super) delimiter: Option<char>,
    pub(super) header_line: Option<u64>,
    pub(super) array: Option<String>,
    pub(super) columns: Vec<UsedColumn>,
    pub(super) left_alone: Vec<String>,
}

/// A field of the targets, and the columns that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedColumn {
    /// The field.
    pub field: &'static str,
    /// The columns: one, or those that an id was joined from. Without a header, these are numbers counted from 1.
    pub columns: Vec<String>,
}

impl ReadAs {
    pub(super) fn new(format: &'static str, encoding: &'static str) -> Self {
        Self { format, encoding, ..Self::default() }
    }

    /// Sets the file that was read.
    pub(super) fn of_file(self, shown: &str) -> Self {
        Self { file: shown.to_owned(), ..self }
    }

    /// Whether another file was read in the same way.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let Self { file: _, format, encoding, delimiter, header_line, array, columns, left_alone } = self;
        (*format, *encoding, *delimiter, *header_line)
            == (other.format, other.encoding, other.delimiter, other.header_line)
            && (array, columns, left_alone) == (&other.array, &other.columns, &other.left_alone)
    }

    /// Sets the fields that were read, by a test of the columns of each.
    pub(super) fn use_columns(&mut self, mapping: &Mapping, is_there: impl Fn(&str) -> bool) {
        self.columns.clear();
        for known in LIST_COLUMNS {
            let columns = mapping.columns(known.field);
            // A column with the name of a field may be mapped to another one.
            let is_used = |column: &str| mapping.known(column).is_some_and(|role| role.field == known.field);
            if columns.iter().all(|column| is_used(column) && is_there(column)) {
                let columns = columns.into_iter().map(str::to_owned).collect();
                self.columns.push(UsedColumn { field: known.name, columns });
            }
        }
    }

    /// Adds the names of columns that were left alone.
    pub(super) fn leave_alone(&mut self, names: impl IntoIterator<Item = String>) {
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_unstable();
        for name in names {
            if self.left_alone.len() < MAX_LEFT_ALONE && !self.left_alone.contains(&name) {
                self.left_alone.push(shorten(&name, MAX_NAME_CHARS).into_owned());
            }
        }
    }

    /// The first file of the list that was read in this way.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The format: `NDJSON`, `JSON`, `CSV`, `lines`, `Parquet` or `Arrow`.
    pub const fn format(&self) -> &'static str {
        self.format
    }

    /// The encoding of a text: `UTF-8`, `UTF-16LE` or `UTF-16BE`. Empty if the file is not text.
    pub const fn encoding(&self) -> &'static str {
        self.encoding
    }

    /// What separates the columns of a CSV file.
    pub const fn delimiter(&self) -> Option<char> {
        self.delimiter
    }

    /// The line of a CSV file that names its columns, counted from 1; `None` if there is no such line.
    pub const fn header_line(&self) -> Option<u64> {
        self.header_line
    }

    /// The member of a JSON object whose array has the rows.
    pub fn array(&self) -> Option<&str> {
        self.array.as_deref()
    }

    /// The fields that were read.
    pub fn columns(&self) -> &[UsedColumn] {
        &self.columns
    }

    /// Columns that hold no field and were left alone: the first 32 names.
    pub fn left_alone(&self) -> &[String] {
        &self.left_alone
    }
}
