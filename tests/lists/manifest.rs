//! A list in several files is the same list as one file with the same rows.

use super::*;
use reprieve::model::{ListedFile, TargetFiles};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A run of rows in a file of its own.
#[derive(Clone, Debug)]
struct Piece {
    rows: usize,
    format: &'static str,
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let format = prop::sample::select(vec!["ndjson", "ndjson.gz", "parquet", "arrow", "arrows", "csv"]);
    let piece =
        (prop_oneof![3 => 0_usize..4, 1 => 4_usize..40], format).prop_map(|(rows, format)| Piece { rows, format });
    prop::collection::vec(piece, 1..20)
}

fn bytes(rows: &[Row], format: &str) -> Vec<u8> {
    let ndjson = || {
        let lines = rows.iter().map(|row| object(row, |text| text).replacen("\"id\"", "\"app\"", 1) + "\n");
        lines.collect::<String>().into_bytes()
    };
    match format {
        "ndjson" => ndjson(),
        "ndjson.gz" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&ndjson()).unwrap();
            gzip.finish().unwrap()
        }
        "parquet" => parquet(&batch_of(rows), (rows.len() / 4).max(7)),
        "arrow" => arrow(&batch_of(rows))[0].clone(),
        "arrows" => arrow(&batch_of(rows))[1].clone(),
        _ => csv(rows),
    }
}

/// Writes the rows into files, and returns how a request names them.
fn cut(folder: &Path, rows: &[Row], pieces: &[Piece]) -> TargetFiles {
    let (mut files, mut start) = (Vec::new(), 0);
    for (i, Piece { rows: count, format }) in pieces.iter().enumerate() {
        let end = if i + 1 == pieces.len() { rows.len() } else { rows.len().min(start + count) };
        let path = format!("part {i}.{format}");
        std::fs::write(folder.join(&path), bytes(&rows[start..end], format)).unwrap();
        files.push(ListedFile { path, sha256: None });
        start = end;
    }
    TargetFiles { files: Some(files), columns: [("id".to_owned(), "app".into())].into(), ..TargetFiles::default() }
}

fn open(folder: &Path, targets: &TargetFiles, options: ReadOptions<'_>) -> Result<Batch, reprieve::ReadError> {
    let targets = serde_json::to_string(targets).unwrap();
    std::fs::write(folder.join("request.json"), format!(r#"{{{HEADER},"targets":{targets}}}"#)).unwrap();
    let batch = Batch::open_with(&folder.join("request.json"), options)?;
    Ok(batch.at(Timestamp::from_seconds(1_772_452_800)))
}

fn ids_of(text: &str) -> Row {
    Row { id: Some(text.to_owned()), kind: None, tenant: None, last_used_at: None, size_bytes: None, own: None }
}

/// The nine policies, with an inventory that contradicts half of the ids.
static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let rows = ["a", "b", "ab", "ba", "c", "cc", "ac", "bc"].map(ids_of);
    Gate::builder().inventory(inventory_of(&rows)).build().unwrap()
});

