//! A list in several files: drafted, vetted, handed on, permitted, split, recorded and verified.

use crate::support::fixture::{command, document, exists, fixture, says, write};
use crate::support::running::{read, text};
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;

/// Three apps in three files of different formats, and a request for them.
fn three() -> TempDir {
    let fixture = fixture();
    std::fs::create_dir(fixture.path().join("b")).unwrap();
    std::fs::create_dir(fixture.path().join("tmp")).unwrap();
    write(&fixture, "1.csv", "id,kind,tenant\na-1,app,t-1\n");
    write(&fixture, "b/2.ndjson", "{\"id\":\"a-2\",\"kind\":\"app\",\"tenant\":\"t-2\"}\n");
    write(&fixture, "b/3.csv", "id,kind,tenant\na-3,app,t-3\n");
    let draft = "draft 1.csv b/2.ndjson b/3.csv --mode soft --environment production --out request.json";
    says(&fixture, draft, 0, &["note: fill in what you know of"]);
    fixture
}

/// `reprieve run` of a shell script.
fn runs(fixture: &TempDir, options: &[&str], script: &str) -> (Option<i32>, String) {
    let mut command = command(fixture, "run request.json");
    let ours = env!("CARGO_BIN_EXE_reprieve");
    command.args(options).args(["--", "sh", "-c", script, ours]).env("TMPDIR", fixture.path().join("tmp"));
    let output = command.output().unwrap();
    (output.status.code(), text(&output))
}

/// What a shell command prints.
fn shell(fixture: &TempDir, line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).current_dir(fixture.path()).output().unwrap();
    assert!(output.status.success(), "{line}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn digest(fixture: &TempDir) -> String {
    shell(fixture, "sha256sum 1.csv b/2.ndjson b/3.csv | sha256sum | cut -d' ' -f1").trim().to_owned()
}

#[test]
fn a_draft_names_every_file_with_its_digest() {
    let fixture = three();
    let request = document(&read(&fixture, "request.json"));
    let lines = shell(&fixture, "sha256sum 1.csv b/2.ndjson b/3.csv");
    let files: Vec<Value> = lines
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(sha256, path)| json!({ "path": path, "sha256": sha256 }))
        .collect();
    let sha256 = digest(&fixture);
    assert_eq!(request["targets"], json!({ "files": files, "sha256": sha256 }));
    assert_eq!((&request["provenance"]["sha256"], &request["provenance"]["row_count"]), (&json!(sha256), &json!(3)));
    assert_eq!(request["target_kind"], "app");
    assert_eq!(request["id"], format!("1.csv and 2 more/{}", &sha256[..8]));
    let decision = document(&says(&fixture, "check request.json --no-ledger --format json", 0, &[]));
    assert_eq!((&decision["targets_sha256"], &decision["targets"]), (&json!(sha256), &json!(3)));
    let targets = says(&fixture, "targets request.json", 0, &[]);
    assert_eq!(targets.lines().count(), 3);
    assert!(targets.starts_with("{\"id\":\"a-1\",\"kind\":\"app\",\"tenant\":\"t-1\"}\n"), "{targets}");
    says(
        &fixture,
        "draft 1.csv ./1.csv --mode soft --environment production",
        2,
        &["the file `1.csv` is listed twice"],
    );
    says(&fixture, "draft 1.csv none.csv --mode soft --environment production", 2, &["none.csv"]);
}

#[test]
fn files_that_are_read_in_different_ways_are_named() {
    let fixture = three();
    write(&fixture, "b/3.csv", "id;kind;tenant;Notes\na-3;app;t-3;x\n");
    let draft = "draft 1.csv b/2.ndjson b/3.csv --mode soft --environment production --out other.json";
    says(&fixture, draft, 0, &[]);
    let note = "note: b/3.csv was read as CSV; separated by `;`; line 1 names its columns; read: id, kind, tenant; \
                left alone: Notes";
    let html = says(&fixture, "check other.json --no-ledger --format html", 0, &[note, "1.csv, and others"]);
    assert_eq!(html.matches("<h2>Reading</h2>").count(), 3, "CSV, NDJSON, and CSV with semicolons");
}

