//! Keys, permits and the ledger: a permit holds once, for one list, and as long as it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod desk;

use desk::{CONFIG, command, document, is_there, says, write};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// A desk at which the batch `r.json` is allowed the first time, and too fast the second.
fn desk() -> TempDir {
    let desk = desk::desk();
    write(&desk, "r.json", &request(3).to_string());
    write(&desk, "two.json", &request(2).to_string());
    write(&desk, "list.ndjson", &says(&desk, "targets r.json", 0, &["a-3"]));
    write(&desk, "two.ndjson", &says(&desk, "targets two.json", 0, &["a-2"]));
    desk
}

/// The same, with the permit `p` for the first time.
fn permitted() -> TempDir {
    let desk = desk();
    says(&desk, "check r.json --permit p", 0, &["recorded as entry 1"]);
    desk
}

fn request(targets: usize) -> Value {
    let target = |i| json!({ "id": format!("a-{i}"), "kind": "app", "tenant": format!("t-{i}") });
    let targets: Vec<Value> = (1..=targets).map(target).collect();
    json!({
        "id": "r-1", "mode": "soft", "environment": "production", "target_kind": "app", "targets": targets
    })
}

fn read(desk: &TempDir, name: &str) -> String {
    std::fs::read_to_string(desk.path().join(name)).unwrap()
}

#[cfg(unix)]
fn mode(desk: &TempDir, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(desk.path().join(name)).unwrap().permissions().mode() & 0o777
}

const VERIFY: &str = "permit verify p --targets list.ndjson";

#[cfg(unix)]
#[test]
fn keys_and_permits_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = permitted();
    assert_eq!([mode(&desk, "permits.key"), mode(&desk, "alice.key"), mode(&desk, "p")], [0o600; 3]);
    for open in [0o644, 0o640, 0o604] {
        let key = desk.path().join("permits.key");
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(open)).unwrap();
        says(&desk, "check r.json --permit q", 2, &["others than its owner", "help: chmod 600 permits.key"]);
    }
    assert!(!is_there(&desk, "q"));
    assert_eq!(says(&desk, "ledger list", 0, &[]).lines().count(), 1, "it is said before anything is reserved");
}

#[test]
fn a_public_set_holds_no_private_key() {
    let desk = permitted();
    let mut set = document(&read(&desk, "keys.json"));
    assert_eq!(set["keys"][0]["kid"], "permits");
    assert_eq!(set["keys"][0].get("d"), None);
    set["keys"][0] = document(&read(&desk, "permits.key"));
    write(&desk, "keys.json", &set.to_string());
    let private = ["the key `permits` is a private one, and this file is public", "help: make a new key"];
    says(&desk, VERIFY, 2, &private);
    says(&desk, "keys new carol", 2, &private);
    assert!(!is_there(&desk, "carol.key"));
}

#[test]
fn a_new_key_takes_the_place_of_none() {
    let desk = desk();
    let before = [read(&desk, "permits.key"), read(&desk, "keys.json"), read(&desk, "alice.key")];
    says(&desk, "keys new permits", 2, &["keys.json: there is a key `permits` already"]);
    says(&desk, "keys new ../alice", 2, &["`../alice` is no name for a key"]);
    let said = says(&desk, "keys new alice", 2, &["alice.key"]);
    assert_eq!(before, [read(&desk, "permits.key"), read(&desk, "keys.json"), read(&desk, "alice.key")]);
    assert!(said.contains("alice.key is there already") && said.contains("help:"), "{said}");
}