/// The decision without the digests of the request and its list.
fn decision(batch: Batch) -> Value {
    let mut document = serde_json::to_value(GATE.vet(batch).document()).unwrap();
    for name in ["request_sha256", "targets_sha256"] {
        assert!(document[name].take().is_string(), "{name}");
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn several_files_are_the_same_list_as_one(
        rows in prop::collection::vec(row(), 0..150), pieces in pieces(), memory in prop_oneof![Just(1 << 30), 0_u64..5_000],
        threads in 1_usize..4, whole in prop::sample::select(vec!["ndjson", "parquet", "csv"]),
    ) {
        // CSV cannot tell a missing id from an empty one.
        let rows: Vec<Row> = rows.into_iter().map(|row| Row { id: Some(row.id.unwrap_or_default()), ..row }).collect();
        let folder = tempfile::tempdir().unwrap();
        let options = || ReadOptions::default().memory(memory).threads(threads);
        let one = read(folder.path(), &format!("whole.{whole}"), &bytes(&rows, whole), options());
        let several = open(folder.path(), &cut(folder.path(), &rows, &pieces), options()).unwrap();
        prop_assert_eq!(targets(&several), canonical(&rows));
        prop_assert_eq!(facts(&several), facts(&one));
        let manifest = several.manifest().unwrap();
        prop_assert_eq!(manifest.files().len(), pieces.len());
        prop_assert_eq!(several.targets_sha256(), manifest.sha256());
        prop_assert_eq!(decision(several), decision(one), "with findings, faults and fuel");
    }
}

/// Some files fill chunks, and others do not.
#[test]
fn a_long_list_in_uneven_files_has_the_same_facts_and_findings() {
    let rows = long_list();
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::builder().inventory(inventory()).build().unwrap();
    let one = read(folder.path(), "whole.csv", &csv(&rows), ReadOptions::default());
    let (one_facts, one_targets) = (facts(&one), targets(&one));
    let one = gate.vet(one).document().clone();
    let sizes = [1, 20_000, 3, 5, 70_000, 16_383, 16_384, 1, 0];
    let formats = ["csv", "parquet", "ndjson", "csv", "arrow", "parquet", "csv", "parquet", "csv", "parquet"];
    let pieces = sizes.iter().chain([&0]).zip(formats).map(|(rows, format)| Piece { rows: *rows, format });
    let several = cut(folder.path(), &rows, &pieces.collect::<Vec<_>>());
    let mut first = None;
    for (memory, threads) in [(1 << 30, 2), (0, 1), (1 << 20, 3)] {
        let batch = open(folder.path(), &several, ReadOptions::default().memory(memory).threads(threads)).unwrap();
        assert_eq!((facts(&batch), targets(&batch) == one_targets), (one_facts.clone(), true));
        let document = gate.vet(batch).document().clone();
        assert_eq!(document.findings, one.findings);
        assert_eq!(*first.get_or_insert_with(|| document.clone()), document, "{threads} threads, {memory} bytes");
    }
}

#[test]
fn ten_thousand_files_of_one_row_cost_as_much_fuel_as_one_file() {
    let rows: Vec<Row> = (0..10_000).map(|i| ids_of(&format!("app-{i}"))).collect();
    let folder = tempfile::tempdir().unwrap();
    let pieces = vec![Piece { rows: 1, format: "csv" }; rows.len()];
    let several = cut(folder.path(), &rows, &pieces);
    let batch = open(folder.path(), &several, ReadOptions::default()).unwrap();
    assert_eq!(batch.chunk_rows().collect::<Vec<_>>(), [10_000]);
    assert_eq!(decision(batch), decision(read(folder.path(), "whole.csv", &csv(&rows), ReadOptions::default())));

    let one_more = ListedFile { path: "one more.csv".to_owned(), sha256: None };
    let files = several.files.clone().unwrap().into_iter().chain([one_more]).collect();
    let error =
        open(folder.path(), &TargetFiles { files: Some(files), ..several }, ReadOptions::default()).unwrap_err();
    assert_eq!(error.message, "it names 10001 files, at most 10000 are allowed");
}

/// A file is named by its own rows and lines, and nothing is read as a shorter list.
#[test]
fn what_is_wrong_with_a_file_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.csv", "app\na-1\na-2\n");
    write("b.csv", "app\nb-1\n");
    write("lines.csv", "app,kind\nb-1\n");
    write("kind.csv", "app,kind\nb-1,app\nb-2,a\u{200b}pp\n");
    write("empty.csv", "");
    write("empty.parquet", "");
    write("none.csv", "app\n");
    write("other.csv", "name\nb-1\n");
    write("list.zip", "");
    let absolute = folder.path().join("b.csv");
    let sha256 = "0".repeat(64);
    let of = |files: Value| json!({ "files": files, "columns": { "id": "app" } });
    let after_a = |path: &str| of(json!([{ "path": "a.csv" }, { "path": path }]));
    let found = reprieve::list_sha256(&folder.path().join("a.csv")).unwrap();
    let wrong_digest = format!("a.csv: its digest is `{found}`, but the request names `{sha256}`");
    for (targets, message) in [
        (after_a("none/b.csv"), "none/b.csv: there is no such file"),
        (after_a("../b.csv"), "b.csv: the path leaves its folder"),
        (after_a(absolute.to_str().unwrap()), "b.csv: the path leaves its folder"),
        (after_a("."), "this is a folder"),
        (after_a("lines.csv"), "lines.csv:2:"),
        (after_a("kind.csv"), "kind.csv: row 2: `kind`"),
        (after_a("empty.csv"), "empty.csv"),
        (after_a("empty.parquet"), "empty.parquet"),
        (after_a("other.csv"), "other.csv:1: there is no column `app`"),
        (after_a("list.zip"), "list.zip: the extension is not that of a known format"),
        (after_a("./a.csv"), "`/targets/files/1/path`: the file `./a.csv` is listed twice"),
        (after_a("b\\a.csv"), "`/targets/files/1/path`: the path `b\\a.csv` has a backslash"),
        (after_a("a\n.csv"), "`/targets/files/1/path`"),
        (after_a(""), "`/targets/files/1/path`: the path is empty"),
        (of(json!([])), "`/targets/files`: it names no files"),
        (of(json!({ "path": "a.csv" })), "`/targets/files`"),
        (of(json!(["a.csv"])), "`/targets/files/0`"),
        (of(json!([{ "path": "a.csv", "sha": "" }])), "`/targets/files/0`: there is no field `sha`"),
        (of(json!([{ "sha256": "" }])), "`/targets/files/0`: missing field `path`"),
        (of(json!([{ "path": "a.csv", "sha256": sha256 }])), &wrong_digest),
        (json!({ "files": [{ "path": "a.csv" }], "path": "b.csv" }), "`/targets`: there are both `path` and `files`"),
        (json!({ "columns": { "id": "app" } }), "`/targets`: there is neither `path` nor `files`"),
        (json!({ "files": null }), "`/targets`: there is neither `path` nor `files`"),
        (
            json!({ "files": [{ "path": "a.csv" }], "columns": { "id": "app" }, "sha256": sha256 }),
            "the manifest: its digest is",
        ),
    ] {
        let request = format!(r#"{{{HEADER},"targets":{targets}}}"#);
        write("request.json", &request);
        let error = Batch::open(&folder.path().join("request.json")).unwrap_err();
        assert!(error.to_string().contains(message), "{targets}\n{error}");
    }
    write("request.json", &format!(r#"{{{HEADER},"targets":{}}}"#, after_a("none.csv")));
    assert_eq!(Batch::open(&folder.path().join("request.json")).unwrap().len(), 2, "a file may have no rows");
}

/// The part of a request that names the files does not count as claims, and has a bound of its own.
#[test]
fn a_request_may_name_many_files_but_claim_no_more_than_others() {
    let folder = tempfile::tempdir().unwrap();
    let folder_name = "f".repeat(200);
    std::fs::create_dir(folder.path().join(&folder_name)).unwrap();
    let path = |i: usize| format!("{folder_name}/{i}.txt");
    (0..8_000).for_each(|i| std::fs::write(folder.path().join(path(i)), format!("a-{i}\n")).unwrap());
    let files: Vec<ListedFile> = (0..8_000).map(|i| ListedFile { path: path(i), sha256: None }).collect();
    let targets = TargetFiles { files: Some(files), ..TargetFiles::default() };
    assert!(serde_json::to_string(&targets).unwrap().len() > 1 << 20);
    assert_eq!(open(folder.path(), &targets, ReadOptions::default()).unwrap().len(), 8_000);

    let long = ListedFile { path: format!("{}.csv", "f".repeat(16 << 20)), sha256: None };
    let targets = TargetFiles { files: Some(vec![long]), ..TargetFiles::default() };
    let error = open(folder.path(), &targets, ReadOptions::default()).unwrap_err();
    assert!(error.message.contains("at most 16777216 are allowed"), "{error}");
}

#[test]
fn every_file_is_handed_on_as_it_was_vetted_or_not_at_all() {
    let rows: Vec<Row> = (0..9).map(|i| ids_of(&format!("app-{i}"))).collect();
    let folder = tempfile::tempdir().unwrap();
    let formats = ["csv", "parquet", "ndjson.gz"];
    let several = cut(folder.path(), &rows, &formats.map(|format| Piece { rows: 3, format }));
    let batch = open(folder.path(), &several, ReadOptions::default()).unwrap();
    let mut lines = Vec::new();
    batch.write_list(&mut lines).unwrap();
    let manifest = batch.manifest().unwrap();
    assert_eq!((batch.list_name().as_str(), lines), ("targets.sha256", manifest.to_text().into_bytes()));
    for (file, format) in manifest.files().iter().zip(formats) {
        let vetted = std::fs::read(folder.path().join(&file.path)).unwrap();
        let mut copy = Vec::new();
        batch.write_file(file, &mut copy).unwrap();
        assert_eq!(copy, vetted, "{format}");
        std::fs::write(folder.path().join(&file.path), [vetted, b"\n".to_vec()].concat()).unwrap();
        let error = batch.write_file(file, &mut Vec::new()).unwrap_err();
        assert!(error.file.ends_with(&file.path) && error.message.contains(&file.sha256), "{error}");
        std::fs::remove_file(folder.path().join(&file.path)).unwrap();
        assert!(batch.write_file(file, &mut Vec::new()).is_err(), "{format}");
    }
    // A batch of some of the rows is another list, which is in no file.
    let part = batch.select(&[0, 8]).unwrap();
    assert_eq!((part.manifest(), part.list_name().as_str()), (None, "targets.ndjson"));
}