#[test]
fn the_command_receives_every_file_and_a_manifest_of_them() {
    let fixture = three();
    let script = "basename \"$REPRIEVE_TARGETS\" > name; cd \"$(dirname \"$REPRIEVE_TARGETS\")\" && \
        sha256sum --check --strict targets.sha256 && sha256sum targets.sha256 > \"$OLDPWD/digest\" && \
        cmp b/3.csv \"$OLDPWD/b/3.csv\" && test \"$(find . -type f | wc -l)\" = 4 && \
        test \"$(stat -c %a . b b/3.csv)\" = \"$(printf '700\\n700\\n400')\" && \
        tr '\\0' ' ' < \"$REPRIEVE_IDS\" > \"$OLDPWD/ids\" && cd \"$OLDPWD\" && \
        \"$0\" permit verify \"$REPRIEVE_PERMIT\" --targets \"$REPRIEVE_TARGETS\" --mode soft";
    let (status, printed) = runs(&fixture, &[], script);
    assert_eq!(status, Some(0), "{printed}");
    assert_eq!(
        (read(&fixture, "name").as_str(), read(&fixture, "ids").as_str()),
        ("targets.sha256\n", "a-1 a-2 a-3 ")
    );
    assert!(read(&fixture, "digest").starts_with(&digest(&fixture)));
    assert_eq!(std::fs::read_dir(fixture.path().join("tmp")).unwrap().count(), 0, "the copies are removed");

    // The ledger knows the files, and each of them can be checked with them.
    says(&fixture, "ledger verify", 0, &["3 entries verified"]);
    let manifest = says(&fixture, "ledger manifest 1", 0, &[]);
    assert_eq!(manifest, shell(&fixture, "sha256sum 1.csv b/2.ndjson b/3.csv"));
    says(&fixture, "replay", 0, &[]);
    shell(&fixture, "echo a-9,app,t-9 >> b/3.csv");
    let (status, printed) = runs(&fixture, &[], "touch ran");
    assert_eq!(status, Some(2), "{printed}");
    assert!(printed.contains("b/3.csv: its digest is `"), "{printed}");
    assert!(!exists(&fixture, "ran"));
}

#[test]
fn a_manifest_in_the_ledger_that_was_altered_is_found() {
    let fixture = three();
    says(&fixture, "check request.json", 0, &["allow"]);
    let blobs = rusqlite::Connection::open(fixture.path().join("reprieve.db")).unwrap();
    let sha256 = digest(&fixture);
    let other = "UPDATE blobs SET bytes = (SELECT bytes FROM blobs WHERE sha256 <> ?1 LIMIT 1) WHERE sha256 = ?1";
    assert_eq!(blobs.execute(other, (&sha256,)).unwrap(), 1);
    says(&fixture, "ledger verify", 1, &["the ledger was altered", &sha256]);
    says(&fixture, "ledger manifest 1", 2, &[&sha256]);
    blobs.execute("DELETE FROM blobs WHERE sha256 = ?1", (&sha256,)).unwrap();
    says(&fixture, "ledger verify", 1, &[&format!("the blob {sha256} is missing")]);
    write(
        &fixture,
        "one.json",
        r#"{ "id": "one", "mode": "soft", "environment": "production", "target_kind": "app",
             "targets": { "path": "1.csv" } }"#,
    );
    drop(says(&fixture, "check one.json", 0, &[]));
    says(&fixture, "ledger manifest 2", 2, &["the list of entry 2 was not in several files"]);
}

