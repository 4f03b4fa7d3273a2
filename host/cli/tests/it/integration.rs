//! The outputs for continuous integration, each held against what reads it.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// What a message, a code or an id may hold.
const HOSTILE: &str = "]]> <script>alert(1)</script> [x](http://evil.example) @everyone ::set-output name=a::b %0A::error::x 3 failures # SKIP | `";

/// A folder with a request that is denied, one that is allowed, and one that is undecided. Their ids are hostile.
fn fixture() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("set.toml", "[[policy]]\nuse = \"builtin:blast-radius\"\n");
    let request = |targets: Value| json!({ "id": HOSTILE, "mode": "soft", "environment": "test", "target_kind": "app", "targets": targets });
    let many: Vec<Value> = (0..700).map(|i| json!({ "id": format!("a-{i}"), "tenant": format!("t-{i}") })).collect();
    write("deny.json", &request(many.into()).to_string());
    write("allow.json", &request(json!([{ "id": HOSTILE, "tenant": "t" }])).to_string());
    write("undecided.json", &request(json!([])).to_string());
    folder
}

fn check(folder: &Path, request: &str, format: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(folder).args(["check", request, "--config", "set.toml", "--format", format]);
    let output = command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Calls `test` with each request, its exit status and its output.
fn each(format: &str, test: impl Fn(&str, &str)) {
    let fixture = fixture();
    for (request, status) in [("allow.json", 0), ("deny.json", 1), ("undecided.json", 2)] {
        let (found, text) = check(fixture.path(), request, format);
        assert_eq!(found, status, "{format} {request}\n{text}");
        assert!(text.ends_with('\n'), "{format} {request}");
        test(request, &text);
    }
}

/// Atlantis fails a check whose output begins with `FAIL`, or matches `([1-9][0-9]* failure|failures": \[)`; empty output
/// fails as well.
fn atlantis_passes(output: &str) -> bool {
    let counts = |text: &str| {
        let before = text.strip_suffix(' ').unwrap_or_default();
        let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        !before[before.len() - digits..].trim_start_matches('0').is_empty()
    };
    let states_failures = output.match_indices("failure").any(|(at, _)| counts(&output[..at]));
    !output.is_empty() && !output.starts_with("FAIL") && !states_failures && !output.contains("failures\": [")
}

#[test]
fn atlantis_passes_an_allow_only() {
    assert!(!atlantis_passes("10 failures") && !atlantis_passes("") && atlantis_passes("0 failures"));
    each("atlantis", |request, text| {
        assert_eq!(atlantis_passes(text), request == "allow.json", "{request}\n{text}");
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("1 test, ") && last.ends_with(" exceptions"), "{last}");
    });
}

#[test]
fn github_sees_a_command_on_each_line() {
    each("github", |request, text| {
        for line in text.lines() {
            let (command, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            assert!(["error ", "warning ", "notice "].iter().any(|known| command.starts_with(known)), "{line}");
            assert!(!message.contains('\r') && !command.contains("set-output"), "{line}");
        }
        assert_eq!(text.contains("\n::error ") || text.starts_with("::error "), request != "allow.json", "{text}");
        // `%0A` in a text is not a line break.
        assert!(text.contains("%250A::error::x"), "{text}");
    });
}

#[test]
fn markdown_has_no_markup_of_others() {
    each("markdown", |request, text| {
        let verdict = request.trim_end_matches(".json");
        assert!(text.starts_with("## ") && text.trim_end().ends_with(&format!("**{verdict}**")), "{text}");
        for forbidden in ["<script", "](http", "@everyone", "http:", "evil.example"] {
            assert!(!text.contains(forbidden), "{forbidden} in\n{text}");
        }
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        for row in rows {
            let cells = row.replace("\\\\", "").replace("\\|", "").matches('|').count();
            assert_eq!(cells, 5, "{row}");
        }
    });
}

#[test]
fn tap_counts_its_tests_and_has_no_directives() {
    each("tap", |request, text| {
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("TAP version 13"));
        let plan: usize = lines.next().unwrap().strip_prefix("1..").unwrap().parse().unwrap();
        let tests: Vec<&str> = lines.collect();
        assert_eq!(tests.len(), plan);
        for (i, test) in tests.iter().enumerate() {
            let rest = test.strip_prefix("not ").unwrap_or(test).strip_prefix("ok ").unwrap();
            assert!(rest.starts_with(&format!("{} - ", i + 1)), "{test}");
            assert!(!test.replace("\\#", "").contains('#'), "{test}");
        }
        assert_eq!(tests.iter().any(|test| test.starts_with("not ok")), request != "allow.json", "{text}");
    });
}

#[test]
fn junit_is_xml_with_a_failure_unless_it_is_an_allow() {
    each("junit", |request, text| {
        assert!(text.starts_with("<?xml") && text.contains("<testcase name=\"decision\""), "{text}");
        assert_eq!(text.contains("<failure"), request != "allow.json", "{text}");
        assert!(!text.contains("<script"), "{text}");
    });
}

#[test]
fn sarif_has_what_code_scanning_requires() {
    each("sarif", |request, text| {
        let log: Value = serde_json::from_str(text).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let verdict = request.trim_end_matches(".json");
        assert_eq!(run["invocations"][0]["exitCodeDescription"], verdict);
        let results = run["results"].as_array().unwrap();
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["error", "warning"].iter().any(|level| result["level"] == *level));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], request);
            assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
        }
        assert_eq!(results.iter().any(|result| result["level"] == "error"), request != "allow.json", "{text}");
    });
}
