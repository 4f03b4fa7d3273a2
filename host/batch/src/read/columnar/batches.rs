//! The record batches of Arrow's formats. They are found one after another, and decoded by any thread, each with the
//! dictionaries that were known when it was found.

use super::format::ColumnarFormat;
use super::guard::buffer_sizes::Decoded;
use super::messages::{Message, Messages};
use super::snapshot::{BLOCK_BYTES, Cursor, Snapshot};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::MessageHeader;
use arrow_ipc::reader::{FileReader, StreamReader, read_dictionary, read_record_batch};
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use std::collections::HashMap;
use std::io::BufReader;
use std::sync::Arc;

/// Reads the schema of a file, once its sizes were checked.
pub(super) fn read_schema(snapshot: &Snapshot, format: ColumnarFormat) -> Result<SchemaRef, ArrowError> {
    let cursor = BufReader::with_capacity(BLOCK_BYTES, Cursor::new(snapshot.clone()));
    Ok(match format {
        ColumnarFormat::ArrowStream => StreamReader::try_new(cursor, None)?.schema(),
        ColumnarFormat::ArrowFile | ColumnarFormat::Parquet => FileReader::try_new(cursor, None)?.schema(),
    })
}

/// What is decoded: the schema of the file, and the columns of it that are wanted.
#[derive(Debug)]
struct Wanted {
    schema: SchemaRef,
    columns: Vec<usize>,
}

/// The record batches of a source, in order.
#[derive(Debug)]
pub(super) struct Batches {
    messages: Messages,
    wanted: Arc<Wanted>,
    /// The dictionaries so far, by their numbers.
    dictionaries: Arc<HashMap<i64, ArrayRef>>,
    /// The bytes of the dictionaries that were read after the last batch.
    new_bytes: u64,
}

/// A record batch that was found.
#[derive(Debug)]
pub(super) struct EncodedBatch {
    message: Message,
    wanted: Arc<Wanted>,
    dictionaries: Arc<HashMap<i64, ArrayRef>>,
    pub rows: usize,
    /// The bytes that it takes when it is decoded, with the dictionaries that came with it.
    pub bytes: u64,
}

impl Batches {
    /// The batches of a file, once its layout and its sizes were checked. Only `columns` are decoded.
    pub fn open(
        snapshot: Snapshot,
        format: ColumnarFormat,
        schema: SchemaRef,
        columns: Vec<usize>,
    ) -> Result<Self, ArrowError> {
        Ok(Self::of(Messages::open(snapshot, format)?, schema, columns))
    }

    /// The batches of messages after the schema.
    pub fn of(messages: Messages, schema: SchemaRef, columns: Vec<usize>) -> Self {
        let wanted = Arc::new(Wanted { schema, columns });
        Self { messages, wanted, dictionaries: Arc::default(), new_bytes: 0 }
    }

    /// Continues with the next part of a stream.
    pub fn continue_with(&mut self, part: Bytes) {
        self.messages = Messages::Part { snapshot: Snapshot::InMemory(part), at: 0 };
    }

    fn batch(&mut self, message: Message) -> Result<Option<EncodedBatch>, ArrowError> {
        let header = message.header()?;
        match header.header_type() {
            MessageHeader::RecordBatch => {
                let batch = header.header_as_record_batch();
                let batch = batch.ok_or_else(|| ArrowError::ParseError("a record batch is missing".to_owned()))?;
                let Wanted { schema, columns } = self.wanted.as_ref();
                let decoded = Decoded { schema, columns };
                let bytes = decoded.bytes(message.snapshot(), batch, message.body_at, message.body_bytes);
                let (wanted, dictionaries) = (Arc::clone(&self.wanted), Arc::clone(&self.dictionaries));
                let bytes = bytes.saturating_add(std::mem::take(&mut self.new_bytes));
                // A negative number becomes one that no column has, which the decoder refuses.
                let rows = batch.length() as usize;
                Ok(Some(EncodedBatch { message, wanted, dictionaries, rows, bytes }))
            }
            MessageHeader::DictionaryBatch => {
                let dictionary = header.header_as_dictionary_batch();
                let dictionary =
                    dictionary.ok_or_else(|| ArrowError::ParseError("a dictionary is missing".to_owned()))?;
                let known = Arc::make_mut(&mut self.dictionaries);
                let (body, id) = (message.body()?.into(), dictionary.id());
                read_dictionary(&body, dictionary, &self.wanted.schema, known, &header.version())?;
                self.new_bytes += known.get(&id).map_or(0, |array| array.get_array_memory_size() as u64);
                Ok(None)
            }
            MessageHeader::Schema => Err(ArrowError::ParseError("there is a second schema".to_owned())),
            other => Err(ArrowError::ParseError(format!("there is a message of an unknown kind: {other:?}"))),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<EncodedBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.messages.next()?.and_then(|message| self.batch(message)) {
                Ok(None) => {}
                found => return found.transpose(),
            }
        }
    }
}

impl EncodedBatch {
    /// Decodes it, and checks its values.
    pub fn decode(&self) -> Result<RecordBatch, ArrowError> {
        let header = self.message.header()?;
        let batch = header.header_as_record_batch();
        let batch = batch.ok_or_else(|| ArrowError::ParseError("a record batch is missing".to_owned()))?;
        let Wanted { schema, columns } = self.wanted.as_ref();
        let (body, schema, columns) = (self.message.body()?.into(), Arc::clone(schema), Some(columns.as_slice()));
        read_record_batch(&body, batch, schema, &self.dictionaries, columns, &header.version())
    }
}
