//! Keys, permits and the ledger: a permit is valid once, for one list, for a limited time.

use crate::support::fixture::{self, CONFIG, command, document, exists, says, write};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// A fixture in which the batch `r.json` is allowed the first time, and too fast the second time.
fn fixture() -> TempDir {
    let fixture = fixture::fixture();
    write(&fixture, "r.json", &request(3).to_string());
    write(&fixture, "two.json", &request(2).to_string());
    write(&fixture, "list.ndjson", &says(&fixture, "targets r.json", 0, &["a-3"]));
    write(&fixture, "two.ndjson", &says(&fixture, "targets two.json", 0, &["a-2"]));
    fixture
}

/// As [`fixture`], with the permit `p` of the first decision.
fn permitted() -> TempDir {
    let fixture = fixture();
    says(&fixture, "check r.json --permit p", 0, &["recorded as entry 1"]);
    fixture
}

fn request(targets: usize) -> Value {
    let target = |i| json!({ "id": format!("a-{i}"), "kind": "app", "tenant": format!("t-{i}") });
    let targets: Vec<Value> = (1..=targets).map(target).collect();
    json!({
        "id": "r-1", "mode": "soft", "environment": "production", "target_kind": "app", "targets": targets
    })
}

fn read(fixture: &TempDir, name: &str) -> String {
    std::fs::read_to_string(fixture.path().join(name)).unwrap()
}

#[cfg(unix)]
fn mode(fixture: &TempDir, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(fixture.path().join(name)).unwrap().permissions().mode() & 0o777
}

const VERIFY: &str = "permit verify p --targets list.ndjson";

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_keys_and_permits() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = permitted();
    assert_eq!([mode(&fixture, "permits.key"), mode(&fixture, "alice.key"), mode(&fixture, "p")], [0o600; 3]);
    for open in [0o644, 0o640, 0o604] {
        let key = fixture.path().join("permits.key");
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(open)).unwrap();
        says(
            &fixture,
            "check r.json --permit q",
            2,
            &[
                "users other than its owner can read this private key",
                "help: allow only its owner to read it (mode 600)",
            ],
        );
    }
    assert!(!exists(&fixture, "q"));
    assert_eq!(
        says(&fixture, "ledger list", 0, &[]).lines().count(),
        1,
        "the error comes before anything is reserved"
    );
}

#[test]
fn rejects_a_private_key_in_a_public_set() {
    let fixture = permitted();
    let mut set = document(&read(&fixture, "keys.json"));
    assert_eq!(set["keys"][0]["kid"], "permits");
    assert_eq!(set["keys"][0].get("d"), None);
    set["keys"][0] = document(&read(&fixture, "permits.key"));
    write(&fixture, "keys.json", &set.to_string());
    let private = ["the key `permits` is a private key, but this file is public", "help: create a new key"];
    says(&fixture, VERIFY, 2, &private);
    says(&fixture, "keys new carol", 2, &private);
    assert!(!exists(&fixture, "carol.key"));
}

#[test]
fn a_new_key_does_not_replace_another() {
    let fixture = fixture();
    let before = [read(&fixture, "permits.key"), read(&fixture, "keys.json"), read(&fixture, "alice.key")];
    says(&fixture, "keys new permits", 2, &["keys.json: the set already has a key `permits`"]);
    says(&fixture, "keys new ../alice", 2, &["`../alice` is not a valid name for a key"]);
    let printed = says(&fixture, "keys new alice", 2, &["alice.key"]);
    assert_eq!(before, [read(&fixture, "permits.key"), read(&fixture, "keys.json"), read(&fixture, "alice.key")]);
    assert!(printed.contains("alice.key already exists") && printed.contains("help:"), "{printed}");
}

