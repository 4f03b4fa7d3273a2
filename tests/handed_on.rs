//! What is vetted is what goes: the ids that are handed on are those that were counted, for every reader of the list.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use reprieve::model::{Mode, Verdict};
use reprieve::{Batch, Decision, LookupError};
use reprieve_tests::incident::{Incident, incidents};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

const FORMATS: [&str; 7] = ["inline", "csv", "csv.gz", "ndjson", "parquet", "arrow", "arrows"];

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

fn batch_of(ids: &[String]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    RecordBatch::try_from_iter([("id", ids)]).unwrap()
}

fn list(format: &str, ids: &[String]) -> Vec<u8> {
    match format {
        "csv" | "csv.gz" => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["id"]).unwrap();
            ids.iter().for_each(|id| writer.write_record([id]).unwrap());
            let text = writer.into_inner().unwrap();
            if format == "csv" {
                return text;
            }
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &text).unwrap();
            encoder.finish().unwrap()
        }
        "ndjson" => {
            ids.iter().map(|id| serde_json::json!({ "id": id }).to_string() + "\n").collect::<String>().into()
        }
        "parquet" => {
            let mut writer = ArrowWriter::try_new(Vec::new(), batch_of(ids).schema(), None).unwrap();
            writer.write(&batch_of(ids)).unwrap();
            writer.into_inner().unwrap()
        }
        "arrow" => {
            let mut writer = FileWriter::try_new(Vec::new(), &batch_of(ids).schema()).unwrap();
            writer.write(&batch_of(ids)).unwrap();
            writer.into_inner().unwrap()
        }
        _ => {
            let mut writer = StreamWriter::try_new(Vec::new(), &batch_of(ids).schema()).unwrap();
            writer.write(&batch_of(ids)).unwrap();
            writer.into_inner().unwrap()
        }
    }
}

fn open(folder: &Path, format: &str, ids: &[String]) -> Result<Batch, reprieve::ReadError> {
    let targets = if format == "inline" {
        serde_json::Value::Array(ids.iter().map(|id| serde_json::json!({ "id": id })).collect())
    } else {
        std::fs::write(folder.join(format!("list.{format}")), list(format, ids)).unwrap();
        serde_json::json!({ "path": format!("list.{format}") })
    };
    let request = serde_json::json!({
        "id": "t", "mode": "soft", "environment": "test", "target_kind": "app", "targets": targets
    });
    std::fs::write(folder.join("request.json"), request.to_string()).unwrap();
    Batch::open(&folder.join("request.json"))
}

/// The lines of a text for a reader that ends lines wherever Unicode does.
fn unicode_lines(text: &str) -> usize {
    let is_end = |c: char| {
        matches!(c, '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\r')
    };
    text.replace("\r\n", "\n").split_terminator(is_end).count()
}

/// The ids of a list as independent readers see them.
fn read_back(name: &str, bytes: &[u8]) -> Vec<String> {
    let strings = |batch: &RecordBatch| {
        let column = batch.column_by_name("id").unwrap().as_string::<i32>().clone();
        (0..column.len()).map(|row| column.value(row).to_owned()).collect::<Vec<_>>()
    };
    if name.ends_with(".parquet") {
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes)).unwrap().build().unwrap();
        return reader.flat_map(|batch| strings(&batch.unwrap())).collect();
    }
    if name.ends_with(".arrow") {
        let file: Vec<String> = FileReader::try_new(Cursor::new(bytes), None)
            .unwrap()
            .flat_map(|batch| strings(&batch.unwrap()))
            .collect();
        // A file is a stream behind a padded magic number.
        let start = (8..bytes.len()).step_by(8).find(|at| bytes[*at..].starts_with(&[0xff; 4])).unwrap();
        let stream = StreamReader::try_new(Cursor::new(&bytes[start..]), None).unwrap();
        let stream: Vec<String> = stream.flat_map(|batch| strings(&batch.unwrap())).collect();
        assert_eq!(file, stream, "a file and its stream");
        return file;
    }
    if name.ends_with(".arrows") {
        let stream = StreamReader::try_new(Cursor::new(bytes), None).unwrap();
        return stream.flat_map(|batch| strings(&batch.unwrap())).collect();
    }
    let mut text = String::new();
    match name.strip_suffix(".gz") {
        Some(_) => flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).map(drop).unwrap(),
        None => text.push_str(std::str::from_utf8(bytes).unwrap()),
    }
    if name.contains(".csv") {
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
        let at = reader.headers().unwrap().iter().position(|name| name == "id").unwrap();
        let ids: Vec<String> = reader.records().map(|row| row.unwrap()[at].to_owned()).collect();
        assert_eq!(unicode_lines(&text), ids.len() + 1, "one line for each row: {text:?}");
        return ids;
    }
    let ids: Vec<String> = text
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["id"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(unicode_lines(&text), ids.len(), "one line for each row: {text:?}");
    ids
}

