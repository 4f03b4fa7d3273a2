//! Target lists in a JSON document: arrays of objects, objects, or objects with an array of objects in them. Several threads
//! parse the rows, in bounded memory.

use super::blocks::LineError;
use super::chunker::Chunker;
use super::json_blocks::{BlockError, JsonBlock, JsonBlocks, RowError};
use super::json_row::RowReader;
use super::json_scan::{container_end, skip_blank};
use super::json_shape::{Shape, shape_of};
use super::list_builder::ListBuilder;
use super::mapping::Mapping;
use super::parsed::{Collector, Members, ParsedBlock, Unparsed};
use super::text_file::{TextFile, TextFormat};
use crate::error::{ReadError, describe};
use crate::facts::Hasher;
use crate::parallel::in_order;
use std::io::{Chain, Cursor, Read};
use std::sync::{Mutex, PoisonError};

/// Whether a text that may be lines of JSON is a document instead: an array, an object on several lines, or an object that
/// has the rows in one of its members.
pub(super) fn is_document(text: &[u8], mapping: &Mapping) -> bool {
    let text = &text[skip_blank(text, 0)..];
    match text.first() {
        Some(b'[') => true,
        Some(b'{') => {
            let line = memchr::memchr(b'\n', text).map_or(text, |end| &text[..end]);
            match container_end(text, 0) {
                Some(end) if end <= line.len() && line.get(skip_blank(line, end)) == Some(&b'{') => true,
                Some(end) if end <= line.len() => {
                    let object = str::from_utf8(&text[..end]).unwrap_or_default();
                    matches!(shape_of(object, |name| mapping.is_id(name)), Ok(Shape::Member(_)))
                }
                // On several lines, unless the first line is broken and the others are whole.
                _ => skip_blank(text, line.len()) < text.len() && !line_is_broken(text, line),
            }
        }
        _ => false,
    }
}

/// Whether the first line is an object that is cut off, and another object follows it.
fn line_is_broken(text: &[u8], line: &[u8]) -> bool {
    text.get(skip_blank(text, line.len())) == Some(&b'{')
}

/// The text of a document: what was read of it, and the rest.
type Document<'a> = Chain<Cursor<Vec<u8>>, &'a mut TextFile>;

/// The blocks of a document, which several threads parse.
struct Source<'a, F> {
    blocks: JsonBlocks<Document<'a>, F>,
    shown: &'a str,
    buffers: &'a Mutex<Vec<Vec<u8>>>,
}

impl<F: Fn(&str) -> bool> Iterator for Source<'_, F> {
    type Item = Result<Unparsed<JsonBlock>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let buffer = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let block = self.blocks.next(buffer.unwrap_or_default());
        match block.map_err(|error| error.of_file(self.shown)).transpose()? {
            Ok(block) => {
                let bytes_read = self.blocks.reader().get_ref().1.bytes_read();
                Some(Ok(Unparsed { block, bytes_read, is_first: false }))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl BlockError {
    /// Returns the error at its line of a file.
    pub fn of_file(self, shown: &str) -> ReadError {
        match self {
            Self::Io(error) => ReadError::of_file(shown, describe(&error)),
            Self::Json(error) => error.after(shown, 0).with_help(
                "a list in JSON is an array of objects, or an object with such an array in it; one object per line is fine too",
            ),
        }
    }
}

/// Reads a document, of which `read` was read before.
pub(super) fn read_json_document(
    file: &mut TextFile,
    read: Vec<u8>,
    shown: &str,
    mapping: &Mapping,
    threads: usize,
    list: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let (size, hasher) = (file.size(), list.hasher.clone());
    list.read_as.format = TextFormat::Json.name();
    let buffers = Mutex::new(Vec::new());
    let blocks = JsonBlocks::new(Cursor::new(read).chain(file), |name: &str| mapping.is_id(name));
    let mut source = Source { blocks, shown, buffers: &buffers };
    let mut collector = Collector::new(shown, size, 0);
    let parse = |read: Result<Unparsed<JsonBlock>, ReadError>| -> Result<Result<ParsedBlock, LineError>, ReadError> {
        let Unparsed { block, bytes_read, .. } = read?;
        let parsed = parse_rows(&block, bytes_read, mapping, &hasher);
        buffers.lock().unwrap_or_else(PoisonError::into_inner).push(block.bytes);
        Ok(parsed)
    };
    in_order(threads, &mut source, parse, |parsed| collector.add(parsed?, list))?;
    if let Some(Shape::Member(name)) = source.blocks.shape() {
        list.read_as.array = Some(name.clone());
    }
    collector.members.describe(mapping, list, shown)
}

fn parse_rows(
    block: &JsonBlock,
    bytes_read: u64,
    mapping: &Mapping,
    hasher: &Hasher,
) -> Result<ParsedBlock, LineError> {
    let (mut chunks, mut chunker) = (Vec::new(), Chunker::new(hasher.clone()));
    let mut reader = RowReader::new(mapping, false);
    let lines = block.each_row(|json| {
        let row = reader.read(json).map_err(RowError::Json)?;
        chunks.extend(chunker.push(&row));
        Ok(())
    })?;
    chunks.extend(chunker.cut());
    Ok(ParsedBlock { chunks, lines, bytes_read, members: Members::of(reader) })
}
