//! Checks the sizes in an Arrow file before it is decoded. The decoder reads a record batch or a dictionary as a whole. If its
//! buffers are compressed, each of them gives its uncompressed length, and the decoder allocates that many bytes first.

use crate::read::columnar::format::ColumnarFormat;
use crate::read::columnar::snapshot::Snapshot;
use arrow_ipc::{RecordBatch, root_as_footer, root_as_message};
use arrow_schema::{DataType, Schema};
use hashbrown::HashMap;

/// The maximum size of the footer, and of the metadata of a message, in bytes.
const MAX_METADATA_BYTES: u64 = 16 << 20;
/// The bytes after the footer: its length, and the magic number of the format.
pub(in crate::read::columnar) const TRAILER_BYTES: u64 = 10;

/// The columns of a file that are decoded: the schema, and their indices in it.
#[derive(Clone, Copy)]
pub(in crate::read::columnar) struct Decoded<'a> {
    pub schema: &'a Schema,
    pub columns: &'a [usize],
}

/// Checks every message of a file. A record batch, and all dictionaries together, may take `max_bytes` bytes. The buffers of
/// record batches are checked once it is known which of them are decoded. Other errors of the file are left to the decoder.
pub(in crate::read::columnar) fn check_buffer_sizes(
    snapshot: &Snapshot,
    format: ColumnarFormat,
    decoded: Option<Decoded<'_>>,
    max_bytes: u64,
) -> Result<(), String> {
    let mut sizes = Sizes { decoded, ..Sizes::new(max_bytes) };
    match format {
        ColumnarFormat::Parquet => Ok(()),
        ColumnarFormat::ArrowStream => sizes.check_stream(snapshot),
        ColumnarFormat::ArrowFile => {
            for (at, body) in blocks(snapshot)?.unwrap_or_default() {
                sizes.check(snapshot, at, Some(body))?;
            }
            Ok(())
        }
    }
}

/// The offsets of the messages and of their bodies, from the footer of a file.
pub(in crate::read::columnar) fn blocks(snapshot: &Snapshot) -> Result<Option<Vec<(u64, u64)>>, String> {
    let end = snapshot.size().checked_sub(TRAILER_BYTES);
    let Some((end, length)) = end.and_then(|end| Some((end, number(snapshot, end)?))) else { return Ok(None) };
    check_metadata(length)?;
    let footer = end.checked_sub(length).and_then(|start| bytes(snapshot, start, length));
    let Some(Ok(footer)) = footer.as_deref().map(root_as_footer) else { return Ok(None) };
    let blocks = [footer.dictionaries(), footer.recordBatches()].into_iter().flatten().flatten();
    let places = blocks.map(|block| {
        let at = u64::try_from(block.offset()).ok()?;
        Some((at, at.checked_add(u64::try_from(block.metaDataLength()).ok()?)?))
    });
    Ok(places.collect())
}

pub(super) fn check_metadata(length: u64) -> Result<(), String> {
    if length <= MAX_METADATA_BYTES {
        return Ok(());
    }
    Err(format!("its metadata takes {length} bytes, at most {MAX_METADATA_BYTES} are allowed"))
}

/// The sizes of the messages so far.
pub(in crate::read::columnar) struct Sizes<'a> {
    decoded: Option<Decoded<'a>>,
    max_bytes: u64,
    /// The number of record batches.
    batches: u64,
    /// The bytes of each dictionary, by its number.
    dictionaries: HashMap<i64, u64>,
}

impl Sizes<'_> {
    /// The sizes before the first message. A record batch, and all dictionaries together, may take `max_bytes` bytes.
    pub fn new(max_bytes: u64) -> Self {
        Self { decoded: None, max_bytes, batches: 0, dictionaries: HashMap::new() }
    }

    /// Checks the messages of a stream, or of a part of it.
    pub fn check_stream(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let mut next = Some(0);
        while let Some(at) = next {
            next = self.check(snapshot, at, None)?;
        }
        Ok(())
    }

    /// Checks the message at an offset. Without `body`, the body follows the message. Returns the offset after it; `None` if
    /// it cannot be read.
    fn check(&mut self, snapshot: &Snapshot, mut at: u64, body: Option<u64>) -> Result<Option<u64>, String> {
        let Some(mut length) = number(snapshot, at) else { return Ok(None) };
        if length == u64::from(u32::MAX) {
            at += 4;
            length = number(snapshot, at).unwrap_or_default();
        }
        at += 4;
        if length == 0 {
            return Ok(None);
        }
        check_metadata(length)?;
        let metadata = bytes(snapshot, at, length);
        let Some(Ok(message)) = metadata.as_deref().map(root_as_message) else { return Ok(None) };
        let Some(body) = body.or_else(|| at.checked_add(length)) else { return Ok(None) };
        let body_length = u64::try_from(message.bodyLength()).unwrap_or(u64::MAX);
        if let Some(batch) = message.header_as_record_batch() {
            let name = format!("record batch {}", self.batches);
            self.batches += 1;
            let size = match self.decoded {
                Some(decoded) => decoded.bytes(snapshot, batch, body, body_length),
                None => body_length,
            };
            self.check_size(&name, size)?;
        } else if let Some(dictionary) = message.header_as_dictionary_batch()
            && let Some(batch) = dictionary.data()
        {
            let size = decoded_bytes(snapshot, batch, body, body_length, |_| true);
            let known = self.dictionaries.entry(dictionary.id()).or_default();
            *known = if dictionary.isDelta() { known.saturating_add(size) } else { size };
            // A dictionary that continues another one is copied together with it.
            self.check_size(
                &format!("with dictionary {}, the dictionaries", dictionary.id()),
                self.dictionaries.values().fold(0, |sum, size| u64::saturating_add(sum, *size)),
            )?;
        }
        Ok(body.checked_add(body_length))
    }

    fn check_size(&self, name: &str, size: u64) -> Result<(), String> {
        if size <= self.max_bytes {
            return Ok(());
        }
        let max = self.max_bytes;
        Err(format!("{name}: {size} bytes of memory are required, at most {max} are allowed; write smaller batches"))
    }
}

