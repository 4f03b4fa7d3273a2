//! Tables in memory: however one is cut, and whatever its strings are stored as, it is the list that its file is.

use super::{HEADER, batch_of, canonical, facts, inventory, long_list, parquet, read, row, targets};
use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, LargeStringArray, RecordBatch, StringArray, StringViewArray};
use arrow_ipc::writer::StreamWriter;
use proptest::prelude::*;
use reprieve::model::Timestamp;
use reprieve::policy::ModuleCache;
use reprieve::{Batch, Folder, Gate, ReadError, ReadOptions, TableStream};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

/// How the columns of strings are stored.
#[derive(Clone, Copy, Debug)]
enum Strings {
    Plain,
    Large,
    Views,
    /// Each batch has a dictionary of its own.
    Dictionary,
}

fn stored(column: &ArrayRef, strings: Strings) -> ArrayRef {
    let Some(texts) = column.as_string_opt::<i32>() else { return Arc::clone(column) };
    match strings {
        Strings::Plain => Arc::clone(column),
        Strings::Large => Arc::new(texts.iter().collect::<LargeStringArray>()),
        Strings::Views => Arc::new(texts.iter().collect::<StringViewArray>()),
        Strings::Dictionary => {
            let mut builder = StringDictionaryBuilder::<Int8Type>::new();
            texts.iter().for_each(|text| builder.append_option(text));
            Arc::new(builder.finish())
        }
    }
}

