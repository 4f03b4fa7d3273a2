//! `reprieve override`, `report` and `replay`: an override needs two people, is for one list and is used once.

use crate::support::fixture::{self, CONFIG, document, exists, says, write};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

/// A fixture in which the batch `r.json` was allowed once, and is too fast from now on.
fn fixture() -> TempDir {
    let fixture = fixture::fixture();
    write(&fixture, "r.json", &request(&[1, 2, 3]).to_string());
    says(&fixture, "check r.json", 0, &["recorded as entry 1"]);
    fixture
}

fn request(apps: &[u8]) -> Value {
    let target = |i| json!({ "id": format!("a-{i}"), "kind": "app", "tenant": format!("t-{i}") });
    let targets: Vec<Value> = apps.iter().map(target).collect();
    let restore = json!({ "tenants_per_batch": 2, "batch_duration": "PT6H" });
    json!({
        "id": "r-1", "mode": "soft", "environment": "production", "target_kind": "app",
        "targets": targets, "recovery": { "restore": restore }
    })
}

fn read(fixture: &TempDir, name: &str) -> Value {
    document(&std::fs::read_to_string(fixture.path().join(name)).unwrap())
}

/// Lets alice write an override for the list of `r.json`, with further arguments.
fn by_alice(fixture: &TempDir, more: &str) {
    let new = format!("override new r.json --reason outage --key alice.key {more}");
    says(fixture, &new, 0, &["signed by alice; add a second signature with `reprieve override sign`"]);
}

/// As [`by_alice`], signed by bob as well.
fn by_two(fixture: &TempDir, more: &str) {
    by_alice(fixture, more);
    says(fixture, &format!("{BY_BOB} override.json"), 0, &["  signed by alice and bob\n"]);
}

const TOO_FAST: &str = "--codes timing/too-fast";
const BY_BOB: &str = "override sign --key bob.key --keys people.json";
const CHECK: &str = "check r.json --override override.json";