#[test]
fn a_private_key_shows_up_nowhere() {
    let desk = permitted();
    let mut seen = Vec::new();
    let damaged = document(&read(&desk, "permits.key"));
    let damaged = json!({ "kid": damaged["kid"], "x": "AA", "d": damaged["d"], "kty": "OKP", "crv": "Ed25519" });
    std::fs::copy(desk.path().join("permits.key"), desk.path().join("damaged.key")).unwrap();
    write(&desk, "damaged.key", &damaged.to_string());
    for line in [
        VERIFY,
        VERIFY,
        "check r.json --permit q --format json",
        "override new r.json --codes timing/too-fast --reason x --key alice.key",
        "override new r.json --codes timing/too-fast --reason x --key damaged.key --out q",
        "override sign override.json --key bob.key --keys people.json",
        "override show override.json --keys people.json",
        "check r.json --override override.json --permit q",
        // The wrong file in every place that takes one.
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
        let output = command(&desk, line).output().unwrap();
        seen.push((line.to_owned(), [output.stdout, output.stderr].concat()));
    }
    for file in std::fs::read_dir(desk.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "key") {
            seen.push((path.display().to_string(), std::fs::read(path).unwrap()));
        }
    }
    assert!(seen.iter().any(|(what, bytes)| what.ends_with("reprieve.db") && !bytes.is_empty()));
    for key in ["permits.key", "alice.key", "bob.key"] {
        let secret = document(&read(&desk, key))["d"].as_str().unwrap().to_owned();
        for (what, bytes) in &seen {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{key}: {what}");
        }
    }
}

#[test]
fn a_permit_is_used_once_and_a_refusal_does_not_use_it_up() {
    let desk = permitted();
    says(&desk, "permit verify p --targets two.ndjson", 1, &["refused: other list: it is for the list `"]);
    says(&desk, &format!("{VERIFY} --mode hard"), 1, &["refused: other mode: it is for a soft delete"]);
    let staging = ["refused: other environment: it is for `production`, and this is `staging`"];
    says(&desk, &format!("{VERIFY} --environment staging"), 1, &staging);
    says(&desk, "halt --reason fire --by carol", 0, &[]);
    says(&desk, VERIFY, 1, &["refused: halted: fire (by carol)", "help: `reprieve resume` lifts it"]);
    says(&desk, "resume --reason out", 0, &[]);
    let right = format!("{VERIFY} --mode soft --environment production");
    says(&desk, &right, 0, &["permitted: soft delete of 3 targets in production (r-1, entry 1), used at 20"]);
    says(&desk, &right, 1, &["refused: replayed: it was used at 20", "help: a permit is used once"]);
}

#[test]
fn of_many_who_use_a_permit_at_once_one_may() {
    let desk = permitted();
    let start = |_| command(&desk, VERIFY).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let processes: Vec<_> = (0..6).map(start).collect();
    let mut statuses: Vec<_> = processes.into_iter().map(|mut process| process.wait().unwrap().code()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [0, 1, 1, 1, 1, 1].map(Some));
}

#[test]
fn a_permit_of_another_key_is_foreign() {
    let (desk, other) = (permitted(), permitted());
    std::fs::copy(other.path().join("p"), desk.path().join("foreign")).unwrap();
    let foreign = "permit verify foreign --targets list.ndjson";
    says(&desk, foreign, 1, &["refused: foreign: its signature is not by the key `permits`"]);
    let nobody = ["refused: foreign: it is signed with the key `permits`, which is not among those trusted"];
    says(&desk, &format!("{VERIFY} --keys people.json"), 1, &nobody);
    says(&desk, VERIFY, 0, &["permitted"]);
}

#[test]
fn an_altered_permit_is_forged() {
    let desk = permitted();
    let mut token = read(&desk, "p").into_bytes();
    let middle = token.len() / 2;
    token[middle] = if token[middle] == b'A' { b'B' } else { b'A' };
    write(&desk, "altered", &String::from_utf8(token).unwrap());
    let forged = ["refused: foreign: its signature is not by the key `permits`: it was forged or altered"];
    says(&desk, "permit verify altered --targets list.ndjson", 1, &forged);
}

