//! Reading target lists into columns, in one pass.

use super::blocks::{Block, Blocks, LineError};
use super::columnar::{ColumnarFormat, EXTENSIONS, read_columnar_list};
use super::csv::{Header, HeaderLines, is_plain, read_quoted_rows};
use super::folder::Folder;
use super::hashing::Hashing;
use super::json_lines::read_json_lines;
use super::list_builder::{Chunker, FinishedChunk, List, ListBuilder};
use super::mapping::Mapping;
use super::options::ReadOptions;
use super::text_file::{TextFile, TextFormat};
use crate::error::{ReadError, describe};
use crate::facts::Hasher;
use crate::parallel::in_order;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Reads the list in a file. A file whose digest is not `expected` is an error.
pub(crate) fn read_target_file(
    folder: &Folder,
    name: &str,
    expected: Option<&str>,
    mapping: &Mapping,
    options: &mut ReadOptions<'_>,
) -> Result<List, ReadError> {
    let shown = folder.display_name(name);
    let list = match ColumnarFormat::of(name) {
        Some(format) => read_columnar_list(folder, name, format, mapping, options)?,
        None => read_text(folder, name, &shown, mapping, options)?,
    };
    match expected {
        Some(expected) if expected != list.sha256 => {
            let message = format!("its digest is `{}`, but the request names `{expected}`", list.sha256);
            Err(ReadError::of_file(&shown, message).with_help("submit the file that the request was written for"))
        }
        _ => Ok(list),
    }
}

/// The blocks of a text, which several threads parse.
struct Source<'a> {
    blocks: Blocks<&'a mut TextFile>,
    shown: &'a str,
    /// A block that was read and not returned yet: the first one, or the first one of a CSV file that has quotes.
    waiting: Option<Block>,
    /// Whether the blocks end before the first one that has quotes.
    only_plain: bool,
    /// Buffers of parsed blocks. Reusing them is faster, because fresh memory costs more than parsing a block.
    buffers: &'a Mutex<Vec<Vec<u8>>>,
}

impl Source<'_> {
    fn next_block(&mut self) -> Result<Option<Block>, ReadError> {
        let buffer = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let block = self.blocks.next(buffer.unwrap_or_default());
        block.map_err(|error| ReadError::of_file(self.shown, describe(&error)))
    }
}

/// A block to be parsed.
struct ReadBlock {
    block: Block,
    /// The number of bytes of the file up to its end.
    bytes_read: u64,
}

impl Iterator for Source<'_> {
    type Item = Result<ReadBlock, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = match self.waiting.take() {
            Some(block) => Ok(Some(block)),
            None => self.next_block(),
        };
        match block.transpose()? {
            Ok(block) if self.only_plain && !is_plain(block.lines()) => {
                self.waiting = Some(block);
                None
            }
            Ok(block) => Some(Ok(ReadBlock { block, bytes_read: self.blocks.reader().bytes_read() })),
            Err(error) => Some(Err(error)),
        }
    }
}

/// A block that was parsed.
struct ParsedBlock {
    chunks: Vec<FinishedChunk>,
    lines: u64,
    /// The number of bytes of the file up to its end.
    bytes_read: u64,
}

