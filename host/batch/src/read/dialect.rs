//! The beginning of a CSV text: the lines before the header, the header, and what separates its columns.

use super::blocks::BLANK_LINE;
use super::csv_records::QUOTES_HELP;
use super::quotes::{Quotes, Violation};
use crate::error::{Place, ReadError};
use crate::near::looks_like;
use csv::{ReaderBuilder, StringRecord};
use reprieve_model::did_you_mean;

/// What may separate columns.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// The maximum number of columns.
const MAX_COLUMNS: usize = 16_384;
/// The maximum number of names in a message.
const MAX_SHOWN: usize = 12;

/// What is known of a CSV text before it is read.
pub(super) struct Expected<'a> {
    /// Whether columns are separated by tabs; otherwise the header shows what separates them.
    pub tabs: bool,
    /// The number of lines before the header.
    pub skip_lines: u64,
    /// The columns that the header must have: first those of the id.
    pub columns: Vec<&'a str>,
    /// Whether it is a target list, whose request may say how it is read.
    pub is_list: bool,
    /// The number of columns that there must be if there is no header. The columns are named by their numbers.
    pub numbered: Option<usize>,
}

/// The beginning of a CSV text.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub names: Vec<String>,
    pub delimiter: u8,
    /// The number of bytes before the first row.
    pub bytes: usize,
    /// The number of lines before the first row.
    pub lines: u64,
    /// The line of the header.
    pub header_line: Option<u64>,
}