#[test]
fn a_private_key_is_never_printed_or_stored() {
    let fixture = permitted();
    let mut seen = Vec::new();
    let damaged = document(&read(&fixture, "permits.key"));
    let damaged = json!({ "kid": damaged["kid"], "x": "AA", "d": damaged["d"], "kty": "OKP", "crv": "Ed25519" });
    std::fs::copy(fixture.path().join("permits.key"), fixture.path().join("damaged.key")).unwrap();
    write(&fixture, "damaged.key", &damaged.to_string());
    for line in [
        VERIFY,
        VERIFY,
        "check r.json --permit q --format json",
        "override new r.json --codes timing/too-fast --reason x --key alice.key",
        "override new r.json --codes timing/too-fast --reason x --key damaged.key --out q",
        "override sign override.json --key bob.key --keys people.json",
        "override show override.json --keys people.json",
        "check r.json --override override.json --permit q",
        // The wrong file for every argument that accepts a file.
        "permit verify permits.key --targets list.ndjson",
        "permit verify p --targets permits.key",
        "permit verify p --targets list.ndjson --keys permits.key",
        "check permits.key",
        "check r.json --config permits.key",
        "check r.json --inventory permits.key",
        "check r.json --history permits.key",
        "check r.json --override permits.key",
        "check r.json --targets permits.key",
        "check r.json --ledger permits.key",
        "override sign permits.key --key permits.key --keys permits.key",
        "keys new carol --keys permits.key",
        "ledger list",
        "ledger verify",
        "report r-1 --format json",
        "replay",
    ] {
        let output = command(&fixture, line).output().unwrap();
        seen.push((line.to_owned(), [output.stdout, output.stderr].concat()));
    }
    for file in std::fs::read_dir(fixture.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "key") {
            seen.push((path.display().to_string(), std::fs::read(path).unwrap()));
        }
    }
    assert!(seen.iter().any(|(what, bytes)| what.ends_with("reprieve.db") && !bytes.is_empty()));
    for key in ["permits.key", "alice.key", "bob.key"] {
        let secret = document(&read(&fixture, key))["d"].as_str().unwrap().to_owned();
        for (what, bytes) in &seen {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{key}: {what}");
        }
    }
}

#[test]
fn a_permit_is_used_once_and_a_refusal_does_not_use_it_up() {
    let fixture = permitted();
    says(&fixture, "permit verify p --targets two.ndjson", 1, &["refused: other list: it is for the list `"]);
    says(&fixture, &format!("{VERIFY} --mode hard"), 1, &["refused: other mode: it is for mode `soft`"]);
    let staging = ["refused: other environment: it is for `production`, and this is `staging`"];
    says(&fixture, &format!("{VERIFY} --environment staging"), 1, &staging);
    says(&fixture, "halt --reason fire --by carol", 0, &[]);
    says(&fixture, VERIFY, 1, &["refused: halted: fire (by carol)", "`reprieve resume` lifts it"]);
    says(&fixture, "resume --reason out", 0, &[]);
    let right = format!("{VERIFY} --mode soft --environment production");
    says(&fixture, &right, 0, &["permitted: soft delete of 3 targets in production (r-1, entry 1), used at 20"]);
    says(&fixture, &right, 1, &["refused: replayed: it was used at 20", "help: a permit is used once"]);
}

#[test]
fn only_one_of_many_concurrent_uses_of_a_permit_succeeds() {
    let fixture = permitted();
    let start = |_| command(&fixture, VERIFY).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let processes: Vec<_> = (0..6).map(start).collect();
    let mut statuses: Vec<_> = processes.into_iter().map(|mut process| process.wait().unwrap().code()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [0, 1, 1, 1, 1, 1].map(Some));
}

#[test]
fn a_permit_of_another_key_is_foreign() {
    let (fixture, other) = (permitted(), permitted());
    std::fs::copy(other.path().join("p"), fixture.path().join("foreign")).unwrap();
    let foreign = "permit verify foreign --targets list.ndjson";
    says(&fixture, foreign, 1, &["refused: foreign: its signature is not by the key `permits`"]);
    let untrusted = ["refused: foreign: it is signed with the key `permits`, which is not trusted"];
    says(&fixture, &format!("{VERIFY} --keys people.json"), 1, &untrusted);
    says(&fixture, VERIFY, 0, &["permitted"]);
}

#[test]
fn an_altered_permit_is_forged() {
    let fixture = permitted();
    let mut token = read(&fixture, "p").into_bytes();
    let middle = token.len() / 2;
    token[middle] = if token[middle] == b'A' { b'B' } else { b'A' };
    write(&fixture, "altered", &String::from_utf8(token).unwrap());
    let forged = ["refused: foreign: its signature is not by the key `permits`: it was forged or altered"];
    says(&fixture, "permit verify altered --targets list.ndjson", 1, &forged);
}

