//! Lists that a Python program has in memory: its record batches are written to a file in Arrow's stream format, which is
//! read, checked and hashed like any other list.

use crate::errors::Error;
use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_array::{ArrayRef, LargeStringArray, RecordBatch, RecordBatchReader};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// The maximum number of rows of a record batch in the file. It is that of a chunk, so that few rows are held at a time.
const BATCH_ROWS: usize = 1 << 16;

/// Writes every batch of a stream to a new file.
pub fn write_stream(stream: RecordBatchStreamReader, path: &Path) -> Result<(), Error> {
    let schema = without_views(&stream.schema());
    let file = File::create_new(path).map_err(|error| Error::request(format!("no temporary file: {error}")))?;
    let written = (|| -> Result<(), ArrowError> {
        let mut writer = StreamWriter::try_new(BufWriter::with_capacity(1 << 20, file), &schema)?;
        for batch in stream {
            let batch = batch?;
            for start in (0..batch.num_rows()).step_by(BATCH_ROWS) {
                let part = batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start));
                writer.write(&copied_views(&part, &schema)?)?;
            }
        }
        writer.finish()?;
        Ok(writer.into_inner()?.flush()?)
    })();
    written.map_err(|error| {
        Error::request(format!("the targets cannot be read: {error}"))
            .with_help("pass a table whose columns are text, numbers and times")
    })
}

/// The schema with strings in place of views of strings. A view refers to buffers of the whole column, which would be written
/// with each batch.
fn without_views(schema: &SchemaRef) -> SchemaRef {
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
            DataType::Utf8View => Arc::new(column.as_string_view().iter().collect::<LargeStringArray>()),
            _ => Arc::clone(column),
        }
    };
    RecordBatch::try_new(Arc::clone(schema), batch.columns().iter().map(column).collect())
}
