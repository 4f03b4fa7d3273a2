//! Checks the pages of a row group of a Parquet file before they are decoded. A page states its own size, and its values may
//! take far more memory than its bytes: a text that is in the dictionary once takes its length in every row, and a text of
//! a delta encoding shares bytes with the one before it. The check finds out how many rows can be decoded at once.

use super::delta::longest_value;
use super::thrift::{Compact, kind};
use crate::columns::CHUNK_ROWS;
use crate::read::columnar::snapshot::Snapshot;
use ::parquet::basic::{Compression, Encoding, Type};
use ::parquet::column::page::{Page, PageReader};
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use ::parquet::file::serialized_reader::SerializedPageReader;
use std::io::Read;
use std::sync::Arc;

/// The maximum size of a page in bytes, compressed or not.
const MAX_PAGE_BYTES: u64 = 32 << 20;
/// The maximum size of a page header in bytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// The maximum size of the pages that are decoded at the same time in bytes: of every column that is read, the dictionary
/// and the longest page.
const MAX_OPEN_BYTES: u64 = 128 << 20;
/// The maximum size of the lists in a row group in bytes, for a column of lists. The number of items in a row is not known
/// before they are decoded.
const MAX_LISTS_BYTES: u64 = 128 << 20;
/// The bytes that the rows of a batch may take.
const BATCH_BYTES: u64 = 16 << 20;

/// How a row group can be decoded in bounded memory.
#[derive(Clone, Copy, Debug)]
pub(in crate::read::columnar) struct GroupPlan {
    /// The number of rows to decode at once: 1 to [`CHUNK_ROWS`].
    pub batch_rows: usize,
    /// The bytes that a row takes at most, on average of a batch.
    pub row_bytes: u64,
    /// The bytes of the pages that a decoder of the row group holds.
    pub open_bytes: u64,
}

/// A column whose pages are checked.
#[derive(Clone, Copy, Debug)]
pub(in crate::read::columnar) struct PlannedColumn {
    /// Its index in the schema.
    pub index: usize,
    /// Whether its texts are decoded as a dictionary and codes.
    pub is_dictionary: bool,
}

/// Checks the pages of these columns in a row group.
pub(in crate::read::columnar) fn plan_group(
    snapshot: &Snapshot,
    metadata: &ParquetMetaData,
    group: usize,
    columns: &[PlannedColumn],
) -> Result<GroupPlan, String> {
    let schema = metadata.file_metadata().schema_descr();
    let (mut row_bytes, mut open_bytes) = (0, 0);
    for (leaf, column) in metadata.row_group(group).columns().iter().enumerate() {
        let root = schema.get_column_root_idx(leaf);
        let Some(PlannedColumn { is_dictionary, .. }) = columns.iter().find(|column| column.index == root) else {
            continue;
        };
        let found = ColumnPages::check(snapshot, column, *is_dictionary);
        let (row, open) = found
            .map_err(|message| format!("row group {group}, column `{}`: {message}", column.column_path().string()))?;
        row_bytes += row;
        open_bytes += open;
    }
    if open_bytes > MAX_OPEN_BYTES {
        return Err(format!(
            "row group {group}: the pages that are decoded at the same time take {open_bytes} bytes, at most \
             {MAX_OPEN_BYTES} are allowed; write smaller pages"
        ));
    }
    let batch_rows = (BATCH_BYTES / row_bytes.max(1)).clamp(1, CHUNK_ROWS as u64) as usize;
    Ok(GroupPlan { batch_rows, row_bytes, open_bytes })
}

/// The header of a page.
#[derive(Default)]
struct Header {
    /// Its length in bytes.
    length: u64,
    is_dictionary: bool,
    is_data: bool,
    uncompressed: u64,
    compressed: u64,
    values: u64,
    encoding: i64,
    /// The bytes of the levels, which are not compressed.
    levels: u64,
    is_compressed: bool,
}

