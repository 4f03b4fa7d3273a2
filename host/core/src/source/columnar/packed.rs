//! Arrow packs every buffer by itself, and writes before it how long it was. The decoder takes that much memory before
//! it unpacks anything, and a process that cannot have it is over. So these figures are looked at first.

use super::Format;
use super::snapshot::Snapshot;
use arrow_ipc::{root_as_footer, root_as_message};

/// The longest buffer that is unpacked.
const MOST_BYTES: i64 = 1 << 32;

/// What stands between the parts of a footer: its length, and the name of the format.
const FILE_END: u64 = 10;

/// Looks at every packed buffer of a file. What is wrong with it otherwise is left to the decoder to say.
pub(super) fn check(snapshot: &Snapshot, format: Format) -> Result<(), String> {
    match format {
        Format::Parquet => Ok(()),
        Format::ArrowStream => {
            let mut next = Some(0);
            while let Some(message) = next.and_then(|at| Message::read(snapshot, at, None)) {
                message.check(snapshot)?;
                next = message.end;
            }
            Ok(())
        }
        Format::ArrowFile => {
            for (at, body) in blocks(snapshot).unwrap_or_default() {
                Message::read(snapshot, at, Some(body)).map_or(Ok(()), |message| message.check(snapshot))?;
            }
            Ok(())
        }
    }
}

/// Where the footer of a file says that messages are, and their bodies.
fn blocks(snapshot: &Snapshot) -> Option<Vec<(u64, u64)>> {
    let end = snapshot.size().checked_sub(FILE_END)?;
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
    /// Where its packed buffers begin.
    packed: Vec<u64>,
    end: Option<u64>,
}

impl Message {
    /// The message at a place; nothing where there is none that can be read.
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
        let packed = starts.map(|buffer| body.checked_add(u64::try_from(buffer.offset()).ok()?));
        let end = u64::try_from(message.bodyLength()).ok().and_then(|length| body.checked_add(length));
        Some(Self { packed: packed.collect::<Option<_>>()?, end })
    }

    fn check(&self, snapshot: &Snapshot) -> Result<(), String> {
        for at in &self.packed {
            let length = bytes(snapshot, *at, 8).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes);
            if let Some(length) = length.filter(|length| *length > MOST_BYTES) {
                return Err(format!("byte {at} begins a buffer that is said to have {length} bytes unpacked"));
            }
        }
        Ok(())
    }
}

/// A number of 32 bits.
fn number(snapshot: &Snapshot, at: u64) -> Option<u64> {
    let bytes = bytes(snapshot, at, 4)?;
    bytes.try_into().ok().map(|bytes| u64::from(u32::from_le_bytes(bytes)))
}

fn bytes(snapshot: &Snapshot, at: u64, length: u64) -> Option<Vec<u8>> {
    // A copy begins where numbers may begin, and a part of a file anywhere.
    snapshot.bytes(at, usize::try_from(length).ok()?).ok().map(Vec::from)
}
