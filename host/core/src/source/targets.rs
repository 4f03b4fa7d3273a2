//! Reading target lists into columns, in one pass.

use super::blocks::{Block, Blocks, Wrong};
use super::csv::Header;
use super::fields::Mapping;
use super::filling::{Cutter, Filling, Full};
use super::folder::describe;
use super::hashing::Hashing;
use super::text::{Format, TextFile};
use super::{Folder, List, Place, Reading, Unreadable, columnar, csv, ndjson};
use crate::facts::Hasher;
use crate::parallel::in_order;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Reads the list in a file. With `expected`, a file of another digest is an error.
pub(crate) fn read_file(
    folder: &Folder,
    name: &str,
    expected: Option<&str>,
    mapping: &Mapping,
    reading: &mut Reading<'_>,
) -> Result<List, Unreadable> {
    let shown = folder.shown(name);
    let list = match columnar::Format::of(name) {
        Some(format) => columnar::read(folder, name, format, mapping, reading)?,
        None => read_text(folder, name, &shown, mapping, reading)?,
    };
    match expected {
        Some(expected) if expected != list.sha256 => Err(Unreadable::new(
            &shown,
            Place::Whole,
            format!("its digest is `{}`, and the request says `{expected}`", list.sha256),
        )
        .help("submit the file that the request was written for")),
        _ => Ok(list),
    }
}

/// Blocks of a text, as they are handed to threads.
struct Source<'a> {
    blocks: Blocks<&'a mut TextFile>,
    shown: &'a str,
    /// A block that was looked at before: the first, or the one that a CSV file is no longer plain from.
    waiting: Option<Block>,
    only_plain: bool,
    /// Buffers of blocks that are done with: fresh memory costs more than parsing what it holds.
    buffers: &'a Mutex<Vec<Vec<u8>>>,
}

impl Source<'_> {
    fn next_block(&mut self) -> Result<Option<Block>, Unreadable> {
        let buffer = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let block = self.blocks.next(buffer.unwrap_or_default());
        block.map_err(|error| Unreadable::new(self.shown, Place::Whole, describe(&error)))
    }
}

/// A block to be parsed, and how much of the file was read with it.
type Piece = (Block, u64);

impl Iterator for Source<'_> {
    type Item = Result<Piece, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = match self.waiting.take() {
            Some(block) => Ok(Some(block)),
            None => self.next_block(),
        };
        match block.transpose()? {
            Ok(block) if self.only_plain && !csv::is_plain(block.lines()) => {
                self.waiting = Some(block);
                None
            }
            Ok(block) => Some(Ok((block, self.blocks.reader().read_of().0))),
            Err(error) => Some(Err(error)),
        }
    }
}

/// What a block came to: its chunks, its lines, and how much of the file was read with it.
type Parsed = (Vec<Full>, u64, u64);

fn read_text(
    folder: &Folder,
    name: &str,
    shown: &str,
    mapping: &Mapping,
    reading: &mut Reading<'_>,
) -> Result<List, Unreadable> {
    let mut file = TextFile::open(folder, name, "target lists", columnar::NAMES)?;
    let (format, (_, size)) = (file.format, file.read_of());
    let threads = reading.threads;
    let mut filling = Filling::new(shown, reading);
    let hasher = filling.hasher.clone();
    let buffers = Mutex::new(Vec::new());
    let only_plain = format == Format::Csv;
    let mut source = Source { blocks: Blocks::new(&mut file), shown, waiting: None, only_plain, buffers: &buffers };

    let mut lines = 0;
    let mut header = None;
    source.waiting = source.next_block()?;
    if let Some(block) = source.waiting.as_mut().filter(|block| only_plain && csv::is_plain(block.lines())) {
        let (read, bytes, before) = Header::read(block.lines(), shown, mapping)?;
        block.start += bytes;
        lines = before;
        header = Some(read);
    }
    let parse = |piece: Result<Piece, Unreadable>| -> Result<Result<Parsed, Wrong>, Unreadable> {
        let (block, read) = piece?;
        let parsed = parse(block.lines(), header.as_ref(), mapping, &hasher);
        buffers.lock().unwrap_or_else(PoisonError::into_inner).push(block.bytes);
        Ok(parsed.map(|(chunks, lines)| (chunks, lines, read)))
    };
    in_order(threads, &mut source, parse, |parsed| -> Result<(), Unreadable> {
        let (chunks, more, read) = parsed?.map_err(|wrong| wrong.at(shown, lines))?;
        lines += more;
        chunks.into_iter().try_for_each(|chunk| filling.add(chunk))?;
        filling.progress(read, size);
        Ok(())
    })?;
    if let Some(block) = source.waiting.take() {
        let (rest, file) = source.blocks.into_rest();
        let mut text = Cursor::new(block.lines()).chain(Cursor::new(rest)).chain(file);
        read_quoted(&mut text, shown, header, lines, mapping, &mut filling)?;
    }
    filling.finish(file.finish()?)
}

/// Parses the lines of a block into chunks. Gives how many lines they are.
fn parse(
    text: &[u8],
    header: Option<&Header>,
    mapping: &Mapping,
    hasher: &Hasher,
) -> Result<(Vec<Full>, u64), Wrong> {
    let (mut chunks, mut cutter) = (Vec::new(), Cutter::new(hasher.clone()));
    let lines = match header {
        Some(header) => header.read_plain(text, |row| chunks.extend(cutter.push(row))),
        None => ndjson::read(text, mapping, |row| chunks.extend(cutter.push(row))),
    }?;
    chunks.extend(cutter.cut());
    Ok((chunks, lines))
}

/// Reads the rows of a CSV text with quotes, one after another.
fn read_quoted(
    text: &mut impl Read,
    shown: &str,
    header: Option<Header>,
    lines: u64,
    mapping: &Mapping,
    filling: &mut Filling<'_, '_>,
) -> Result<(), Unreadable> {
    let mut cutter = Cutter::new(filling.hasher.clone());
    csv::read(text, shown, header, lines, mapping, |row| match cutter.push(row) {
        Some(full) => filling.add(full),
        None => Ok(()),
    })?;
    cutter.cut().map_or(Ok(()), |full| filling.add(full))
}

/// Copies the list in a file, if it still has the digest that it was read with.
pub(crate) fn copy(folder: &Folder, name: &str, sha256: &str, out: &mut impl Write) -> Result<(), Unreadable> {
    let shown = folder.shown(name);
    let wrong = |message: String| Unreadable::new(&shown, Place::Whole, message);
    let mut reader = Hashing::new(folder.file(name)?);
    std::io::copy(&mut reader, out).map_err(|error| wrong(format!("cannot be copied: {error}")))?;
    let found = reader.finish();
    if found == sha256 {
        return Ok(());
    }
    Err(wrong(format!("the file changed after it was vetted: its digest was `{sha256}` and is `{found}`"))
        .help("nothing was deleted; find out who writes to it, and submit the list again"))
}

/// The digest of the list in a file, as evidence and permits name it: SHA-256 of its bytes, lower-case hex.
///
/// # Errors
/// [`Unreadable`] where it cannot be read.
pub fn list_sha256(path: &Path) -> Result<String, Unreadable> {
    let (folder, name) = Folder::of(path)?;
    let mut reader = Hashing::new(folder.file(&name)?);
    std::io::copy(&mut reader, &mut std::io::sink())
        .map_err(|error| Unreadable::new(&folder.shown(&name), Place::Whole, describe(&error)))?;
    Ok(reader.finish())
}
