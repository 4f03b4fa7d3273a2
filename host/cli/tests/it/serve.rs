//! `reprieve serve`: the status is the verdict, and every decision is recorded.

use crate::support::fixture::{CONFIG, command, document, fixture, says, write};
use crate::support::service::{self, Service, request, with_callers};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_status_is_the_verdict_and_the_document_is_that_of_check() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let allowed = service.post("/v1/decisions", &request("one", &[1, 2]));
    assert_eq!(allowed.status, 200, "{}", allowed.text);
    assert_eq!(allowed.headers["location"], format!("/v1/decisions/{}", allowed.entry()).as_str());
    let denied = service.post("/v1/decisions", &request("many", &[1, 2, 3, 4, 5, 6]));
    assert_eq!((denied.status, denied.json()["decision"].as_str()), (403, Some("deny")));
    // The same document as the command prints, but for the time and the entry.
    write(&fixture, "many.json", &request("many", &[1, 2, 3, 4, 5, 6]));
    let output = command(&fixture, "check many.json --format json").output().unwrap();
    let mut printed = document(&String::from_utf8(output.stdout).unwrap());
    let mut answered = denied.json();
    for field in ["evaluated_at", "ledger"] {
        printed[field] = Value::Null;
        answered[field] = Value::Null;
    }
    assert_eq!(answered, printed);
    // Undecided: the inventory is not that which the set names.
    let unreadable = service.post("/v1/decisions", "{ \"id\": 7 }");
    assert_eq!(unreadable.status, 400);
    assert_eq!(unreadable.headers["content-type"], "application/problem+json");
    assert!(unreadable.json()["detail"].as_str().unwrap().contains("/id"), "{}", unreadable.text);
    says(&fixture, "ledger verify", 0, &["3 entries verified: 3 decisions"]);
}

#[test]
fn the_atlassian_batch_is_denied_as_by_check() {
    let incident = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/incidents/i01-atlassian");
    let fixture = tempfile::tempdir().unwrap();
    says(&fixture, "init", 0, &[]);
    says(&fixture, "ledger new", 0, &["created reprieve.db"]);
    let config = std::fs::read_to_string(fixture.path().join("reprieve.toml")).unwrap();
    write(&fixture, "reprieve.toml", &format!("inventory = \"inventory.csv\"\n{config}"));
    std::fs::copy(incident.join("inventory.csv"), fixture.path().join("inventory.csv")).unwrap();
    let line = format!("serve --listen 127.0.0.1:0 --lists {}", incident.display());
    let service = Service::start_with(&fixture, &line, service::agent(ureq::Agent::config_builder()));
    let body = std::fs::read_to_string(incident.join("request.json")).unwrap();
    let denied = service.post("/v1/decisions", &body);
    let check = format!("check {} --format json --verbose", incident.join("request.json").display());
    let output = command(&fixture, &check).output().unwrap();
    assert_eq!((denied.status, output.status.code()), (403, Some(1)));
    let mut documents = [denied.json(), document(&String::from_utf8(output.stdout).unwrap())];
    assert_eq!(documents[0]["tenants"], 775);
    for document in &mut documents {
        document["evaluated_at"] = Value::Null;
        document["ledger"] = Value::Null;
    }
    assert_eq!(documents[0], documents[1]);
}

