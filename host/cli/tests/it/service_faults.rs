//! What goes wrong around a service: it is killed, its database stops, its disk is full, its clients are slow or never end.
//! Nothing that was answered is lost, and no allow is without an entry.

use crate::support::fixture::{command, fixture, says, write};
use crate::support::service::{self, Service};
use reprieve_tests::stores::Store;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

/// Nine policies are not needed here; a limit over time is.
const POLICIES: &str = "[[policy]]\nuse = \"builtin:timing\"\nsettings = { tenants_a_day_soft = 1000 }\n";

fn request(id: &str) -> String {
    let targets = json!([{ "id": format!("a-{id}"), "kind": "app", "tenant": format!("t-{id}") }]);
    json!({ "id": id, "mode": "soft", "environment": "staging", "target_kind": "app", "targets": targets })
        .to_string()
}

fn folder(config: &str) -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "reprieve.toml", config);
    fixture
}

/// How often a service is killed under load. `REPRIEVE_KILLS` sets another number.
fn kills() -> usize {
    std::env::var("REPRIEVE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[test]
fn killed_under_load_it_loses_nothing_that_it_answered() {
    let fixture = folder(&format!("ledger = \"reprieve.db\"\n{POLICIES}"));
    says(&fixture, "ledger new", 0, &[]);
    let answered = Mutex::new(BTreeSet::new());
    for round in 0..kills() {
        let service = Service::start(&fixture);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (url, answered) = (&service.url, &answered);
                scope.spawn(move || {
                    let agent = service::agent(ureq::Agent::config_builder());
                    for n in 0.. {
                        let body = request(&format!("{round}-{thread}-{n}"));
                        let post =
                            agent.post(format!("{url}/v1/decisions")).header("Content-Type", "application/json");
                        let Ok(mut answer) = post.send(body) else { return };
                        let Ok(text) = answer.body_mut().read_to_string() else { return };
                        let document: Value = serde_json::from_str(&text).unwrap();
                        let entry = document["ledger"]["entry"].as_u64().expect("an answer has an entry");
                        answered
                            .lock()
                            .unwrap()
                            .insert((entry, document["ledger"]["sha256"].as_str().unwrap().to_owned()));
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(60 + 7 * round as u64 % 50));
            service.signal("-KILL");
        });
    }
    says(&fixture, "ledger verify", 0, &["entries verified"]);
    let ledger = reprieve_ledger::SqlLedger::open_sqlite(&fixture.path().join("reprieve.db")).unwrap();
    let answered = answered.into_inner().unwrap();
    assert!(answered.len() > kills(), "{}", answered.len());
    for (entry, sha256) in answered {
        assert_eq!(ledger.decision(entry).unwrap().sha256, sha256);
    }
}

#[test]
fn two_replicas_on_one_database_allow_exactly_what_fits() {
    let store = Store::postgres();
    let fixture = folder(&format!("ledger = \"{}\"\n{}", store.name(), POLICIES.replace("1000", "10")));
    let replicas = [Service::start(&fixture), Service::start(&fixture)];
    let allowed = std::thread::scope(|scope| {
        let call = |n: usize| replicas[n % 2].post("/v1/decisions", &request(&format!("r-{n}"))).status;
        let calls: Vec<_> = (0..100).map(|n| scope.spawn(move || call(n))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!(allowed, 10);
    assert_eq!(store.open().verify(None).unwrap().unwrap().open, 10);
    // A halt at one is a halt at both.
    assert_eq!(replicas[0].post("/v1/halt", r#"{ "reason": "x" }"#).status, 200);
    assert_eq!(replicas[1].post("/v1/decisions", &request("after")).status, 403);
}

#[test]
fn a_database_that_stops_makes_it_not_ready_and_a_database_that_starts_makes_it_ready() {
    let mut server = reprieve_tests::postgres::Server::start();
    let url = server.database("stops");
    let fixture = folder(&format!("ledger = \"{url}\"\n{POLICIES}"));
    says(&fixture, "ledger new", 0, &[]);
    let service = Service::start(&fixture);
    assert_eq!(service.post("/v1/decisions", &request("before")).status, 200);
    server.stop();
    assert_eq!(service.get("/readyz").status, 503);
    let during = service.post("/v1/decisions", &request("during"));
    assert!(matches!(during.status, 409 | 503), "{}: {}", during.status, during.text);
    server.run();
    assert_eq!(service.get("/readyz").status, 200);
    assert_eq!(service.post("/v1/decisions", &request("after")).status, 200);
    says(&fixture, "ledger verify", 0, &["2 entries verified: 2 decisions, 2 of them open"]);
}

#[test]
fn a_full_disk_is_never_an_allow() {
    let fixture = folder(&format!("ledger = \"reprieve.db\"\n{POLICIES}"));
    says(&fixture, "ledger new", 0, &[]);
    // A limit on the size of files stands for a full disk: writing fails in the middle of a transaction.
    let program = env!("CARGO_BIN_EXE_reprieve");
    let script = format!("ulimit -f 600; exec {program} serve --listen 127.0.0.1:0");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", &format!("trap '' XFSZ; {script}")]).current_dir(fixture.path()).stderr(Stdio::piped());
    let service = Service::of(shell);
    let answers: Vec<(u16, Option<u64>)> = (0..400)
        .map(|n| {
            let answer = service.post("/v1/decisions", &request(&format!("r-{n}")));
            (answer.status, answer.json()["ledger"]["entry"].as_u64())
        })
        .collect();
    let allowed: Vec<u64> =
        answers.iter().filter(|(status, _)| *status == 200).map(|(_, entry)| entry.unwrap()).collect();
    assert!(!allowed.is_empty() && answers.iter().any(|(status, _)| *status == 409), "{answers:?}");
    drop(service);
    let ledger = reprieve_ledger::SqlLedger::open_sqlite(&fixture.path().join("reprieve.db")).unwrap();
    assert_eq!(ledger.verify(None).unwrap().unwrap().open, allowed.len() as u64);
}

#[test]
fn slow_clients_and_endless_bodies_do_not_keep_others_from_an_answer() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let address = service.url.trim_start_matches("http://").to_owned();
    // Clients that never finish their headers, and one that sends a body without an end.
    let mut idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for stream in &mut idle {
        stream.write_all(b"POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{").unwrap();
    }
    let mut endless = TcpStream::connect(&address).unwrap();
    endless.write_all(b"POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    let written = (0..1000).take_while(|_| endless.write_all(&chunk).is_ok()).count();
    endless.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answer = String::new();
    // The connection may be reset before the answer is read.
    drop(endless.read_to_string(&mut answer));
    assert!(answer.starts_with("HTTP/1.1 413") || written < 1000, "{written} {answer}");
    assert_eq!(service.post("/v1/decisions", &request("between")).status, 200);
    drop(idle);
    assert_eq!(service.get("/readyz").status, 200);
}

#[test]
fn an_allow_whose_caller_is_gone_is_aborted_unless_it_has_a_key() {
    let fixture = folder(&format!("ledger = \"reprieve.db\"\n{POLICIES}"));
    says(&fixture, "ledger new", 0, &[]);
    let service = Service::start(&fixture);
    let address = service.url.trim_start_matches("http://").to_owned();
    // More calls than threads, whose callers close the connection at once.
    for n in 0..64 {
        let body = request(&format!("gone-{n}"));
        let key = if n % 2 == 0 { format!("Idempotency-Key: k-{n}\r\n") } else { String::new() };
        let mut stream = TcpStream::connect(&address).unwrap();
        let head = format!(
            "POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{key}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
    }
    assert_eq!(service.post("/v1/decisions", &request("last")).status, 200);
    service.signal("-TERM");
    service.ended();
    let ledger = reprieve_ledger::SqlLedger::open_sqlite(&fixture.path().join("reprieve.db")).unwrap();
    ledger.verify(None).unwrap().unwrap();
    let output = command(&fixture, "ledger list --open").output().unwrap();
    let open = String::from_utf8(output.stdout).unwrap();
    // Those with a key are kept for the repeated call. Of the others, what was decided before the connection was seen to be
    // closed may be open as well; nothing tells it from an answer on its way.
    for n in (0..64).step_by(2) {
        let decided = ledger.last_decision(&format!("gone-{n}")).is_ok();
        assert!(!decided || open.contains(&format!("gone-{n}")), "gone-{n}\n{open}");
    }
}
