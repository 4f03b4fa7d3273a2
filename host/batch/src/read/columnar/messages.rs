//! The messages of Arrow's formats: record batches and dictionaries. What describes a message is read when it is found, and
//! its body when it is decoded, by any thread.

use super::format::ColumnarFormat;
use super::guard::buffer_sizes::{TRAILER_BYTES, blocks};
use super::snapshot::Snapshot;
use arrow_ipc::{MetadataVersion, root_as_footer, root_as_message};
use arrow_schema::ArrowError;
use bytes::Bytes;

/// The number before the length of a message.
const CONTINUATION: u32 = u32::MAX;

/// A message that was found.
#[derive(Debug)]
pub(super) struct Message {
    metadata: Vec<u8>,
    snapshot: Snapshot,
    /// The offset of its body.
    pub body_at: u64,
    pub body_bytes: u64,
}

/// The messages of a source, in order.
#[derive(Debug)]
pub(super) enum Messages {
    /// A stream. It must end with its end mark, and the file with the stream: a truncated stream must not be read as a shorter
    /// one, and bytes after a stream must not be ignored.
    Stream { snapshot: Snapshot, at: u64 },
    /// A file: the offsets of its messages and of their bodies, from its footer, the dictionaries first.
    File { snapshot: Snapshot, blocks: std::vec::IntoIter<(u64, u64)>, version: MetadataVersion },
    /// A part of a stream, which ends between two messages.
    Part { snapshot: Snapshot, at: u64 },
}

/// What is at an offset of a stream.
enum Found {
    Message(Message),
    /// The end mark, and the offset after it.
    End(u64),
}

fn invalid(message: &str) -> ArrowError {
    ArrowError::ParseError(message.to_owned())
}

impl Message {
    /// Reads what describes the message at an offset. Without `body_at`, the body follows it.
    fn find(snapshot: &Snapshot, at: u64, body_at: Option<u64>) -> Result<Found, ArrowError> {
        let number = |at: u64| {
            let bytes = snapshot.bytes(at, 4).ok().and_then(|bytes| <[u8; 4]>::try_from(bytes.as_ref()).ok());
            let truncated = || invalid("the stream has no end mark, so it may be truncated");
            bytes.map(u32::from_le_bytes).ok_or_else(truncated)
        };
        let (length, start) = match number(at)? {
            CONTINUATION => (number(at + 4)?, at + 8),
            length => (length, at + 4),
        };
        if length == 0 {
            return Ok(Found::End(start));
        }
        // The copy is aligned for numbers; a part of a file may not be.
        let metadata = Vec::from(snapshot.bytes(start, length as usize)?);
        let body_at = body_at.unwrap_or(start + u64::from(length));
        let mut message = Self { metadata, snapshot: snapshot.clone(), body_at, body_bytes: 0 };
        let body = message.header()?.bodyLength();
        let is_there = |bytes: &u64| body_at.checked_add(*bytes).is_some_and(|end| end <= snapshot.size());
        let body = u64::try_from(body).ok().filter(is_there);
        message.body_bytes = body.ok_or_else(|| invalid("the body of a message is not in the file"))?;
        Ok(Found::Message(message))
    }

    /// What describes it.
    pub fn header(&self) -> Result<arrow_ipc::Message<'_>, ArrowError> {
        root_as_message(&self.metadata)
            .map_err(|error| ArrowError::ParseError(format!("Unable to get root as message: {error:?}")))
    }

    /// Reads its body.
    pub fn body(&self) -> Result<Bytes, ArrowError> {
        Ok(self.snapshot.bytes(self.body_at, self.body_bytes as usize)?)
    }

    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Messages {
    /// The messages of a file without its schema, once its layout and its sizes were checked.
    pub fn open(snapshot: Snapshot, format: ColumnarFormat) -> Result<Self, ArrowError> {
        if format == ColumnarFormat::ArrowStream {
            let mut messages = Self::Stream { snapshot, at: 0 };
            messages.read_next()?;
            return Ok(messages);
        }
        let no_footer = || invalid("the footer cannot be read");
        let end = snapshot.size().checked_sub(TRAILER_BYTES).ok_or_else(no_footer)?;
        let length = u32::from_le_bytes(snapshot.bytes(end, 4)?.as_ref().try_into().map_err(|_| no_footer())?);
        let start = end.checked_sub(length.into()).ok_or_else(no_footer)?;
        let footer = Vec::from(snapshot.bytes(start, length as usize)?);
        let version = root_as_footer(&footer).map_err(|_| no_footer())?.version();
        let blocks = blocks(&snapshot).ok().flatten().ok_or_else(no_footer)?.into_iter();
        Ok(Self::File { snapshot, blocks, version })
    }

    /// The messages of the first part of a stream without its schema.
    pub fn after_schema(part: Bytes) -> Result<Self, ArrowError> {
        let mut messages = Self::Part { snapshot: Snapshot::InMemory(part), at: 0 };
        messages.read_next()?;
        Ok(messages)
    }

    fn read_next(&mut self) -> Result<Option<Message>, ArrowError> {
        match self {
            Self::Stream { snapshot, at } => match Message::find(snapshot, *at, None)? {
                Found::Message(message) => {
                    *at = message.body_at + message.body_bytes;
                    Ok(Some(message))
                }
                Found::End(end) if end < snapshot.size() => Err(invalid("there is more after the end of the stream")),
                Found::End(_) => Ok(None),
            },
            Self::Part { snapshot, at } if *at >= snapshot.size() => Ok(None),
            Self::Part { snapshot, at } => match Message::find(snapshot, *at, None)? {
                Found::Message(message) => {
                    *at = message.body_at + message.body_bytes;
                    Ok(Some(message))
                }
                Found::End(end) => {
                    *at = end;
                    Ok(None)
                }
            },
            Self::File { snapshot, blocks, version } => {
                let Some((at, body_at)) = blocks.next() else { return Ok(None) };
                let Found::Message(message) = Message::find(snapshot, at, Some(body_at))? else {
                    return Err(invalid("the footer names a message that is not there"));
                };
                // Old writers left the version of the footer at the first one.
                if *version != MetadataVersion::V1 && message.header()?.version() != *version {
                    return Err(invalid("a message is of another version than the footer"));
                }
                Ok(Some(message))
            }
        }
    }
}

impl Iterator for Messages {
    type Item = Result<Message, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_next().transpose()
    }
}