#[test]
fn rejects_other_tokens_in_plain_words() {
    let fixture = permitted();
    says(&fixture, "override new r.json --codes timing/too-fast --reason x --key alice.key", 0, &[]);
    let signed = document(&read(&fixture, "override.json"))["signatures"][0].as_str().unwrap().to_owned();
    write(&fixture, "signed", &signed);
    // The key is trusted, but the token is of another kind.
    let signed = "permit verify signed --targets list.ndjson --keys people.json";
    says(&fixture, signed, 1, &["refused: foreign: it is not a reprieve-permit+jwt: ", "reprieve-override+jwt"]);
    says(
        &fixture,
        "permit verify none --targets list.ndjson",
        2,
        &["cannot read the permit: none: there is no such file"],
    );
    for garbage in ["", "garbage\n", "e.e.e"] {
        write(&fixture, "garbage", garbage);
        let printed = says(
            &fixture,
            "permit verify garbage --targets list.ndjson",
            1,
            &["refused: foreign: it is not a reprieve-permit+jwt: "],
        );
        assert!(!printed.contains("InvalidToken"), "the name of an error of a library: {printed}");
    }
}

#[test]
fn a_permit_expires() {
    let fixture = fixture();
    write(&fixture, "reprieve.toml", &CONFIG.replace("[permits]", "[permits]\nlifetime = \"PT0S\""));
    says(&fixture, "check r.json --permit p", 0, &[]);
    std::thread::sleep(Duration::from_secs(2));
    says(&fixture, VERIFY, 1, &["refused: expired: it could be used until 20", "help: vet the batch again"]);
}

#[test]
fn a_permit_ends_with_its_reservation() {
    let fixture = permitted();
    says(&fixture, "abort 1 --reason x", 0, &["entry 1 is aborted"]);
    says(&fixture, VERIFY, 1, &["refused: closed: its batch is already aborted"]);
    says(&fixture, "check r.json --permit p", 2, &["p already exists", "help: name a new file"]);
    std::fs::remove_file(fixture.path().join("p")).unwrap();
    says(&fixture, "check r.json --permit p", 0, &["recorded as entry 3"]);
    says(&fixture, "commit 3", 0, &["entry 3 is committed"]);
    says(&fixture, VERIFY, 1, &["refused: closed: its batch is already committed"]);
}

#[test]
fn a_permit_is_valid_for_at_most_one_day() {
    let fixture = fixture();
    write(&fixture, "reprieve.toml", &CONFIG.replace("[permits]", "[permits]\nlifetime = \"P30D\""));
    says(&fixture, "check r.json --permit p", 2, &["a permit is valid for at most 86400 seconds, not 2592000"]);
    says(&fixture, "ledger list --last 1", 0, &["aborted"]);
}

#[test]
fn a_batch_whose_permit_was_used_does_not_abort() {
    let fixture = permitted();
    says(&fixture, VERIFY, 0, &["used at"]);
    let refused =
        ["the permit of entry 1 was used (entry 2)", "help: ", "`reprieve commit 1 --failed --deleted COUNT`"];
    says(&fixture, "abort 1 --reason x", 2, &refused);
    says(&fixture, "commit 1 --failed --deleted 0", 0, &["entry 1 is committed"]);
}

#[test]
fn a_permit_is_unknown_to_another_ledger() {
    let fixture = permitted();
    // That ledger also has an allow in entry 1, of another batch.
    says(&fixture, "ledger new --ledger other.db", 0, &[]);
    says(&fixture, "check two.json --ledger other.db", 0, &["recorded as entry 1"]);
    let unknown = ["refused: unknown: the ledger has no allow in entry 1 with the id of the permit"];
    says(&fixture, &format!("{VERIFY} --ledger other.db"), 1, &unknown);
    says(&fixture, VERIFY, 0, &["permitted"]);
}