fn read_text(
    folder: &Folder,
    name: &str,
    shown: &str,
    mapping: &Mapping,
    options: &mut ReadOptions<'_>,
) -> Result<List, ReadError> {
    let mut file = TextFile::open(folder, name, "target lists", EXTENSIONS)?;
    let (size, threads) = (file.size(), options.threads);
    let mut list = ListBuilder::new(shown, options);
    let hasher = list.hasher.clone();
    let buffers = Mutex::new(Vec::new());
    let only_plain = file.format == TextFormat::Csv;
    let mut source = Source { blocks: Blocks::new(&mut file), shown, waiting: None, only_plain, buffers: &buffers };

    let mut lines = 0;
    let mut header = None;
    source.waiting = source.next_block()?;
    if let Some(block) = source.waiting.as_mut().filter(|block| only_plain && is_plain(block.lines())) {
        let read = HeaderLines::read(block.lines(), shown, mapping)?;
        block.start += read.bytes;
        lines = read.lines;
        header = Some(read.header);
    }
    let parse = |read: Result<ReadBlock, ReadError>| -> Result<Result<ParsedBlock, LineError>, ReadError> {
        let ReadBlock { block, bytes_read } = read?;
        let parsed = parse_block(block.lines(), bytes_read, header.as_ref(), mapping, &hasher);
        buffers.lock().unwrap_or_else(PoisonError::into_inner).push(block.bytes);
        Ok(parsed)
    };
    in_order(threads, &mut source, parse, |parsed| -> Result<(), ReadError> {
        let parsed = parsed?.map_err(|error| error.after(shown, lines))?;
        lines += parsed.lines;
        parsed.chunks.into_iter().try_for_each(|chunk| list.add(chunk))?;
        list.progress(parsed.bytes_read, size);
        Ok(())
    })?;
    if let Some(block) = source.waiting.take() {
        let (rest, file) = source.blocks.into_rest();
        let mut text = Cursor::new(block.lines()).chain(Cursor::new(rest)).chain(file);
        read_quoted(&mut text, shown, header, lines, mapping, &mut list)?;
    }
    list.finish(file.finish()?)
}

/// Parses the lines of a block into chunks.
fn parse_block(
    text: &[u8],
    bytes_read: u64,
    header: Option<&Header>,
    mapping: &Mapping,
    hasher: &Hasher,
) -> Result<ParsedBlock, LineError> {
    let (mut chunks, mut chunker) = (Vec::new(), Chunker::new(hasher.clone()));
    let lines = match header {
        Some(header) => header.read_plain(text, |row| chunks.extend(chunker.push(row))),
        None => read_json_lines(text, mapping, |row| chunks.extend(chunker.push(row))),
    }?;
    chunks.extend(chunker.cut());
    Ok(ParsedBlock { chunks, lines, bytes_read })
}

/// Reads the rows of a CSV text with quotes, on one thread.
fn read_quoted(
    text: &mut impl Read,
    shown: &str,
    header: Option<Header>,
    lines: u64,
    mapping: &Mapping,
    list: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let mut chunker = Chunker::new(list.hasher.clone());
    read_quoted_rows(text, shown, header, lines, mapping, |row| match chunker.push(row) {
        Some(chunk) => list.add(chunk),
        None => Ok(()),
    })?;
    chunker.cut().map_or(Ok(()), |chunk| list.add(chunk))
}

/// Copies the list in a file, if it still has the digest that it was read with.
pub(crate) fn copy_list(folder: &Folder, name: &str, sha256: &str, out: &mut impl Write) -> Result<(), ReadError> {
    let shown = folder.display_name(name);
    let mut reader = Hashing::new(folder.file(name)?);
    std::io::copy(&mut reader, out)
        .map_err(|error| ReadError::of_file(&shown, format!("cannot be copied: {error}")))?;
    let found = reader.finish();
    if found == sha256 {
        return Ok(());
    }
    let message = format!("the file changed after it was vetted: its digest was `{sha256}` and is `{found}`");
    Err(ReadError::of_file(&shown, message)
        .with_help("nothing was deleted; find out what writes to it, and submit the list again"))
}

/// Computes the digest of the list in a file, as evidence and permits name it: SHA-256 of its bytes, lower-case hex.
///
/// # Errors
/// [`ReadError`] if the file cannot be read.
pub fn list_sha256(path: &Path) -> Result<String, ReadError> {
    let (folder, name) = Folder::of(path)?;
    let mut reader = Hashing::new(folder.file(&name)?);
    std::io::copy(&mut reader, &mut std::io::sink())
        .map_err(|error| ReadError::of_file(&folder.display_name(&name), describe(&error)))?;
    Ok(reader.finish())
}
