use crate::Authority;
use reprieve_sdk::testing::{DIGEST, check, review, wave};
use reprieve_sdk::{Nature, Session};
use serde_json::{Value, json};

fn found(claims: Value) -> Vec<String> {
    check::<Authority>(&review(claims, json!({})), json!({}), &[])
}

fn approval(by: &str, patch: Value) -> Value {
    let mut approval = json!({ "by": by, "type": "human", "at": "2026-03-02T11:50:00Z", "targets_sha256": DIGEST,
        "mode": "hard", "kinds": { "app": 2 }, "tenants": 2 });
    reprieve_sdk::testing::merge_patch(&mut approval, patch);
    approval
}

fn hard(approvals: &[Value]) -> Vec<String> {
    found(json!({ "mode": "hard", "approvals": approvals }))
}

#[test]
fn requires_one_approval_for_a_soft_delete_and_two_for_a_hard_delete() {
    assert!(found(json!({})).is_empty());
    assert_eq!(found(json!({ "approvals": [] })), ["deny too-few-approvals"]);
    assert_eq!(found(json!({ "approvals": null })), ["deny too-few-approvals"]);
    assert!(hard(&[approval("alice", json!({})), approval("bob", json!({}))]).is_empty());
    for again in ["alice", "Alice", " ALICE "] {
        assert_eq!(hard(&[approval("alice", json!({})), approval(again, json!({}))]), ["deny too-few-approvals"]);
    }
    let many = json!({ "tenants_at_most": 61 });
    assert_eq!(check::<Authority>(&review(json!({}), many), json!({}), &[]), ["deny too-few-approvals"]);
}

#[test]
fn rejects_approvals_of_another_batch() {
    let denied = ["deny too-few-approvals", "deny approval-differs"];
    for patch in [
        json!({ "targets_sha256": DIGEST.to_uppercase() }),
        json!({ "targets_sha256": null }),
        json!({ "mode": "soft" }),
        json!({ "kinds": { "app": 1 } }),
        json!({ "kinds": { "site": 2, "app": null } }),
        json!({ "tenants": 3 }),
        json!({ "type": "ai-agent" }),
        json!({ "type": null }),
        json!({ "by": " " }),
    ] {
        assert_eq!(hard(&[approval("alice", json!({})), approval("bob", patch.clone())]), denied, "{patch}");
    }
    let enough = [approval("alice", json!({})), approval("bob", json!({})), approval("eve", json!({ "tenants": 3 }))];
    assert_eq!(hard(&enough), ["warn approval-differs"]);
}

#[test]
fn denies_an_approval_by_the_submitter() {
    for by in ["carol", "Carol", "svc-cleanup"] {
        assert_eq!(
            hard(&[approval("alice", json!({})), approval("bob", json!({})), approval(by, json!({}))]),
            ["deny self-approval"]
        );
    }
}

#[test]
fn rejects_stale_and_future_approvals() {
    for at in ["2026-03-01T11:59:59Z", "2026-03-03T12:00:00Z", "9998-01-01T00:00:00Z"] {
        let approvals = [approval("alice", json!({})), approval("bob", json!({ "at": at }))];
        assert_eq!(hard(&approvals), ["deny too-few-approvals", "deny approval-stale"]);
    }
}

fn approved(actor: Value) -> Value {
    json!({ "mode": "hard", "actor": actor, "approvals": [approval("alice", json!({})), approval("bob", json!({}))] })
}

#[test]
fn denies_a_hard_delete_by_an_agent_in_production() {
    assert_eq!(found(approved(json!({ "type": "ai-agent" }))), ["deny agent-not-allowed"]);
    assert!(found(json!({ "actor": { "type": "ai-agent" } })).is_empty(), "a soft delete is allowed");
    let claims = json!({ "mode": "hard", "environment": "staging", "approvals": [approval("alice", json!({})), approval("bob", json!({}))],
        "actor": { "type": "ai-agent", "credential": { "environment": "staging" } } });
    let staging = json!({ "inventory": { "environments": { "counts": { "production": null, "staging": 2 } } } });
    assert!(check::<Authority>(&review(claims.clone(), staging), json!({}), &[]).is_empty());
    assert_eq!(found(claims.clone()), ["deny agent-not-allowed"], "the inventory says production");
    let review = review(claims, json!({ "inventory": null }));
    assert_eq!(check::<Authority>(&review, json!({}), &[]), ["deny agent-not-allowed"], "the environment is unknown");
}

#[test]
fn denies_a_credential_for_another_purpose_or_environment() {
    for credential in [json!({ "purpose": "testing" }), json!({ "environment": "test" })] {
        assert_eq!(found(json!({ "actor": { "credential": credential } })), ["deny credential-purpose"]);
    }
    assert_eq!(found(json!({ "actor": { "credential": null } })), ["warn credential-purpose"; 2]);
    assert_eq!(found(approved(json!({ "credential": null }))), ["deny credential-purpose"; 2]);
}

#[test]
fn requires_a_known_submitter() {
    for actor in
        [json!({ "id": "" }), json!({ "type": "unknown" }), json!({ "type": null }), json!({ "on_behalf_of": null })]
    {
        assert_eq!(found(approved(actor.clone())), ["deny unknown-actor"], "{actor}");
        assert_eq!(found(json!({ "actor": actor })), ["warn unknown-actor"]);
    }
}

#[test]
fn requires_approvals_of_the_whole_list_for_a_wave() {
    let whole =
        |by| approval(by, json!({ "mode": "soft", "targets_sha256": "f00", "kinds": { "app": 9 }, "tenants": 70 }));
    let alone = |by| approval(by, json!({ "mode": "soft" }));
    let asked =
        |approvals: &[Value]| check::<Authority>(&review(json!({ "approvals": approvals }), wave()), json!({}), &[]);
    assert!(asked(&[whole("alice"), whole("bob")]).is_empty());
    assert_eq!(asked(&[whole("alice")]), ["deny too-few-approvals"], "the whole list has 70 tenants");
    assert_eq!(asked(&[alone("alice")]), ["deny too-few-approvals", "deny approval-differs"]);
}

/// The nature and the rule of each finding.
fn natures(claims: Value, facts: Value) -> Vec<(Nature, &'static str)> {
    let review = review(claims, facts).to_string();
    let session = Session::<Authority>::begin(&review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_a_wrong_credential_from_a_missing_one() {
    let credential = |patch: Value| natures(json!({ "actor": { "credential": patch } }), json!({}));
    let rule = "credential-purpose";
    assert_eq!(credential(json!({ "purpose": "testing" })), [(Nature::Wrong, rule)]);
    assert_eq!(credential(json!(null)), [(Nature::Missing, rule); 2]);
}
