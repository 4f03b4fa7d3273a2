//! The rows of an inventory in text. Several threads parse its blocks and encode their rows.

use super::blocks::{BLANK_LINE, Block, Blocks, LineError, MAX_LINE_BYTES, each_line};
use super::csv::is_plain;
use super::csv_records::{each_record, wrong_length};
use super::dialect::{Expected, Opening};
use super::json_blocks::{JsonBlock, JsonBlocks, RowError};
use super::json_scan::is_blank;
use super::mapping::check_distinct;
use crate::error::{Place, ReadError, describe, without_position};
use crate::parallel::in_order;
use crate::record::{
    EncodedBlock, Encoder, Encoders, InventoryColumn, InventoryReader, InventoryRow, InventoryRowBuilder, SeenName,
    check_names, inventory_column, is_inventory_column,
};
use hashbrown::HashSet;
use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::{Mutex, PoisonError};

/// Receives encoded rows, and the number of lines, or of rows, before them.
pub(crate) type EachBlock<'a> = dyn FnMut(EncodedBlock, u64) -> Result<(), String> + 'a;

/// The number of rows that one thread encodes before it passes them on.
const ROWS_AT_ONCE: usize = 4_096;

/// Where the rows of an inventory go.
pub(super) struct RowSink<'a, 'e> {
    pub shown: &'a str,
    pub threads: usize,
    pub encoders: &'a Encoders,
    pub each: &'a mut EachBlock<'e>,
    /// The number of lines that were read.
    lines: u64,
    /// The names of the members of rows in JSON.
    names: HashSet<String>,
}

/// The rows of a block.
struct Parsed {
    rows: EncodedBlock,
    /// The names of members that its rows have.
    names: Vec<SeenName>,
    /// The number of its lines, or the error in the row after `rows`.
    lines: Result<u64, LineError>,
}

impl<'a, 'e> RowSink<'a, 'e> {
    pub fn new(shown: &'a str, threads: usize, encoders: &'a Encoders, each: &'a mut EachBlock<'e>) -> Self {
        Self { shown, threads, encoders, each, lines: 0, names: HashSet::new() }
    }

    fn pass(&mut self, rows: EncodedBlock, before: u64) -> Result<(), ReadError> {
        (self.each)(rows, before).map_err(|message| ReadError::of_file(self.shown, message))
    }

    fn add(&mut self, parsed: Parsed) -> Result<(), ReadError> {
        let Parsed { rows, names, lines } = parsed;
        self.pass(rows, self.lines)?;
        for SeenName { name, line } in names {
            self.names.insert(name);
            check_names(self.names.len())
                .map_err(|message| LineError { line, message }.after(self.shown, self.lines))?;
        }
        self.lines += lines.map_err(|error| {
            let is_blank = error.message == BLANK_LINE;
            let error = error.after(self.shown, self.lines);
            if is_blank { error.with_help("remove the line") } else { error }
        })?;
        Ok(())
    }

    fn parse<B: Send>(
        &mut self,
        blocks: impl Iterator<Item = Result<B, ReadError>> + Send,
        parse: impl Fn(B, &mut Encoder) -> Parsed + Sync,
    ) -> Result<(), ReadError> {
        let encoders = self.encoders;
        let parse = |block: Result<B, ReadError>| encoders.with(|encoder| block.map(|block| parse(block, encoder)));
        in_order(self.threads, blocks, parse, |parsed: Result<Parsed, ReadError>| self.add(parsed?))
    }

    /// Reads CSV. `tabs` if columns are separated by tabs.
    pub fn read_csv(&mut self, reader: &mut (impl Read + Send), tabs: bool) -> Result<(), ReadError> {
        let shown = self.shown;
        let buffers = Mutex::new(Vec::new());
        let mut source =
            Source { blocks: Blocks::new(reader), shown, waiting: None, only_plain: true, buffers: &buffers };
        let mut first = source.next_block()?.unwrap_or_default();
        let expected = Expected { tabs, skip_lines: 0, columns: vec!["id"], is_list: false, numbered: None };
        let opening = expected.read(first.lines(), source.blocks.is_at_end(), shown)?;
        let columns = columns(&opening).map_err(|message| ReadError::new(shown, Place::Line(1), message))?;
        let delimiter = opening.delimiter;
        self.lines = opening.lines;
        first.start += opening.bytes;
        source.waiting = Some(first);
        self.parse(&mut source, |block, encoder| {
            let (mut number, mut row) = (0, InventoryRowBuilder::default());
            let lines = each_line(block.lines(), |line| {
                number += 1;
                let line = line.strip_suffix('\r').unwrap_or(line);
                if line.is_empty() {
                    return Err(BLANK_LINE.to_owned());
                }
                let count = 1 + memchr::memchr_iter(delimiter, line.as_bytes()).count();
                if count != columns.len() {
                    return Err(wrong_length(count as u64, columns.len() as u64));
                }
                let row = csv_row(&mut row, &columns, line.split(char::from(delimiter)))?;
                encoder.push(number, &row.id, &row.fields(), row.pool_minimum);
                Ok(())
            });
            drop(row);
            give_back(&buffers, block.bytes);
            Parsed { rows: encoder.finish_block(), names: Vec::new(), lines }
        })?;
        let Some(block) = source.waiting.take() else { return Ok(()) };
        let (rest, reader) = source.blocks.into_rest();
        let mut text = Cursor::new(block.lines()).chain(Cursor::new(rest)).chain(reader);
        self.read_quoted(&mut text, &columns, delimiter)
    }