impl Expected<'_> {
    /// Reads the beginning of a text; `is_whole` if this is the whole text.
    pub fn read(&self, text: &[u8], is_whole: bool, shown: &str) -> Result<Opening, ReadError> {
        let skipped = self.skip(text, shown)?;
        let line = self.skip_lines + 1;
        let wrong = |message: String| ReadError::new(shown, Place::Line(line), message);
        let record = match record_end(&text[skipped..]) {
            Some(length) => &text[skipped..skipped + length],
            None if is_whole => &text[skipped..],
            None => return Err(wrong("the first row is too long".to_owned())),
        };
        if record.is_empty() {
            return self.empty(skipped, shown);
        }
        if record.trim_ascii_end().is_empty() {
            return Err(wrong(BLANK_LINE.to_owned()));
        }
        str::from_utf8(record).map_err(|_| wrong("the header is not UTF-8".to_owned()))?;
        let delimiters = if self.tabs { &DELIMITERS[2..3] } else { &DELIMITERS[..] };
        let readings = delimiters.iter().map(|delimiter| Reading::of(record, *delimiter));
        let readings: Vec<Reading> =
            readings.collect::<Result<_, csv::Error>>().map_err(|error| wrong(error.to_string()))?;
        let Some(Reading { delimiter, fields, flaw }) = self.choose(&readings, shown, line)? else {
            return Err(self.explain(&readings, shown, line));
        };
        if let Some(flaw) = flaw {
            return Err(ReadError::new(shown, Place::Line(line + flaw.line - 1), flaw.message).with_help(QUOTES_HELP));
        }
        if fields.len() > MAX_COLUMNS {
            return Err(wrong(format!("it has {} columns, at most {MAX_COLUMNS} are allowed", fields.len())));
        }
        let lines = memchr::memchr_iter(b'\n', record).count() as u64;
        if self.numbered.is_some() {
            let names = (1..=fields.len()).map(|number| number.to_string()).collect();
            let delimiter = *delimiter;
            return Ok(Opening { names, delimiter, bytes: skipped, lines: line - 1, header_line: None });
        }
        if let Some(missing) = self.columns.iter().find(|column| !fields.iter().any(|name| name == **column)) {
            let names = fields.iter().map(String::as_str);
            let message = match did_you_mean(missing, names) {
                Some(near) => format!("there is no column `{missing}`; did you mean `{near}`?"),
                None => format!("there is no column `{missing}`; the columns are {}", list(fields)),
            };
            return Err(wrong(message));
        }
        Ok(Opening {
            names: fields.clone(),
            delimiter: *delimiter,
            bytes: skipped + record.len(),
            lines: line - 1 + lines.max(1),
            header_line: Some(line),
        })
    }

    /// Returns the number of bytes of the lines before the header.
    fn skip(&self, text: &[u8], shown: &str) -> Result<usize, ReadError> {
        let mut at = 0;
        for skipped in 0..self.skip_lines {
            let length = memchr::memchr(b'\n', &text[at..]).ok_or_else(|| {
                let message = format!("`skip_lines` is {}, but only {skipped} lines can be skipped", self.skip_lines);
                ReadError::of_file(shown, message)
            })?;
            at += length + 1;
        }
        Ok(at)
    }

    /// A text without a header and without rows is an empty list only if it has no header.
    fn empty(&self, bytes: usize, shown: &str) -> Result<Opening, ReadError> {
        let Some(columns) = self.numbered else {
            let message = format!("there is no column `{}`", self.columns.first().copied().unwrap_or("id"));
            return Err(ReadError::new(shown, Place::Line(self.skip_lines + 1), message)
                .with_help("the first line of a CSV file names its columns"));
        };
        let names = (1..=columns).map(|number| number.to_string()).collect();
        Ok(Opening { names, delimiter: b',', bytes, lines: self.skip_lines, header_line: None })
    }

    /// Chooses the reading of the first row: the only one that separates it into columns and has those of the id.
    fn choose<'r>(&self, readings: &'r [Reading], shown: &str, line: u64) -> Result<Option<&'r Reading>, ReadError> {
        let fits = |fields: &[String]| match self.numbered {
            Some(columns) => fields.len() >= columns,
            None => self.columns.first().is_some_and(|id| fields.iter().any(|name| name == id)),
        };
        let fitting: Vec<&Reading> =
            readings.iter().filter(|reading| reading.fields.len() > 1 && fits(&reading.fields)).collect();
        let valid: Vec<&Reading> = fitting.iter().copied().filter(|reading| reading.flaw.is_none()).collect();
        match valid[..] {
            // One column, or what separates columns is not one of these characters.
            [] => {
                let one = readings.first().filter(|reading| reading.fields.len() == 1 && fits(&reading.fields));
                Ok(fitting.first().copied().or(one))
            }
            [one] => Ok(Some(one)),
            [a, b, ..] => {
                let (a, b) = (shown_delimiter(a.delimiter), shown_delimiter(b.delimiter));
                Err(ReadError::new(
                    shown,
                    Place::Line(line),
                    format!("ambiguous: {a} or {b} may separate the columns"),
                )
                .with_help("enclose fields that contain such a character in quotes"))
            }
        }
    }

    /// Says what the first row was read as, and how to say otherwise.
    fn explain(&self, readings: &[Reading], shown: &str, line: u64) -> ReadError {
        let empty = Vec::new();
        let longest = readings.iter().max_by_key(|reading| reading.fields.len());
        let fields = longest.map_or(&empty, |reading| &reading.fields);
        if let Some(columns) = self.numbered {
            let message = format!("the row has {} columns, but column {columns} is to be read", fields.len());
            return ReadError::new(shown, Place::Line(line), message);
        }
        let id = self.columns.first().copied().unwrap_or("id");
        let names = list(fields);
        let near = fields.iter().find(|name| looks_like(name, std::iter::once(id)).is_some());
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let message =
            format!("there is no column `{id}`{near} (line {line} was read as the names of the columns: {names})");
        let error = ReadError::new(shown, Place::Line(line), message);
        if !self.is_list {
            return error.with_help("name the columns in the first line, and the column of the ids `id`");
        }
        error.with_help(format!(
            "map the id to one of these columns: `\"columns\": {{\"id\": \"…\"}}`; if line {line} is already a row, set \
             `\"header\": false` and map fields to numbers of columns: `\"columns\": {{\"id\": \"1\"}}`; if it is a title, \
             set `\"skip_lines\": {line}`; a list of one id per line is a .txt file"
        ))
    }
}

