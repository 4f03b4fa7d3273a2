//! Overrides: two people, one list, one use. And what is on record: who is affected, and what others would have said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod desk;

use desk::{CONFIG, document, is_there, says, write};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

/// A desk at which the batch `r.json` was allowed once, and is too fast from now on.
fn desk() -> TempDir {
    let desk = desk::desk();
    write(&desk, "r.json", &request(&[1, 2, 3]).to_string());
    says(&desk, "check r.json", 0, &["recorded as entry 1"]);
    desk
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

fn read(desk: &TempDir, name: &str) -> Value {
    document(&std::fs::read_to_string(desk.path().join(name)).unwrap())
}

/// Has alice write an override for the list of `r.json`, with these arguments more.
fn by_alice(desk: &TempDir, more: &str) {
    let new = format!("override new r.json --reason outage --key alice.key {more}");
    says(desk, &new, 0, &["signed by alice; it takes a second signature: `reprieve override sign`"]);
}

/// The same, signed by bob as well.
fn by_two(desk: &TempDir, more: &str) {
    by_alice(desk, more);
    says(desk, &format!("{BY_BOB} override.json"), 0, &["  signed by alice and bob\n"]);
}

const TOO_FAST: &str = "--codes timing/too-fast";
const BY_BOB: &str = "override sign --key bob.key --keys people.json";
const CHECK: &str = "check r.json --override override.json";

#[test]
fn one_person_is_not_enough_however_often_they_sign() {
    let desk = desk();
    by_alice(&desk, TOO_FAST);
    let one = ["it takes the signatures of 2 people, and has 1", "help: `reprieve override sign` adds a signature"];
    says(&desk, CHECK, 2, &one);
    let again = "override sign override.json --key alice.key --keys people.json";
    says(&desk, again, 0, &["  signed by alice\n"]);
    assert_eq!(read(&desk, "override.json")["signatures"].as_array().unwrap().len(), 2);
    says(&desk, CHECK, 2, &one);
    write(&desk, "override.json", r#"{ "signatures": [] }"#);
    says(&desk, CHECK, 2, &["it takes the signatures of 2 people, and has 0"]);
    says(&desk, "override new r.json --reason x --key alice.key --codes a/b", 2, &["override.json is there already"]);
}

#[test]
fn one_key_under_two_names_is_one_person() {
    let desk = desk();
    let (mut key, mut set) = (read(&desk, "alice.key"), read(&desk, "people.json"));
    key["kid"] = "alison".into();
    let public = json!({ "kty": key["kty"], "crv": key["crv"], "kid": key["kid"], "x": key["x"] });
    set["keys"].as_array_mut().unwrap().push(public);
    write(&desk, "people.json", &set.to_string());
    // In the place of a file with the right mode.
    write(&desk, "bob.key", &key.to_string());
    by_alice(&desk, TOO_FAST);
    says(&desk, &format!("{BY_BOB} override.json"), 2, &["alison"]);
}

#[test]
fn two_people_lift_a_finding_once() {
    let desk = desk();
    by_two(&desk, TOO_FAST);
    let shown = [
        "lifts timing/too-fast",
        "because outage",
        "signed by alice and bob",
        "until 20",
        "for a soft delete in production",
    ];
    says(&desk, "override show override.json --keys people.json", 0, &shown);
    let once = "an override is used once, and only a ledger can see to that";
    says(&desk, &format!("{CHECK} --no-ledger"), 2, &[once, "help: `--ledger FILE`"]);
    let lifted = [
        " by alice and bob: outage\nlifts timing/too-fast; until 20",
        "\ndeny timing/too-fast (lifted by the override)\n",
        "; 0 denials, 0 warnings, 0 faults\n",
    ];
    let report = says(&desk, CHECK, 0, &lifted);
    assert!(report.starts_with("allow r-1: ") && report.contains("\n\nOVERRIDE "), "{report}");
    assert!(report.ends_with("\nOVERRIDE\nallow\n"), "nobody overlooks it:\n{report}");
    let used = ["\ndeny timing/too-fast\n", "\nwarn gate/override\n", "was used before, in entry 2\n"];
    let report = says(&desk, CHECK, 1, &used);
    assert!(!report.contains("OVERRIDE") && !report.contains("lifted"), "{report}");
    says(&desk, "ledger list", 0, &["r-1  open  OVERRIDE\n"]);
    says(&desk, "report 2", 0, &["OVERRIDE", " by alice and bob: outage"]);
    says(&desk, "replay", 0, &["3 decisions made again: 0 differ"]);
}

#[test]
fn the_document_names_who_signed() {
    let desk = desk();
    by_two(&desk, TOO_FAST);
    let decision = document(&says(&desk, &format!("{CHECK} --format json --permit p"), 0, &[]));
    let glass = &decision["break_glass"];
    assert_eq!(glass["signed_by"], json!(["alice", "bob"]));
    assert_eq!(glass["codes"], json!(["timing/too-fast"]));
    assert_eq!((&glass["reason"], &glass["targets_sha256"]), (&json!("outage"), &decision["targets_sha256"]));
    let finding = &decision["findings"][0];
    assert_eq!((&finding["severity"], &finding["lifted"]), (&json!("deny"), &json!(true)));
    assert_eq!(decision["permit"], decision["ledger"]["sha256"]);
}

#[test]
fn an_override_is_for_one_list() {
    let desk = desk();
    by_two(&desk, TOO_FAST);
    write(&desk, "other.json", &request(&[3, 2, 1]).to_string());
    let other = ["\ndeny timing/too-fast\n", "\nwarn gate/override\n", "is for another list"];
    says(&desk, "check other.json --override override.json", 1, &other);
    says(&desk, CHECK, 0, &["lifted by the override"]);
}

#[test]
fn an_override_is_for_one_request() {
    let desk = desk();
    by_two(&desk, TOO_FAST);
    let list = document(&says(&desk, "report 1 --format json", 0, &[]))["decision"]["targets_sha256"].clone();
    // In staging nothing is too fast yet.
    for (field, value, status) in [("mode", "hard", 1), ("environment", "staging", 0), ("id", "r-2", 1)] {
        let mut other = request(&[1, 2, 3]);
        other[field] = value.into();
        write(&desk, "other.json", &other.to_string());
        let found = ["is for another request (`", "`, soft in production)"];
        let decision =
            document(&says(&desk, "check other.json --override override.json --format json", status, &found));
        assert!(decision["targets_sha256"] == list && decision["break_glass"].is_null(), "{field}: {decision}");
    }
    says(&desk, CHECK, 0, &["lifted by the override"]);
}

#[test]
fn an_override_that_lifts_nothing_is_not_used_up() {
    let desk = desk();
    by_two(&desk, TOO_FAST);
    says(&desk, "abort 1 --reason x", 0, &[]);
    assert!(!says(&desk, CHECK, 0, &[]).contains("OVERRIDE"));
    says(&desk, CHECK, 0, &["OVERRIDE", "lifted by the override"]);
}

#[test]
fn an_override_expires() {
    let desk = desk();
    by_two(&desk, "--codes timing/too-fast --for PT1S");
    std::thread::sleep(Duration::from_secs(2));
    let until = document(&says(&desk, &format!("{CHECK} --format json"), 1, &[]));
    let finding = until["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "gate/override");
    assert_eq!(finding.unwrap()["severity"], "warn");
    says(&desk, CHECK, 1, &["\ndeny timing/too-fast\n", "\nwarn gate/override\n", " could be used until 20"]);
}

#[test]
fn faults_and_halts_are_not_lifted() {
    let desk = desk();
    let mut late = request(&[1, 2, 3]);
    late["schedule"] = json!({ "expires_at": "2020-01-01T00:00:00Z" });
    write(&desk, "r.json", &late.to_string());
    by_two(&desk, TOO_FAST);
    let fault = ["fault gate: expired", "deny timing/too-fast (lifted by the override)", "\nundecided\n"];
    says(&desk, CHECK, 2, &fault);
    write(&desk, "r.json", &request(&[1, 2, 3]).to_string());
    std::fs::remove_file(desk.path().join("override.json")).unwrap();
    by_two(&desk, TOO_FAST);
    says(&desk, "halt --reason fire --by carol", 0, &[]);
    says(&desk, CHECK, 1, &["\ndeny gate/halted\n", "deny timing/too-fast (lifted by the override)"]);
    says(&desk, "resume --reason out", 0, &[]);
    // Neither used it up, for neither was an allow.
    says(&desk, CHECK, 0, &["\nOVERRIDE\nallow\n"]);
}

#[test]
fn some_overrides_cannot_be_written() {
    let desk = desk();
    let new = "override new r.json --key alice.key";
    for code in ["retention/legal-hold", "retention/*", "gate/halted", "timing/too-fast,gate/ledger"] {
        let never = format!("nobody can lift `{}`", code.rsplit(',').next().unwrap());
        says(&desk, &format!("{new} --reason x --codes {code}"), 2, &[&never]);
    }
    says(&desk, &format!("{new} --reason= {TOO_FAST}"), 2, &["it does not say why"]);
    let days = ["it is good for 172800 seconds, and at most 86400 are allowed"];
    says(&desk, &format!("{new} --reason x {TOO_FAST} --for P2D"), 2, &days);
    says(&desk, &format!("{new} --reason x {TOO_FAST} --for PT0S"), 2, &["it is good for 0 seconds"]);
    assert!(!is_there(&desk, "override.json"));
    says(&desk, &format!("{new} --reason x --codes="), 2, &["it names no code to lift"]);
    assert!(!is_there(&desk, "override.json"));
}

#[test]
fn signatures_for_different_things_do_not_add_up() {
    let desk = desk();
    by_alice(&desk, TOO_FAST);
    let by_bob = "override new r.json --codes timing/slow-down --reason outage --key bob.key --out bob.json";
    says(&desk, by_bob, 0, &[]);
    let mut merged = read(&desk, "override.json");
    let signature = read(&desk, "bob.json")["signatures"][0].clone();
    merged["signatures"].as_array_mut().unwrap().push(signature);
    write(&desk, "override.json", &merged.to_string());
    let show = "override show override.json --keys people.json";
    for line in [CHECK, show, &format!("{BY_BOB} override.json")] {
        says(&desk, line, 2, &["its signatures are not for the same override"]);
    }
    assert_eq!(read(&desk, "override.json"), merged);
}

#[test]
fn the_signatures_of_strangers_and_forgers_do_not_hold() {
    let desk = desk();
    by_alice(&desk, TOO_FAST);
    let one = read(&desk, "override.json");
    says(&desk, "keys new eve --keys everybody.json", 0, &[]);
    let sign = "override sign override.json --key eve.key --keys";
    let stranger = ["signature 2: it is signed with the key `eve`, which is not among those trusted"];
    says(&desk, &format!("{sign} people.json"), 2, &stranger);
    assert_eq!(read(&desk, "override.json"), one);
    // She can make a set of her own; the gate's is another.
    let mut everybody = read(&desk, "people.json");
    everybody["keys"].as_array_mut().unwrap().push(read(&desk, "everybody.json")["keys"][0].clone());
    write(&desk, "everybody.json", &everybody.to_string());
    says(&desk, &format!("{sign} everybody.json"), 0, &["signed by alice and eve"]);
    says(&desk, CHECK, 2, &stranger);

    write(&desk, "override.json", &one.to_string());
    says(&desk, &format!("{BY_BOB} override.json"), 0, &[]);
    let mut altered = read(&desk, "override.json");
    let mut token = altered["signatures"][1].as_str().unwrap().as_bytes().to_vec();
    let middle = token.len() / 2;
    token[middle] = if token[middle] == b'A' { b'B' } else { b'A' };
    altered["signatures"][1] = String::from_utf8(token).unwrap().into();
    write(&desk, "override.json", &altered.to_string());
    says(&desk, CHECK, 2, &["signature 2: its signature is not by the key `bob`: it was forged or altered"]);
}

#[test]
fn nobody_lifts_anything_where_nobody_may() {
    let desk = desk();
    by_two(&desk, TOO_FAST);
    write(&desk, "reprieve.toml", &CONFIG.replace("[overrides]\nkeys = \"people.json\"\n", ""));
    says(&desk, CHECK, 2, &["nobody may lift findings here", "help: `[overrides] keys = "]);
    says(&desk, "check r.json --override reprieve.toml", 2, &["this is not an override"]);
}

#[test]
fn a_report_says_whom_to_write_to_and_when_they_are_back() {
    let desk = desk();
    let csv = "tenant,things,owner,contact,restore_batch,restored_after
t-1,1,Ann,ann@one.example,1,PT6H
t-2,1,Dora,dora@two.example,1,PT6H
t-3,1,Cy,cy@three.example,2,PT12H
";
    assert_eq!(says(&desk, "report 1 --format csv", 0, &[]), csv);
    assert_eq!(says(&desk, "report r-1 --format csv", 0, &[]), csv);
    let table = says(&desk, "report r-1", 0, &["recorded as entry 1 ", "open: nobody has said what became of it"]);
    let words: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(words, ["t-3", "1", "Cy", "cy@three.example", "2,", "done", "after", "PT12H"]);
    let report = document(&says(&desk, "report 1 --format json", 0, &[]));
    let second = json!({
        "tenant": "t-2", "things": 1, "owner": "Dora", "contact": "dora@two.example",
        "restore_batch": 1, "restored_after": "PT6H"
    });
    assert_eq!((&report["entry"], &report["decision"]["decision"]), (&json!(1), &json!("allow")));
    assert_eq!(report["tenants"][1], second);
    says(&desk, "commit 1 --deleted 2 --failed", 0, &[]);
    says(&desk, "report 1", 0, &["ran: 2 of the targets were deleted, and it went wrong"]);
    says(&desk, "check r.json", 1, &[]);
    says(&desk, "report r-1", 0, &["not allowed: nothing was deleted"]);
    says(&desk, "report 2", 2, &["entry 2 is no decision"]);
    for nothing in ["report r-9", "report 99"] {
        says(&desk, nothing, 2, &["help: `reprieve ledger list` shows the decisions"]);
    }
}

#[test]
fn replay_lists_first_what_another_set_would_let_run() {
    let desk = desk();
    write(&desk, "two.json", &request(&[1, 2]).to_string());
    says(&desk, "check two.json", 0, &[]);
    says(&desk, "check two.json", 1, &[]);
    assert_eq!(says(&desk, "replay", 0, &[]), "3 decisions made again: 0 differ\n");

    write(&desk, "strict.toml", &CONFIG.replace("soft = 5", "soft = 1"));
    let said = says(&desk, "replay --config strict.toml", 0, &["2 differ, 0 of them are allowed now"]);
    assert!(said.starts_with("allow -> deny  entry 1 (r-1, 20") && said.contains(") +timing/too-fast\n"), "{said}");

    let small = "blast-radius\"\nsettings = { max_tenants_soft = 2 }";
    let other = CONFIG.replace("soft = 5", "soft = 50").replace("blast-radius\"", small);
    write(&desk, "other.toml", &other);
    let said = says(&desk, "replay --config other.toml", 1, &["2 differ, 1 of them are allowed now"]);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("deny -> allow  entry 3 ") && lines[0].ends_with(" -timing/too-fast"), "{said}");
    assert!(lines[1].starts_with("allow -> deny  entry 1 "), "{said}");
    assert!(lines[1].ends_with(" +blast-radius/too-many-tenants"), "{said}");
    assert_eq!(says(&desk, "replay --config other.toml --accept-allows", 0, &[]), said);
    says(&desk, "replay --accept-allows", 2, &["--config <FILE>"]);
    says(&desk, "replay --since 2099-01-01T00:00:00Z", 0, &["0 decisions made again"]);
}

#[test]
fn a_report_has_no_lines_of_others() {
    let desk = desk();
    let mut other = request(&[4]);
    other["id"] = "r\n\u{1b}[2Jallow\u{202e}".into();
    other["environment"] = "staging\r\u{9b}1m".into();
    other["targets"][0]["id"] = "a\u{1b}]0;x\u{7}".into();
    other["targets"][0]["tenant"] = "t\n\u{1b}[1A".into();
    write(&desk, "other.json", &other.to_string());
    let id = r"r\n\u{1b}[2Jallow\u{202e}";
    let all = [
        says(&desk, "check other.json", 0, &[id, r" in staging\r\u{9b}1m"]),
        says(&desk, "report 2", 0, &[id, r"t\n\u{1b}[1A  "]),
        says(&desk, "ledger list", 0, &[id]),
        says(&desk, "split other.json --out parts", 0, &[id]),
    ];
    other["mode"] = "\u{1b}[2Jallow".into();
    write(&desk, "other.json", &other.to_string());
    for text in all.iter().chain([&says(&desk, "check other.json", 2, &[r"\u{1b}[2Jallow"])]) {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n') && !text.contains('\u{202e}'), "{text:?}");
        assert!(!text.contains("\n[2Jallow"), "{text:?}");
    }
}

#[test]
fn replay_lists_entries_in_their_order() {
    let desk = desk();
    (2..=11).for_each(|entry| drop(says(&desk, "check r.json", 1, &[&format!("recorded as entry {entry} ")])));
    write(&desk, "other.toml", &CONFIG.replace("soft = 5", "soft = 500"));
    let said = says(&desk, "replay --config other.toml", 1, &["10 differ"]);
    let entry = |line: &str| line.split_once("entry ")?.1.split(' ').next()?.parse::<u64>().ok();
    assert_eq!(said.lines().filter_map(entry).collect::<Vec<_>>(), (2..=11).collect::<Vec<_>>());
}