impl Header {
    /// Reads a header. The types of its fields are checked, because the decoder ignores them.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Compact::new(bytes);
        let mut header = Self { is_compressed: true, ..Self::default() };
        let (mut last, mut seen) = (0, 0_u32);
        while let Some(field) = input.field(last)? {
            last = field.id;
            let bit = u32::try_from(field.id).ok().and_then(|id| 1_u32.checked_shl(id))?;
            if seen & bit != 0 {
                return None;
            }
            seen |= bit;
            match (field.id, field.kind) {
                (1, kind::I32) => match input.zigzag()? {
                    0 | 3 => header.is_data = true,
                    2 => header.is_dictionary = true,
                    _ => {}
                },
                (2, kind::I32) => header.uncompressed = u64::try_from(input.zigzag()?).ok()?,
                (3, kind::I32) => header.compressed = u64::try_from(input.zigzag()?).ok()?,
                (4, kind::I32) => _ = input.zigzag()?,
                // The headers of a data page, of a dictionary, and of a data page of the second version.
                (5 | 7, kind::STRUCT) => header.read_kind(&mut input, 2, false)?,
                (8, kind::STRUCT) => header.read_kind(&mut input, 4, true)?,
                (6, kind::STRUCT) => input.skip(kind::STRUCT)?,
                (1..=8, _) => return None,
                (_, other) => input.skip(other)?,
            }
        }
        header.length = input.at as u64;
        Some(header)
    }

    fn read_kind(&mut self, input: &mut Compact<'_>, encoding: i16, is_second_version: bool) -> Option<()> {
        let mut last = 0;
        while let Some(field) = input.field(last)? {
            if field.id <= last {
                return None;
            }
            last = field.id;
            match (field.id, field.kind) {
                (1, kind::I32) => self.values = u64::try_from(input.zigzag()?).ok()?,
                (id, kind::I32) if id == encoding => self.encoding = input.zigzag()?,
                (5 | 6, kind::I32) if is_second_version => self.levels += u64::try_from(input.zigzag()?).ok()?,
                // The type of a Boolean field is its value.
                (7, 2) if is_second_version => self.is_compressed = false,
                (1, _) => return None,
                (id, _) if id == encoding || (is_second_version && matches!(id, 5..=6)) => return None,
                (_, other) => input.skip(other)?,
            }
        }
        Some(())
    }
}

/// The numbers of encodings in a page header.
mod encoding {
    /// The deprecated name of `RLE_DICTIONARY`.
    pub const PLAIN_DICTIONARY: i64 = 2;
    pub const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
    pub const DELTA_BYTE_ARRAY: i64 = 7;
    pub const RLE_DICTIONARY: i64 = 8;
}

/// What the pages of a column take.
#[derive(Default)]
struct ColumnPages {
    dictionary: u64,
    longest_page: u64,
    /// The maximum of the bytes per value over all pages, which are not dictionary-encoded.
    bytes_per_value: u64,
    /// Whether a page refers to the dictionary, and whether one does not.
    has_codes: bool,
    has_plain: bool,
    /// Whether a page has one of the delta encodings of texts.
    has_deltas: bool,
    values: u64,
}

impl ColumnPages {
    /// Checks the pages of a column. Returns the bytes that a row takes, and the bytes of the pages that are decoded at the
    /// same time.
    fn check(snapshot: &Snapshot, column: &ColumnChunkMetaData, is_dictionary: bool) -> Result<(u64, u64), String> {
        let mut pages = Self::default();
        pages.walk(snapshot, column)?;
        let descriptor = column.column_descr();
        let longest = match descriptor.physical_type() {
            Type::BYTE_ARRAY if is_dictionary && !pages.has_plain => 0,
            Type::BYTE_ARRAY => pages.longest_text(snapshot, column)?.max(pages.bytes_per_value),
            other => {
                if pages.has_deltas {
                    pages.longest_text(snapshot, column)?;
                }
                let length = u64::try_from(descriptor.type_length()).unwrap_or_default();
                if other == Type::FIXED_LEN_BYTE_ARRAY { length } else { 8 }
            }
        };
        // The offset of a text takes four bytes.
        let row = longest + 4;
        // A dictionary is decoded to a copy with offsets.
        let open = 3 * pages.dictionary + 2 * pages.longest_page;
        if descriptor.max_rep_level() == 0 {
            return Ok((row, open));
        }
        let lists = pages.values.saturating_mul(row);
        if lists > MAX_LISTS_BYTES {
            return Err(format!(
                "its lists take up to {lists} bytes, at most {MAX_LISTS_BYTES} are allowed; write smaller row groups"
            ));
        }
        Ok((row, open))
    }