#[test]
fn what_is_no_permit_is_refused_in_plain_words() {
    let desk = permitted();
    says(&desk, "override new r.json --codes timing/too-fast --reason x --key alice.key", 0, &[]);
    let signed = document(&read(&desk, "override.json"))["signatures"][0].as_str().unwrap().to_owned();
    write(&desk, "signed", &signed);
    // It is trusted, and of another kind.
    let signed = "permit verify signed --targets list.ndjson --keys people.json";
    says(
        &desk,
        signed,
        1,
        &["refused: foreign: it is not of the kind reprieve-permit+jwt: ", "reprieve-override+jwt"],
    );
    says(&desk, "permit verify none --targets list.ndjson", 2, &["cannot read the permit none"]);
    for garbage in ["", "garbage\n", "e.e.e"] {
        write(&desk, "garbage", garbage);
        let said = says(
            &desk,
            "permit verify garbage --targets list.ndjson",
            1,
            &["refused: foreign: it is not of the kind reprieve-permit+jwt: "],
        );
        assert!(!said.contains("InvalidToken"), "that is a word of a library: {said}");
    }
}

#[test]
fn a_permit_expires() {
    let desk = desk();
    write(&desk, "reprieve.toml", &CONFIG.replace("[permits]", "[permits]\nlifetime = \"PT0S\""));
    says(&desk, "check r.json --permit p", 0, &[]);
    std::thread::sleep(Duration::from_secs(2));
    says(&desk, VERIFY, 1, &["refused: expired: it could be used until 20", "help: vet the batch again"]);
}

#[test]
fn a_permit_ends_with_its_reservation() {
    let desk = permitted();
    says(&desk, "abort 1 --reason x", 0, &["entry 1 is aborted"]);
    says(&desk, VERIFY, 1, &["refused: closed: its batch is aborted already"]);
    says(&desk, "check r.json --permit p", 2, &["p is there already", "help: name a new file"]);
    std::fs::remove_file(desk.path().join("p")).unwrap();
    says(&desk, "check r.json --permit p", 0, &["recorded as entry 3"]);
    says(&desk, "commit 3", 0, &["entry 3 is committed"]);
    says(&desk, VERIFY, 1, &["refused: closed: its batch is committed already"]);
}

#[test]
fn a_permit_is_good_for_a_day_at_most() {
    let desk = desk();
    write(&desk, "reprieve.toml", &CONFIG.replace("[permits]", "[permits]\nlifetime = \"P30D\""));
    says(&desk, "check r.json --permit p", 2, &["a permit is good for a day at most"]);
    says(&desk, "ledger list --last 1", 0, &["aborted"]);
}

#[test]
fn a_batch_whose_permit_was_used_does_not_abort() {
    let desk = permitted();
    says(&desk, VERIFY, 0, &["used at"]);
    let refused =
        ["the permit of entry 1 was used (entry 2)", "help: ", "`reprieve commit 1 --failed --deleted COUNT`"];
    says(&desk, "abort 1 --reason x", 2, &refused);
    says(&desk, "commit 1 --failed --deleted 0", 0, &["entry 1 is committed"]);
}

#[test]
fn a_permit_is_unknown_to_another_ledger() {
    let desk = permitted();
    // It has an allow under that entry too, of another batch.
    says(&desk, "ledger new --ledger other.db", 0, &[]);
    says(&desk, "check two.json --ledger other.db", 0, &["recorded as entry 1"]);
    let unknown = ["refused: unknown: this ledger has no allow under entry 1 with the permit's id"];
    says(&desk, &format!("{VERIFY} --ledger other.db"), 1, &unknown);
    says(&desk, VERIFY, 0, &["permitted"]);
}

#[test]
fn no_two_ledgers_give_the_same_permit() {
    let desk = desk();
    // The same batch, and within the same second: nothing but the ledger is another.
    let same_second = |i| {
        for name in ["one", "other"] {
            says(&desk, &format!("ledger new --ledger {name}-{i}.db"), 0, &[]);
        }
        let check = |name| says(&desk, &format!("check r.json --format json --ledger {name}-{i}.db"), 0, &[]);
        let [one, other] = ["one", "other"].map(|name| document(&check(name)));
        (one["evaluated_at"] == other["evaluated_at"]).then_some((one, other))
    };
    let (one, other) = (0..20).find_map(same_second).unwrap();
    assert_ne!(one["ledger"]["sha256"], other["ledger"]["sha256"], "it could be used once in each");
}