fn counted(batch: &Batch) -> Vec<String> {
    let ids: Vec<Option<String>> = batch.ids().unwrap();
    let mut each = Vec::new();
    batch
        .each_id(|id| {
            each.push(id.to_owned());
            Ok::<(), LookupError>(())
        })
        .unwrap();
    assert_eq!(ids.iter().flatten().cloned().collect::<Vec<_>>(), each);
    assert_eq!(ids.len() as u64, batch.len());
    ids.into_iter().map(Option::unwrap_or_default).collect()
}

fn canonical(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::new();
    batch.write_targets(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_of_a_list_sees_the_ids_that_were_counted(ids in prop::collection::vec(id(), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        for format in FORMATS {
            // A row of CSV with nothing in it has no text of its own.
            let Ok(batch) = open(folder.path(), format, &ids) else { continue };
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
        let batch = open(folder.path(), format, &ids).unwrap();
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
        ("l.csv", "id,ID\na,b\n", "l.csv:1: a target has no field `ID`; fields of your own begin with `x_`"),
        ("l.csv", "id,x_a,x_A\na,b,c\n", "l.csv:1: the columns `x_a` and `x_A` differ only in case or blanks"),
        ("l.ndjson", "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n", "l.ndjson:2: the line is blank"),
        ("l.ndjson", "{\"id\":\"a\"}\n\n", "l.ndjson:2: the line is blank"),
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
        std::fs::write(folder.path().join(name), text).unwrap();
        let request = format!(
            r#"{{"id":"t","mode":"soft","environment":"test","target_kind":"app","targets":{{"path":"{name}"}}}}"#
        );
        std::fs::write(folder.path().join("request.json"), request).unwrap();
        let found = Batch::open(&folder.path().join("request.json")).map(|batch| batch.len()).unwrap_err();
        let found = found.to_string();
        assert_eq!(found.rsplit('/').next(), Some(error), "{text:?}");
    }
}

#[test]
fn columns_that_differ_only_in_case_and_batches_that_a_footer_hides_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a-1", "a-2"]));
    let read = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let request = format!(
            r#"{{"id":"t","mode":"soft","environment":"test","target_kind":"app","targets":{{"path":"{name}"}}}}"#
        );
        std::fs::write(folder.path().join("request.json"), request).unwrap();
        Batch::open(&folder.path().join("request.json")).map(|batch| batch.len()).map_err(|error| error.to_string())
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
    let length =
        |bytes: &[u8]| u32::from_le_bytes(bytes[bytes.len() - 10..bytes.len() - 6].try_into().unwrap()) as usize + 10;
    let mut hidden = two[..two.len() - length(&two)].to_vec();
    hidden.extend_from_slice(&one[one.len() - length(&one)..]);
    let error = read("l.arrow", &hidden).unwrap_err();
    assert!(error.contains("the footer does not name the batch at byte"), "{error}");
    // Bytes between the messages and the footer.
    let mut gap = one[..one.len() - length(&one)].to_vec();
    gap.extend_from_slice(&[7; 16]);
    gap.extend_from_slice(&one[one.len() - length(&one)..]);
    assert!(read("l.arrow", &gap).is_err());
}

/// A generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Changes a text in one to three places, as accidents and attackers do.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const PIECES: [&[u8]; 24] = [
        b"\n",
        b"\r",
        b"\r\n",
        b"\"",
        b"\"\"",
        b",",
        b"\0",
        b"\x7f",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xe2\x80\x8b",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b" ",
        b"\t",
        b";",
        b"{",
        b"}",
        b"\\u0000",
        b"id",
        b"ID",
        b"app",
        b"\xd1\x81",
        b"hard",
    ];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.remove(at)),
            2 | 3 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            4 => {
                let end = (at + random.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            5 => {
                let end = (at + random.below(40)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            6 => {
                // A line twice, or moved.
                let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1);
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            bytes.push(b' ');
        }
    }
}

/// The number of mutations.
const MUTATIONS: usize = 20_000;
const SEED: u64 = 20_220_405;

/// An allow of a mutated batch is an allow of exactly what its list says, in the original's mode, of things that the
/// inventory knows. The evidence is bound to each mutated list anew, so that digests do not hide what is looked for.
#[test]
fn no_mutation_of_a_list_or_a_request_lets_anything_else_go() {
    let path = incidents().into_iter().find(|path| path.ends_with("i01-atlassian")).unwrap().join("corrected");
    let incident = Incident::open(&path);
    let original: serde_json::Value = serde_json::from_str(&incident.case.request).unwrap();
    let targets = original["targets"].as_array().unwrap().clone();
    let known: BTreeSet<String> = targets.iter().map(|target| target["id"].as_str().unwrap().to_owned()).collect();
    let text = |target: &serde_json::Value, name: &str| target[name].as_str().unwrap_or_default().to_owned();
    let csv: String = std::iter::once("id,kind,tenant\n".to_owned())
        .chain(targets.iter().map(|t| format!("{},{},{}\n", text(t, "id"), text(t, "kind"), text(t, "tenant"))))
        .collect();
    let ndjson: String = targets.iter().map(|target| target.to_string() + "\n").collect();
    let old_digest = original["dry_run"]["targets_sha256"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(SEED);
    let (mut allowed, mut denied, mut refused) = (0, 0, 0);
    for number in 0..MUTATIONS {
        let format = ["csv", "ndjson"][number % 2];
        let mut list = if format == "csv" { csv.clone() } else { ndjson.clone() }.into_bytes();
        let of_request = number % 4 >= 2;
        if !of_request {
            mutate(&mut list, &mut random);
        }
        let name = format!("list.{format}");
        std::fs::write(folder.path().join(&name), &list).unwrap();
        let mut request = original.clone();
        request["targets"] = serde_json::json!({ "path": name });
        let digest: String = Sha256::digest(&list).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut request = request.to_string().replace(&old_digest, &digest).into_bytes();
        if of_request {
            mutate(&mut request, &mut random);
        }
        std::fs::write(folder.path().join("request.json"), &request).unwrap();
        let Ok(batch) = Batch::open(&folder.path().join("request.json")) else {
            refused += 1;
            continue;
        };
        let decision = incident.gate().vet(batch.at(incident.case.at));
        if decision.verdict() != Verdict::Allow {
            denied += 1;
            continue;
        }
        allowed += 1;
        let Decision::Allow(permit) = decision else { unreachable!() };
        let batch = permit.batch();
        let ids = counted(batch);
        let shown = String::from_utf8_lossy(if of_request { &request } else { &list });
        let mut handed = Vec::new();
        batch.write_list(&mut handed).unwrap();
        assert_eq!(handed, list, "{shown}");
        assert_eq!(read_back(&name, &handed), ids, "{shown}");
        assert!(ids.iter().all(|id| known.contains(id)), "{shown}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{shown}");
        assert_eq!(batch.claims().mode, Mode::Soft, "{shown}");
        assert_eq!(batch.claims().environment, "production", "{shown}");
        drop(permit.hand_over());
    }
    println!(
        "seed {SEED}, {MUTATIONS} mutations: {allowed} allowed, {denied} denied or undecided, {refused} refused"
    );
    assert!(allowed > 100 && denied > 1_000 && refused > 1_000, "{allowed}, {denied}, {refused}");
}
