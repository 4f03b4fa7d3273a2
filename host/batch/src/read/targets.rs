//! Reading target lists into columns, in one pass.

use super::blocks::{Block, Blocks, LineError};
use super::chunker::Chunker;
use super::columnar::{ColumnarFormat, EXTENSIONS, TableStream, read_columnar_list, read_table_list};
use super::csv::{Header, is_plain, read_quoted_rows};
use super::folder::Folder;
use super::id_lines::read_id_lines;
use super::json_lines::read_json_lines;
use super::json_list::{is_document, read_json_document};
use super::json_row::RowReader;
use super::list_builder::{List, ListBuilder};
use super::list_files::{ListFiles, SectionEnd};
use super::manifest::{Manifest, ManifestFile};
use super::mapping::Mapping;
use super::options::ReadOptions;
use super::parsed::{Collector, Members, ParsedBlock, Unparsed};
use super::read_as::ReadAs;
use super::sections::{sections, sizes};
use super::text_file::{TextFile, TextFormat};
use crate::error::{ReadError, describe};
use crate::facts::Hasher;
use crate::parallel::in_order;
use reprieve_model::{ListedFile, TargetFiles};
use std::io::{Cursor, Read};
use std::sync::{Mutex, PoisonError};

/// Reads the list in a file, or in several of one folder. A file whose digest is not the one that the request names is an
/// error. Returns the list, and the files that hold it.
pub(crate) fn read_target_files(
    folder: &Folder,
    files: &TargetFiles,
    mapping: &Mapping,
    options: &mut ReadOptions<'_>,
) -> Result<(List, ListFiles), ReadError> {
    let folder_of_list = folder.clone();
    if let Some(listed) = &files.files {
        return read_manifest(folder_of_list, listed, files.sha256.as_deref(), mapping, options);
    }
    let name = files.path.clone().unwrap_or_default();
    let shown = folder.display_name(&name);
    let mut list = ListBuilder::new(&shown, options);
    let sha256 = read_file(folder, &name, mapping, &mut list)?;
    check_digest(&shown, files.sha256.as_deref(), &sha256)?;
    Ok((list.finish(sha256)?, ListFiles::One { folder: folder_of_list, name }))
}

/// Reads the list in a table.
pub(crate) fn read_target_table(
    table: TableStream,
    mapping: &Mapping,
    options: &mut ReadOptions<'_>,
) -> Result<(List, ListFiles), ReadError> {
    let name = table.name().to_owned();
    let mut list = ListBuilder::new(&name, options);
    let sha256 = read_table_list(table, mapping, &mut list)?;
    list.end_file();
    Ok((list.finish(sha256)?, ListFiles::Table { name }))
}

/// Reads the files of a manifest, one after the other.
fn read_manifest(
    folder: Folder,
    listed: &[ListedFile],
    expected: Option<&str>,
    mapping: &Mapping,
    options: &mut ReadOptions<'_>,
) -> Result<(List, ListFiles), ReadError> {
    let sizes = sizes(&folder, listed)?;
    let ends: Vec<usize> = sections(&sizes).into_iter().map(|files| files.end).collect();
    let mut list = ListBuilder::of_several(sizes.iter().sum(), options);
    let (mut files, mut sections) = (Vec::with_capacity(listed.len()), Vec::with_capacity(ends.len()));
    for (number, (ListedFile { path, sha256: expected }, size)) in (1..).zip(listed.iter().zip(sizes)) {
        let shown = folder.display_name(path);
        list.next_file(&shown, size);
        let sha256 = read_file(&folder, path, mapping, &mut list)?;
        check_digest(&shown, expected.as_deref(), &sha256)?;
        files.push(ManifestFile { path: path.clone(), sha256 });
        if ends.binary_search(&number).is_ok() {
            list.end_section()?;
            sections.push(SectionEnd { files: number, targets: list.rows_of_list() });
        }
    }
    let manifest = Manifest::new(files);
    let sha256 = manifest.sha256();
    check_digest("the manifest", expected, &sha256)?;
    Ok((list.finish(sha256)?, ListFiles::Several { folder, manifest, sections }))
}

pub(crate) fn check_digest(shown: &str, expected: Option<&str>, found: &str) -> Result<(), ReadError> {
    match expected {
        Some(expected) if expected != found => {
            let message = format!("its digest is `{found}`, but the request names `{expected}`");
            Err(ReadError::of_file(shown, message).with_help("submit the file that the request was written for"))
        }
        _ => Ok(()),
    }
}

/// Reads the rows of a file into a list. Returns its digest.
pub(super) fn read_file(
    folder: &Folder,
    name: &str,
    mapping: &Mapping,
    list: &mut ListBuilder<'_, '_>,
) -> Result<String, ReadError> {
    let sha256 = match ColumnarFormat::of(name) {
        Some(format) => read_columnar_list(folder, name, format, mapping, list)?,
        None => read_text(folder, name, mapping, list)?,
    };
    list.end_file();
    Ok(sha256)
}

/// The blocks of a text, which several threads parse.
struct Source<'a> {
    blocks: Blocks<&'a mut TextFile>,
    shown: &'a str,
    /// A block that was read and not returned yet: the first one, or the first one of a CSV file that has quotes.
    waiting: Option<Block>,
    /// Whether the blocks end before the first one that has quotes.
    only_plain: bool,
    /// Whether no block was returned yet.
    is_first: bool,
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

