//! `reprieve approve --key`: a signed approval counts for what was signed, and for nothing else.

use crate::support::fixture::{command, document, says, write};
use serde_json::{Value, json};
use tempfile::TempDir;

fn config(signed: bool) -> String {
    format!(
        "[approvals]\nkeys = \"people.json\"\nsigned = {signed}\n\n\
         [[policy]]\nuse = \"builtin:authority\"\nsettings = {{ approvals_soft = 2 }}\n"
    )
}

fn request() -> Value {
    json!({
        "id": "r-1", "mode": "soft", "environment": "production", "target_kind": "app",
        "actor": { "id": "svc", "type": "automation", "on_behalf_of": "carol",
            "credential": { "purpose": "deletion", "environment": "production" } },
        "campaign": "c-1", "reason": { "trigger": "request", "ticket": "7" },
        "operation": { "verb": "delete", "selector": "stage = 'closed'", "by": "ids" },
        "targets": [{ "id": "a-1", "tenant": "t-1" }, { "id": "a-2", "tenant": "t-2" }, { "id": "a-3", "tenant": "t-3" }]
    })
}

/// A folder with the request `r.json`, which requires two approvals.
fn fixture(signed: bool) -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "reprieve.toml", &config(signed));
    for person in ["alice", "bob", "mallory"] {
        let keys = if person == "mallory" { "others.json" } else { "people.json" };
        says(&fixture, &format!("keys new {person} --keys {keys}"), 0, &[]);
    }
    write(&fixture, "r.json", &request().to_string());
    fixture
}

fn read(fixture: &TempDir, name: &str) -> Value {
    document(&std::fs::read_to_string(fixture.path().join(name)).unwrap())
}

fn approve(fixture: &TempDir, arguments: &str) {
    says(fixture, &format!("approve r.json {arguments}"), 0, &["approves the soft delete of 3 `app` of 3 tenants"]);
}

fn signed_by_two(signed: bool) -> TempDir {
    let fixture = fixture(signed);
    approve(&fixture, "--key alice.key");
    approve(&fixture, "--key bob.key");
    fixture
}

#[test]
fn two_people_sign_and_the_batch_is_allowed() {
    let fixture = fixture(true);
    says(&fixture, "check r.json --verbose", 1, &["the batch has 0 of 2 required approvals"]);
    approve(&fixture, "--key alice.key");
    says(&fixture, "check r.json --verbose", 1, &["the batch has 1 of 2 required approvals"]);
    approve(&fixture, "--key alice.key");
    says(&fixture, "check r.json --verbose", 1, &["the batch has 1 of 2 required approvals"]);
    approve(&fixture, "--key bob.key");
    says(&fixture, "check r.json", 0, &["allow", "signed: approval by alice, approval by alice, approval by bob"]);
    let by: Vec<Value> =
        read(&fixture, "r.json")["approvals"].as_array().unwrap().iter().map(|a| a["by"].clone()).collect();
    assert_eq!(by, ["alice", "alice", "bob"]);
}

#[test]
fn what_nobody_signed_counts_only_where_the_set_says_so() {
    let fixture = fixture(true);
    approve(&fixture, "--unsigned --as alice");
    approve(&fixture, "--unsigned --as bob");
    says(&fixture, "check r.json --verbose", 1, &["it is not signed, and only signed approvals count"]);
    write(&fixture, "reprieve.toml", &config(false));
    says(&fixture, "check r.json", 0, &[]);
    // A name counts once, signed or not.
    let fixture = self::fixture(false);
    approve(&fixture, "--unsigned --as Alice");
    approve(&fixture, "--key alice.key");
    says(&fixture, "check r.json --verbose", 1, &["the batch has 1 of 2 required approvals"]);
}

#[test]
fn a_key_that_is_not_trusted_does_not_count_even_where_unsigned_approvals_do() {
    for signed in [true, false] {
        let fixture = fixture(signed);
        approve(&fixture, "--key alice.key");
        approve(&fixture, "--key mallory.key");
        let says_why = ["`mallory`", "which is not trusted", "/approvals/1/token"];
        says(&fixture, "check r.json --verbose", 1, &says_why);
        write(&fixture, "reprieve.toml", &config(signed).replace("people.json", "others.json"));
        says(
            &fixture,
            "check r.json --verbose",
            1,
            &["the approval by `alice` does not count", "which is not trusted"],
        );
    }
    let fixture = signed_by_two(false);
    let no_keys = config(false);
    write(&fixture, "reprieve.toml", no_keys.split_once("\n\n").unwrap().1);
    says(&fixture, "check r.json --verbose", 1, &["cannot be verified"]);
}

