//! The output of the commands for the Atlassian batch and its corrected twin.

use crate::support::fixture::reprieve;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/incidents").join(name)
}

fn text(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Replaces digests and fuel, which change with every change of a policy and are not tested here.
fn without_digests(json: &str) -> serde_json::Value {
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
        assert!(report.lines().any(|line| line.starts_with(&format!("deny {code}"))), "{code}");
    }
    insta::assert_snapshot!("atlassian.txt", report);
    insta::assert_json_snapshot!("atlassian.json", without_digests(&text(&check(&["--format", "json"]))));
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
fn explains_every_code_and_every_cause() {
    let folder = case(".");
    let list = text(&reprieve(&folder, &["explain"]));
    let codes: Vec<&str> = list.lines().filter_map(|line| line.split_once(": ")).map(|(code, _)| code).collect();
    let policies = text(&reprieve(&folder, &["policies"]));
    let rules = policies.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ")).map(|(code, _)| code);
    assert!(rules.clone().count() > 40 && rules.clone().all(|code| codes.contains(&code)));
    for cause in reprieve::model::FaultCause::ALL {
        let code = if cause.is_gate() { format!("gate/{cause}") } else { cause.to_string() };
        assert!(codes.contains(&code.as_str()), "{code}");
    }
    insta::assert_snapshot!("codes", codes.join("\n"));
    for code in codes {
        let explained = text(&reprieve(&folder, &["explain", code]));
        assert!(explained.starts_with(code) && explained.lines().count() > 3, "{explained}");
    }
    let held = text(&reprieve(&folder, &["explain", "retention/legal-hold"]));
    assert!(held.contains("never lifted") && held.contains("nature: wrong"), "{held}");
    assert_eq!(
        text(&reprieve(&folder, &["explain", "identity/fuel"])),
        text(&reprieve(&folder, &["explain", "fuel"]))
    );
}

#[test]
fn explains_a_code_with_its_settings() {
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
    assert_eq!(request["required"], serde_json::json!(["id", "mode", "environment", "targets"]));
    let either = serde_json::json!([{ "required": ["target_kind"] }, { "required": ["target_kinds"] }]);
    assert_eq!(request["oneOf"], either);
    assert_eq!(request["additionalProperties"], false);
}

#[test]
fn the_digest_of_inline_targets_is_that_of_their_printed_form() {
    use sha2::{Digest, Sha256};
    let twin = case("i01-atlassian/corrected");
    let printed = reprieve(&twin, &["targets", "request.json"]);
    let digest: String = Sha256::digest(&printed.stdout).iter().map(|byte| format!("{byte:02x}")).collect();
    let request: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(twin.join("request.json")).unwrap()).unwrap();
    assert_eq!(request["provenance"]["sha256"], digest);
}

#[test]
fn every_preset_stops_every_incident_and_allows_some_twins() {
    let folder = tempfile::tempdir().unwrap();
    let incidents = case("");
    let mut last_lines = String::new();
    for preset in ["routine-soft", "compliance-hard", "infra-destroy", "ai-agent", "erasure"] {
        let file = format!("{preset}.toml");
        let output = reprieve(folder.path(), &["init", "--preset", preset, "--out", &file]);
        assert_eq!(text(&output), format!("wrote {file}; `reprieve policies` shows its policies\n"));
        let again = reprieve(folder.path(), &["init", "--preset", preset, "--out", &file]);
        assert_eq!(again.status.code(), Some(2), "an existing file is not overwritten");
        let output = reprieve(folder.path(), &["incidents", incidents.to_str().unwrap(), "--config", &file]);
        let summary = text(&output).lines().find(|line| line.contains("stopped")).unwrap().to_owned();
        assert!(summary.starts_with("48 of 48 stopped, 48 of them for their cause; "), "{preset}: {summary}");
        assert!(!summary.contains("; 0 of 48"), "{preset} allows nothing");
        last_lines += &format!("{preset}: {summary}\n");
    }
    insta::assert_snapshot!("presets.txt", last_lines);
}

#[test]
fn one_command_vets_every_incident() {
    let output = reprieve(Path::new("."), &["incidents", case("").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output);
    assert_eq!(table.lines().filter(|line| line.starts_with('i') && line.ends_with("twin: allow")).count(), 48);
    assert!(table.contains("48 of 48 stopped, 48 of them for their cause; 48 of 48 corrected twins allowed"));
    let nowhere = reprieve(Path::new("."), &["incidents", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(2));
}

/// The writing end of a closed pipe.
fn closed_pipe() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn a_closed_output_ends_a_list_with_success_but_is_never_an_allow() {
    let twin = case("i01-atlassian/corrected");
    let check = ["check", "request.json", "--inventory", "inventory.csv", "--at", "2022-04-05T10:00:00Z"];
    let lists: [&[&str]; 4] = [&["policies"], &["explain"], &["schema", "request"], &["targets", "request.json"]];
    let lists = lists.map(|arguments| (arguments, 0, ""));
    // An allow that the caller could not read is not an allow.
    let undecided = (&check[..], 2, "error: cannot write the decision: Broken pipe");
    for (arguments, status, expected) in lists.into_iter().chain([undecided]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(&twin).args(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
        let output = command.stdout(closed_pipe()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(status) && error.starts_with(expected), "{arguments:?}: {error}");
        assert_eq!(error.is_empty(), expected.is_empty(), "{error}");
    }
}