/// The first row as it is if one character separates its fields.
struct Reading {
    delimiter: u8,
    fields: Vec<String>,
    /// Why not every reader would read it so.
    flaw: Option<Violation>,
}

impl Reading {
    fn of(record: &[u8], delimiter: u8) -> Result<Self, csv::Error> {
        let mut csv = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(record);
        let mut fields = StringRecord::new();
        csv.read_record(&mut fields)?;
        let flaw = Quotes::new(1, delimiter).read(record).err();
        Ok(Self { delimiter, fields: fields.iter().map(str::to_owned).collect(), flaw })
    }
}

/// Returns the end of the first record: the first line feed outside quotes.
fn record_end(text: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    for at in memchr::memchr2_iter(b'"', b'\n', text) {
        if text.get(at) == Some(&b'"') {
            is_quoted = !is_quoted;
        } else if !is_quoted {
            return Some(at + 1);
        }
    }
    None
}

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(MAX_SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MAX_SHOWN);
    if more > 0 { format!("{}, and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn shown_delimiter(delimiter: u8) -> String {
    if delimiter == b'\t' { "a tab".to_owned() } else { format!("`{}`", char::from(delimiter)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, expected: &Expected<'_>) -> Result<(char, Vec<String>, usize, u64), String> {
        let opening = expected.read(text.as_bytes(), true, "t.csv").map_err(|error| error.to_string())?;
        Ok((char::from(opening.delimiter), opening.names, opening.bytes, opening.lines))
    }

    fn plain() -> Expected<'static> {
        Expected { tabs: false, skip_lines: 0, columns: vec!["id"], is_list: true, numbered: None }
    }

    #[test]
    fn the_header_shows_what_separates_columns() {
        for (text, delimiter, columns) in [
            ("id,kind\na,b\n", ',', 2),
            ("id;kind;a,b\r\n", ';', 3),
            ("a\tid", '\t', 2),
            ("a|id\n", '|', 2),
            ("id\na;b\n", ',', 1),
            ("\"id\";\"a;b\";\"c\nd\"\n", ';', 3),
        ] {
            let (found, names, bytes, _) = read(text, &plain()).unwrap();
            assert_eq!((found, names.len()), (delimiter, columns), "{text:?}");
            assert!(bytes <= text.len());
        }
        let ambiguous = read("id,a;id\n", &plain()).unwrap_err();
        assert_eq!(ambiguous, "t.csv:1: ambiguous: `,` or `;` may separate the columns");
        for text in ["a:id\n", "orders\npayments\n", "bucket-1,key-1\n", "ID,kind\n"] {
            let error = read(text, &plain()).unwrap_err();
            assert!(error.starts_with("t.csv:1: there is no column `id`"), "{error}");
            assert!(error.contains("line 1 was read as the names of the columns: `"), "{error}");
        }
        assert!(read("id;kind\n", &Expected { tabs: true, ..plain() }).is_err());
    }

    #[test]
    fn skips_lines_and_numbers_columns_if_told() {
        let skipped = read("version:v1.0\nid,kind\n", &Expected { skip_lines: 1, ..plain() });
        assert_eq!(skipped, Ok((',', vec!["id".to_owned(), "kind".to_owned()], 21, 2)));
        assert!(read("id", &Expected { skip_lines: 1, ..plain() }).is_err());
        let numbered = |columns| Expected { numbered: Some(columns), columns: vec![], ..plain() };
        assert_eq!(read("b,k,7\n", &numbered(2)).unwrap().1, ["1", "2", "3"]);
        assert_eq!(read("b\n", &numbered(1)).unwrap().1, ["1"]);
        assert_eq!(read("", &numbered(2)).unwrap().1, ["1", "2"]);
        assert!(read("b,k\n", &numbered(3)).is_err() && read("a,b;c\n", &numbered(1)).is_err());
    }
}
