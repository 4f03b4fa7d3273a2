//! Parquet and Arrow lists that contradict themselves, and columns whose type does not fit their field.

use arrow_array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use reprieve::{Batch, ReadError};
use std::sync::Arc;

/// Reads a list and returns it as NDJSON.
fn targets(name: &str, bytes: &[u8]) -> Result<String, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let request = format!(
        r#"{{"id":"t","mode":"soft","environment":"test","target_kind":"app","targets":{{"path":"{name}"}}}}"#
    );
    std::fs::write(folder.path().join(name), bytes).unwrap();
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    let mut text = Vec::new();
    Batch::open(&folder.path().join("request.json"))?.write_targets(&mut text).unwrap();
    Ok(String::from_utf8(text).unwrap())
}

fn parquet(columns: [(&str, ArrayRef); 2]) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(30)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Fifty targets in row groups of 30 and 20.
fn fifty() -> Vec<u8> {
    let ids = StringArray::from_iter_values((0..50).map(|row| format!("app-{row}")));
    parquet([("id", Arc::new(ids)), ("kind", Arc::new(StringArray::from(vec!["app"; 50])))])
}

/// A copy of the file with a changed footer.
fn with_footer(file: &[u8], change: impl FnOnce(ParquetMetaData) -> ParquetMetaData) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(file)).unwrap();
    let footer = 8 + u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap()) as usize;
    let mut changed = file[..file.len() - footer].to_vec();
    ParquetMetaDataWriter::new(&mut changed, &change(metadata)).finish().unwrap();
    changed
}

/// A footer that states these numbers of rows, and of values in each column, for the first row group.
fn with_counts(metadata: ParquetMetaData, rows: i64, values: i64) -> ParquetMetaData {
    let mut groups = metadata.row_groups().to_vec();
    let columns = groups[0].columns().iter().cloned();
    let columns = columns.map(|column| column.into_builder().set_num_values(values).build().unwrap()).collect();
    groups[0] = groups[0].clone().into_builder().set_num_rows(rows).set_column_metadata(columns).build().unwrap();
    ParquetMetaData::new(metadata.file_metadata().clone(), groups)
}

