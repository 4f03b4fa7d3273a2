//! `reprieve serve` and its callers: one without the role gets no decision, and no one else reaches the service.

use crate::support::fixture::{CONFIG, document, fixture, says, write};
use crate::support::service::{Service, request, with_callers};
use serde_json::json;

#[test]
fn a_caller_is_what_it_authenticated_as_and_has_its_roles_only() {
    let (fixture, tokens) = with_callers("");
    let service = Service::start(&fixture);
    let bearer: Vec<String> = tokens.iter().map(|token| format!("Bearer {token}")).collect();
    let post = |path: &str, body: &str, who: usize| service.post_with(path, body, &[("Authorization", &bearer[who])]);
    let (submit, execute, operate) = (0, 1, 2);
    let body = request("one", &[1]);
    assert_eq!(service.post("/v1/decisions", &body).status, 401);
    assert_eq!(service.post_with("/v1/decisions", &body, &[("Authorization", "Bearer rpv_no")]).status, 401);
    assert_eq!(service.post_with("/v1/decisions", &body, &[("Authorization", "Basic eDp5")]).status, 401);
    assert_eq!(post("/v1/decisions", &body, execute).status, 403);
    let allowed = post("/v1/decisions", &body, submit);
    assert_eq!(allowed.status, 200, "{}", allowed.text);
    // Who submits may not read, take the permit, or halt.
    let path = format!("/v1/decisions/{}", allowed.entry());
    assert_eq!(service.get_with(&path, &[("Authorization", &bearer[submit])]).status, 403);
    assert_eq!(post(&format!("{path}/permit"), "{}", submit).status, 403);
    assert_eq!(post("/v1/halt", r#"{ "reason": "x" }"#, submit).status, 403);
    assert_eq!(post(&format!("{path}/permit"), "{}", execute).status, 200);
    // The actor is the caller.
    let shown = service.get_with(&path, &[("Authorization", &bearer[execute])]).json();
    assert_eq!(shown["claims"]["actor"]["id"], "svc-submit");
    let mut forged = document(&request("two", &[2]));
    forged["actor"] = json!({ "id": "root", "type": "human" });
    let refused = post("/v1/decisions", &forged.to_string(), submit);
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("the actor is `root`, but the caller is `svc-submit`"), "{}", refused.text);
    assert_eq!(post("/v1/halt", r#"{ "reason": "x" }"#, operate).json()["halts"][0]["by"], "ops");
    // A page of another site cannot use the cookie of a person.
    let cookie = format!("reprieve_token={}", tokens[operate]);
    let halt = |origin: &str| {
        service.post_with("/v1/resume", r#"{ "reason": "x" }"#, &[("Cookie", &cookie), ("Origin", origin)])
    };
    assert_eq!(halt("http://evil.example").status, 403);
    assert_eq!(halt(&service.url).status, 200);
    for open in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(service.get(open).status, 200, "{open}");
    }
}

#[test]
fn a_caller_that_calls_too_often_has_to_wait() {
    let (fixture, tokens) = with_callers("rate = 3\n");
    let service = Service::start(&fixture);
    let bearer = format!("Bearer {}", tokens[1]);
    let statuses: Vec<u16> =
        (0..12).map(|_| service.get_with("/v1/policies", &[("Authorization", &bearer)]).status).collect();
    assert!(statuses[..3].iter().all(|status| *status == 200), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn what_others_reach_needs_tls_and_callers() {
    let (fixture, _) = with_callers("");
    says(
        &fixture,
        "serve --listen 0.0.0.0:0",
        2,
        &["other machines can reach `0.0.0.0:0`, but TLS is not set", "help: add `[serve.tls]`"],
    );
    let open = self::fixture();
    says(&open, "serve --listen 0.0.0.0:0", 2, &["TLS and authentication are not set"]);
    says(&open, "serve --listen here", 2, &["`here` is not an address and a port"]);
    says(&open, "serve --config none.toml", 2, &["reprieve init"]);
    let config = |more: &str| format!("{CONFIG}\n[serve]\n{more}\n");
    for (more, message) in [
        ("body = 0", "0 MiB is not between 1 and 64"),
        ("timeout = \"PT2H\"", "7200 seconds are not between 1 second and 1 hour"),
        ("[[serve.callers]]\nname = \"a\"\nroles = [\"submit\"]", "`a` has 0 credentials"),
        ("[[serve.callers]]\nname = \"a\"\nroles = []\ncertificate = \"a\"", "`a` has no role"),
        ("[[serve.callers]]\nname = \"a\"\nroles = [\"read\"]\ntoken_sha256 = \"F0\"", "is not a SHA-256 digest"),
        ("[[serve.callers]]\nname = \"a\"\nroles = [\"read\"]\nsubject = \"a\"", "add `[serve.tokens]`"),
        (
            "[[serve.callers]]\nname = \"a\"\nroles = [\"read\"]\ncertificate = \"a\"",
            "set `clients` in `[serve.tls]`",
        ),
        ("lists = \"none\"", "none"),
        ("listen_on = 1", "unknown field `listen_on`"),
    ] {
        write(&open, "reprieve.toml", &config(more));
        says(&open, "serve --listen 127.0.0.1:0", 2, &[message]);
    }
    write(&open, "reprieve.toml", "[[policy]]\nuse = \"builtin:mode\"\n");
    says(&open, "serve", 2, &["the policy set names no ledger", "reprieve ledger new"]);
}