#[test]
fn an_allow_is_permitted_used_and_committed_once() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let allowed = service.post("/v1/decisions", &request("one", &[1, 2]));
    let (path, digest) = (format!("/v1/decisions/{}", allowed.entry()), allowed.json()["targets_sha256"].clone());
    let permit = service.post(&format!("{path}/permit"), "{}");
    assert_eq!(permit.status, 200, "{}", permit.text);
    let verify = |digest: &Value| {
        let body = json!({ "permit": permit.json()["permit"], "targets_sha256": digest, "mode": "soft" });
        service.post("/v1/permits/verify", &body.to_string())
    };
    let other = verify(&json!("f".repeat(64)));
    assert_eq!((other.status, other.json()["type"].as_str()), (403, Some("urn:reprieve:problem:permit-refused")));
    let used = verify(&digest);
    assert_eq!((used.status, used.json()["targets"].as_u64()), (200, Some(2)), "{}", used.text);
    assert_eq!(verify(&digest).status, 403);
    // It was used, so it is not issued again and cannot be aborted.
    assert_eq!(service.post(&format!("{path}/permit"), "{}").status, 409);
    assert_eq!(service.post(&format!("{path}/abort"), r#"{ "reason": "no" }"#).status, 409);
    assert_eq!(service.post(&format!("{path}/commit"), r#"{ "deleted": 2 }"#).status, 200);
    assert_eq!(service.post(&format!("{path}/commit"), r#"{ "deleted": 2 }"#).status, 409);
    let shown = service.get(&path).json();
    assert_eq!((&shown["state"], &shown["outcome"]["deleted"]), (&json!("committed"), &json!(2)));
    let replayed = service.get(&format!("{path}/replay"));
    assert_eq!((replayed.status, replayed.json()["same"].as_bool()), (200, Some(true)), "{}", replayed.text);
    let affected = service.get(&format!("{path}/affected")).json();
    assert_eq!(affected["tenants"][0]["contact"], "ann@one.example");
    // Denied batches have no permit.
    let denied = service.post("/v1/decisions", &request("many", &[1, 2, 3, 4, 5, 6]));
    assert_eq!(service.post(&format!("/v1/decisions/{}/permit", denied.entry()), "{}").status, 409);
    assert_eq!(service.post(&format!("/v1/decisions/{}/commit", denied.entry()), "{}").status, 409);
    for (path, status) in [
        ("/v1/decisions/99", 404),
        ("/v1/decisions/x", 404),
        ("/v1/decisions?last=0", 400),
        ("/v1/decisions?x=1", 400),
        ("/v2", 404),
    ] {
        let answer = service.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert_eq!(answer.json()["status"], status);
    }
    let listed = service.get("/v1/decisions?last=1").json();
    assert_eq!(listed["decisions"][0]["state"], "not-allowed");
    says(&fixture, "ledger verify", 0, &["0 of them open"]);
}

#[test]
fn a_repeated_call_gets_the_same_decision_and_reserves_once() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let call = |body: &str, key: &str| service.post_with("/v1/decisions", body, &[("Idempotency-Key", key)]);
    let first = call(&request("one", &[1, 2]), "k-1");
    let again = call(&request("one", &[1, 2]), "k-1");
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.json(), again.json());
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(call(&request("two", &[3]), "k-1").status, 422);
    assert_eq!(call(&request("two", &[3]), "").status, 400);
    // Ten callers at once, with one key: one decision.
    let entries: BTreeSet<u64> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..10).map(|_| scope.spawn(|| call(&request("three", &[3]), "k-3"))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).map(|answer| answer.entry()).collect()
    });
    assert_eq!(entries.len(), 1);
    // After a restart, too.
    drop(service);
    let service = Service::start(&fixture);
    let again = service.post_with("/v1/decisions", &request("one", &[1, 2]), &[("Idempotency-Key", "k-1")]);
    assert_eq!(again.entry(), first.entry());
    says(&fixture, "ledger verify", 0, &["2 entries verified: 2 decisions, 2 of them open"]);
}

#[test]
fn calls_at_once_are_jointly_within_the_limits() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    // Each batch has a tenant of its own, and five tenants may be deleted a day.
    let allowed = std::thread::scope(|scope| {
        let call = |n: u32| service.post("/v1/decisions", &request(&format!("r-{n}"), &[100 + n])).status;
        let calls: Vec<_> = (0..24).map(|n| scope.spawn(move || call(n))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!(allowed, 5);
    says(&fixture, "ledger verify", 0, &["24 entries verified: 24 decisions, 5 of them open"]);
}

#[test]
fn what_cannot_be_read_is_a_problem_and_never_an_answer() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let long = format!("{{ \"id\": \"{}\" }}", "x".repeat(5 << 20));
    for (body, headers, status) in [
        ("", vec![], 400),
        ("[]", vec![], 400),
        ("{", vec![], 400),
        (long.as_str(), vec![], 413),
        ("{}", vec![("Content-Type", "text/plain")], 415),
        ("{}", vec![("Content-Type", "application/x-www-form-urlencoded")], 415),
        ("{}", vec![("Host", "evil.example")], 403),
        ("{}", vec![("Origin", "http://evil.example")], 403),
        ("{}", vec![("Origin", "null")], 403),
    ] {
        let answer = service.post_with("/v1/decisions", body, &headers);
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text);
        assert_eq!(answer.json()["status"], status);
    }
    // A list in a file is read only if a folder is set for it.
    let by_path = |path: &str| {
        json!({ "id": "r", "mode": "soft", "environment": "production", "target_kind": "app", "targets": { "path": path } }).to_string()
    };
    let answer = service.post("/v1/decisions", &by_path("inventory.csv"));
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("the list is in a file, and files are not read here"), "{}", answer.text);
    drop(service);
    std::fs::create_dir(fixture.path().join("lists")).unwrap();
    write(&fixture, "lists/apps.csv", "id,kind,tenant\na-1,app,t-1\n");
    write(&fixture, "reprieve.toml", &format!("{CONFIG}\n[serve]\nlists = \"lists\"\n"));
    let service = Service::start(&fixture);
    assert_eq!(service.post("/v1/decisions", &by_path("apps.csv")).status, 200);
    for path in ["../inventory.csv", "/etc/passwd", "none.csv"] {
        assert_eq!(service.post("/v1/decisions", &by_path(path)).status, 400, "{path}");
    }
    for body in ["{}", r#"{ "reason": "" }"#, r#"{ "reason": "x", "entry": 1, "more": 1 }"#, "null"] {
        assert_eq!(service.post("/v1/halt", body).status, 400, "{body}");
    }
}

