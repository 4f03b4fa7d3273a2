//! Tables that a program has in memory. They are written in Arrow's stream format, part by part, and each part is hashed and
//! read as if it were one of a file. Nothing else looks at the table, so what is vetted is what the digest is of, even if the
//! program writes to its buffers meanwhile.

use super::batches::Batches;
use super::guard::buffer_sizes::Sizes;
use super::guard::guarded;
use super::ipc::read_batches;
use super::list::check_mapping;
use super::messages::Messages;
use super::snapshot::Snapshot;
use super::wanted::wanted_columns;
use crate::error::ReadError;
use crate::read::list_builder::ListBuilder;
use crate::read::mapping::Mapping;
use crate::read::read_as::ReadAs;
use arrow_array::builder::LargeStringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamEncoder;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};

/// The maximum number of rows of a record batch of the stream. It is that of a chunk, so that few rows are held at a time. The
/// digest of a table depends on it.
const BATCH_ROWS: usize = 1 << 16;

/// A table: its name in messages, its schema and its record batches.
pub struct TableStream {
    name: String,
    schema: SchemaRef,
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
}

impl std::fmt::Debug for TableStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableStream").field("name", &self.name).field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl TableStream {
    /// Creates a table of these batches. `name` is its name in messages.
    pub fn new(
        name: &str,
        schema: &Schema,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
    ) -> Self {
        Self { name: name.to_owned(), schema: without_views(schema), batches: Box::new(batches) }
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Computes its digest, lower-case hex: SHA-256 of what [`write`](Self::write) writes.
    ///
    /// # Errors
    /// [`ReadError`] if its batches cannot be read or written.
    pub fn sha256(self) -> Result<String, ReadError> {
        let mut hash = Sha256::new();
        self.written()?.try_for_each(|part| part.map(|part| hash.update(&part)))?;
        Ok(hex::encode(hash.finalize()))
    }

    /// Writes it in Arrow's stream format, in record batches of at most 65,536 rows.
    ///
    /// # Errors
    /// [`ReadError`] if its batches cannot be read or written.
    pub fn write(self, out: &mut impl Write) -> Result<(), ReadError> {
        let name = self.name.clone();
        self.written()?.try_for_each(|part| out.write_all(&part?).map_err(|error| unreadable(&name, &error)))
    }

    /// The parts of the stream. Each ends between two messages.
    fn written(self) -> Result<impl Iterator<Item = Result<Bytes, ReadError>> + Send, ReadError> {
        let Self { name, schema, batches } = self;
        let encoder = StreamEncoder::try_new(&schema).map_err(|error| unreadable(&name, &error))?;
        let mut parts = Written { encoder: Some(encoder), schema, batches, rest: None, used: Used::default() };
        Ok(std::iter::from_fn(move || Some(parts.next()?.map_err(|error| unreadable(&name, &error)))))
    }
}

fn unreadable(name: &str, error: &dyn std::fmt::Display) -> ReadError {
    ReadError::of_file(name, format!("the targets cannot be read: {error}"))
        .with_help("pass a table whose columns are text, numbers and times")
}

/// The parts of a stream while it is written.
struct Written {
    /// None at the end.
    encoder: Option<StreamEncoder>,
    schema: SchemaRef,
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
    /// The rest of the last batch.
    rest: Option<RecordBatch>,
    used: Used,
}

/// Buffers of parts that are not needed any more. They are written again, because fresh memory costs more than the copy.
#[derive(Clone, Default)]
struct Used(Arc<Mutex<Vec<Vec<u8>>>>);

impl Used {
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of a part.
struct PartBytes {
    bytes: Vec<u8>,
    used: Used,
}

impl AsRef<[u8]> for PartBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for PartBytes {
    fn drop(&mut self) {
        self.used.lock().push(std::mem::take(&mut self.bytes));
    }
}

impl Iterator for Written {
    type Item = Result<Bytes, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.part().inspect_err(|_| self.encoder = None).transpose()
    }
}

impl Written {
    fn part(&mut self) -> Result<Option<Bytes>, ArrowError> {
        let buffers = if let Some(rows) = self.rows()? {
            let Some(encoder) = &mut self.encoder else { return Ok(None) };
            encoder.encode(&copied_views(&rows, &self.schema)?)?
        } else {
            let Some(encoder) = self.encoder.take() else { return Ok(None) };
            encoder.finish()?
        };
        let used = self.used.clone();
        let mut bytes = used.lock().pop().unwrap_or_default();
        bytes.clear();
        bytes.reserve(buffers.iter().map(|buffer| buffer.len()).sum());
        buffers.iter().for_each(|buffer| bytes.extend_from_slice(buffer.as_slice()));
        Ok(Some(Bytes::from_owner(PartBytes { bytes, used })))
    }

    /// Returns the rows of the next record batch; `None` at the end.
    fn rows(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        loop {
            let batch = match self.rest.take() {
                Some(batch) => batch,
                None if self.encoder.is_none() => return Ok(None),
                None => match self.batches.next().transpose()? {
                    Some(batch) => batch,
                    None => return Ok(None),
                },
            };
            let rows = batch.num_rows();
            if rows > BATCH_ROWS {
                self.rest = Some(batch.slice(BATCH_ROWS, rows - BATCH_ROWS));
            }
            if rows > 0 {
                return Ok(Some(batch.slice(0, rows.min(BATCH_ROWS))));
            }
        }
    }
}

