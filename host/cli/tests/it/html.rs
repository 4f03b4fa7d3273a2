//! Plots, and decisions as pages.

use crate::support::fixture::{command, document, fixture, says, write};
use crate::support::hostile_text::{assert_html, assert_plain, run_with};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Everything that begins markup, an attribute, a style, an entity or an address.
const MARKUP: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)><!--<style>*{color:red}</style>&lt;\
    ]]><svg/onload=x>javascript:x";

/// A folder with a request for apps of the inventory, one of which it does not know.
fn prepared() -> TempDir {
    let fixture = fixture();
    let old = "2020-01-01T00:00:00Z";
    let request = json!({"id": "r", "mode": "soft", "environment": "production", "target_kind": "app", "targets": [
        {"id": "a-1", "tenant": "t-7", "created_at": old}, {"id": "a-2", "created_at": old}, {"id": "a-7"}]});
    write(&fixture, "request.json", &request.to_string());
    fixture
}

fn counts(of: &Value) -> Vec<(&str, u64)> {
    let counts = of["counts"].as_array().unwrap().iter();
    counts.map(|count| (count["name"].as_str().unwrap(), count["targets"].as_u64().unwrap())).collect()
}

#[test]
fn the_document_has_what_is_plotted_and_the_record_has_the_same() {
    let fixture = prepared();
    let checked = document(&says(&fixture, "check request.json --format json", 0, &[]));
    let breakdown = &checked["breakdown"];
    assert_eq!(counts(&breakdown["kinds"]), [("app", 3)], "the declared kind counts where no other is known");
    assert_eq!(counts(&breakdown["tenants"]), [("t-1", 1), ("t-2", 1)], "the inventory outranks the list");
    assert_eq!((&breakdown["tenants"]["others"], &breakdown["tenants"]["unknown"]), (&json!(0), &json!(1)));
    assert_eq!(counts(&breakdown["created"]).last(), Some(&("365 days or more", 2)));
    assert_eq!((&breakdown["created"]["unknown"], &breakdown["last_used"]["unknown"]), (&json!(1), &json!(3)));
    let reported = document(&says(&fixture, "report 1 --format json", 0, &[]));
    assert_eq!(reported["decision"], checked);
}

#[test]
fn bars_are_for_terminals_and_fit_the_screen() {
    let fixture = prepared();
    says(&fixture, "check request.json", 0, &[]);
    for line in ["check request.json --no-ledger", "report 1"] {
        let shown = |arguments: &str, locale: &str| {
            let mut command = command(&fixture, &format!("{line}{arguments}"));
            let output = command.env_remove("LC_ALL").env_remove("LC_CTYPE").env("LANG", locale).output().unwrap();
            let shown = String::from_utf8(output.stdout).unwrap();
            assert_plain(&shown, line);
            shown
        };
        let bars = shown(" --plots always", "C.UTF-8");
        assert!(bars.contains("kind       app") && bars.contains(&"█".repeat(40)), "{bars}");
        let ascii = shown(" --plots always", "C");
        assert!(ascii.contains(&"#".repeat(40)) && !ascii.contains('█'), "{ascii}");
        for none in [shown("", "C.UTF-8"), shown(" --plots never", "C.UTF-8")] {
            assert!(!none.contains(['█', '#']) && !none.contains("created "), "{none}");
        }
        let decision = bars.lines().position(|line| ["allow", "deny", "undecided"].contains(&line)).unwrap();
        assert!(decision < 40, "{bars}");
    }
}

#[test]
fn a_page_has_the_whole_decision() {
    let fixture = prepared();
    let set = "[[policy]]\nuse = \"builtin:recovery\"\n[[policy]]\nuse = \"builtin:identity\"\n\
        [[policy]]\nuse = \"builtin:authority\"\n";
    write(&fixture, "set.toml", set);
    let check = ["check", "request.json", "--config", "set.toml", "--inventory", "inventory.csv", "--no-ledger"];
    let page = std::cell::RefCell::new(String::new());
    let status = run_with(fixture.path(), &[&check[..], &["--format", "html"]].concat(), |text, of| {
        assert_html(text, of);
        page.replace(text.to_owned());
    });
    assert_eq!(status, 1);
    let page = page.into_inner();
    let json = says(&fixture, &[&check[..], &["--format", "json"]].concat().join(" "), 1, &[]);
    let decision = document(&json);
    for finding in decision["findings"].as_array().unwrap() {
        assert!(page.contains(finding["code"].as_str().unwrap()), "{finding}");
    }
    for digest in ["targets_sha256", "request_sha256", "inventory_sha256", "policy_set_sha256"] {
        assert!(page.contains(decision[digest].as_str().unwrap()), "{digest}");
    }
    let commands = "<code>reprieve approve request.json --key NAME.key</code>";
    for words in ["<caption>tenant</caption>", "<title>3 of 3 targets</title>", "Undoing this", "Reading", commands] {
        assert!(page.contains(words), "no `{words}` in\n{page}");
    }
}

#[test]
fn the_page_of_a_recorded_decision_lists_the_tenants() {
    let fixture = prepared();
    says(&fixture, "check request.json", 0, &[]);
    let words = ["open: its outcome is not recorded", "<th scope=\"row\">t-2</th>", "dora@two.example", "Digests"];
    assert_html(&says(&fixture, "report 1 --format html", 0, &words), "report");
}

#[test]
fn text_of_others_is_never_markup() {
    let fixture = fixture();
    let claims = json!({"reason": {"text": MARKUP, "ticket": MARKUP}, "campaign": MARKUP, "annotations": {MARKUP: MARKUP},
        "recovery": {"checkpoints": [{"id": MARKUP, "location": MARKUP}]}, "operation": {"verb": MARKUP}});
    let mut read = 0;
    for (claim, text) in claims.as_object().unwrap() {
        for id in ["r", MARKUP] {
            let mut request = json!({"id": id, "mode": "soft", "environment": id, "target_kind": "app",
                "targets": [{"id": MARKUP, "tenant": MARKUP}, {"id": "a-1", "tenant": MARKUP}]});
            request[claim] = text.clone();
            write(&fixture, "request.json", &request.to_string());
            let check = ["check", "request.json", "--format", "html"];
            read += i32::from(run_with(fixture.path(), &check, assert_html) < 2);
        }
    }
    assert!(read > 4, "{read} requests were read");
    for entry in 1..=read {
        assert_eq!(run_with(fixture.path(), &["report", &entry.to_string(), "--format", "html"], assert_html), 0);
    }
}
