//! A list is the same in every format, shape and dialect, and no list is read as a shorter one.

use crate::batch::Batch;
use crate::read::{Folder, ReadAs, ReadOptions};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Reads a list with the rest of its `targets`, such as `, "header": false`. Returns it as NDJSON.
fn read_with(folder: &Path, name: &str, more: &str, threads: usize) -> Result<(String, ReadAs), String> {
    let request = format!(
        r#"{{"id": "r", "mode": "soft", "environment": "test", "target_kind": "app", "targets": {{"path": "{name}"{more}}}}}"#
    );
    let folder = Folder::open(folder).unwrap();
    let options = ReadOptions::default().threads(threads);
    let batch = Batch::read_with(request.as_bytes(), "r", &folder, options).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    batch.write_targets(&mut text).unwrap();
    Ok((String::from_utf8(text).unwrap(), batch.read_as()[0].clone()))
}

/// Reads a text as a list.
fn read(name: &str, text: impl AsRef<[u8]>, more: &str) -> Result<(String, ReadAs), String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    read_with(folder.path(), name, more, 2)
}

fn ids(read: Result<(String, ReadAs), String>) -> Result<Vec<String>, String> {
    let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().map(str::to_owned);
    read.map(|(text, _)| text.lines().map(|line| id(line).unwrap_or_default()).collect())
}

/// The fields of a row: an id, a kind, a tenant, a time, and a column that is left alone.
type Fields = [String; 5];
const NAMES: [&str; 5] = ["id", "kind", "tenant", "created_at", "Size of it"];

fn rows() -> impl Strategy<Value = Vec<Fields>> {
    let text = || "[a-c][a-zé ,;|\"'/%{}\\[\\]:\\\\-]{0,8}";
    let time = prop_oneof![Just("2030-01-31T12:00:00Z"), Just("2029-05-06T07:08:09Z")];
    let row = (text(), "[a-c]{1,3}", text(), time, text());
    prop::collection::vec(row.prop_map(|(a, b, c, d, e)| [a, b, c, d.to_owned(), e]), 1..12)
}

fn object(row: &Fields, end: &str) -> String {
    let members =
        NAMES.iter().zip(row).map(|(name, text)| format!("{name:?}: {}", serde_json::to_string(text).unwrap()));
    format!("{{{end}{}{end}}}", members.collect::<Vec<_>>().join(&format!(",{end}")))
}

fn objects(rows: &[Fields], between: &str, end: &str) -> String {
    rows.iter().map(|row| object(row, end)).collect::<Vec<_>>().join(between)
}