/// Whatever is changed after two people signed, at least one approval no longer counts.
#[test]
fn a_signature_is_for_this_request_and_no_other() {
    let fixture = signed_by_two(false);
    let right = read(&fixture, "r.json");
    let denied = |changed: &Value, what: &str| {
        write(&fixture, "r.json", &changed.to_string());
        let printed = says(&fixture, "check r.json --verbose", 1, &["deny authority/approval-differs"]);
        assert!(printed.contains("approvals"), "{what}: {printed}");
    };
    let changed = |pointer: &str, value: Value| {
        let mut changed = right.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        changed
    };
    for (pointer, value) in [
        ("/id", json!("r-2")),
        ("/id", json!("r-1/wave-001")),
        ("/mode", json!("hard")),
        ("/environment", json!("staging")),
        ("/target_kind", json!("site")),
        ("/targets", json!([{ "id": "a-1", "tenant": "t-1" }])),
        ("/operation/program_sha256", json!("5c".repeat(32))),
        ("/operation/selector", json!("true")),
        ("/operation/selector", Value::Null),
        ("/actor/id", json!("another")),
        ("/campaign", json!("c-2")),
        ("/campaign", Value::Null),
        ("/reason/ticket", json!("8")),
        ("/reason/trigger", json!("disuse")),
        ("/reason", Value::Null),
        ("/approvals/0/by", json!("bob")),
        ("/approvals/0/by", json!("dave")),
        ("/approvals/0/type", json!("automation")),
        ("/approvals/0/at", json!("2030-01-01T00:00:00Z")),
        ("/approvals/0/mode", json!("hard")),
        ("/approvals/0/kinds", json!({ "app": 2 })),
        ("/approvals/0/tenants", json!(2)),
        ("/approvals/0/targets_sha256", json!("5c".repeat(32))),
        ("/approvals/0/program_sha256", json!("5c".repeat(32))),
        ("/approvals/0/token", json!("")),
        ("/approvals/0/token", json!("e30.e30.")),
        ("/approvals/0/token", right["approvals"][1]["token"].clone()),
    ] {
        denied(&changed(pointer, value.clone()), &format!("{pointer} = {value}"));
    }
    // A few characters of each part of the token.
    let token = right["approvals"][0]["token"].as_str().unwrap();
    for at in (0..token.len()).step_by(token.len() / 24) {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let altered = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        denied(&changed("/approvals/0/token", json!(altered)), &format!("byte {at} of the token"));
    }
    write(&fixture, "r.json", &right.to_string());
    says(&fixture, "check r.json", 0, &[]);
}

#[test]
fn the_name_of_a_signed_approval_is_that_of_the_key() {
    let fixture = fixture(true);
    says(&fixture, "approve r.json --key alice.key --as bob", 2, &["cannot be used with"]);
    says(&fixture, "approve r.json", 2, &["--key"]);
    says(&fixture, "approve r.json --unsigned", 2, &["--as"]);
    says(&fixture, "approve r.json --key people.json", 2, &["people.json"]);
    assert_eq!(read(&fixture, "r.json"), request());
}

#[test]
fn a_set_with_other_keys_or_environments_is_another_set_and_replays_as_such() {
    let fixture = signed_by_two(true);
    // Outside of production, three approvals are not needed.
    let production = "when = { environment = \"production\" }\nsettings = { approvals_soft = 3 }\n";
    let by_two = config(true);
    let policies = by_two.replace("settings = { approvals_soft = 2 }\n", production)
        + "\n[[policy]]\nuse = \"builtin:timing\"\n";
    let signed = by_two.clone() + "\n[[policy]]\nuse = \"builtin:timing\"\n";
    let other_environments = format!("[environments]\nnot_production = [\"qa\"]\n\n{policies}");
    let other_keys = signed.replace("people.json", "others.json");
    let unsigned = signed.replace("signed = true", "signed = false");

    write(&fixture, "reprieve.toml", &format!("ledger = \"reprieve.db\"\n{signed}"));
    says(&fixture, "ledger new", 0, &[]);
    says(&fixture, "check r.json", 0, &["recorded as entry 1"]);
    write(&fixture, "reprieve.toml", &format!("ledger = \"reprieve.db\"\n{policies}"));
    let staging = json!({ "environment": "staging" });
    let staging = request().as_object().unwrap().clone().into_iter().chain(staging.as_object().unwrap().clone());
    write(&fixture, "s.json", &Value::from_iter(staging).to_string());
    says(&fixture, "check s.json", 0, &["recorded as entry 2"]);
    says(&fixture, "replay", 0, &["2 decisions replayed: 0 differ"]);

    let sets = [&signed, &unsigned, &other_keys, &policies, &other_environments];
    let digests: std::collections::BTreeSet<String> = sets
        .iter()
        .map(|set| {
            write(&fixture, "other.toml", set);
            let output = command(&fixture, "check s.json --config other.toml --format json").output().unwrap();
            document(&String::from_utf8(output.stdout).unwrap())["policy_set_sha256"].to_string()
        })
        .collect();
    assert_eq!(digests.len(), sets.len(), "{digests:?}");

    write(&fixture, "other.toml", &other_keys);
    says(&fixture, "replay --config other.toml", 0, &["allow -> deny  entry 1", "+authority/approval-differs"]);
    write(&fixture, "other.toml", &other_environments);
    says(&fixture, "replay --config other.toml", 0, &["allow -> deny  entry 2", "+authority/too-few-approvals"]);
    write(&fixture, "other.toml", &unsigned);
    let printed = says(&fixture, "replay --config other.toml", 0, &["2 decisions replayed: 1 differ"]);
    assert!(!printed.contains("entry 1"), "{printed}");

    // The keys are in the ledger: without the file, the recorded set is as it was.
    std::fs::remove_file(fixture.path().join("people.json")).unwrap();
    write(&fixture, "reprieve.toml", "ledger = \"reprieve.db\"\n");
    says(&fixture, "replay", 0, &["2 decisions replayed: 0 differ"]);
    says(&fixture, "ledger verify", 0, &[]);
}