#[test]
fn two_ledgers_never_issue_the_same_permit() {
    let fixture = fixture();
    // The same batch in the same second: only the ledger differs.
    let same_second = |i| {
        for name in ["one", "other"] {
            says(&fixture, &format!("ledger new --ledger {name}-{i}.db"), 0, &[]);
        }
        let check = |name| says(&fixture, &format!("check r.json --format json --ledger {name}-{i}.db"), 0, &[]);
        let [one, other] = ["one", "other"].map(|name| document(&check(name)));
        (one["evaluated_at"] == other["evaluated_at"]).then_some((one, other))
    };
    let (one, other) = (0..20).find_map(same_second).unwrap();
    assert_ne!(one["ledger"]["sha256"], other["ledger"]["sha256"], "it could be used once in each");
}

#[test]
fn writes_a_permit_only_for_a_recorded_allow() {
    let fixture = fixture();
    let no_ledger = ["a permit is used once, which only a ledger can ensure", "help: set `ledger = \"reprieve.db\"`"];
    says(&fixture, "check r.json --no-ledger --permit p", 2, &no_ledger);
    let decision = document(&says(&fixture, "check r.json --permit p --format json", 0, &[]));
    assert_eq!(decision["permit"], decision["ledger"]["sha256"]);
    assert_eq!(decision["permit"].as_str().unwrap().len(), 64);
    let token = read(&fixture, "p");
    let parts = token.trim().split('.');
    assert!(parts.clone().count() == 3 && parts.clone().all(|part| !decision.to_string().contains(part)));
    let denied = document(&says(&fixture, "check r.json --permit q --format json", 1, &["timing/too-fast"]));
    assert_eq!(denied["permit"], Value::Null);
    assert!(!exists(&fixture, "q"));
    // An allow whose permit cannot be written is aborted.
    says(&fixture, "check two.json --permit nowhere/p", 2, &["cannot write the permit nowhere/p"]);
    says(&fixture, "ledger list --last 1", 0, &["aborted"]);
}

#[test]
fn the_ledger_lists_open_reservations_and_halts() {
    let fixture = permitted();
    says(&fixture, "check r.json", 1, &[]);
    let list = says(&fixture, "ledger list", 0, &[]);
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines.len() == 2 && lines[0].ends_with("r-1  open") && lines[1].ends_with("r-1"), "{list}");
    assert_eq!(says(&fixture, "ledger list --open", 0, &[]).trim_end(), lines[0]);
    let verified = says(&fixture, "ledger verify", 0, &["2 entries verified: 2 decisions, 1 of them open"]);
    let anchor = verified.trim_end().rsplit(' ').next().unwrap().to_owned();

    says(&fixture, "commit 1 --deleted 3 --note done", 0, &["entry 1 is committed"]);
    for again in ["commit 1", "abort 1 --reason x"] {
        says(&fixture, again, 2, &["the batch of entry 1 is already committed"]);
    }
    says(&fixture, "abort 2 --reason x", 2, &["the batch of entry 2 was not allowed"]);
    says(&fixture, "commit 77", 2, &["there is no decision in entry 77"]);
    assert_eq!(says(&fixture, "ledger list --open", 0, &[]), "");
    says(&fixture, "ledger list", 0, &["r-1  committed"]);

    says(&fixture, "halt --reason fire --by carol", 0, &["halted, recorded as entry 4"]);
    says(&fixture, "ledger list", 0, &["everything is halted by carol: fire (entry 4)\n"]);
    says(&fixture, "check two.json", 1, &["deny gate/halted", "everything is halted by carol: fire"]);
    says(&fixture, "resume --reason out --by carol", 0, &["resumed, recorded as entry 6"]);
    says(&fixture, "resume --reason out", 2, &["nothing is halted"]);
    assert!(!says(&fixture, "ledger list", 0, &[]).contains("everything is halted"));
    says(&fixture, "check two.json", 0, &[]);

    says(&fixture, &format!("ledger verify --anchor {anchor}"), 0, &["7 entries verified"]);
    let wrong = format!("ledger verify --anchor 2:{}", "0".repeat(64));
    says(&fixture, &wrong, 1, &["the ledger was altered", "its hash is not that of the anchor"]);
}

#[test]
fn verifying_a_missing_ledger_does_not_create_one() {
    let fixture = permitted();
    says(&fixture, "ledger verify --ledger typo.db", 2, &["typo.db"]);
    assert!(!exists(&fixture, "typo.db"), "verifying creates no file");
}
