//! A denied batch is approved by two people after the fact, through the service: each signs what it drafted.

use crate::support::fixture::{command, document, says, write};
use crate::support::service::Service;
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use tempfile::TempDir;

const CONFIG: &str = "ledger = \"reprieve.db\"\n\n[approvals]\nkeys = \"people.json\"\nsigned = true\n\n\
                      [[policy]]\nuse = \"builtin:authority\"\nsettings = { approvals_soft = 2 }\n";

fn request(id: &str, apps: u32) -> Value {
    let targets: Vec<Value> =
        (1..=apps).map(|n| json!({ "id": format!("a-{n}"), "tenant": format!("t-{n}") })).collect();
    json!({
        "id": id, "mode": "soft", "environment": "production", "target_kind": "app",
        "actor": { "id": "svc", "type": "automation", "on_behalf_of": "carol",
            "credential": { "purpose": "deletion", "environment": "production" } },
        "reason": { "trigger": "request", "ticket": "7" },
        "operation": { "verb": "delete", "by": "ids" },
        "targets": targets
    })
}

fn configured() -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "reprieve.toml", CONFIG);
    for person in ["alice", "bob", "mallory"] {
        let keys = if person == "mallory" { "others.json" } else { "people.json" };
        says(&fixture, &format!("keys new {person} --keys {keys}"), 0, &[]);
    }
    says(&fixture, "ledger new", 0, &[]);
    fixture
}

/// What `reprieve sign` prints for a statement of the service, and what it shows to the person.
fn sign(fixture: &TempDir, statement: &str, person: &str) -> (Option<i32>, String, String) {
    let mut sign = command(fixture, &format!("sign --key {person}.key"));
    let mut child = sign.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(statement.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn two_people_approve_what_was_denied_and_the_same_request_is_allowed() {
    let fixture = configured();
    let service = Service::start(&fixture);
    let vet = |request: &Value| service.post("/v1/decisions", &request.to_string());
    let denied = vet(&request("r-1", 3));
    assert_eq!(denied.status, 403, "{}", denied.text);
    let approve = |person: &str, entry: u64| {
        let statement = service.get(&format!("/v1/decisions/{entry}/approval?key={person}")).text;
        let (status, signed, shown) = sign(&fixture, &statement, person);
        assert_eq!(status, Some(0), "{shown}");
        assert!(shown.contains("you sign: soft delete of 3 `app` of 3 tenants in production"), "{shown}");
        service.post("/v1/approvals", &signed)
    };
    let added = approve("alice", 1);
    assert_eq!((added.status, added.json()["by"].as_str()), (200, Some("alice")), "{}", added.text);
    assert_eq!(vet(&request("r-1", 3)).status, 403);
    // Nobody approves twice, and nobody approves whom the set does not name.
    assert_eq!(approve("alice", 1).status, 409);
    let stranger = approve("mallory", 1);
    assert_eq!(
        (stranger.status, stranger.json()["type"].as_str()),
        (403, Some("urn:reprieve:problem:approval-refused"))
    );
    assert_eq!(approve("bob", 3).status, 200);
    let allowed = vet(&request("r-1", 3));
    assert_eq!(allowed.status, 200, "{}", allowed.text);
    assert_eq!(allowed.json()["signatures"].as_array().unwrap().len(), 2);
    let approvals = service.get("/v1/decisions/1/approvals").json();
    let by: Vec<&str> =
        approvals["approvals"].as_array().unwrap().iter().map(|a| a["by"].as_str().unwrap()).collect();
    assert_eq!(by, ["alice", "bob"]);
    // They are for this list, request and reason, and for nothing else.
    let mut another = request("r-1", 3);
    another["reason"]["ticket"] = json!("8");
    for (other, what) in [(request("r-2", 3), "name"), (request("r-1", 4), "list"), (another, "reason")] {
        assert_eq!(vet(&other).status, 403, "another {what}");
    }
    says(&fixture, "ledger verify", 0, &[]);
    says(&fixture, "replay", 0, &["0 differ"]);
}

#[test]
fn what_is_not_a_statement_of_ones_own_is_not_signed() {
    let fixture = configured();
    let service = Service::start(&fixture);
    service.post("/v1/decisions", &request("r-1", 3).to_string());
    let statement = service.get("/v1/decisions/1/approval?key=alice").text;
    let (status, _, shown) = sign(&fixture, &statement, "bob");
    assert_eq!(status, Some(2));
    assert!(shown.contains("the statement is for `alice`, and the key is that of `bob`"), "{shown}");
    for text in ["", "{}", "{\"entry\":1,\"claims\":\"{}\"}", "[]"] {
        assert_eq!(sign(&fixture, text, "alice").0, Some(2), "{text}");
    }
    for path in ["/v1/decisions/1/approval", "/v1/decisions/1/approval?key=", "/v1/decisions/1/approval?who=alice"] {
        assert_eq!(service.get(path).status, 400, "{path}");
    }
    // A token whose claims were changed.
    let (_, signed, _) = sign(&fixture, &statement, "alice");
    let token = document(&signed)["token"].as_str().unwrap().to_owned();
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let other = if parts[1].as_bytes()[10] == b'A' { "B" } else { "A" };
    parts[1].replace_range(10..11, other);
    for token in [parts.join("."), String::new(), "a.b.c".to_owned(), token.replace('.', "")] {
        let answer = service.post("/v1/approvals", &json!({ "entry": 1, "token": token }).to_string());
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
}