/// A folder with a request that needs a dry run and a backup, and the keys of a system that makes them.
fn attested(signed: bool) -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    let set = format!(
        "[attestations]\nkeys = \"systems.json\"\nsigned = {signed}\n\n\
         [[policy]]\nuse = \"builtin:rehearsal\"\n\n\
         [[policy]]\nuse = \"builtin:recovery\"\nmissing = \"warn\"\n"
    );
    write(&fixture, "reprieve.toml", &set);
    for (key, keys) in [("ci", "systems.json"), ("backups", "systems.json"), ("mallory", "others.json")] {
        says(&fixture, &format!("keys new {key} --keys {keys}"), 0, &[]);
    }
    let mut request = request();
    request["recovery"] = json!({ "restore": { "tenants_per_batch": 3, "batch_duration": "PT1H" } });
    request["mode"] = json!("hard");
    for target in request["targets"].as_array_mut().unwrap() {
        target["tenant"] = json!("t-1");
    }
    write(&fixture, "r.json", &request.to_string());
    write(&fixture, "h.json", "[]");
    fixture
}

const BACKUP: &str = "--name b-1 --location vault --verified --immutable-until 2099-01-01T00:00:00Z --completed-at";

fn attest(fixture: &TempDir, dry_run: &str, backup: &str) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = reprieve::model::Timestamp::from_seconds(now as i64);
    says(fixture, &format!("attest dry-run r.json {dry_run}"), 0, &["added the dry run of 3 targets"]);
    says(fixture, &format!("attest backup r.json {BACKUP} {now} {backup}"), 0, &["added the backup of 3 targets"]);
}

#[test]
fn a_dry_run_and_a_backup_are_vouched_for() {
    let fixture = attested(true);
    attest(&fixture, "", "");
    let unsigned = ["deny rehearsal/dry-run-differs", "it is not signed, and only signed evidence counts"];
    let printed = says(&fixture, "check r.json --history h.json --verbose", 1, &unsigned);
    assert!(printed.contains("the backup `b-1` does not count"), "{printed}");
    let fixture = attested(true);
    attest(&fixture, "--key ci.key", "--key backups.key");
    let signed = ["signed: dry run by ci, backup by backups"];
    let printed = says(&fixture, "check r.json --history h.json --verbose", 0, &signed);
    assert!(!printed.contains("no-backup") && !printed.contains("dry-run-differs"), "{printed}");

    let right = read(&fixture, "r.json");
    for (pointer, value) in [
        ("/id", json!("r-2")),
        ("/environment", json!("staging")),
        ("/actor/id", json!("another")),
        ("/operation/selector", json!("true")),
        ("/dry_run/count", json!(4)),
        ("/dry_run/at", json!("2030-01-01T00:00:00Z")),
        ("/dry_run/token", right["recovery"]["checkpoints"][0]["token"].clone()),
        ("/recovery/checkpoints/0/location", json!("elsewhere")),
        ("/recovery/checkpoints/0/immutable_until", json!("2199-01-01T00:00:00Z")),
        ("/recovery/checkpoints/0/token", json!("e30.e30.")),
    ] {
        let mut changed = right.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        write(&fixture, "c.json", &changed.to_string());
        let printed = says(&fixture, "check c.json --history h.json --verbose", 1, &["deny"]);
        assert!(printed.contains("does not count: "), "{pointer}: {printed}");
    }
}

#[test]
fn a_foreign_signature_is_wrong_even_where_none_is_required() {
    let fixture = attested(false);
    attest(&fixture, "--key mallory.key", "--key mallory.key");
    let foreign = ["deny rehearsal/dry-run-differs", "which is not trusted", "/recovery/checkpoints/0/token"];
    says(&fixture, "check r.json --history h.json --verbose", 1, &foreign);
    // An approver's signature is not that of a system.
    let fixture = attested(false);
    attest(&fixture, "", "");
    says(&fixture, "check r.json --history h.json", 0, &["allow"]);
}