    /// Returns the length of the longest text in the dictionary and in the delta-encoded pages.
    fn longest_text(&self, snapshot: &Snapshot, column: &ColumnChunkMetaData) -> Result<u64, String> {
        let mut longest = 0;
        if !self.has_codes && !self.has_deltas {
            return Ok(longest);
        }
        let pages = SerializedPageReader::new(Arc::new(snapshot.clone()), column, 0, None);
        let mut pages = pages.map_err(|error| error.to_string())?;
        while let Some(page) = pages.get_next_page().map_err(|error| error.to_string())? {
            let invalid = || "a page is invalid".to_owned();
            longest = longest.max(match page {
                Page::DictionaryPage { buf, .. } => match column.column_type() {
                    Type::BYTE_ARRAY => longest_plain(&buf).ok_or_else(invalid)?,
                    _ => 0,
                },
                _ if !self.has_deltas => break,
                page => longest_delta(&page, column).ok_or_else(invalid)?,
            });
        }
        Ok(longest)
    }

    fn walk(&mut self, snapshot: &Snapshot, column: &ColumnChunkMetaData) -> Result<(), String> {
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let (start, length) = (u64::try_from(start), u64::try_from(column.compressed_size()));
        let (Ok(mut at), Ok(length)) = (start, length) else { return Err("its place is negative".to_owned()) };
        let end = at.checked_add(length).filter(|end| *end <= snapshot.size()).ok_or("it is truncated")?;
        let mut page = 0_u64;
        while at < end {
            let header =
                read_header(snapshot, at, end).ok_or_else(|| format!("page {page}: its header is invalid"))?;
            at += header.length;
            self.add(snapshot, column, at, &header).map_err(|message| format!("page {page}: {message}"))?;
            at += header.compressed;
            page += 1;
        }
        if at > end { Err(format!("page {}: it is truncated", page.saturating_sub(1))) } else { Ok(()) }
    }

    /// Adds the page whose bytes begin at an offset.
    fn add(
        &mut self,
        snapshot: &Snapshot,
        column: &ColumnChunkMetaData,
        at: u64,
        header: &Header,
    ) -> Result<(), String> {
        let size = header.uncompressed.max(header.compressed);
        if size > MAX_PAGE_BYTES {
            return Err(format!("it takes {size} bytes, at most {MAX_PAGE_BYTES} are allowed; write smaller pages"));
        }
        if header.is_compressed && header.is_dictionary | header.is_data {
            check_compression(snapshot, column.compression(), at, header)?;
        }
        if header.is_dictionary {
            if self.values > 0 || self.dictionary > 0 {
                return Err("it is a dictionary, but not the first page".to_owned());
            }
            self.dictionary = size;
        } else if header.is_data {
            self.longest_page = self.longest_page.max(size);
            self.values += header.values;
            let is_code = matches!(header.encoding, encoding::PLAIN_DICTIONARY | encoding::RLE_DICTIONARY);
            self.has_codes |= is_code;
            self.has_plain |= !is_code;
            self.has_deltas |=
                matches!(header.encoding, encoding::DELTA_LENGTH_BYTE_ARRAY | encoding::DELTA_BYTE_ARRAY);
            if !is_code {
                self.bytes_per_value = self.bytes_per_value.max(header.uncompressed.div_ceil(header.values.max(1)));
            }
        }
        Ok(())
    }
}

