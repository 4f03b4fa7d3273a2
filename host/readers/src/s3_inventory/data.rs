//! The data files of an inventory. Keys are URL-encoded in CSV files, and not in Parquet files.

use super::row::Columns;
use crate::s3::{self, Object};
use flate2::read::MultiGzDecoder;
use reprieve_batch::{ParquetRows, Place, ReadError};
use std::borrow::Cow;
use std::io::{self, Read};

/// The maximum length of a line in bytes. A key has at most 1,024.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Receives the rows of a file.
type Each<'a> = dyn FnMut(Object) -> Result<(), ReadError> + 'a;

/// Reads a CSV file without a header, which may be compressed.
pub(super) fn read_csv(
    name: &str,
    bytes: &[u8],
    columns: &Columns,
    bucket: &str,
    each: &mut Each<'_>,
) -> Result<(), ReadError> {
    let plain: Box<dyn Read + '_> =
        if bytes.starts_with(b"\x1f\x8b") { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
    let lines = Lines { inner: plain, length: 0, is_quoted: false };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines);
    let mut record = csv::StringRecord::new();
    let failed = |line: u64, message: String| ReadError::new(name, Place::Line(line), message);
    while reader.read_record(&mut record).map_err(|error| failed(reader_line(&error), format!("not CSV: {error}")))? {
        let line = record.position().map_or(1, csv::Position::line);
        if record.len() != columns.names.len() {
            let message = format!("expected {} columns, found {}", columns.names.len(), record.len());
            return Err(failed(line, message));
        }
        if record.iter().any(|value| value.chars().any(char::is_control)) {
            return Err(failed(line, "a value has control characters: a quote is missing".to_owned()));
        }
        let object = columns.row(bucket, |place| record.get(place)).and_then(|object| {
            let object = Object { key: s3::decode_key(&object.key)?, ..object };
            object.check().map(|()| object)
        });
        each(object.map_err(|message| failed(line, message))?)?;
    }
    Ok(())
}

fn reader_line(error: &csv::Error) -> u64 {
    error.position().map_or(1, csv::Position::line)
}

/// Reads a Parquet file.
pub(super) fn read_parquet(
    name: &str,
    bytes: Vec<u8>,
    columns: &Columns,
    bucket: &str,
    each: &mut Each<'_>,
) -> Result<(), ReadError> {
    let rows = ParquetRows::open(name, bytes)?;
    let found = rows.columns();
    if found.len() != columns.names.len() || columns.names.iter().any(|name| !found.contains(&name.as_str())) {
        let message = format!("its columns are not those of the manifest: {}", found.join(", "));
        return Err(ReadError::of_file(name, message));
    }
    let names = columns.read();
    rows.read(&names, &mut |number, values| {
        let value = |place: usize| {
            let column = columns.names.get(place)?;
            let at = names.iter().position(|name| name == column)?;
            values.get(at)?.as_ref().map(Cow::as_ref)
        };
        let object = columns.row(bucket, value).and_then(|object| object.check().map(|()| object));
        each(object.map_err(|message| ReadError::of_file(name, format!("row {number}: {message}")))?)
    })
}

/// Text whose lines are not too long. A small compressed file may be one line of many gigabytes.
struct Lines<'a> {
    inner: Box<dyn Read + 'a>,
    /// The length of the row so far.
    length: usize,
    /// Whether a quote is open: then the row goes on after a line break.
    is_quoted: bool,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for line in buffer.get(..read).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            self.length += line.len();
            if self.length > MAX_LINE_BYTES {
                return Err(io::Error::other(format!("a row is longer than {MAX_LINE_BYTES} bytes")));
            }
            self.is_quoted ^= line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            if line.ends_with(b"\n") && !self.is_quoted {
                self.length = 0;
            }
        }
        Ok(read)
    }
}