impl Iterator for Source<'_> {
    type Item = Result<Unparsed<Block>, ReadError>;

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
            Ok(block) => {
                let is_first = std::mem::take(&mut self.is_first);
                Some(Ok(Unparsed { block, bytes_read: self.blocks.reader().bytes_read(), is_first }))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

fn read_text(
    folder: &Folder,
    name: &str,
    mapping: &Mapping,
    list: &mut ListBuilder<'_, '_>,
) -> Result<String, ReadError> {
    let shown = &folder.display_name(name);
    let mut file = TextFile::open(folder, name, "target lists", EXTENSIONS)?;
    let (format, threads) = (file.format, list.threads());
    check_options(format, shown, mapping)?;
    list.read_as = ReadAs::new(format.name(), "");
    match format {
        TextFormat::Json => read_json_document(&mut file, Vec::new(), shown, mapping, threads, list)?,
        _ => read_blocks(&mut file, shown, mapping, threads, list)?,
    }
    list.read_as.encoding = file.encoding().name();
    file.finish()
}

/// Checks that a list has what its request says of it.
fn check_options(format: TextFormat, shown: &str, mapping: &Mapping) -> Result<(), ReadError> {
    let is_csv = matches!(format, TextFormat::Csv | TextFormat::Tsv);
    if !is_csv && (mapping.no_header || mapping.skip_lines > 0) {
        return Err(ReadError::of_file(shown, "only a CSV file has lines before its header, or no header")
            .with_help("remove `skip_lines` and `header`, or rename the file if it is CSV"));
    }
    if format == TextFormat::Lines && mapping.required().any(|(_, column)| column != "id") {
        return Err(ReadError::of_file(shown, "a list of one id per line has no columns")
            .with_help("remove `columns`, or rename the file if it is CSV"));
    }
    Ok(())
}

/// Reads a text of lines, unless it turns out to be a JSON document.
fn read_blocks(
    file: &mut TextFile,
    shown: &str,
    mapping: &Mapping,
    threads: usize,
    list: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let (format, size, hasher) = (file.format, file.size(), list.hasher.clone());
    let buffers = Mutex::new(Vec::new());
    let only_plain = matches!(format, TextFormat::Csv | TextFormat::Tsv);
    let blocks = Blocks::new(file);
    let mut source = Source { blocks, shown, waiting: None, only_plain, is_first: true, buffers: &buffers };

    let (mut lines, mut header) = (0, None);
    source.waiting = source.next_block()?;
    let is_whole = source.blocks.is_at_end();
    if let Some(block) = source.waiting.as_mut().filter(|_| only_plain) {
        let tabs = format == TextFormat::Tsv;
        let (read, opening) = Header::read(block.lines(), is_whole, tabs, shown, mapping)?;
        read.describe(&opening, mapping, &mut list.read_as);
        block.start += opening.bytes;
        lines = opening.lines;
        header = Some(read);
    }
    if format == TextFormat::Ndjson
        && let Some(block) = source.waiting.take_if(|block| is_document(block.lines(), mapping))
    {
        let (rest, file) = source.blocks.into_rest();
        let read = [block.lines(), &rest].concat();
        return read_json_document(file, read, shown, mapping, threads, list);
    }
    let parse = |read: Result<Unparsed<Block>, ReadError>| -> Result<Result<ParsedBlock, LineError>, ReadError> {
        let unparsed = read?;
        let parsed = parse_block(&unparsed, format, header.as_ref(), mapping, &hasher);
        buffers.lock().unwrap_or_else(PoisonError::into_inner).push(unparsed.block.bytes);
        Ok(parsed)
    };
    let mut collector = Collector::new(shown, size, lines);
    in_order(threads, &mut source, parse, |parsed| collector.add(parsed?, list))?;
    match (header, source.waiting.take()) {
        (Some(header), Some(block)) => {
            let (rest, file) = source.blocks.into_rest();
            let mut text = Cursor::new(block.lines()).chain(Cursor::new(rest)).chain(file);
            read_quoted(&mut text, shown, &header, collector.lines, list)
        }
        (Some(_), None) => Ok(()),
        (None, _) if format == TextFormat::Lines => {
            list.read_as.use_columns(mapping, |name| name == "id");
            Ok(())
        }
        (None, _) => collector.members.describe(mapping, list, shown),
    }
}

/// Parses the lines of a block into chunks.
fn parse_block(
    unparsed: &Unparsed<Block>,
    format: TextFormat,
    header: Option<&Header>,
    mapping: &Mapping,
    hasher: &Hasher,
) -> Result<ParsedBlock, LineError> {
    let Unparsed { block, bytes_read, is_first } = unparsed;
    let (mut chunks, mut chunker) = (Vec::new(), Chunker::new(hasher.clone()));
    let mut members = Members::default();
    let lines = match header {
        Some(header) => header.read_plain(block.lines(), |row| chunks.extend(chunker.push(row))),
        None if format == TextFormat::Lines => {
            read_id_lines(block.lines(), *is_first, |row| chunks.extend(chunker.push(row)))
        }
        None => {
            let mut reader = RowReader::new(mapping, false);
            let lines = read_json_lines(block.lines(), &mut reader, |row| chunks.extend(chunker.push(row)));
            members = Members::of(reader);
            lines
        }
    }?;
    chunks.extend(chunker.cut());
    Ok(ParsedBlock { chunks, lines, bytes_read: *bytes_read, members })
}

/// Reads the rows of a CSV text with quotes, on one thread.
fn read_quoted(
    text: &mut impl Read,
    shown: &str,
    header: &Header,
    lines: u64,
    list: &mut ListBuilder<'_, '_>,
) -> Result<(), ReadError> {
    let mut chunker = Chunker::new(list.hasher.clone());
    read_quoted_rows(text, shown, header, lines, |row| match chunker.push(row) {
        Some(chunk) => list.add(chunk),
        None => Ok(()),
    })?;
    chunker.cut().map_or(Ok(()), |chunk| list.add(chunk))
}