fn csv(rows: &[Fields], header: bool, delimiter: char, all_quoted: bool, end: &str) -> String {
    let quote = |text: &str| {
        if all_quoted || text.contains([delimiter, '"']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let line =
        |fields: Vec<&str>| fields.into_iter().map(quote).collect::<Vec<_>>().join(&delimiter.to_string()) + end;
    let header = header.then(|| line(NAMES.to_vec()));
    header.into_iter().chain(rows.iter().map(|row| line(row.iter().map(String::as_str).collect()))).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn record_batch(rows: &[Fields]) -> RecordBatch {
    let columns = NAMES.iter().enumerate().map(|(i, name)| {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row[i])));
        (*name, texts)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write_columnar(folder: &Path, batch: &RecordBatch) {
    let file = |name: &str| File::create(folder.join(name)).unwrap();
    let mut parquet = ArrowWriter::try_new(file("t.parquet"), batch.schema(), None).unwrap();
    parquet.write(batch).unwrap();
    parquet.close().unwrap();
    let mut arrow = FileWriter::try_new(file("t.arrow"), &batch.schema()).unwrap();
    arrow.write(batch).unwrap();
    arrow.finish().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_list_is_the_same_in_every_shape_and_dialect(rows in rows(), cut in 0_usize..12) {
        let expected = read("t.ndjson", objects(&rows, "\n", "") + "\n", "").unwrap().0;
        prop_assert_eq!(expected.lines().count(), rows.len());
        let (first, second) = rows.split_at(cut.min(rows.len()));
        let array = |rows: &[Fields], end: &str| format!("[{end}{}{end}]", objects(rows, &format!(",{end}"), end));
        let page = |rows: &[Fields]| {
            format!(r#"{{"kind": "List", "other": [{{"id": "z"}}], "items": {}, "next": null}}"#, array(rows, ""))
        };
        for (name, text) in [
            ("t.json", array(&rows, "")),
            ("t.json", array(&rows, "\r\n  ")),
            ("t.ndjson", array(&rows, "\n\t")),
            ("t.json", format!("{}{}", array(first, ""), array(second, ""))),
            ("t.json", format!("\u{feff}{}\n\n{}\n", array(first, "\n"), array(second, ""))),
            ("t.json", objects(&rows, "", "")),
            ("t.json", objects(&rows, "\n", "\n ")),
            ("t.jsonl", objects(&rows, "\n", "\n ")),
            ("t.jsonl", objects(&rows, "\n\n", "") + "\n \r\n"),
            ("t.json", page(&rows)),
            ("t.ndjson", page(&rows)),
            ("t.json", format!("{}\n{}", page(first), page(second))),
            ("t.json", format!("{{\"Rows\": {}}}", array(&rows, " "))),
        ] {
            let found = read(name, &text, "");
            prop_assert_eq!(&found.map(|(text, _)| text), &Ok(expected.clone()), "{}", text);
            prop_assert_eq!(read(name, utf16(&text), "").map(|(text, _)| text), Ok(expected.clone()));
        }
        for delimiter in [',', ';', '\t', '|'] {
            for (all_quoted, end) in [(false, "\n"), (true, "\n"), (false, "\r\n")] {
                let text = csv(&rows, true, delimiter, all_quoted, end);
                let found = read("t.csv", &text, "").map(|(text, _)| text);
                prop_assert_eq!(&found, &Ok(expected.clone()), "{}", text);
                let titled = utf16(&format!("version:v1.0{end}{text}"));
                let found = read("t.csv", titled, r#", "skip_lines": 1"#).map(|(text, _)| text);
                prop_assert_eq!(&found, &Ok(expected.clone()), "{}", text);
            }
            let bare = csv(&rows, false, delimiter, true, "\n");
            let more = r#", "header": false, "columns": {"tenant": "3", "id": "1", "kind": "2", "created_at": "4"}"#;
            let found = read("t.csv", &bare, more).map(|(text, _)| text);
            prop_assert_eq!(&found, &Ok(expected.clone()), "{}", bare);
        }
        let tabs = csv(&rows, true, '\t', false, "\n");
        prop_assert_eq!(read("t.tsv", tabs, "").map(|(text, _)| text), Ok(expected.clone()));
        let folder = tempfile::tempdir().unwrap();
        write_columnar(folder.path(), &record_batch(&rows));
        for name in ["t.parquet", "t.arrow"] {
            prop_assert_eq!(read_with(folder.path(), name, "", 2).map(|(text, _)| text), Ok(expected.clone()));
        }
    }

    /// A document that is cut off, or that has lost or gained a byte, is an error or has all its rows.
    #[test]
    fn no_document_is_read_as_a_shorter_one(
        rows in rows(), is_page in any::<bool>(), byte in prop_oneof![any::<u8>(), 0_u8..0x21],
    ) {
        let array = format!("[{}]", objects(&rows, ", ", ""));
        let text = if is_page { format!(r#"{{"items": {array}, "more": [1]}}"#) } else { array };
        for at in 0..text.len() {
            let cut = ids(read("t.json", &text.as_bytes()[..at], ""));
            prop_assert!(cut.is_err(), "{}", &text[..text.floor_char_boundary(at)]);
            let cut = ids(read("t.ndjson", &text.as_bytes()[..at], ""));
            prop_assert!(cut.is_err() || at == 0, "{}", &text[..text.floor_char_boundary(at)]);
        }
        for at in (0..text.len()).step_by(3) {
            let mut changed = text.clone().into_bytes();
            changed[at] = byte;
            let strict = serde_json::from_slice::<serde_json::Value>(&changed);
            if let Ok(found) = ids(read("t.json", &changed, "")) {
                prop_assert!(strict.is_ok(), "{}", String::from_utf8_lossy(&changed));
                prop_assert_eq!(found.len(), rows.len(), "{}", String::from_utf8_lossy(&changed));
            }
        }
    }
}

/// White space that JSON does not have is an error in every place.
#[test]
fn only_white_space_of_json_is_skipped() {
    let row = r#"{"id": "a", "kind": "k"}"#;
    for blank in ["\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{2028}", "\u{3000}", "\0", "\u{1c}"] {
        for text in [
            format!("{blank}[{row}]"),
            format!("[{blank}{row}]"),
            format!("[{row}{blank},{row}]"),
            format!("[{row},{blank}{row}]"),
            format!("[{row}]{blank}"),
            format!("[{row}]{blank}[{row}]"),
            format!("{{\"items\"{blank}: [{row}]}}"),
            format!("{{\"items\":{blank}[{row}]}}"),
            format!("{{\"n\": 1{blank}, \"items\": [{row}]}}"),
            format!("{{\"n\": 1,{blank}\"items\": [{row}]}}"),
            format!("{row}{blank}\n{row}\n"),
            format!("{row}\n{blank}\n{row}\n"),
            format!("{row}\n{row}\n{blank}"),
        ] {
            for name in ["t.json", "t.ndjson"] {
                let found = ids(read(name, &text, ""));
                assert!(found.is_err(), "{name} {text:?}: {found:?}");
            }
        }
    }
}

#[test]
fn an_id_of_several_columns_is_joined_in_every_format() {
    let more = r#", "columns": {"id": ["dag_id", "run"]}"#;
    let expected = ["a%2Fb/7", "a/8", "50%25/9", "", ""].map(str::to_owned).to_vec();
    let csv = "run,dag_id,x_a\n7,a/b,\n8,a,\n9,50%,\n10,,\n11,NULL,\n";
    assert_eq!(ids(read("t.csv", csv, more)), Ok(expected.clone()));
    let numbered = r#", "header": false, "columns": {"id": ["2", "1"]}"#;
    assert_eq!(ids(read("t.csv", csv.split_once('\n').unwrap().1, numbered)), Ok(expected.clone()));
    let json = r#"[{"run": 7, "dag_id": "a/b"}, {"dag_id": "a", "run": 8}, {"dag_id": "50%", "run": 9}, {"run": 10},
        {"run": 11, "dag_id": null}]"#;
    assert_eq!(ids(read("t.json", json, more)), Ok(expected.clone()));
    let run: ArrayRef = Arc::new(Int64Array::from_iter_values(7..12));
    let dag: ArrayRef = Arc::new(StringArray::from(vec![Some("a/b"), Some("a"), Some("50%"), None, Some("NULL")]));
    let folder = tempfile::tempdir().unwrap();
    write_columnar(folder.path(), &RecordBatch::try_from_iter([("run", run), ("dag_id", dag)]).unwrap());
    for name in ["t.parquet", "t.arrow"] {
        assert_eq!(ids(read_with(folder.path(), name, more, 2)), Ok(expected.clone()), "{name}");
        let missing = read_with(folder.path(), name, r#", "columns": {"id": ["dag_id", "runn"]}"#, 2).unwrap_err();
        assert!(missing.contains("there is no column `runn`; did you mean `run`?"), "{missing}");
    }
}

#[test]
fn times_are_read_as_the_list_says() {
    let more = |times: &str| format!(r#", "times": "{times}""#);
    let expected = r#"{"id":"a","created_at":"2030-01-31T12:00:00Z"}"#.to_owned() + "\n";
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1_896_091_200]));
    let id: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let folder = tempfile::tempdir().unwrap();
    write_columnar(folder.path(), &RecordBatch::try_from_iter([("id", id), ("created_at", numbers)]).unwrap());
    std::fs::write(folder.path().join("t.csv"), "id,created_at\na,1896091200\n").unwrap();
    std::fs::write(folder.path().join("t.json"), r#"[{"id": "a", "created_at": 1896091200}]"#).unwrap();
    for name in ["t.csv", "t.json", "t.parquet", "t.arrow"] {
        let found = read_with(folder.path(), name, &more("unix-seconds"), 2).map(|(text, _)| text);
        assert_eq!(found, Ok(expected.clone()), "{name}");
        for wrong in ["", &more("unix-milliseconds")] {
            let error = read_with(folder.path(), name, wrong, 2).unwrap_err();
            assert!(error.contains("seconds"), "{name}: {error}");
        }
    }
}

#[test]
fn a_batch_knows_how_its_list_was_read() {
    let columns = |read_as: &ReadAs| {
        let columns = read_as.columns().iter().map(|used| format!("{}={}", used.field, used.columns.join("+")));
        columns.collect::<Vec<_>>().join(" ")
    };
    let more = r#", "skip_lines": 1, "columns": {"id": ["b", "c"]}"#;
    let (_, read_as) = read("t.csv", utf16("title\nb;c;Size;tenant\r\n1;2;3;4\r\n"), more).unwrap();
    assert_eq!((read_as.format(), read_as.encoding(), read_as.delimiter()), ("CSV", "UTF-16LE", Some(';')));
    assert_eq!((read_as.header_line(), read_as.left_alone()), (Some(2), &["Size".to_owned()][..]));
    assert_eq!(columns(&read_as), "id=b+c tenant=tenant");
    let (_, read_as) = read("t.json", r#"{"Images": [{"id": 1, "Name": "n"}, {"id": 2, "kind": "k"}]}"#, "").unwrap();
    assert_eq!(
        (read_as.format(), read_as.array(), read_as.left_alone()),
        ("JSON", Some("Images"), &["Name".to_owned()][..])
    );
    assert_eq!(columns(&read_as), "id=id kind=kind");
    let (_, read_as) = read("t.txt", "a\nb\n", "").unwrap();
    assert_eq!((read_as.format(), columns(&read_as)), ("lines", "id=id".to_owned()));
}

#[test]
fn an_error_says_where_and_what_to_do() {
    for (name, text, more, part) in [
        ("t.json", "[{\"id\": \"a\"},\n7]", "", "t.json:2: an element of the array is not an object"),
        ("t.json", "[{\"id\": \"a\"},\n]", "", "t.json:2: there is no element after the last comma"),
        ("t.json", "[{\"id\": \"a\"}\n{\"id\": \"b\"}]", "", "t.json:2: expected `,` or `]`"),
        ("t.json", "[{\"id\": \"a\"}]\nmore", "", "t.json:2: there is more after the end of the JSON"),
        ("t.json", "[{\"id\": \"a\"}]\n{\"id\": \"b\"}", "", "t.json:2: an object follows an array"),
        ("t.json", "[{\"id\": \"a\"},\n{\"id\": \"b\"", "", "t.json:2: the JSON ends too early"),
        ("t.json", "", "", "an empty list is `[]`"),
        (
            "t.json",
            "[\n{\"id\": \"a\",\n \"tennant\": 1}]",
            "",
            "t.json:3: a target has no field `tennant`; did you mean",
        ),
        ("t.json", "[\n{\"id\": 1e3}]", "", "t.json:2: `1e3` is not written as a whole number"),
        (
            "t.json",
            "{\"A\": [{}], \"B\": [{}]}",
            "",
            "t.json:1: ambiguous: the rows may be in any of the arrays `A`, `B`",
        ),
        ("t.json", "{\"items\": []}\n{\"message\": \"slow down\"}", "", "t.json:2: the object has no array `items`"),
        ("t.json", "[{\"ImageId\": \"a\"}]", "", "no target has a member `id`"),
        (
            "t.json",
            "[{\"id\": \"a\", \"account\": \"t\"}]",
            r#", "columns": {"tenant": "acount"}"#,
            "did you mean `account`?",
        ),
        ("t.csv", "bucket-1,key-1\n", "", "line 1 was read as the names of the columns: `bucket-1`, `key-1`"),
        ("t.csv", "id,tennant\na,b\n", "", "t.csv:1: a target has no field `tennant`; did you mean `tenant`?"),
        (
            "t.csv",
            "id,account\na,b\n",
            r#", "columns": {"tenant": "acount"}"#,
            "t.csv:1: there is no column `acount`; did",
        ),
        (
            "t.csv",
            "title\nid,kind\na\n",
            r#", "skip_lines": 1"#,
            "t.csv:3: the row has 1 fields, but the header has 2",
        ),
        ("t.csv", "a,b\n", r#", "header": false"#, "`columns` maps `id` to the number of its column"),
        (
            "t.csv",
            "a,b\n",
            r#", "header": false, "columns": {"id": "key"}"#,
            "the number of a column, such as `1`, found `key`",
        ),
        ("t.csv", "a,b\n", r#", "header": false, "columns": {"id": "3"}"#, "the row has 2 columns, but column 3"),
        ("t.csv", "id;created_at\na;31.12.2029\n", "", "t.csv:2: `31.12.2029` can be read in several ways"),
        ("t.tsv", "id\tkind\n\"a\nb\"\tc\n", "", "a quoted field has a line break or a tab"),
        ("t.txt", "a\nb;c\n", "", "t.txt:2: a line is one id, but this one has a `;`"),
        ("t.txt", "a\n", r#", "header": false, "columns": {"id": "1"}"#, "only a CSV file has"),
        ("t.ndjson", "{\"id\": \"a\"\n{\"id\": \"b\"}\n", "", "t.ndjson:1: the JSON ends too early"),
        ("t.json", "[]", r#", "columns": {"id": 7}"#, "expected the name of a column, or a list of names"),
        ("t.json", "[]", r#", "time": "x""#, "there is no field `time`"),
    ] {
        let error = read(name, text, more).expect_err(text);
        assert!(error.contains(part), "{text:?}: {error}");
    }
    for (name, text) in
        [("t.json", "[]"), ("t.json", " [] [] "), ("t.json", "{\"items\": []}"), ("t.txt", "\n"), ("t.ndjson", "")]
    {
        assert_eq!(ids(read(name, text, "")), Ok(vec![]), "{name} {text}");
    }
}

/// Longer than several blocks, and with rows across their ends.
#[test]
fn a_long_document_is_read_in_blocks() {
    let row = |i: usize| format!(r#"{{"id": "a-{i}", "tags": [{{"id": "{}"}}]}}"#, "b]}\\\"".repeat(i % 40));
    let rows: Vec<String> = (0..60_000).map(row).collect();
    let expected: Vec<String> = (0..60_000).map(|i| format!("a-{i}")).collect();
    let folder = tempfile::tempdir().unwrap();
    for text in [
        format!("[{}]", rows.join(",\n")),
        format!("{{\"first\": 1, \"Rows\": [{}], \"last\": [1]}}", rows.join(",")),
        format!("[{}][{}]", rows[..9].join(","), rows[9..].join(",")),
        rows.join(" "),
    ] {
        assert!(text.len() > 5 << 20);
        std::fs::write(folder.path().join("t.json"), &text).unwrap();
        for threads in [1, 2] {
            assert_eq!(ids(read_with(folder.path(), "t.json", "", threads)).as_ref(), Ok(&expected));
        }
        std::fs::write(folder.path().join("t.json"), &text[..text.len() - 1]).unwrap();
        assert!(read_with(folder.path(), "t.json", "", 2).unwrap_err().contains("ends too early"));
    }
    let ambiguous = format!("{{\"A\": [{}], \"B\": [{{}}]}}", rows.join(","));
    assert!(read("t.json", ambiguous, "").unwrap_err().contains("any of the arrays `A`, `B`"));
    let long = format!("[{{\"id\": \"{}\"}}]", "a".repeat(3 << 20));
    assert!(read("t.json", long, "").unwrap_err().contains("is longer than 1024 KiB"));
}
