//! The pages of the console as they are sent: who sees them, what they may load, and that text of others is text.

use crate::support::fixture::{CONFIG, fixture, says, write};
use crate::support::service::{Service, agent};
use serde_json::json;

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{202e}\u{200b}";
/// A name with an invisible character is refused.
const NAME: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

fn pages(entry: u64) -> Vec<String> {
    let campaign: String = NAME.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut pages = vec!["/".to_owned(), "/policies".to_owned(), format!("/campaigns/{campaign}")];
    pages.extend([format!("/decisions/{entry}"), format!("/decisions/{entry}/approve"), "/decisions/77".to_owned()]);
    pages
}

#[test]
fn text_of_others_is_text_on_every_page() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let body = json!({
        "id": NAME, "mode": "soft", "environment": NAME, "target_kind": NAME, "campaign": NAME,
        "reason": { "text": HOSTILE, "ticket": HOSTILE }, "actor": { "id": NAME },
        "targets": [{ "id": HOSTILE, "kind": NAME, "tenant": NAME }]
    });
    let decided = service.post("/v1/decisions", &body.to_string());
    let entry = decided.json()["ledger"]["entry"].as_u64().expect(&decided.text);
    service.post("/v1/halt", &json!({ "reason": HOSTILE }).to_string());
    for path in pages(entry) {
        let page = service.get(&path);
        assert_eq!(page.status, if path.ends_with("77") { 404 } else { 200 }, "{path}: {}", page.text);
        for forbidden in ["<script>", "<img", "onerror=alert(1)>", "\u{202e}", "\u{200b}"] {
            assert!(!page.text.contains(forbidden), "{path}: `{forbidden}` in\n{}", page.text);
        }
        assert!(page.text.starts_with("<!DOCTYPE html>"), "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["cache-control"], "no-store");
        // Nothing is loaded from elsewhere, and no style or handler is within the page.
        for forbidden in ["http://", "https://", " style=", "<style", " onclick", "javascript:"] {
            assert!(!page.text.contains(forbidden), "{path}: `{forbidden}`");
        }
    }
}

#[test]
fn a_campaign_shows_what_it_used_of_its_limits() {
    let fixture = fixture();
    let service = Service::start(&fixture);
    let body = json!({
        "id": "one", "mode": "soft", "environment": "production", "target_kind": "app", "campaign": "sweep",
        "targets": [{ "id": "a-1", "kind": "app", "tenant": "t-1" }, { "id": "a-2", "kind": "app", "tenant": "t-2" }]
    });
    let decided = service.post("/v1/decisions", &body.to_string());
    assert_eq!(decided.status, 200, "{}", decided.text);
    let page = service.get("/campaigns/sweep");
    let row =
        "in the last 24 hours</th><td>1</td><td>2</td><td>2</td><td>5 <meter min=\"0\" max=\"5\" value=\"2\">2 of 5";
    assert!(page.text.contains(row), "{}", page.text);
    assert!(page.text.contains("a soft batch in production"), "{}", page.text);
}

#[test]
fn people_sign_in_with_a_token_that_has_the_role_to_read() {
    let fixture = fixture();
    let mut config = format!("{CONFIG}\n[serve]\n");
    for (name, roles) in [("ann", "[\"read\"]"), ("svc", "[\"submit\"]")] {
        let printed = says(&fixture, &format!("token {name}"), 0, &[]);
        config += &printed.replace("[\"submit\", \"execute\"]", roles);
    }
    write(&fixture, "reprieve.toml", &config);
    let client = agent(ureq::Agent::config_builder().max_redirects(0));
    let service = Service::start_with(&fixture, "serve --listen 127.0.0.1:0", client);
    let token = |name: &str| std::fs::read_to_string(fixture.path().join(format!("{name}.token"))).unwrap();
    for path in pages(1) {
        let answer = service.get(&path);
        assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (303, "/login"), "{path}");
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(service.post_with("/login", "token=rpv_wrong", &form).status, 401);
    assert_eq!(service.post_with("/login", "token=a%0Ab", &form).status, 401);
    let signed_in = service.post_with("/login", &format!("token={}", token("ann")), &form);
    assert_eq!(signed_in.status, 303);
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let page = service.get_with("/", &[("Cookie", cookie)]);
    assert_eq!(page.status, 200);
    // Who may only read sees no form that acts, and its cookie is no credential for one.
    assert!(page.text.contains("ann") && !page.text.contains("data-post"), "{}", page.text);
    let halt = service.post_with("/v1/halt", r#"{ "reason": "x" }"#, &[("Cookie", cookie), ("Origin", &service.url)]);
    assert_eq!(halt.status, 403);
    // Who may not read is told so.
    let other = format!("reprieve_token={}", token("svc"));
    let refused = service.get_with("/", &[("Cookie", &other)]);
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("does not have the role `read`"), "{}", refused.text);
    let signed_out = service.post_with("/logout", "", &[("Cookie", cookie), ("Origin", &service.url)]);
    assert!(signed_out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
}