    /// Reads the rows of a CSV text with quotes, on one thread.
    fn read_quoted(
        &mut self,
        text: &mut impl Read,
        columns: &[Option<InventoryColumn>],
        delimiter: u8,
    ) -> Result<(), ReadError> {
        let (encoders, lines) = (self.encoders, self.lines);
        encoders.with(|encoder| {
            let mut rows = 0;
            let read = each_record(text, self.shown, lines, columns.len(), delimiter, |line, record| {
                let mut row = InventoryRowBuilder::default();
                let row = csv_row(&mut row, columns, record.iter())?;
                encoder.push(line, &row.id, &row.fields(), row.pool_minimum);
                rows += 1;
                if rows % ROWS_AT_ONCE == 0 { (self.each)(encoder.finish_block(), 0) } else { Ok(()) }
            });
            self.pass(encoder.finish_block(), 0)?;
            read
        })
    }

    /// Reads lines that are rows in JSON.
    pub fn read_json_lines(&mut self, reader: &mut (impl Read + Send)) -> Result<(), ReadError> {
        let buffers = Mutex::new(Vec::new());
        let blocks = Blocks::new(reader);
        let source = Source { blocks, shown: self.shown, waiting: None, only_plain: false, buffers: &buffers };
        self.parse(source, |block, encoder| {
            let mut rows = InventoryReader::default();
            let lines = each_line(block.lines(), |line| {
                rows.line += 1;
                if line.bytes().all(is_blank) {
                    return Ok(());
                }
                let row = rows.read(line).map_err(|error| without_position(&error))??;
                encoder.push(rows.line, &row.id, &row.fields(), row.pool_minimum);
                Ok(())
            });
            give_back(&buffers, block.bytes);
            Parsed { rows: encoder.finish_block(), names: rows.seen, lines }
        })
    }

    /// Reads a JSON document with the shapes of a list: arrays of objects, objects, or objects with such an array.
    pub fn read_json_document(&mut self, reader: &mut (impl Read + Send)) -> Result<(), ReadError> {
        let shown = self.shown;
        let buffers = Mutex::new(Vec::new());
        let mut blocks = JsonBlocks::new(reader, |name: &str| name == "id");
        let source =
            std::iter::from_fn(|| blocks.next(used(&buffers)).map_err(|error| error.of_file(shown)).transpose());
        self.parse(source, |block: JsonBlock, encoder| {
            let mut rows = InventoryReader::default();
            let mut row_lines = block.row_lines();
            let lines = block.each_row(|json| {
                rows.line = row_lines.next().unwrap_or_default();
                let row = rows.read(json).map_err(RowError::Json)?.map_err(RowError::Row)?;
                encoder.push(rows.line, &row.id, &row.fields(), row.pool_minimum);
                Ok(())
            });
            drop(row_lines);
            give_back(&buffers, block.bytes);
            Parsed { rows: encoder.finish_block(), names: rows.seen, lines }
        })
    }
}

/// Returns the columns of a header.
fn columns(opening: &Opening) -> Result<Vec<Option<InventoryColumn>>, String> {
    let names = || opening.names.iter().map(String::as_str);
    let columns = names().map(inventory_column).collect::<Result<Vec<_>, String>>()?;
    check_distinct(names(), |name| is_inventory_column(name) == Ok(true))?;
    Ok(columns)
}

fn csv_row<'a, 'r>(
    row: &'r mut InventoryRowBuilder<'a>,
    columns: &[Option<InventoryColumn>],
    fields: impl Iterator<Item = &'a str>,
) -> Result<&'r InventoryRow<'a>, String> {
    row.clear();
    for (column, text) in columns.iter().zip(fields) {
        if let Some(column) = column {
            row.set(*column, Cow::Borrowed(text))?;
        }
    }
    row.checked()
}

type Buffers = Mutex<Vec<Vec<u8>>>;

/// Returns a buffer of a parsed block. Reusing it is faster, because fresh memory costs more than parsing a block.
fn used(buffers: &Buffers) -> Vec<u8> {
    buffers.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
}

fn give_back(buffers: &Buffers, bytes: Vec<u8>) {
    buffers.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
}

/// The blocks of a text.
struct Source<'a, R> {
    blocks: Blocks<R>,
    shown: &'a str,
    /// A block that was read and not returned yet: the first one, or the first one of a CSV file that is not plain.
    waiting: Option<Block>,
    /// Whether the blocks end before the first one that is not plain.
    only_plain: bool,
    buffers: &'a Buffers,
}

impl<R: Read> Source<'_, R> {
    fn next_block(&mut self) -> Result<Option<Block>, ReadError> {
        self.blocks.next(used(self.buffers)).map_err(|error| ReadError::of_file(self.shown, describe(&error)))
    }
}

impl<R: Read> Iterator for Source<'_, R> {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = match self.waiting.take() {
            Some(block) => block,
            None => match self.next_block().transpose()? {
                Ok(block) => block,
                Err(error) => return Some(Err(error)),
            },
        };
        if self.only_plain && !is_plain_text(block.lines()) {
            self.waiting = Some(block);
            return None;
        }
        Some(Ok(block))
    }
}

/// Whether every line of a text is a row, every delimiter separates two fields, and no row is too long.
fn is_plain_text(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(line) = rest.get(..MAX_LINE_BYTES) {
        let Some(end) = memchr::memrchr(b'\n', line) else { return false };
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    is_plain(text) && str::from_utf8(text).is_ok()
}