fn read_header(snapshot: &Snapshot, at: u64, end: u64) -> Option<Header> {
    // Nearly every header is short, so a short read comes first.
    for length in [1 << 10, MAX_HEADER_BYTES] {
        let bytes = snapshot.bytes(at, length.min(end - at) as usize).ok()?;
        if let Some(header) = Header::read(&bytes) {
            return Some(header);
        }
    }
    None
}

/// Checks that a page decompresses to the size that its header gives. Most decoders stop there; these do not.
fn check_compression(snapshot: &Snapshot, compression: Compression, at: u64, header: &Header) -> Result<(), String> {
    let length = header.compressed.checked_sub(header.levels).ok_or("its levels are longer than the page")?;
    let bytes = || {
        let bytes = at.checked_add(header.levels).map(|at| snapshot.bytes(at, length as usize));
        bytes.and_then(Result::ok).ok_or_else(|| "it is truncated".to_owned())
    };
    let stops = |reader: &mut dyn Read| {
        let left = header.uncompressed.saturating_sub(header.levels);
        // An error of the decompression is left to the decoder, which stops at the same place.
        let read = std::io::copy(&mut reader.take(left + 1), &mut std::io::sink()).unwrap_or_default();
        if read > left { Err("it decompresses to more bytes than its header says".to_owned()) } else { Ok(()) }
    };
    match compression {
        Compression::GZIP(_) => stops(&mut flate2::read::MultiGzDecoder::new(&*bytes()?)),
        Compression::BROTLI(_) => stops(&mut brotli::Decompressor::new(&*bytes()?, 4096)),
        // What is not in the format of Hadoop is decoded as a frame, whose length is unknown.
        Compression::LZ4 => match bytes()?.first_chunk() {
            Some([0x04, 0x22, 0x4d, 0x18] | [0x02, 0x21, 0x4c, 0x18]) => {
                Err("it is compressed in frames of LZ4; write it with another compression".to_owned())
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Returns the length of the longest text of a dictionary.
fn longest_plain(mut bytes: &[u8]) -> Option<u64> {
    let mut longest = 0;
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u32::from_le_bytes(*length);
        bytes = rest.get(length as usize..)?;
        longest = longest.max(length.into());
    }
    Some(longest)
}

/// Returns the length of the longest text of a data page; 0 if it does not have a delta encoding.
fn longest_delta(page: &Page, column: &ColumnChunkMetaData) -> Option<u64> {
    let has_prefixes = match page.encoding() {
        Encoding::DELTA_BYTE_ARRAY => true,
        Encoding::DELTA_LENGTH_BYTE_ARRAY => false,
        _ => return Some(0),
    };
    let descriptor = column.column_descr();
    let (values, levels) = match page {
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            (buf, *def_levels_byte_len as usize + *rep_levels_byte_len as usize)
        }
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let mut end = 0;
            for (max, encoding) in
                [(descriptor.max_rep_level(), rep_level_encoding), (descriptor.max_def_level(), def_level_encoding)]
            {
                if max > 0 {
                    end += levels_length(buf.get(end..)?, max, *encoding, *num_values)?;
                }
            }
            (buf, end)
        }
        Page::DictionaryPage { .. } => return Some(0),
    };
    longest_value(values.get(levels..)?, has_prefixes, page.num_values().into())
}

/// Returns the number of bytes of the levels at the beginning of a page.
fn levels_length(bytes: &[u8], max_level: i16, encoding: Encoding, values: u32) -> Option<usize> {
    if encoding == Encoding::RLE {
        return (u32::from_le_bytes(*bytes.first_chunk()?) as usize).checked_add(4);
    }
    let width = (i16::BITS - max_level.leading_zeros()) as usize;
    Some((values as usize * width).div_ceil(8))
}
