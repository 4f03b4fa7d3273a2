//! What the commands print, on the Atlassian batch and its corrected twin.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/incidents").join(name)
}

fn reprieve(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(folder).args(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Digests and fuel change with every change of a policy; what they are is not what is tested here.
fn settle(json: &str) -> serde_json::Value {
    let mut document: serde_json::Value = serde_json::from_str(json).unwrap();
    for policy in document["policies"].as_array_mut().unwrap() {
        assert!(policy["fuel"].as_u64().unwrap() > 1_000);
        assert_eq!(policy["sha256"].as_str().unwrap().len(), 64);
        policy["fuel"] = 0.into();
        policy["sha256"] = "…".into();
    }
    assert_eq!(document["policy_set_sha256"].as_str().unwrap().len(), 64);
    document["policy_set_sha256"] = "…".into();
    document
}

const AT: [&str; 4] = ["--inventory", "inventory.csv", "--at", "2022-04-05T07:38:00Z"];

#[test]
fn the_atlassian_batch_is_denied() {
    let check =
        |more: &[&str]| reprieve(&case("i01-atlassian"), &[&["check", "request.json"], &AT[..], more].concat());
    let output = check(&[]);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output);
    assert!(report.starts_with("deny ") && report.ends_with("\ndeny\n"), "the verdict comes first and last");
    for code in ["identity/kind-mismatch", "mode/no-legal-basis", "blast-radius/too-many-tenants"] {
        assert!(report.contains(&format!("deny {code}\n")), "{code}");
    }
    insta::assert_snapshot!("atlassian.txt", report);
    insta::assert_json_snapshot!("atlassian.json", settle(&text(&check(&["--format", "json"]))));
}

#[test]
fn its_corrected_twin_is_allowed() {
    let twin = case("i01-atlassian/corrected");
    let output =
        reprieve(&twin, &["check", "request.json", "--inventory", "inventory.csv", "--at", "2022-04-05T10:00:00Z"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!("corrected.txt", text(&output));
}

#[test]
fn every_code_is_in_one_list_and_explained() {
    let folder = case(".");
    let list = text(&reprieve(&folder, &["policies"]));
    let codes: Vec<&str> =
        list.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ")).map(|(code, _)| code).collect();
    insta::assert_snapshot!("codes", codes.join("\n"));
    for code in codes {
        let explained = text(&reprieve(&folder, &["explain", code]));
        assert!(explained.starts_with(code) && explained.lines().count() > 3, "{explained}");
    }
}

#[test]
fn a_code_is_explained_with_its_settings() {
    insta::assert_snapshot!("explain", text(&reprieve(&case("."), &["explain", "blast-radius/too-many-tenants"])));
}

#[test]
fn schemas_are_json() {
    for document in ["request", "decision", "config", "review"] {
        let schema: serde_json::Value =
            serde_json::from_str(&text(&reprieve(&case("."), &["schema", document]))).unwrap();
        assert_eq!(schema["type"], "object", "{document}");
    }
    let request: serde_json::Value =
        serde_json::from_str(&text(&reprieve(&case("."), &["schema", "request"]))).unwrap();
    assert_eq!(request["required"], serde_json::json!(["id", "mode", "environment", "target_kind", "targets"]));
    assert_eq!(request["additionalProperties"], false);
}

#[test]
fn inline_targets_have_the_digest_of_what_is_printed() {
    use sha2::{Digest, Sha256};
    let twin = case("i01-atlassian/corrected");
    let printed = reprieve(&twin, &["targets", "request.json"]);
    let digest: String = Sha256::digest(&printed.stdout).iter().map(|byte| format!("{byte:02x}")).collect();
    let request: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(twin.join("request.json")).unwrap()).unwrap();
    assert_eq!(request["provenance"]["sha256"], digest);
}

#[test]
fn every_preset_stops_every_incident_and_lets_some_twins_run() {
    let folder = tempfile::tempdir().unwrap();
    let incidents = case("");
    let mut last_lines = String::new();
    for preset in ["routine-soft", "compliance-hard", "infra-destroy", "ai-agent", "erasure"] {
        let file = format!("{preset}.toml");
        let output = reprieve(folder.path(), &["init", "--preset", preset, "--out", &file]);
        assert_eq!(text(&output), format!("wrote {file}; `reprieve policies` says what is in it\n"));
        let again = reprieve(folder.path(), &["init", "--preset", preset, "--out", &file]);
        assert_eq!(again.status.code(), Some(2), "what is there is not written over");
        let output = reprieve(folder.path(), &["incidents", incidents.to_str().unwrap(), "--config", &file]);
        let summary = text(&output).lines().find(|line| line.contains("stopped")).unwrap().to_owned();
        assert!(summary.starts_with("30 of 30 stopped, 30 of them for their cause; "), "{preset}: {summary}");
        assert!(!summary.contains("; 0 of 30"), "{preset} lets nothing run");
        last_lines += &format!("{preset}: {summary}\n");
    }
    insta::assert_snapshot!("presets.txt", last_lines);
}

#[test]
fn the_incidents_are_one_command() {
    let output = reprieve(Path::new("."), &["incidents", case("").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output);
    assert_eq!(table.lines().filter(|line| line.starts_with('i') && line.ends_with("twin: allow")).count(), 30);
    assert!(table.contains("30 of 30 stopped, 30 of them for their cause; 30 of 30 corrected twins allowed"));
    let nowhere = reprieve(Path::new("."), &["incidents", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(2));
}

/// The writing end of a pipe that nobody reads.
fn unread() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn whoever_has_read_enough_is_not_told_of_an_error() {
    let twin = case("i01-atlassian/corrected");
    let check = ["check", "request.json", "--inventory", "inventory.csv", "--at", "2022-04-05T10:00:00Z"];
    // An allow that nobody was told of is none.
    for (arguments, expected) in [(&["policies"][..], ""), (&check, "error: cannot write the decision: Broken pipe")]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(&twin).args(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
        let output = command.stdout(unread()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.starts_with(expected), "{arguments:?}: {error}");
        assert_eq!(error.is_empty(), expected.is_empty(), "{error}");
    }
}
