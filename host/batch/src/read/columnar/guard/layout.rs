//! Checks that an Arrow file says the same to programs that read it by its footer and to those that read the stream in it.
//! The file is a stream between a magic number and a footer, and the footer has the places of the batches. If they differ,
//! the program that deletes may see batches that were not vetted.

use super::buffer_sizes::{TRAILER_BYTES, check_metadata};
use crate::read::columnar::format::ColumnarFormat;
use crate::read::columnar::snapshot::Snapshot;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Block, MessageHeader, root_as_footer, root_as_message};
use hashbrown::HashSet;

/// The number before the length of a message.
const CONTINUATION: u32 = u32::MAX;
/// The offset of the first message is a multiple of this.
const ALIGNMENT: u64 = 8;
/// The maximum offset of the first message.
const MAX_START: u64 = 64;

/// The place of a message.
#[derive(Debug, PartialEq, Eq)]
struct MessagePlace {
    offset: u64,
    /// The length of its metadata, with the length itself.
    metadata: u64,
    body: u64,
}

/// Checks the messages of a file. Errors of its footer are left to the decoder.
pub(in crate::read::columnar) fn check_layout(snapshot: &Snapshot, format: ColumnarFormat) -> Result<(), String> {
    if format != ColumnarFormat::ArrowFile {
        return Ok(());
    }
    let Some((footer_at, footer)) = footer_bytes(snapshot) else { return Ok(()) };
    let Ok(footer) = root_as_footer(&footer) else { return Ok(()) };
    let mut dictionaries = footer.dictionaries().into_iter().flatten().map(place);
    let mut batches = footer.recordBatches().into_iter().flatten().map(place);
    let mut dictionary_ids = HashSet::new();
    let mut at = first_message(snapshot, footer_at);
    let mut is_first = true;
    loop {
        let (prefix, length) = prefix(snapshot, at).filter(|_| at < footer_at).ok_or_else(|| no_end_mark(at))?;
        if length == 0 {
            at += prefix;
            break;
        }
        let unreadable = || format!("the message at byte {at} cannot be read");
        check_metadata(length)?;
        let metadata = bytes(snapshot, at + prefix, length).ok_or_else(unreadable)?;
        let message = root_as_message(&metadata).map_err(|_| unreadable())?;
        let body = u64::try_from(message.bodyLength()).map_err(|_| unreadable())?;
        let found = MessagePlace { offset: at, metadata: prefix + length, body };
        let is_named = |named: Option<Option<MessagePlace>>| named.flatten().as_ref() == Some(&found);
        let is_known = match message.header_type() {
            MessageHeader::Schema if is_first => {
                let schema = message.header_as_schema().and_then(|schema| try_fb_to_schema(schema).ok());
                if schema.is_none() || schema != footer.schema().and_then(|schema| try_fb_to_schema(schema).ok()) {
                    return Err("the footer has another schema than the stream in the file".to_owned());
                }
                true
            }
            MessageHeader::DictionaryBatch if !is_first => {
                let dictionary = message.header_as_dictionary_batch().ok_or_else(unreadable)?;
                if !dictionary_ids.insert(dictionary.id()) && !dictionary.isDelta() {
                    return Err(format!("the message at byte {at} replaces a dictionary, which a file must not"));
                }
                is_named(dictionaries.next())
            }
            MessageHeader::RecordBatch if !is_first => is_named(batches.next()),
            _ => return Err(format!("the message at byte {at} is not one that is expected there")),
        };
        if !is_known {
            return Err(format!("the footer does not name the batch at byte {at}, or not in this order"));
        }
        is_first = false;
        at = at.checked_add(found.metadata).and_then(|at| at.checked_add(body)).ok_or_else(unreadable)?;
    }
    if is_first {
        return Err("the stream in the file has no schema".to_owned());
    }
    if dictionaries.next().is_some() || batches.next().is_some() {
        return Err("the footer names a batch that is not in the stream in the file".to_owned());
    }
    if at == footer_at {
        Ok(())
    } else {
        Err(format!("there are bytes between the end mark of the stream, at byte {at}, and the footer"))
    }
}

fn no_end_mark(at: u64) -> String {
    format!("the stream in the file has no end mark at byte {at}, before the footer")
}

/// The place of a batch as the footer names it; `None` if it is invalid.
fn place(block: &Block) -> Option<MessagePlace> {
    Some(MessagePlace {
        offset: u64::try_from(block.offset()).ok()?,
        metadata: u64::try_from(block.metaDataLength()).ok()?,
        body: u64::try_from(block.bodyLength()).ok()?,
    })
}

/// Returns the offset and the bytes of the footer; `None` if it does not exist.
fn footer_bytes(snapshot: &Snapshot) -> Option<(u64, Vec<u8>)> {
    let end = snapshot.size().checked_sub(TRAILER_BYTES)?;
    let length = number(snapshot, end)?;
    let at = end.checked_sub(length.into())?;
    Some((at, bytes(snapshot, at, length.into())?))
}

/// Returns the offset of the first message: after the magic number and zeros.
fn first_message(snapshot: &Snapshot, footer_at: u64) -> u64 {
    let is_padding = |at: u64| at + ALIGNMENT <= footer_at && bytes(snapshot, at, ALIGNMENT).is_some_and(is_zero);
    let mut at = ALIGNMENT;
    while at < MAX_START && is_padding(at) {
        at += ALIGNMENT;
    }
    at
}

fn is_zero(bytes: Vec<u8>) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Reads the length of a message, and the number of bytes that it takes.
fn prefix(snapshot: &Snapshot, at: u64) -> Option<(u64, u64)> {
    match number(snapshot, at)? {
        CONTINUATION => Some((8, number(snapshot, at.checked_add(4)?)?.into())),
        length => Some((4, length.into())),
    }
}

/// Reads a number of 32 bits.
fn number(snapshot: &Snapshot, at: u64) -> Option<u32> {
    bytes(snapshot, at, 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn bytes(snapshot: &Snapshot, at: u64, length: u64) -> Option<Vec<u8>> {
    // The copy is aligned for numbers; a part of a file may not be.
    snapshot.bytes(at, usize::try_from(length).ok()?).ok().map(Vec::from)
}