#[test]
fn one_person_is_not_enough_even_with_two_signatures() {
    let fixture = fixture();
    by_alice(&fixture, TOO_FAST);
    let one = ["it needs the signatures of 2 people and has 1", "help: `reprieve override sign` adds a signature"];
    says(&fixture, CHECK, 2, &one);
    let again = "override sign override.json --key alice.key --keys people.json";
    says(&fixture, again, 0, &["  signed by alice\n"]);
    assert_eq!(read(&fixture, "override.json")["signatures"].as_array().unwrap().len(), 2);
    says(&fixture, CHECK, 2, &one);
    write(&fixture, "override.json", r#"{ "signatures": [] }"#);
    says(&fixture, CHECK, 2, &["it needs the signatures of 2 people and has 0"]);
    says(
        &fixture,
        "override new r.json --reason x --key alice.key --codes a/b",
        2,
        &["override.json already exists"],
    );
}

#[test]
fn one_key_under_two_names_is_one_person() {
    let fixture = fixture();
    let (mut key, mut set) = (read(&fixture, "alice.key"), read(&fixture, "people.json"));
    key["kid"] = "alison".into();
    let public = json!({ "kty": key["kty"], "crv": key["crv"], "kid": key["kid"], "x": key["x"] });
    set["keys"].as_array_mut().unwrap().push(public);
    write(&fixture, "people.json", &set.to_string());
    // Replaces the content of a file that has the required mode.
    write(&fixture, "bob.key", &key.to_string());
    by_alice(&fixture, TOO_FAST);
    says(&fixture, &format!("{BY_BOB} override.json"), 2, &["alison"]);
}

#[test]
fn two_people_lift_a_finding_once() {
    let fixture = fixture();
    by_two(&fixture, TOO_FAST);
    let shown = [
        "lifts timing/too-fast",
        "because outage",
        "signed by alice and bob",
        "until 20",
        "for a batch of mode `soft` in production",
    ];
    says(&fixture, "override show override.json --keys people.json", 0, &shown);
    let once = "an override is used once, which only a ledger can ensure";
    says(&fixture, &format!("{CHECK} --no-ledger"), 2, &[once, "or use `--ledger FILE`"]);
    let lifted = [
        " by alice and bob: outage\nlifts timing/too-fast; until 20",
        "\ndeny timing/too-fast (lifted by the override)\n",
        "; 0 denials, 4 warnings, 0 faults\n",
    ];
    let report = says(&fixture, CHECK, 0, &lifted);
    assert!(report.starts_with("allow r-1: ") && report.contains("\n\nOVERRIDE "), "{report}");
    assert!(report.ends_with("\nOVERRIDE\nallow\n"), "an override cannot be overlooked:\n{report}");
    let used = ["\ndeny timing/too-fast\n", "\nwarn gate/override\n", "was already used, in entry 2\n"];
    let report = says(&fixture, CHECK, 1, &used);
    assert!(!report.contains("OVERRIDE") && !report.contains("lifted"), "{report}");
    says(&fixture, "ledger list", 0, &["r-1  open  OVERRIDE\n"]);
    says(&fixture, "report 2", 0, &["OVERRIDE", " by alice and bob: outage"]);
    says(&fixture, "replay", 0, &["3 decisions replayed: 0 differ"]);
}

#[test]
fn the_document_names_who_signed() {
    let fixture = fixture();
    by_two(&fixture, TOO_FAST);
    let decision = document(&says(&fixture, &format!("{CHECK} --format json --permit p"), 0, &[]));
    let terms = &decision["override"];
    assert_eq!(terms["signed_by"], json!(["alice", "bob"]));
    assert_eq!(terms["codes"], json!(["timing/too-fast"]));
    assert_eq!((&terms["reason"], &terms["targets_sha256"]), (&json!("outage"), &decision["targets_sha256"]));
    let finding = &decision["findings"][0];
    assert_eq!((&finding["severity"], &finding["lifted"]), (&json!("deny"), &json!(true)));
    assert_eq!(decision["permit"], decision["ledger"]["sha256"]);
}

#[test]
fn an_override_is_for_one_list() {
    let fixture = fixture();
    by_two(&fixture, TOO_FAST);
    write(&fixture, "other.json", &request(&[3, 2, 1]).to_string());
    let other = ["\ndeny timing/too-fast\n", "\nwarn gate/override\n", "is for another list"];
    says(&fixture, "check other.json --override override.json", 1, &other);
    says(&fixture, CHECK, 0, &["lifted by the override"]);
}

#[test]
fn an_override_is_for_one_request() {
    let fixture = fixture();
    by_two(&fixture, TOO_FAST);
    let list = document(&says(&fixture, "report 1 --format json", 0, &[]))["decision"]["targets_sha256"].clone();
    // In staging the batch is not too fast yet.
    for (field, value, status) in [("mode", "hard", 1), ("environment", "staging", 0), ("id", "r-2", 1)] {
        let mut other = request(&[1, 2, 3]);
        other[field] = value.into();
        write(&fixture, "other.json", &other.to_string());
        let found = ["is for another request (`", "`, soft in production)"];
        let decision =
            document(&says(&fixture, "check other.json --override override.json --format json", status, &found));
        assert!(decision["targets_sha256"] == list && decision["override"].is_null(), "{field}: {decision}");
    }
    says(&fixture, CHECK, 0, &["lifted by the override"]);
}

#[test]
fn an_override_that_lifts_nothing_is_not_used_up() {
    let fixture = fixture();
    by_two(&fixture, TOO_FAST);
    says(&fixture, "abort 1 --reason x", 0, &[]);
    assert!(!says(&fixture, CHECK, 0, &[]).contains("OVERRIDE"));
    says(&fixture, CHECK, 0, &["OVERRIDE", "lifted by the override"]);
}

#[test]
fn an_override_expires() {
    let fixture = fixture();
    by_two(&fixture, "--codes timing/too-fast --for PT1S");
    std::thread::sleep(Duration::from_secs(2));
    let until = document(&says(&fixture, &format!("{CHECK} --format json"), 1, &[]));
    let finding = until["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "gate/override");
    assert_eq!(finding.unwrap()["severity"], "warn");
    says(&fixture, CHECK, 1, &["\ndeny timing/too-fast\n", "\nwarn gate/override\n", "` expired at 20"]);
}

#[test]
fn faults_and_halts_are_not_lifted() {
    let fixture = fixture();
    let mut late = request(&[1, 2, 3]);
    late["schedule"] = json!({ "expires_at": "2020-01-01T00:00:00Z" });
    write(&fixture, "r.json", &late.to_string());
    by_two(&fixture, TOO_FAST);
    let fault = ["fault gate: expired", "deny timing/too-fast (lifted by the override)", "\nundecided\n"];
    says(&fixture, CHECK, 2, &fault);
    write(&fixture, "r.json", &request(&[1, 2, 3]).to_string());
    std::fs::remove_file(fixture.path().join("override.json")).unwrap();
    by_two(&fixture, TOO_FAST);
    says(&fixture, "halt --reason fire --by carol", 0, &[]);
    says(&fixture, CHECK, 1, &["\ndeny gate/halted\n", "deny timing/too-fast (lifted by the override)"]);
    says(&fixture, "resume --reason out", 0, &[]);
    // Neither decision used the override, because neither was an allow.
    says(&fixture, CHECK, 0, &["\nOVERRIDE\nallow\n"]);
}

#[test]
fn rejects_invalid_overrides() {
    let fixture = fixture();
    let new = "override new r.json --key alice.key";
    for code in ["retention/legal-hold", "retention/*", "gate/halted", "timing/too-fast,gate/ledger"] {
        let never = format!("`{}` can never be lifted", code.rsplit(',').next().unwrap());
        says(&fixture, &format!("{new} --reason x --codes {code}"), 2, &[&never]);
    }
    says(&fixture, &format!("{new} --reason= {TOO_FAST}"), 2, &["it has no reason"]);
    let days = ["it is valid for 172800 seconds; at most 86400 are allowed"];
    says(&fixture, &format!("{new} --reason x {TOO_FAST} --for P2D"), 2, &days);
    says(&fixture, &format!("{new} --reason x {TOO_FAST} --for PT0S"), 2, &["it is valid for 0 seconds"]);
    assert!(!exists(&fixture, "override.json"));
    says(&fixture, &format!("{new} --reason x --codes="), 2, &["it names no code to lift"]);
    assert!(!exists(&fixture, "override.json"));
}

#[test]
fn rejects_signatures_for_different_overrides() {
    let fixture = fixture();
    by_alice(&fixture, TOO_FAST);
    let by_bob = "override new r.json --codes timing/slow-down --reason outage --key bob.key --out bob.json";
    says(&fixture, by_bob, 0, &[]);
    let mut merged = read(&fixture, "override.json");
    let signature = read(&fixture, "bob.json")["signatures"][0].clone();
    merged["signatures"].as_array_mut().unwrap().push(signature);
    write(&fixture, "override.json", &merged.to_string());
    let show = "override show override.json --keys people.json";
    for line in [CHECK, show, &format!("{BY_BOB} override.json")] {
        says(&fixture, line, 2, &["its signatures are not for the same override"]);
    }
    assert_eq!(read(&fixture, "override.json"), merged);
}

#[test]
fn rejects_untrusted_and_forged_signatures() {
    let fixture = fixture();
    by_alice(&fixture, TOO_FAST);
    let one = read(&fixture, "override.json");
    says(&fixture, "keys new eve --keys everybody.json", 0, &[]);
    let sign = "override sign override.json --key eve.key --keys";
    let stranger = ["signature 2: it is signed with the key `eve`, which is not trusted"];
    says(&fixture, &format!("{sign} people.json"), 2, &stranger);
    assert_eq!(read(&fixture, "override.json"), one);
    // She can write a key set of her own, but the gate uses another.
    let mut everybody = read(&fixture, "people.json");
    everybody["keys"].as_array_mut().unwrap().push(read(&fixture, "everybody.json")["keys"][0].clone());
    write(&fixture, "everybody.json", &everybody.to_string());
    says(&fixture, &format!("{sign} everybody.json"), 0, &["signed by alice and eve"]);
    says(&fixture, CHECK, 2, &stranger);

    write(&fixture, "override.json", &one.to_string());
    says(&fixture, &format!("{BY_BOB} override.json"), 0, &[]);
    let mut altered = read(&fixture, "override.json");
    let mut token = altered["signatures"][1].as_str().unwrap().as_bytes().to_vec();
    let middle = token.len() / 2;
    token[middle] = if token[middle] == b'A' { b'B' } else { b'A' };
    altered["signatures"][1] = String::from_utf8(token).unwrap().into();
    write(&fixture, "override.json", &altered.to_string());
    says(&fixture, CHECK, 2, &["signature 2: its signature is not by the key `bob`: it was forged or altered"]);
}

#[test]
fn rejects_overrides_if_the_policy_set_does_not_permit_them() {
    let fixture = fixture();
    by_two(&fixture, TOO_FAST);
    write(&fixture, "reprieve.toml", &CONFIG.replace("[overrides]\nkeys = \"people.json\"\n", ""));
    says(&fixture, CHECK, 2, &["the policy set does not permit overrides", "`[overrides] keys = "]);
    says(&fixture, "check r.json --override reprieve.toml", 2, &["not an override file"]);
}

#[test]
fn a_report_lists_owners_contacts_and_restore_times() {
    let fixture = fixture();
    let csv = "tenant,things,owner,contact,restore_batch,restored_after
t-1,1,Ann,ann@one.example,1,PT6H
t-2,1,Dora,dora@two.example,1,PT6H
t-3,1,Cy,cy@three.example,2,PT12H
";
    assert_eq!(says(&fixture, "report 1 --format csv", 0, &[]), csv);
    assert_eq!(says(&fixture, "report r-1 --format csv", 0, &[]), csv);
    let table = says(&fixture, "report r-1", 0, &["recorded as entry 1 ", "open: its outcome is not recorded"]);
    let words: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(words, ["t-3", "1", "Cy", "cy@three.example", "2,", "restored", "after", "PT12H"]);
    let report = document(&says(&fixture, "report 1 --format json", 0, &[]));
    let second = json!({
        "tenant": "t-2", "things": 1, "owner": "Dora", "contact": "dora@two.example",
        "restore_batch": 1, "restored_after": "PT6H"
    });
    assert_eq!((&report["entry"], &report["decision"]["decision"]), (&json!(1), &json!("allow")));
    assert_eq!(report["tenants"][1], second);
    says(&fixture, "commit 1 --deleted 2 --failed", 0, &[]);
    says(&fixture, "report 1", 0, &["ran: 2 of the targets were deleted, and the run failed"]);
    says(&fixture, "check r.json", 1, &[]);
    says(&fixture, "report r-1", 0, &["not allowed: nothing was deleted"]);
    says(&fixture, "report 2", 2, &["entry 2 is not a decision"]);
    for nothing in ["report r-9", "report 99"] {
        says(&fixture, nothing, 2, &["help: `reprieve ledger list` lists the decisions"]);
    }
}

#[test]
fn replay_lists_new_allows_first() {
    let fixture = fixture();
    write(&fixture, "two.json", &request(&[1, 2]).to_string());
    says(&fixture, "check two.json", 0, &[]);
    says(&fixture, "check two.json", 1, &[]);
    assert_eq!(says(&fixture, "replay", 0, &[]), "3 decisions replayed: 0 differ\n");

    write(&fixture, "strict.toml", &CONFIG.replace("soft = 5", "soft = 1"));
    let printed = says(&fixture, "replay --config strict.toml", 0, &["2 differ, 0 of them would be allowed now"]);
    assert!(
        printed.starts_with("allow -> deny  entry 1 (r-1, 20") && printed.contains(") +timing/too-fast\n"),
        "{printed}"
    );

    let small = "blast-radius\"\nsettings = { max_tenants_soft = 2 }";
    let other = CONFIG.replace("soft = 5", "soft = 50").replace("blast-radius\"", small);
    write(&fixture, "other.toml", &other);
    let printed = says(&fixture, "replay --config other.toml", 1, &["2 differ, 1 of them would be allowed now"]);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("deny -> allow  entry 3 ") && lines[0].ends_with(" -timing/too-fast"), "{printed}");
    assert!(lines[1].starts_with("allow -> deny  entry 1 "), "{printed}");
    assert!(lines[1].ends_with(" +blast-radius/too-many-tenants"), "{printed}");
    assert_eq!(says(&fixture, "replay --config other.toml --accept-allows", 0, &[]), printed);
    says(&fixture, "replay --accept-allows", 2, &["--config <FILE>"]);
    says(&fixture, "replay --since 2099-01-01T00:00:00Z", 0, &["0 decisions replayed"]);
}

#[test]
fn a_report_escapes_control_characters() {
    let fixture = fixture();
    let mut other = request(&[4]);
    other["id"] = "r\u{200b}allow\u{202e}".into();
    other["targets"][0]["id"] = "a\u{1b}]0;x\u{7}".into();
    other["targets"][0]["tenant"] = "t\u{2066}[1A".into();
    write(&fixture, "other.json", &other.to_string());
    let id = r"r\u{200b}allow\u{202e}";
    let mut all = vec![
        says(&fixture, "check other.json", 0, &[id]),
        says(&fixture, "report 2", 0, &[id, r"t\u{2066}[1A  "]),
        says(&fixture, "ledger list", 0, &[id]),
        says(&fixture, "split other.json --out parts", 0, &[id]),
    ];
    for (pointer, name) in [("/id", "r\n\u{1b}[2Jallow"), ("/environment", "staging\r\u{9b}1m")] {
        let mut unreadable = other.clone();
        *unreadable.pointer_mut(pointer).unwrap() = name.into();
        write(&fixture, "unreadable.json", &unreadable.to_string());
        all.push(says(&fixture, "check unreadable.json", 2, &[pointer, "control character"]));
    }
    other["mode"] = "\u{1b}[2Jallow".into();
    write(&fixture, "other.json", &other.to_string());
    for text in all.iter().chain([&says(&fixture, "check other.json", 2, &[r"\u{1b}[2Jallow"])]) {
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n')
                && !text.contains(['\u{202e}', '\u{200b}', '\u{2066}']),
            "{text:?}"
        );
        assert!(!text.contains("\n[2Jallow"), "{text:?}");
    }
}

#[test]
fn replay_lists_entries_in_their_order() {
    let fixture = fixture();
    (2..=11).for_each(|entry| drop(says(&fixture, "check r.json", 1, &[&format!("recorded as entry {entry} ")])));
    write(&fixture, "other.toml", &CONFIG.replace("soft = 5", "soft = 500"));
    let printed = says(&fixture, "replay --config other.toml", 1, &["10 differ"]);
    let entry = |line: &str| line.split_once("entry ")?.1.split(' ').next()?.parse::<u64>().ok();
    assert_eq!(printed.lines().filter_map(entry).collect::<Vec<_>>(), (2..=11).collect::<Vec<_>>());
}