/// A file with only a footer, whose schema elements state these numbers of children.
fn with_schema(children: &[u32]) -> Vec<u8> {
    fn varint(mut value: u32, out: &mut Vec<u8>) {
        while value > 0x7f {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    // In Thrift's compact encoding: field 1, the version; field 2, a list of structs.
    let mut footer = vec![0x15, 2, 0x19, 0xfc];
    varint(children.len() as u32, &mut footer);
    for children in children {
        // Field 3, required; field 4, the name; field 5, the number of children.
        footer.extend([0x35, 0, 0x18, 1, b'a', 0x15]);
        varint(children * 2, &mut footer);
        footer.push(0);
    }
    footer.push(0);
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", &footer[..], &length, b"PAR1"].concat()
}

/// The decoder would abort the process: on deep nesting always, on wide schemas if memory is short.
#[test]
fn inconsistent_schemas_are_refused_before_decoding() {
    let error = |file: &[u8]| targets("t.parquet", file).unwrap_err().to_string();
    assert!(error(&with_schema(&[1, 0])).contains("it cannot be decoded: Parquet error"), "left to the decoder");
    assert!(error(&with_schema(&[2, 0])).contains("more children than there are"));
    let deep = [vec![1; 100_000], vec![0]].concat();
    assert!(error(&with_schema(&deep)).contains("nested more than 100 levels deep"));
    assert!(error(&with_schema(&[i32::MAX as u32])).contains("more children than there are"));
    // A number declared as a struct: what follows it is read differently by different readers.
    let mut file = with_schema(&[1, i32::MAX as u32]);
    let at = file.iter().position(|byte| *byte == 0x35).unwrap();
    file[at] = 0x3c;
    assert!(error(&file).contains("its schema cannot be read: field 3 has the type struct"), "{}", error(&file));
}

/// Programs that trust different counts would read different lists, of which only one was vetted.
#[test]
fn files_with_contradicting_row_counts_are_refused() {
    let refused = |file: &[u8], expected: &str| {
        let error = targets("t.parquet", file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, and not {expected}");
    };
    let good = with_footer(&fifty(), |metadata| with_counts(metadata, 30, 30));
    assert_eq!(targets("t.parquet", &good).unwrap().lines().count(), 50);
    for (rows, values, expected) in [
        (-5, 30, "row group 0 has -5 rows"),
        (
            20,
            30,
            "row group 0 has 20 rows, but its column `id` has 30 values: the file disagrees with itself about its row count",
        ),
        (30, 20, "row group 0 has 30 rows, but its column `id` has 20 values"),
        (20, 20, "row group 0 has 20 rows, but the pages of `id` have 30"),
        (0, 0, "row group 0 has 0 rows, but the pages of `id` have 30"),
        (40, 40, "row group 0 has 40 rows, but the pages of `id` have 30"),
        (1 << 60, 1 << 60, "but the pages of `id` have 30"),
    ] {
        refused(&with_footer(&fifty(), |metadata| with_counts(metadata, rows, values)), expected);
    }
    let elsewhere = |metadata: ParquetMetaData| {
        let group = metadata.row_group(0);
        let other =
            |column: &ColumnChunkMetaData| column.clone().into_builder().set_file_path("other.parquet".into());
        let columns = group.columns().iter().map(|column| other(column).build().unwrap()).collect();
        let group = group.clone().into_builder().set_column_metadata(columns).build().unwrap();
        ParquetMetaData::new(metadata.file_metadata().clone(), vec![group])
    };
    refused(&with_footer(&fifty(), elsewhere), "row group 0 is in another file, `other.parquet`");
    // The file's own count is a field of type 6: 50 in zigzag encoding, followed by a list.
    let count = good.windows(3).rposition(|bytes| bytes == [0x16, 100, 0x19]).unwrap();
    for (zigzag, rows) in [(60, 30), (0, 0), (1, -1)] {
        let mut file = good.clone();
        file[count + 1] = zigzag;
        refused(&file, &format!("it has {rows} rows, but its row groups have 50"));
    }
}

/// The number behind a date depends on how the date is stored, so as an id it would be ambiguous.
#[test]
fn dates_are_refused_as_ids_and_sizes() {
    let ids = || Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef;
    let days: [(&str, ArrayRef); 2] = [("id", Arc::new(Date32Array::from(vec![1, 2]))), ("kind", ids())];
    let times: [(&str, ArrayRef); 2] =
        [("id", ids()), ("size_bytes", Arc::new(TimestampMillisecondArray::from(vec![1, 2])))];
    for (columns, column) in [(days, "id"), (times, "size_bytes")] {
        let error = targets("t.parquet", &parquet(columns)).unwrap_err().to_string();
        assert!(error.contains(&format!("the column `{column}`: its type is")), "{error}");
    }
    let numbers: [(&str, ArrayRef); 2] = [("id", Arc::new(Int64Array::from(vec![7, -8]))), ("kind", ids())];
    let expected = "{\"id\":\"7\",\"kind\":\"a\"}\n{\"id\":\"-8\",\"kind\":\"b\"}\n";
    assert_eq!(targets("t.parquet", &parquet(numbers)).unwrap(), expected);
}

/// A decoder allocates the size that a compressed buffer states, and aborts the process if that fails.
#[test]
fn buffers_with_an_implausible_size_are_not_decompressed() {
    let ids = StringArray::from_iter_values((0..5_000).map(|row| format!("app-{row:016}")));
    let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
    let options = || IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).unwrap();
    let mut file = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options()).unwrap();
    let mut stream = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options()).unwrap();
    file.write(&batch).unwrap();
    stream.write(&batch).unwrap();
    for (name, mut bytes) in [("t.arrow", file.into_inner().unwrap()), ("t.arrows", stream.into_inner().unwrap())] {
        assert_eq!(targets(name, &bytes).unwrap().lines().count(), 5_000);
        let length = 20 * 5_000_u64;
        // The length of the ids, before a frame of LZ4. The message has the sum with the other buffers.
        let start = [length.to_le_bytes().as_slice(), &[4, 0x22, 0x4d, 0x18]].concat();
        let at = bytes.windows(start.len()).position(|bytes| bytes == start).unwrap();
        bytes[at + 6] = 1;
        let error = targets(name, &bytes).unwrap_err().to_string();
        assert!(error.contains("record batch 0: 2814749768"), "{error}");
    }
}

/// Some programs write times in 96 bits: a Julian day, and the nanoseconds since its start.
#[test]
fn times_in_96_bits_are_read_for_any_year() {
    let schema = parse_message_type("message t { required binary id (UTF8); required int96 created_at; }").unwrap();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    // The days of 1600-01-01, 2022-01-01 and 2300-01-01, and noon.
    let times = [2_305_448, 2_459_581, 2_561_118].map(|day| {
        let noon = 43_200_u64 * 1_000_000_000;
        Int96::from(vec![noon as u32, (noon >> 32) as u32, day])
    });
    while let Some(mut column) = group.next_column().unwrap() {
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(ids) => {
                ids.write_batch(&["a", "b", "c"].map(ByteArray::from), None, None).map(drop)
            }
            ColumnWriter::Int96ColumnWriter(column) => column.write_batch(&times, None, None).map(drop),
            _ => panic!("unexpected column"),
        }
        .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    let list = targets("t.parquet", &writer.into_inner().unwrap()).unwrap();
    // A time before 1970 stands for an unknown one.
    let expected = "{\"id\":\"a\"}\n{\"id\":\"b\",\"created_at\":\"2022-01-01T12:00:00Z\"}\n\
        {\"id\":\"c\",\"created_at\":\"2300-01-01T12:00:00Z\"}\n";
    assert_eq!(list, expected);
}