#[test]
fn a_permit_is_for_every_file_of_the_manifest() {
    let fixture = three();
    says(&fixture, "check request.json --permit permit.jwt", 0, &["allow"]);
    shell(&fixture, "sha256sum 1.csv b/2.ndjson b/3.csv > list.sha256");
    let verify = |list: &str| format!("permit verify permit.jwt --targets {list} --mode soft");
    // Fewer files, another order, and one of the files are other lists.
    shell(&fixture, "head -n 2 list.sha256 > fewer.sha256; sort -r list.sha256 > order.sha256");
    for list in ["fewer.sha256", "order.sha256", "1.csv"] {
        says(&fixture, &verify(list), 1, &["refused: "]);
    }
    let digests = shell(&fixture, "cut -d' ' -f1 list.sha256");
    let first = digests.lines().next().unwrap();
    for (name, lines, words) in [
        ("text.sha256", "not a manifest\n".to_owned(), "text.sha256:1: not a line of a manifest"),
        ("empty.sha256", String::new(), "it names no files"),
        ("cut.sha256", format!("{first}  1.csv"), "the last line has no end"),
        (
            "twice.sha256",
            format!("{first}  1.csv\n{first}  ./1.csv\n"),
            "twice.sha256:2: the file `./1.csv` is listed twice",
        ),
        ("leaves.sha256", format!("{first}  ../1.csv\n"), "the path leaves its folder"),
        ("none.sha256", format!("{first}  none.csv\n"), "none.csv: there is no such file"),
        ("windows.sha256", format!("{first}  1.csv\r\n"), "windows.sha256:1: "),
    ] {
        write(&fixture, name, &lines);
        says(&fixture, &verify(name), 2, &[words]);
    }
    let three = read(&fixture, "b/3.csv");
    write(&fixture, "b/3.csv", &three.replace("a-3", "a-9"));
    says(&fixture, &verify("list.sha256"), 2, &["b/3.csv: its digest is `", "but list.sha256 states `"]);
    write(&fixture, "b/3.csv", &three);
    says(&fixture, &verify("list.sha256"), 0, &["permitted: soft delete of 3 targets"]);
    says(&fixture, &verify("list.sha256"), 1, &["refused: "]);
}

#[test]
fn a_list_in_several_files_is_split_and_runs_in_waves() {
    let fixture = three();
    let plan = says(&fixture, "split request.json --tenants 1 --out parts", 0, &[]);
    assert!(plan.contains("all 3 targets"), "{plan}");
    let part = document(&read(&fixture, "parts/part-001.json"));
    assert_eq!(part["targets"]["path"], "part-001.ndjson");

    let (status, printed) = runs(&fixture, &["--waves"], "cat \"$REPRIEVE_TARGETS\" >> gone");
    assert_eq!(status, Some(0), "{printed}");
    assert_eq!(read(&fixture, "gone").lines().count(), 3, "{printed}");
    let (status, printed) = runs(&fixture, &["--waves"], "touch again");
    assert_eq!(status, Some(0), "{printed}");
    assert!(!exists(&fixture, "again"), "the waves of this list are known by its digest");
}

#[test]
fn ids_with_control_characters_are_not_handed_on_in_lines() {
    let fixture = three();
    write(&fixture, "b/3.csv", "id,kind,tenant\n\"a-3\nx\",app,t-3\n");
    write(&fixture, "reprieve.toml", "ledger = \"reprieve.db\"\n\n[[policy]]\nuse = \"builtin:blast-radius\"\n");
    let targets = json!({ "files": [{ "path": "b/2.ndjson" }, { "path": "b/3.csv" }] });
    let request = json!({ "id": "r", "mode": "soft", "environment": "qa", "target_kind": "app", "targets": targets });
    write(&fixture, "request.json", &request.to_string());
    let (status, printed) = runs(&fixture, &[], "touch ran");
    assert!(status != Some(0) && !exists(&fixture, "ran"), "{printed}");
    assert!(printed.contains("b/3.csv: the list has ids with control characters"), "{printed}");
}
