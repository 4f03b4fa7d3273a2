//! Checks the sizes of compressed buffers in an Arrow file before they are decoded. Each buffer is compressed on its own,
//! after its uncompressed length. The decoder allocates that many bytes first, and a process that cannot is aborted.

use crate::read::columnar::format::ColumnarFormat;
use crate::read::columnar::snapshot::Snapshot;
use arrow_ipc::{root_as_footer, root_as_message};

/// The maximum uncompressed length of a buffer in bytes.
const MAX_BUFFER_BYTES: i64 = 1 << 32;

/// The bytes after the footer: its length, and the magic number of the format.
const TRAILER_BYTES: u64 = 10;

/// Checks every compressed buffer of a file. Other errors of the file are left to the decoder.
pub(in crate::read::columnar) fn check_buffer_sizes(
    snapshot: &Snapshot,
    format: ColumnarFormat,
) -> Result<(), String> {
    match format {
        ColumnarFormat::Parquet => Ok(()),
        ColumnarFormat::ArrowStream => {
            let mut next = Some(0);
            while let Some(message) = next.and_then(|at| Message::read(snapshot, at, None)) {
                message.check(snapshot)?;
                next = message.end;
            }
            Ok(())
        }
        ColumnarFormat::ArrowFile => {
            for (at, body) in blocks(snapshot).unwrap_or_default() {
                Message::read(snapshot, at, Some(body)).map_or(Ok(()), |message| message.check(snapshot))?;
            }
            Ok(())
        }
    }
}

/// The offsets of the messages and of their bodies, from the footer of a file.
fn blocks(snapshot: &Snapshot) -> Option<Vec<(u64, u64)>> {
    let end = snapshot.size().checked_sub(TRAILER_BYTES)?;
    let length = number(snapshot, end)?;
    let footer = bytes(snapshot, end.checked_sub(length)?, length)?;
    let footer = root_as_footer(&footer).ok()?;
    let blocks = [footer.dictionaries(), footer.recordBatches()].into_iter().flatten().flatten();
    let places = blocks.map(|block| {
        let at = u64::try_from(block.offset()).ok()?;
        Some((at, at.checked_add(u64::try_from(block.metaDataLength()).ok()?)?))
    });
    places.collect()
}

/// A message with columns.
struct Message {
    /// The offsets of its compressed buffers.
    compressed: Vec<u64>,
    /// The offset after the message, if it has a valid one.
    end: Option<u64>,
}

impl Message {
    /// Reads the message at an offset; `None` if it cannot be read. Without `body`, the body follows the message.
    fn read(snapshot: &Snapshot, mut at: u64, body: Option<u64>) -> Option<Self> {
        let mut length = number(snapshot, at)?;
        if length == u64::from(u32::MAX) {
            at += 4;
            length = number(snapshot, at)?;
        }
        at += 4;
        if length == 0 {
            return None;
        }
        let metadata = bytes(snapshot, at, length)?;
        let message = root_as_message(&metadata).ok()?;
        let body = body.or_else(|| at.checked_add(length))?;
        let columns = message.header_as_record_batch();
        let columns = columns.or_else(|| message.header_as_dictionary_batch()?.data());
        let buffers = columns.filter(|columns| columns.compression().is_some()).and_then(|columns| columns.buffers());
        let starts = buffers.into_iter().flatten().filter(|buffer| buffer.length() >= 8);
        let compressed = starts.map(|buffer| body.checked_add(u64::try_from(buffer.offset()).ok()?));
        let end = u64::try_from(message.bodyLength()).ok().and_then(|length| body.checked_add(length));
        Some(Self { compressed: compressed.collect::<Option<_>>()?, end })
    }

    fn check(&self, snapshot: &Snapshot) -> Result<(), String> {
        for at in &self.compressed {
            let length = bytes(snapshot, *at, 8).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes);
            if let Some(length) = length.filter(|length| *length > MAX_BUFFER_BYTES) {
                return Err(format!(
                    "the buffer at byte {at} gives its uncompressed length as {length} bytes, which is too long"
                ));
            }
        }
        Ok(())
    }
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
