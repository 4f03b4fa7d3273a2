//! Invalid input: exit status 2, one clear message, no panic, and no output that looks like a decision.

use crate::support::fixture::reprieve;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

const HEADER: &str = r#""id": "1", "mode": "soft", "environment": "test", "target_kind": "app""#;

/// A request with these targets.
fn request(targets: &str) -> String {
    format!("{{{HEADER},\n\"targets\": {targets}}}")
}

/// Checks this request beside these files, and expects an error with this message.
fn refused(request: &[u8], files: &[(&str, &[u8])], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    refused_as(folder.path(), &["check", "request.json"], expected);
}

fn refused_as(folder: &Path, arguments: &[&str], expected: &str) {
    let output = reprieve(folder, arguments);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{expected}\n{stdout}{stderr}");
    assert_eq!(stdout, "", "nothing that looks like a decision");
    assert!(stderr.starts_with("error: ") && stderr.contains(expected), "no `{expected}` in\n{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn rejects_unreadable_requests() {
    refused(b"", &[], "request.json: the file is empty");
    refused(b"  \n ", &[], "request.json: the file is empty");
    refused(b"{", &[], "request.json:1: the JSON ends too early");
    refused(b"\n\n[1,", &[], "request.json:3: ");
    refused(b"nonsense", &[], "request.json:1: not JSON");
    refused(b" [{}]", &[], "request.json:1: expected a request, found a list");
    refused("\u{feff}{}".as_bytes(), &[], "request.json:1: the file begins with a byte order mark");
    refused(b"[]", &[], "request.json:1: ");
    refused(b"\xff\xfe{}", &[], "request.json:1: byte 0 is not UTF-8");
    refused(format!("{} x", request("[]")).as_bytes(), &[], "there is more after the end of the request");
    refused(b"{}", &[], "missing field `id`");
    refused(format!("{{{HEADER}}}").as_bytes(), &[], "there is no `targets`");
    refused(request("17").as_bytes(), &[], "`/targets`: expected a list or a file");
}

#[test]
fn names_invalid_fields_by_pointer_and_line() {
    let with = |field: &str| format!("{{{HEADER},\n{field},\n\"targets\": []}}");
    refused(
        with(r#""provenence": {}"#).as_bytes(),
        &[],
        "request.json:2: there is no field `provenence`\nhelp: did you mean `provenance`?",
    );
    refused(
        with(r#""schedule": {"freez": true}"#).as_bytes(),
        &[],
        "`/schedule`: there is no field `freez`\nhelp: did you mean `freeze`?",
    );
    refused(
        with(r#""recovery": {"checkpoints": [{"verifyed": true}]}"#).as_bytes(),
        &[],
        "`/recovery/checkpoints/0`: there is no field `verifyed`\nhelp: did you mean `verified`?",
    );
    refused(with(r#""id": "2""#).as_bytes(), &[], "duplicate field `id`");
    refused(with(r#""annotations": {"a": 1, "a": 2}"#).as_bytes(), &[], "duplicate key `a`");
    refused(with(r#""annotations": {"a": [{"b": 1, "b": 2}]}"#).as_bytes(), &[], "duplicate key `b`");
    refused(
        with(r#""provenance": {"row_count": "17"}"#).as_bytes(),
        &[],
        "`/provenance/row_count`: invalid type: string",
    );
    refused(with(r#""provenance": {"row_count": -1}"#).as_bytes(), &[], "`/provenance/row_count`: invalid value");
    refused(with(r#""provenance": {"row_count": 1.5}"#).as_bytes(), &[], "`/provenance/row_count`: invalid type");
    refused(with(r#""provenance": {"row_count": NaN}"#).as_bytes(), &[], "request.json:2: not JSON");
    refused(
        with(r#""provenance": {"extracted_at": "yesterday"}"#).as_bytes(),
        &[],
        "`yesterday` is not an RFC 3339 time",
    );
    refused(
        with(r#""recovery": {"restore": {"batch_duration": "P1M"}}"#).as_bytes(),
        &[],
        "`P1M` is not an ISO 8601 duration",
    );
    refused(request("[]").replace("soft", "Soft").as_bytes(), &[], "`/mode`: unknown variant `Soft`");
    refused(request("[]").replace("\"test\"", "\" \"").as_bytes(), &[], "`/environment`: this is empty");
}

/// A Parquet list over which the decoder panics: its column begins before the file does.
fn damaged() -> Vec<u8> {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let mut file = writer.into_inner().unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(&file)).unwrap();
    let group = metadata.row_group(0).clone();
    let column = group.column(0).clone().into_builder().set_data_page_offset(-1).set_dictionary_page_offset(None);
    let group = group.into_builder().set_column_metadata(vec![column.build().unwrap()]).build().unwrap();
    let metadata = ParquetMetaData::new(metadata.file_metadata().clone(), vec![group]);
    ParquetMetaDataWriter::new(&mut file, &metadata).finish().unwrap();
    file
}

#[test]
fn names_invalid_targets_by_place() {
    refused(
        request(
            r#"[{"id": "a"},
        {"id": 17}]"#,
        )
        .as_bytes(),
        &[],
        "request.json:3: `/targets/1`: invalid type: integer `17`",
    );
    refused(request(r#"[{"idd": "a"}]"#).as_bytes(), &[], "a target has no field `idd`; did you mean `id`?");
    refused(request(r#"[{"id": "a", "id": "b"}]"#).as_bytes(), &[], "the field `id` is duplicated");
    refused(request(r#"[{"id": "a"}"#).as_bytes(), &[], "request.json:2: ");
    refused(request(r#"["a"]"#).as_bytes(), &[], "`/targets/0`: invalid type");
    refused(
        request(r#"{"path": "t.csv", "sha": "x"}"#).as_bytes(),
        &[],
        "`/targets`: there is no field `sha`\nhelp: did you mean `path`?".split('\n').next().unwrap(),
    );
}

#[test]
fn targets_can_come_from_another_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.csv"), "id\na\nb\n").unwrap();
    let nowhere = request(r#"{"path": "nowhere.csv"}"#);
    std::fs::write(folder.path().join("request.json"), &nowhere).unwrap();
    let check = ["check", "request.json", "--targets", "other.csv", "--format", "json"];
    let decision: serde_json::Value = serde_json::from_slice(&reprieve(folder.path(), &check).stdout).unwrap();
    assert_eq!(decision["targets"], 2, "the file that the request names is not read");

    std::fs::write(folder.path().join("request.json"), format!("{{{HEADER}}}")).unwrap();
    let decision: serde_json::Value = serde_json::from_slice(&reprieve(folder.path(), &check).stdout).unwrap();
    assert_eq!(decision["targets"], 2, "a request may leave its list out");
}

#[test]
fn rejects_invalid_target_files() {
    let file = |name: &str| request(&format!(r#"{{"path": "{name}"}}"#));
    let csv = |text: &[u8], expected| refused(file("t.csv").as_bytes(), &[("t.csv", text)], expected);
    csv(b"", "t.csv:1: there is no column `id`");
    csv(b"id,kind\na,app\nb\n", "t.csv:3: the row has 1 fields, but the header has 2");
    csv(b"id,kin\na,app\n", "t.csv:1: a target has no field `kin`; did you mean `kind`?");
    csv(b"id,id\na,b\n", "t.csv:1: the column `id` is duplicated");
    csv(
        b"app;tenant\na;t\n",
        "t.csv:1: there is no column `id` (line 1 was read as the names of the columns: `app`, `tenant`)",
    );
    csv(b"id,kind\na,\xff\n", "t.csv:2: byte 2 of the line is not UTF-8");
    csv(b"id,size_bytes\na,many\n", "t.csv:2: `many` is not a whole number");
    csv(&[b"id,kind\na,\"".as_slice(), &vec![b'x'; 3 << 20]].concat(), "t.csv: a row is longer than 1024 KiB");
    csv(b"id,kind\n\"a\",app\nb,\"app\nc,app\n", "t.csv: a quote is never closed");
    csv(b"id,kind\r\n\"a\r\nb\",app\r\nc\r\n", "t.csv:4: the row has 1 fields, but the header has 2");
    csv(b"id,kind\r\n\"a\r\nb\",app\r\n\r\nc,app\r\n", "t.csv:4: the line is blank");
    csv(b"id,created_at\na,monday\n", "t.csv:2: `monday` is not an RFC 3339 time");
    let ndjson = |text: &[u8], expected| refused(file("t.ndjson").as_bytes(), &[("t.ndjson", text)], expected);
    ndjson(b"{\"id\": \"a\"}\n{\"id\": ", "t.ndjson:2: the JSON ends too early");
    ndjson(b"{\"id\": \"a\"}\n\xff\n", "t.ndjson:2: byte 0 of the line is not UTF-8");
    ndjson(b"[{\"id\": \"a\"}, 7]\n", "t.ndjson:1: an element of the array is not an object");
    ndjson(b"[{\"id\": \"a\"}\n", "t.ndjson:2: the JSON ends too early");
    ndjson(&vec![b'['; 4 << 20], "t.ndjson:1: an element of the array is not an object");
    refused(
        file("t.xlsx").as_bytes(),
        &[("t.xlsx", b"")],
        "target lists end in .json, .ndjson, .jsonl, .csv, .tsv or .txt, followed by .gz or .zst if compressed",
    );
    refused(
        file("t.parquet").as_bytes(),
        &[("t.parquet", &damaged())],
        "t.parquet: it cannot be decoded: it is damaged",
    );
    refused(file("nowhere.csv").as_bytes(), &[], "nowhere.csv: there is no such file");
    let pinned = request(r#"{"path": "t.csv", "sha256": "0123"}"#);
    refused(pinned.as_bytes(), &[("t.csv", b"id\na\n")], "but the request names `0123`");
}

#[test]
fn paths_stay_in_their_folder() {
    let file = |name: &str| request(&format!(r#"{{"path": "{name}"}}"#));
    for path in ["../t.csv", "/etc/passwd.csv", "a/../../t.csv"] {
        refused(file(path).as_bytes(), &[], "the path leaves its folder");
    }
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(outside.path().join("t.csv"), "id\na\n").unwrap();
    std::os::unix::fs::symlink(outside.path().join("t.csv"), folder.path().join("t.csv")).unwrap();
    std::fs::write(folder.path().join("request.json"), file("t.csv")).unwrap();
    refused_as(folder.path(), &["check", "request.json"], "the path leaves its folder through a link");
    std::fs::create_dir(folder.path().join("d.csv")).unwrap();
    std::fs::write(folder.path().join("request.json"), file("d.csv")).unwrap();
    refused_as(folder.path(), &["check", "request.json"], "this is a folder");
}

#[test]
fn rejects_invalid_arguments() {
    let folder = tempfile::tempdir().unwrap();
    refused_as(folder.path(), &["check", "nowhere.json"], "nowhere.json: there is no such file");
    refused_as(folder.path(), &["check", "."], "this is a folder");
    refused_as(folder.path(), &["explain", "identity/kind"], "there is no code `identity/kind`");
    refused_as(folder.path(), &["explain", "identity/kind"], "help: the codes of `identity` are kind-mismatch, ");
    refused_as(folder.path(), &["explain", "nonsense"], "help: the policies are authority, ");
    refused_as(folder.path(), &["explain", "gate/halt"], "help: did you mean `gate/halted`?");
    refused_as(folder.path(), &["explain", "identy"], "help: did you mean `identity`?");
    std::fs::write(folder.path().join("r.json"), request(r#"[{"id": "a"}]"#)).unwrap();
    refused_as(
        folder.path(),
        &["check", "r.json", "--inventory", "nowhere.csv"],
        "nowhere.csv: there is no such file",
    );
    std::fs::write(folder.path().join("i.csv"), "id,legal_hodl\na,true\n").unwrap();
    refused_as(folder.path(), &["check", "r.json", "--inventory", "i.csv"], "did you mean `legal_hold`?");
    refused_as(
        folder.path(),
        &["check", "r.json", "--column", "id=app"],
        "inline targets have no columns to rename\nhelp: ",
    );
    std::fs::write(folder.path().join("t.csv"), "id,kind\na,app\n").unwrap();
    refused_as(
        folder.path(),
        &["check", "r.json", "--targets", "t.csv", "--column", "id=app"],
        "t.csv:1: there is no column `app`",
    );
    let output = reprieve(folder.path(), &["check", "r.json", "--at", "noon"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn rejects_invalid_policy_sets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.json"), request(r#"[{"id": "a"}]"#)).unwrap();
    let set = |text: &str, expected: &str| {
        std::fs::write(folder.path().join("reprieve.toml"), text).unwrap();
        refused_as(folder.path(), &["check", "r.json"], expected);
    };
    set("[[policy]\n", "reprieve.toml:1: ");
    set("[[polici]]\nuse = 'builtin:mode'\n", "did you mean `policy`?");
    set("[[policy]]\nuse = 'builtin:mod'\n", "there is no built-in policy `mod`\nhelp: did you mean `builtin:mode`?");
    set("[[policy]]\nuse = 'nowhere.wasm'\n", "nowhere.wasm: there is no such file");
    set("[[policy]]\nuse = '../x.wasm'\n", "the path leaves its folder");
    set("[[policy]]\nuse = 'builtin:mode'\nsha256 = '00'\n", "but `00` is pinned");
    set(
        "[[policy]]\nuse = 'builtin:mode'\n[[policy]]\nuse = 'builtin:mode'\n",
        "error: two policies of the set have the name `mode`",
    );
    set(
        "[[policy]]\nuse = 'builtin:blast-radius'\nsettings = { max_tenant = 1 }\n",
        "`/max_tenant`: there is no such setting\nhelp: did you mean `max_tenants`?",
    );
    set(
        "[[policy]]\nuse = 'builtin:blast-radius'\nsettings = { max_tenants = -1 }\n",
        "policy 1 (`builtin:blast-radius`): settings `/max_tenants`: -1 is less than the minimum of 0",
    );
    set(
        "[[policy]]\nuse = 'builtin:timing'\nsettings = { window_zone = 'Europe/Berlim' }\n",
        "error: policy `timing`: settings `/window_zone`: there is no time zone `Europe/Berlim`",
    );
    set("[[policy]]\nuse = 'builtin:mode'\nsettings = { soft_days = 0 }\n", "settings `/soft_days`");
    set("[[policy]]\nuse = 'builtin:mode'\nwhen = { mod = 'hard' }\n", "reprieve.toml:");
    set("[[policy]]\nuse = 'r.json'\n", "not a valid wasm module or component");
    set("inventory = 'nowhere.csv'\n", "nowhere.csv: there is no such file");
    set(
        "[environments]\nnot_production = ['test', 'Production']\n",
        "`environments.not_production`: `Production` is production\nhelp: list the environments that are not production",
    );
    set("[environments]\nnot_prod = ['test']\n", "reprieve.toml:2: unknown field `not_prod`");
    set("[environments]\n", "missing field `not_production`");
}

#[test]
fn rejects_a_huge_request_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = std::fs::File::create(folder.path().join("request.json")).unwrap();
    for _ in 0..100 {
        file.write_all(&vec![b'['; 1 << 20]).unwrap();
    }
    drop(file);
    refused_as(folder.path(), &["check", "request.json"], "larger than 64 MiB");
    std::fs::write(folder.path().join("request.json"), vec![b'['; 60 << 20]).unwrap();
    refused_as(folder.path(), &["check", "request.json"], "request.json:1: ");
}

#[test]
fn reads_standard_input_like_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_reprieve"))
        .current_dir(folder.path())
        .args(["check", "-"])
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"id\":").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("<stdin>:1: the JSON ends too early"));
}

#[test]
fn an_empty_policy_set_or_list_is_undecided() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.json"), request(r#"[{"id": "a"}]"#)).unwrap();
    std::fs::write(folder.path().join("reprieve.toml"), "").unwrap();
    let output = reprieve(folder.path(), &["check", "r.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.starts_with(b"undecided ") && output.stdout.ends_with(b"undecided\n"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("no enforced policy covers"));
    std::fs::write(folder.path().join("reprieve.toml"), "[[policy]]\nuse = 'builtin:blast-radius'\n").unwrap();
    std::fs::write(folder.path().join("e.json"), request("[]")).unwrap();
    let output = reprieve(folder.path(), &["check", "e.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("the list of targets is empty"));
}

#[test]
fn a_report_that_cannot_be_written_is_undecided() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/incidents/i01-atlassian/corrected");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_reprieve"))
        .current_dir(&case)
        .args(["check", "request.json", "--inventory", "inventory.csv", "--at", "2022-04-05T10:00:00Z"])
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

/// What a terminal filter would remove is part of the list. The printed bytes are those that the digest is of.
#[test]
fn targets_are_printed_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let targets = r#"[ { "id": "app-\u007f999\u001b[2J" }, { "id": "a\u2028b\u0085c" } ]"#;
    std::fs::write(folder.path().join("request.json"), request(targets)).unwrap();
    let printed = reprieve(folder.path(), &["targets", "request.json"]);
    let expected = "{\"id\":\"app-\\u007f999\\u001b[2J\"}\n{\"id\":\"a\\u2028b\\u0085c\"}\n";
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), expected);
}