#[test]
fn a_permit_is_written_for_what_is_recorded_and_allowed() {
    let desk = desk();
    let no_ledger = ["a permit is used once, and only a ledger can see to that", "help: `ledger = \"reprieve.db\"`"];
    says(&desk, "check r.json --no-ledger --permit p", 2, &no_ledger);
    let decision = document(&says(&desk, "check r.json --permit p --format json", 0, &[]));
    assert_eq!(decision["permit"], decision["ledger"]["sha256"]);
    assert_eq!(decision["permit"].as_str().unwrap().len(), 64);
    let token = read(&desk, "p");
    let parts = token.trim().split('.');
    assert!(parts.clone().count() == 3 && parts.clone().all(|part| !decision.to_string().contains(part)));
    let denied = document(&says(&desk, "check r.json --permit q --format json", 1, &["timing/too-fast"]));
    assert_eq!(denied["permit"], Value::Null);
    assert!(!is_there(&desk, "q"));
    // An allow that nobody can be handed is closed again.
    says(&desk, "check two.json --permit nowhere/p", 2, &["cannot write the permit nowhere/p"]);
    says(&desk, "ledger list --last 1", 0, &["aborted"]);
}

#[test]
fn the_ledger_says_what_is_open_and_what_is_halted() {
    let desk = permitted();
    says(&desk, "check r.json", 1, &[]);
    let list = says(&desk, "ledger list", 0, &[]);
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines.len() == 2 && lines[0].ends_with("r-1  open") && lines[1].ends_with("r-1"), "{list}");
    assert_eq!(says(&desk, "ledger list --open", 0, &[]).trim_end(), lines[0]);
    let verified = says(&desk, "ledger verify", 0, &["2 entries as they were written: 2 decisions, 1 of them open"]);
    let anchor = verified.trim_end().rsplit(' ').next().unwrap().to_owned();

    says(&desk, "commit 1 --deleted 3 --note done", 0, &["entry 1 is committed"]);
    for again in ["commit 1", "abort 1 --reason x"] {
        says(&desk, again, 2, &["the batch of entry 1 is committed already"]);
    }
    says(&desk, "abort 2 --reason x", 2, &["the batch of entry 2 was not allowed"]);
    says(&desk, "commit 77", 2, &["there is no decision under entry 77"]);
    assert_eq!(says(&desk, "ledger list --open", 0, &[]), "");
    says(&desk, "ledger list", 0, &["r-1  committed"]);

    says(&desk, "halt --reason fire --by carol", 0, &["halted, as entry 4 says"]);
    says(&desk, "ledger list", 0, &["everything is halted by carol: fire (entry 4)\n"]);
    says(&desk, "check two.json", 1, &["deny gate/halted", "everything is halted by carol: fire"]);
    says(&desk, "resume --reason out --by carol", 0, &["resumed, as entry 6 says"]);
    says(&desk, "resume --reason out", 2, &["nothing is halted"]);
    assert!(!says(&desk, "ledger list", 0, &[]).contains("everything is halted"));
    says(&desk, "check two.json", 0, &[]);

    says(&desk, &format!("ledger verify --anchor {anchor}"), 0, &["7 entries as they were written"]);
    let wrong = format!("ledger verify --anchor 2:{}", "0".repeat(64));
    says(&desk, &wrong, 1, &["the ledger is not as it was written", "its hash is not that of the anchor"]);
}

#[test]
fn a_ledger_that_is_not_there_is_not_as_it_was_written() {
    let desk = permitted();
    says(&desk, "ledger verify --ledger typo.db", 2, &["typo.db"]);
    assert!(!is_there(&desk, "typo.db"), "looking makes none");
}