/// The schema with strings in place of views of strings. A view refers to buffers of the whole column, which would be written
/// with each batch.
fn without_views(schema: &Schema) -> SchemaRef {
    // Metadata is left out: its order is not fixed, and the digest of the list must be.
    let field = |field: &Arc<Field>| {
        let kind = match field.data_type() {
            DataType::Utf8View => DataType::LargeUtf8,
            kind => kind.clone(),
        };
        Arc::new(Field::new(field.name(), kind, field.is_nullable()))
    };
    let fields: Vec<Arc<Field>> = schema.fields().iter().map(field).collect();
    Arc::new(Schema::new(fields))
}

fn copied_views(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |column: &ArrayRef| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => {
                let views = column.as_string_view();
                let bytes = views.iter().flatten().map(str::len).sum();
                let mut strings = LargeStringBuilder::with_capacity(views.len(), bytes);
                views.iter().for_each(|text| strings.append_option(text));
                Arc::new(strings.finish())
            }
            _ => Arc::clone(column),
        }
    };
    RecordBatch::try_new(Arc::clone(schema), batch.columns().iter().map(column).collect())
}

/// Reads the rows of a table into a list. Returns its digest.
pub(in crate::read) fn read_table_list(
    table: TableStream,
    mapping: &Mapping,
    list: &mut ListBuilder<'_, '_>,
) -> Result<String, ReadError> {
    let shown = table.name.clone();
    let (threads, memory) = (list.threads(), list.memory());
    check_mapping(&shown, mapping)?;
    list.read_as = ReadAs::new("Arrow", "");
    let parts = table.written()?;
    std::thread::scope(|scope| {
        let mut parts = read_ahead(scope, threads, parts);
        let mut hash = PartsHash::new(scope, threads);
        let mut sizes = Sizes::new(memory.record_batch());
        let mut checked = |part: &Bytes| {
            hash.update(part);
            guarded(&shown, || sizes.check_stream(&Snapshot::InMemory(part.clone())))
        };
        // There is at least the schema.
        let first = parts.next().transpose()?.unwrap_or_default();
        checked(&first)?;
        let schema = guarded(&shown, || Ok::<_, ArrowError>(StreamReader::try_new(&*first, None)?.schema()))?;
        let wanted = wanted_columns(&schema, mapping, &mut list.read_as)
            .map_err(|message| ReadError::of_file(&shown, message))?;
        let columns = wanted.iter().map(|wanted| wanted.index).collect();
        let mut batches =
            guarded(&shown, || Ok::<_, ArrowError>(Batches::of(Messages::after_schema(first)?, schema, columns)))?;
        let batches = std::iter::from_fn(|| {
            loop {
                if let Some(batch) = guarded(&shown, || batches.next().transpose()).transpose() {
                    return Some(batch);
                }
                let part = parts.next()?.and_then(|part| checked(&part).map(|()| part));
                match part {
                    Ok(part) => batches.continue_with(part),
                    Err(error) => return Some(Err(error)),
                }
            }
        });
        read_batches(&shown, &wanted, threads, batches, list)?;
        Ok(hash.finish())
    })
}

/// Passes parts on. With a second thread, one thread reads all of them: what a program makes them from may belong to the thread
/// that began. If it panics, the scope does.
fn read_ahead<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    threads: usize,
    parts: impl Iterator<Item = T> + Send + 'scope,
) -> Box<dyn Iterator<Item = T> + Send + 'scope> {
    if threads < 2 {
        return Box::new(parts);
    }
    let (sender, received) = sync_channel(1);
    scope.spawn(move || {
        for part in parts {
            if sender.send(part).is_err() {
                break;
            }
        }
    });
    Box::new(received.into_iter())
}

/// The hash of the parts, computed on a thread of its own if there is a second one.
enum PartsHash<'scope> {
    Here(Sha256),
    There { parts: SyncSender<Bytes>, hash: ScopedJoinHandle<'scope, Sha256> },
}

impl<'scope> PartsHash<'scope> {
    fn new(scope: &'scope Scope<'scope, '_>, threads: usize) -> Self {
        if threads < 2 {
            return Self::Here(Sha256::new());
        }
        // One part waits while another is hashed. More of them would only take memory.
        let (parts, received) = sync_channel::<Bytes>(1);
        let hash = scope.spawn(move || {
            let mut hash = Sha256::new();
            received.iter().for_each(|part| hash.update(&part));
            hash
        });
        Self::There { parts, hash }
    }

    fn update(&mut self, part: &Bytes) {
        match self {
            Self::Here(hash) => hash.update(part),
            // Without its thread, which panicked, there is no digest: `finish` passes the panic on.
            Self::There { parts, .. } => drop(parts.send(part.clone())),
        }
    }

    fn finish(self) -> String {
        let hash = match self {
            Self::Here(hash) => hash,
            Self::There { parts, hash } => {
                drop(parts);
                hash.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
        };
        hex::encode(hash.finalize())
    }
}