#[test]
fn a_halt_denies_everything_and_the_service_is_ready() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let allowed = service.post("/v1/decisions", &request("one", &[1]));
    assert_eq!(service.post("/v1/halt", r#"{ "reason": "an incident" }"#).status, 200);
    assert_eq!(service.post("/v1/decisions", &request("two", &[2])).status, 403);
    assert_eq!(service.post(&format!("/v1/decisions/{}/permit", allowed.entry()), "{}").status, 403);
    assert_eq!(service.get("/readyz").status, 200);
    assert!(service.get("/metrics").text.contains("reprieve_halted 1\n"));
    let resumed = service.post("/v1/resume", r#"{ "reason": "it is over" }"#);
    assert_eq!((resumed.status, resumed.json()["halts"].as_array().map(Vec::len)), (200, Some(0)));
    assert_eq!(service.post("/v1/resume", r#"{ "reason": "again" }"#).status, 404);
    assert_eq!(service.post("/v1/decisions", &request("two", &[2])).status, 200);
    let metrics = service.get("/metrics").text;
    for line in
        ["reprieve_decisions_total{verdict=\"allow\",mode=\"soft\"} 2", "reprieve_open_batches 2", "reprieve_ready 1"]
    {
        assert!(metrics.contains(line), "no `{line}` in\n{metrics}");
    }
    assert!(!metrics.contains("t-1") && !metrics.contains("a-1") && metrics.ends_with("# EOF\n"));
}

/// Every route of the description answers, and what it answers is described.
#[test]
fn the_description_is_that_of_the_routes() {
    let (fixture, _) = with_callers("[serve.terraform]\nkey = \"run-task.key\"\nenvironment = \"production\"\n");
    write(&fixture, "run-task.key", "0123456789abcdef");
    std::fs::set_permissions(
        fixture.path().join("run-task.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let service = Service::start(&fixture);
    let description = service.get("/openapi.json").json();
    assert_eq!(description["openapi"], "3.1.0");
    let paths = description["paths"].as_object().unwrap();
    let mut operations = 0;
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let path = path.replace("{entry}", "1");
            let answer = if method == "get" { service.get(&path) } else { service.post(&path, "{}") };
            let is_open = operation.get("security").is_none();
            assert_eq!(answer.status, if is_open { 200 } else { 401 }, "{method} {path}: {}", answer.text);
            assert!(operation["responses"]["default"].is_object(), "{method} {path}");
        }
    }
    assert!(operations >= 21, "{operations}");
    // Every schema that is referred to exists.
    let text = description.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(description["components"]["schemas"].get(name).is_some(), "{name}");
    }
}

#[test]
fn spans_are_sent_to_a_collector_with_the_parent_of_the_caller() {
    use std::io::{Read, Write};
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let received = std::thread::spawn(move || {
        let (mut stream, _) = collector.accept().unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        // The end of the message: the service closes its connection when it stops.
        stream.set_read_timeout(Some(std::time::Duration::from_secs(2))).unwrap();
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        bytes
    });
    let fixture = fixture();
    let mut serve = command(&fixture, "serve --listen 127.0.0.1:0");
    serve.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    let service = Service::of(serve);
    let parent = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
    assert_eq!(service.post_with("/v1/decisions", &request("one", &[1]), &parent).status, 200);
    service.signal("-TERM");
    assert_eq!(service.ended(), Some(0));
    let bytes = received.join().unwrap();
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(has(b"POST /v1/traces HTTP/1.1"), "{}", String::from_utf8_lossy(&bytes));
    for part in ["POST /v1/decisions", "reprieve.verdict", "allow", "reprieve.entry"] {
        assert!(has(part.as_bytes()), "{part}");
    }
    let trace = [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];
    assert!(has(&trace) && has(&[0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
    assert!(!has(b"a-1") && !has(b"t-1"));
}