/// Returns the bytes of memory that a batch takes: those of its message, and the buffers that are decompressed.
fn decoded_bytes(
    snapshot: &Snapshot,
    batch: RecordBatch<'_>,
    body: u64,
    body_length: u64,
    is_decoded: impl Fn(usize) -> bool,
) -> u64 {
    let buffers = batch.buffers().filter(|_| batch.compression().is_some()).into_iter().flatten().enumerate();
    let lengths = buffers.filter(|(i, buffer)| buffer.length() >= 8 && is_decoded(*i)).map(|(_, buffer)| {
        let at = u64::try_from(buffer.offset()).ok().and_then(|offset| body.checked_add(offset));
        let length = at.and_then(|at| bytes(snapshot, at, 8)).and_then(|bytes| bytes.try_into().ok());
        // A negative length means that the buffer is not compressed. One that cannot be read is left to the decoder.
        length.map(i64::from_le_bytes).and_then(|length| u64::try_from(length).ok()).unwrap_or_default()
    });
    lengths.fold(body_length, u64::saturating_add)
}

/// The buffers of a column.
struct ColumnBuffers {
    /// The number of the buffer after the last one.
    end: usize,
    is_decoded: bool,
}

impl Decoded<'_> {
    /// Returns the bytes of memory that a batch takes whose body, of this length, is at `body`.
    pub fn bytes(self, snapshot: &Snapshot, batch: RecordBatch<'_>, body: u64, body_length: u64) -> u64 {
        if batch.compression().is_none() {
            return body_length;
        }
        let columns = self.buffers(batch);
        decoded_bytes(snapshot, batch, body, body_length, |buffer| {
            let column = columns.get(columns.partition_point(|column| column.end <= buffer));
            column.is_none_or(|column| column.is_decoded)
        })
    }

    /// Returns the buffers of each column, up to the first column whose buffers are not known.
    fn buffers(&self, batch: RecordBatch<'_>) -> Vec<ColumnBuffers> {
        let mut variadic = batch.variadicBufferCounts().into_iter().flatten();
        let mut end = 0_usize;
        let columns = self.schema.fields().iter().enumerate().map_while(|(i, field)| {
            end = end.checked_add(buffer_count(field.data_type(), &mut variadic)?)?;
            Some(ColumnBuffers { end, is_decoded: self.columns.contains(&i) })
        });
        columns.collect()
    }
}

/// Returns the number of buffers of a column; `None` if it is not known. `variadic` are the numbers of buffers of the columns
/// of views.
fn buffer_count(of: &DataType, variadic: &mut impl Iterator<Item = i64>) -> Option<usize> {
    use DataType::{
        Binary, BinaryView, FixedSizeList, LargeBinary, LargeList, LargeListView, LargeUtf8, List, ListView, Map,
        Null, RunEndEncoded, Struct, Union, Utf8, Utf8View,
    };
    Some(match of {
        Null => 0,
        Utf8 | Binary | LargeUtf8 | LargeBinary => 3,
        Utf8View | BinaryView => usize::try_from(variadic.next()?).ok()?.checked_add(2)?,
        List(item) | LargeList(item) | Map(item, _) => 2 + buffer_count(item.data_type(), variadic)?,
        FixedSizeList(item, _) => 1 + buffer_count(item.data_type(), variadic)?,
        Struct(fields) => fields
            .iter()
            .try_fold(1_usize, |sum, field| sum.checked_add(buffer_count(field.data_type(), variadic)?))?,
        Union(_, _) | RunEndEncoded(_, _) | ListView(_) | LargeListView(_) => return None,
        _ => 2,
    })
}

/// Reads a number of 32 bits.
fn number(snapshot: &Snapshot, at: u64) -> Option<u64> {
    let bytes = bytes(snapshot, at, 4)?;
    bytes.try_into().ok().map(|bytes| u64::from(u32::from_le_bytes(bytes)))
}

fn bytes(snapshot: &Snapshot, at: u64, length: u64) -> Option<Vec<u8>> {
    // The copy is aligned for numbers; a part of a file may not be.
    snapshot.bytes(at, usize::try_from(length).ok()?).ok().map(Vec::from)
}