/// The batches of a table that is cut before these rows.
fn cut(rows: &RecordBatch, cuts: &[usize], strings: Strings) -> Vec<RecordBatch> {
    let mut cuts: Vec<usize> = cuts.iter().map(|row| row % (rows.num_rows() + 1)).collect();
    cuts.extend([0, rows.num_rows()]);
    cuts.sort_unstable();
    let batch = |range: &[usize]| {
        let part = rows.slice(range[0], range[1] - range[0]);
        let columns = part.columns().iter().map(|column| stored(column, strings));
        let fields = part.schema_ref().fields().iter().map(|field| field.name().clone());
        let columns = fields.zip(columns).map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    cuts.windows(2).map(batch).collect()
}

fn table(batches: &[RecordBatch]) -> TableStream {
    TableStream::new("<table>", batches[0].schema_ref(), Vec::from(batches).into_iter().map(Ok))
}

/// Reads a table, with its column `app` as the id.
fn read_table(table: TableStream, options: ReadOptions<'_>) -> Result<Batch, ReadError> {
    let here = Folder::open(Path::new(".")).unwrap();
    let options = options.table(table).column("id", "app");
    let batch = Batch::read_with(format!("{{{HEADER}}}").as_bytes(), "<request>", &here, options)?;
    Ok(batch.at(Timestamp::from_seconds(1_772_452_800)))
}

fn written(table: TableStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.write(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_table_is_its_file_however_it_is_cut(
        rows in prop::collection::vec(row(), 1..120),
        cuts in prop::collection::vec(0_usize..120, 0..8),
        strings in prop::sample::select(vec![Strings::Plain, Strings::Large, Strings::Views, Strings::Dictionary]),
        memory in 0_u64..5_000,
        threads in 1_usize..4,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let options = || ReadOptions::default().memory(memory).threads(threads);
        let columns = batch_of(&rows);
        let expected = facts(&read(folder.path(), "t.parquet", &parquet(&columns, 40), options()));
        let batches = cut(&columns, &cuts, strings);
        let batch = read_table(table(&batches), options()).unwrap();
        prop_assert_eq!(targets(&batch), canonical(&rows));
        prop_assert_eq!(facts(&batch), expected);
        // What is hashed is what is written, and its file is the same list.
        let stream = written(table(&batches));
        let digest = table(&batches).sha256().unwrap();
        prop_assert_eq!(batch.targets_sha256(), &digest);
        let file = read(folder.path(), "t.arrows", &stream, options());
        prop_assert_eq!(file.targets_sha256(), &digest);
        prop_assert_eq!((targets(&file), facts(&file)), (targets(&batch), facts(&batch)));
    }
}

/// Dry runs and approvals name the digest of a table, so it must not depend on how the table is read.
#[test]
fn the_digest_of_a_table_is_that_of_its_stream() {
    let rows = batch_of(&long_list());
    for strings in [Strings::Plain, Strings::Large, Strings::Views] {
        let batches = cut(&rows, &[9, 70_000, 200_001], strings);
        let plain = if let Strings::Views = strings { Strings::Large } else { strings };
        let copied = cut(&rows, &[9, 70_000, 200_001], plain);
        let mut writer = StreamWriter::try_new(Vec::new(), copied[0].schema_ref()).unwrap();
        for batch in &copied {
            for start in (0..batch.num_rows()).step_by(65_536) {
                writer.write(&batch.slice(start, 65_536.min(batch.num_rows() - start))).unwrap();
            }
        }
        let expected = writer.into_inner().unwrap();
        assert!(written(table(&batches)) == expected, "{strings:?}");
        let digest: String = Sha256::digest(&expected).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(table(&batches).sha256().unwrap(), digest, "{strings:?}");
    }
}

/// Compares whole documents, with findings and fuel.
#[test]
fn decisions_about_tables_do_not_depend_on_memory_or_threads() {
    let rows = batch_of(&long_list());
    let folder = tempfile::tempdir().unwrap();
    let inventory = Arc::new(inventory());
    let gate = |threads| {
        let cache = ModuleCache::new(folder.path().join("compiled"), folder.path().join("state"));
        Gate::builder().cache(cache).threads(threads).inventory(Arc::clone(&inventory)).build().unwrap()
    };
    for cuts in [vec![], vec![9, 70_000, 70_001, 200_001], (0..300_000).step_by(999).collect()] {
        let batches = cut(&rows, &cuts, Strings::Plain);
        let file = read(folder.path(), "t.arrows", &written(table(&batches)), ReadOptions::default());
        let expected = gate(2).vet(file).document().clone();
        assert!(expected.findings.iter().any(|finding| finding.code == "identity/kind-mismatch"));
        for (threads, memory) in [(1, 1 << 30), (2, 1 << 30), (1, 0), (5, 100_000), (2, 8 << 20)] {
            let options = ReadOptions::default().memory(memory).threads(threads);
            let mut document = gate(threads).vet(read_table(table(&batches), options).unwrap()).document().clone();
            // The request of the file names it, and that of the table does not.
            document.request_sha256.clone_from(&expected.request_sha256);
            assert_eq!(document, expected, "{} batches, {threads} threads and {memory} bytes", batches.len());
        }
    }
}

#[test]
fn a_table_that_fails_is_refused() {
    let rows = batch_of(&long_list().into_iter().take(50).collect::<Vec<_>>());
    let schema = rows.schema();
    let error = |table: TableStream, threads| {
        read_table(table, ReadOptions::default().threads(threads)).unwrap_err().to_string()
    };
    for threads in [1, 2] {
        let good = rows.clone();
        let failing = [Ok(good), Err(arrow_schema::ArrowError::ComputeError("it went away".to_owned()))];
        let found = error(TableStream::new("<table>", &schema, failing.into_iter()), threads);
        assert!(
            found.starts_with("<table>: the targets cannot be read: ") && found.contains("it went away"),
            "{found}"
        );
        // A batch of another schema, as a program may pass it.
        let other = rows.project(&[0]).unwrap();
        let found = error(TableStream::new("<table>", &schema, [Ok(other)].into_iter()), threads);
        assert!(found.starts_with("<table>: the targets cannot be read: "), "{found}");
        let none = rows.project(&[0]).unwrap();
        let found = error(table(&[none]), threads);
        assert!(found.contains("there is no column `app`"), "{found}");
        // A table without batches, and one whose batches have no rows.
        let empty = TableStream::new("<table>", &schema, std::iter::empty());
        assert!(read_table(empty, ReadOptions::default().threads(threads)).unwrap().is_empty());
        let batch = read_table(table(&[rows.slice(0, 0), rows.slice(0, 0)]), ReadOptions::default()).unwrap();
        assert!(batch.is_empty());
    }
}

/// A record batch takes memory when it is decoded, whatever its table is in.
#[test]
fn a_record_batch_that_is_too_large_is_refused() {
    let long = "x".repeat(60_000);
    let ids: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(); 1_500]));
    let rows = RecordBatch::try_from_iter_with_nullable([("app", ids, false)]).unwrap();
    let error = read_table(table(std::slice::from_ref(&rows)), ReadOptions::default().memory(1 << 20))
        .unwrap_err()
        .to_string();
    assert!(error.contains("<table>: it cannot be decoded: record batch 0: 90006016 bytes"), "{error}");
    let parts: Vec<RecordBatch> = (0..1_500).step_by(500).map(|start| rows.slice(start, 500)).collect();
    assert_eq!(read_table(table(&parts), ReadOptions::default().memory(1 << 20)).unwrap().len(), 1_500);
}

/// A table cannot be handed on byte for byte, because it is read once.
#[test]
fn a_table_is_not_handed_on() {
    let rows = batch_of(&long_list().into_iter().take(50).collect::<Vec<_>>());
    let batch = read_table(table(&[rows]), ReadOptions::default()).unwrap();
    let error = batch.write_list(&mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "<table>: a table is read once, so it cannot be handed on");
}
