//! `reprieve serve` replaces its policy set as a whole or not at all, and ends when it has finished what runs.

use crate::support::fixture::{CONFIG, fixture, says, write};
use crate::support::service::Service;
use serde_json::{Value, json};

fn request(id: &str, tenants: u32) -> String {
    let targets: Vec<Value> = (0..tenants)
        .map(|n| json!({ "id": format!("{id}-{n}"), "kind": "app", "tenant": format!("{id}-{n}") }))
        .collect();
    json!({ "id": id, "mode": "soft", "environment": "production", "target_kind": "app", "targets": targets })
        .to_string()
}

fn set(service: &Service) -> String {
    service.get("/v1/policies").json()["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn a_changed_set_decides_from_then_on_and_is_recorded() {
    let fixture = fixture();
    write(&fixture, "reprieve.toml", &CONFIG.replace("tenants_a_day_soft = 5", "tenants_a_day_soft = 1"));
    let service = Service::start(&fixture);
    let before = set(&service);
    assert_eq!(service.post("/v1/decisions", &request("one", 2)).status, 403);
    // The files are noticed by themselves.
    write(&fixture, "reprieve.toml", CONFIG);
    service.says("the policy set was read again");
    let after = set(&service);
    assert_ne!(before, after);
    let allowed = service.post("/v1/decisions", &request("two", 2));
    assert_eq!((allowed.status, allowed.json()["policy_set_sha256"].as_str()), (200, Some(after.as_str())));
    // Reading it again by a signal or a call changes nothing.
    service.signal("-HUP");
    service.says("SIGHUP");
    let reloaded = service.post("/v1/reload", "{}").json();
    assert_eq!((&reloaded["from"], &reloaded["to"]), (&json!(after), &json!(after)));
    says(&fixture, "ledger verify", 0, &["3 entries verified: 2 decisions"]);
}

#[test]
fn a_bad_set_never_decides() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let before = set(&service);
    for (text, message) in [
        (CONFIG.replace("builtin:timing", "builtin:timid"), "timid"),
        (CONFIG.replace("tenants_a_day_soft = 5", "tenants_a_day_soft = -1"), "tenants_a_day_soft"),
        (format!("{CONFIG}["), "reprieve.toml"),
        (CONFIG.replace("reprieve.db", "another.db"), "restart the service to use another ledger"),
        (CONFIG.replace("inventory.csv", "none.csv"), "none.csv"),
        (String::new(), "ledger"),
    ] {
        write(&fixture, "reprieve.toml", &text);
        let answer = service.post("/v1/reload", "{}");
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(answer.text.contains(message), "no `{message}` in {}", answer.text);
        assert_eq!(set(&service), before);
        assert_eq!(service.post("/v1/decisions", &request("one", 6)).status, 403);
    }
    assert!(service.get("/metrics").text.contains("reprieve_reloads_total{result=\"failed\"}"));
    assert_eq!(service.get("/readyz").status, 200);
}

#[test]
fn a_set_that_cannot_be_read_again_grows_too_old_to_decide() {
    let fixture = fixture();
    write(&fixture, "reprieve.toml", &format!("{CONFIG}\n[serve]\nmax_age = \"PT2S\"\n"));
    let service = Service::start(&fixture);
    assert_eq!(service.post("/v1/decisions", &request("one", 1)).status, 200);
    std::fs::remove_file(fixture.path().join("reprieve.toml")).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(4));
    let answer = service.post("/v1/decisions", &request("two", 1));
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.text.contains("max_age"), "{}", answer.text);
    assert_eq!(service.get("/readyz").status, 503);
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn a_set_is_replaced_while_calls_run_and_no_call_sees_half_of_it() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let sets: Vec<String> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4)
            .map(|i| {
                let service = &service;
                scope.spawn(move || {
                    let call = |n| service.post("/v1/decisions", &request(&format!("r-{i}-{n}"), 6)).json();
                    let answers: Vec<Value> = (0..40).map(call).collect();
                    // Six tenants are denied by one set, and allowed, or denied after an allow, by the other.
                    answers
                        .iter()
                        .map(|answer| answer["policy_set_sha256"].as_str().unwrap().to_owned())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        for limit in [9, 5, 9, 5] {
            write(
                &fixture,
                "reprieve.toml",
                &CONFIG.replace("tenants_a_day_soft = 5", &format!("tenants_a_day_soft = {limit}")),
            );
            assert_eq!(service.post("/v1/reload", "{}").status, 200);
        }
        calls.into_iter().flat_map(|call| call.join().unwrap()).collect()
    });
    let distinct: std::collections::BTreeSet<_> = sets.iter().collect();
    assert!(distinct.len() <= 2, "{distinct:?}");
    says(&fixture, "ledger verify", 0, &["160 decisions"]);
    says(&fixture, "replay", 0, &["160 decisions replayed: 0 differ"]);
}

#[test]
fn it_stops_after_the_calls_that_run() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let statuses: Vec<Option<u16>> = std::thread::scope(|scope| {
        let (service, agent) =
            (&service, ureq::Agent::config_builder().http_status_as_error(false).build().new_agent());
        let url = format!("{}/v1/decisions", service.url);
        let calls: Vec<_> = (0..8)
            .map(|n| {
                let (agent, url) = (agent.clone(), url.clone());
                scope.spawn(move || {
                    let body = request(&format!("r-{n}"), 1);
                    let answer = agent.post(url).header("Content-Type", "application/json").send(body);
                    answer.ok().map(|answer| answer.status().as_u16())
                })
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_millis(20));
        service.signal("-TERM");
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(service.ended(), Some(0));
    let allowed = statuses.iter().filter(|status| **status == Some(200)).count();
    // Every allow that was answered has an entry, and every open entry was answered.
    says(&fixture, "ledger verify", 0, &[&format!("{allowed} of them open")]);
}
