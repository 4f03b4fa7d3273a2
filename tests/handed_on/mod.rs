//! What is vetted is what goes: the ids that are handed on are those that were counted, for every reader of the list.

mod formats;
mod mutations;

use self::formats::{FORMATS, canonical, counted, length_of_footer, open_file, open_ids, read_back};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use std::sync::Arc;

/// Ids as systems have them, and as they have them when something went wrong.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{1,3}-[0-9]{1,3}",
        1 => "[ -~]{1,6}",
        1 => "\\PC{1,4}",
        1 => prop::sample::select(vec![
            "a\nb", "a\r\nb", "a\rb", "a\u{7f}b", "a\u{85}b", "a\u{2028}b", "a\0b", "\u{b}", "", " ", "a,b", "a\"b", "\"a\"", "ü", "a\tb",
        ]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_of_a_list_sees_the_ids_that_were_counted(ids in prop::collection::vec(id(), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        for format in FORMATS {
            let Ok(batch) = open_ids(folder.path(), format, &ids) else {
                // Only text can be ambiguous.
                prop_assert!(matches!(format, "csv" | "csv.gz" | "ndjson"), "{}", format);
                continue;
            };
            prop_assert_eq!(&counted(&batch), &ids, "{}", format);
            prop_assert_eq!(read_back("targets.ndjson", &canonical(&batch)), ids.clone(), "{}: canonical", format);
            let mut handed = Vec::new();
            if batch.write_list(&mut handed).is_ok() {
                prop_assert_eq!(read_back(&batch.list_name(), &handed), ids.clone(), "{}: handed on", format);
            }
            let half = ids.len() as u64 / 2;
            let rows: Vec<u64> = (0..ids.len() as u64).collect();
            let parts = rows.split_at(half as usize);
            let mut split = Vec::new();
            for part in [parts.0, parts.1].into_iter().filter(|part| !part.is_empty()) {
                split.extend(read_back("targets.ndjson", &canonical(&batch.select(part).unwrap())));
            }
            prop_assert_eq!(&split, &ids, "{}: split", format);
        }
    }
}

#[test]
fn a_csv_list_with_line_ends_in_ids_is_counted_and_not_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let ids = ["a-1".to_owned(), "a-2\nsite-1,app\nsite-2,app".to_owned()];
    for format in FORMATS {
        let batch = open_ids(folder.path(), format, &ids).unwrap();
        let facts: serde_json::Value = serde_json::from_str(&batch.review(None).unwrap().0).unwrap();
        assert_eq!(facts["facts"]["ids"]["control"], 1, "{format}");
        let handed = batch.write_list(&mut Vec::new());
        assert_eq!(handed.is_err(), format.starts_with("csv"), "{format}: {handed:?}");
    }
}

#[test]
fn what_readers_disagree_about_is_an_error_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, error) in [
        ("l.csv", "id\na\n\nb\n", "l.csv:3: the line is blank"),
        ("l.csv", "id\n\"a\"\n\nb\n", "l.csv:3: the line is blank"),
        ("l.csv", "id\na\n\n", "l.csv:3: the line is blank"),
        ("l.csv", "\nid\na\n", "l.csv:1: the line is blank"),
        ("l.csv", "id\r\na\r\n\r\nb\r\n", "l.csv:3: the line is blank"),
        ("l.csv", "id\n\"a\"b\n", "l.csv:2: a field goes on after its closing quote"),
        ("l.csv", "id\na\"b\n", "l.csv:2: a quote is inside a field that does not begin with one"),
        ("l.csv", "id\na\rb\n", "l.csv:2: a carriage return is not followed by a line feed"),
        (
            "l.csv",
            "id,x_note\na,\"b\nc\"\n",
            "l.csv:2: `x_note`: it contains the control character U+000A, which CSV cannot escape",
        ),
        ("l.csv", "id,kind\na,app\nb,a\u{1b}pp\n", "l.csv: row 2: `kind`: it contains the control character U+001B"),
        (
            "l.csv",
            "id,kind\na,s\u{456}te\n",
            "l.csv: row 1: `kind`: the letters of `s\u{456}te` are of several scripts, so it looks like another name",
        ),
        ("l.csv", "id,tenant\na,t\u{7f}1\n", "l.csv: row 1: `tenant`: it contains the control character U+007F"),
        (
            "l.csv",
            "id,environment\na,production\u{200b}\n",
            "l.csv: row 1: `environment`: it contains the invisible character U+200B",
        ),
        ("l.csv", "id,ID\na,b\n", "l.csv:1: a target has no field `ID`; did you mean `id`?"),
        ("l.csv", "id,x_a,x_A\na,b,c\n", "l.csv:1: the columns `x_a` and `x_A` differ only in case or blanks"),
        ("l.ndjson", "{\"id\":\"a\"}\n,\n{\"id\":\"b\"}\n", "l.ndjson:2: expected value (column 1)"),
        (
            "l.ndjson",
            "{\"id\":\"a\u{2028}b\"}\n",
            "l.ndjson:1: it contains the control character U+2028; write it as `\\u2028`",
        ),
        (
            "l.ndjson",
            "{\"id\":\"a\",\"kind\":\"a\\u0085\"}\n",
            "l.ndjson: row 1: `kind`: it contains the control character U+0085",
        ),
    ] {
        let found = open_file(folder.path(), name, text.as_bytes()).map(|batch| batch.len()).unwrap_err();
        let found = found.to_string();
        assert_eq!(found.rsplit('/').next(), Some(error), "{text:?}");
    }
}

#[test]
fn columns_that_differ_only_in_case_and_batches_that_a_footer_hides_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a-1", "a-2"]));
    let read = |name: &str, bytes: &[u8]| {
        open_file(folder.path(), name, bytes).map(|batch| batch.len()).map_err(|error| error.to_string())
    };
    for other in ["ID", "Id", " id", "id "] {
        let batch = RecordBatch::try_from_iter([("id", ids.clone()), (other, ids.clone())]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let error = read("l.parquet", &writer.into_inner().unwrap()).unwrap_err();
        let expected = format!("l.parquet: the columns `id` and `{other}` differ only in case or blanks");
        assert!(error.ends_with(&expected), "{error}");
    }
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let file = |batches: usize| {
        let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        (0..batches).for_each(|_| writer.write(&batch).unwrap());
        writer.into_inner().unwrap()
    };
    let (one, two) = (file(1), file(2));
    assert_eq!(read("l.arrow", &two), Ok(4));
    // The messages of two batches with the footer of one.
    let mut hidden = two[..two.len() - length_of_footer(&two)].to_vec();
    hidden.extend_from_slice(&one[one.len() - length_of_footer(&one)..]);
    let error = read("l.arrow", &hidden).unwrap_err();
    assert!(error.contains("the footer does not name the batch at byte"), "{error}");
    // Bytes between the messages and the footer.
    let mut gap = one[..one.len() - length_of_footer(&one)].to_vec();
    gap.extend_from_slice(&[7; 16]);
    gap.extend_from_slice(&one[one.len() - length_of_footer(&one)..]);
    assert!(read("l.arrow", &gap).is_err());
}
