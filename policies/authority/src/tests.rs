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
    let reached = |tenants: u64, approved: u64| {
        let claims = json!({ "approvals": [approval("alice", json!({ "mode": "soft", "tenants": approved }))] });
        check::<Authority>(&review(claims, json!({ "tenants_at_most": tenants })), json!({}), &[])
    };
    assert!(reached(60, 60).is_empty());
    assert_eq!(reached(61, 61), ["deny too-few-approvals"]);
    assert_eq!(
        reached(3, 2),
        ["deny too-few-approvals", "deny approval-differs"],
        "it reaches one that was not approved"
    );
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
fn an_approval_is_of_the_program_that_runs() {
    let (one, other) = (json!("1a".repeat(32)), json!("2b".repeat(32)));
    let program = |approved: &Value, runs: &Value| {
        found(json!({ "mode": "hard", "operation": { "program_sha256": runs },
            "approvals": [approval("alice", json!({ "program_sha256": approved })), approval("bob", json!({ "program_sha256": runs }))] }))
    };
    assert!(program(&one, &one).is_empty());
    for (approved, runs) in [(&other, &one), (&json!(null), &one), (&one, &json!(null))] {
        let denied = ["deny too-few-approvals", "deny approval-differs"];
        assert_eq!(program(approved, runs), denied, "{approved} {runs}");
    }
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
    let staging = json!({ "production": false });
    assert!(check::<Authority>(&review(claims.clone(), staging), json!({}), &[]).is_empty());
    assert_eq!(found(claims), ["deny agent-not-allowed"], "the inventory says production, or it is unknown");
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
    for actor in [json!({ "type": "unknown" }), json!({ "type": null })] {
        assert_eq!(found(approved(actor.clone())), ["deny unknown-actor"], "{actor}");
        assert_eq!(found(json!({ "actor": actor })), ["warn unknown-actor"]);
    }
    let human = json!({ "type": "human", "on_behalf_of": null });
    assert!(found(approved(human)).is_empty());
}

#[test]
fn without_a_submitter_self_approval_is_unknown() {
    for actor in [
        json!({ "id": "" }),
        json!({ "id": "unknown" }),
        json!({ "on_behalf_of": null }),
        json!({ "on_behalf_of": "n/a", "type": "ai-agent" }),
        json!({ "on_behalf_of": null, "type": "system" }),
    ] {
        let mut claims = approved(actor.clone());
        claims["environment"] = json!("test");
        claims["actor"]["credential"] = json!({ "environment": "test" });
        let facts = json!({ "production": false });
        let hard = check::<Authority>(&review(claims, facts), json!({}), &[]);
        assert_eq!(hard, ["deny unknown-actor", "deny self-approval"], "{actor}");
        assert_eq!(found(json!({ "actor": actor })), ["warn unknown-actor", "warn self-approval"]);
    }
    let unapproved = found(json!({ "actor": { "id": null }, "approvals": [] }));
    assert_eq!(unapproved, ["deny too-few-approvals", "warn unknown-actor"]);
}

#[test]
fn denies_an_approval_by_the_author_of_the_list() {
    let by = |author: &str| {
        found(json!({ "mode": "hard", "provenance": { "extracted_by": author },
            "approvals": [approval("alice", json!({})), approval("bob", json!({})), approval("eve", json!({}))] }))
    };
    assert!(by("r.osei").is_empty());
    for author in ["eve", " Eve "] {
        assert_eq!(by(author), ["deny self-approval"], "{author}");
    }
}

#[test]
fn warns_of_approvals_that_are_older_than_the_list() {
    let at = |at: &str| found(json!({ "provenance": { "extracted_at": at } }));
    assert!(at("2026-03-02T11:50:00Z").is_empty());
    assert_eq!(at("2026-03-02T11:50:01Z"), ["warn approval-stale"]);
}

#[test]
fn denies_an_agent_that_does_not_describe_its_credential() {
    for credential in [json!({ "purpose": null }), json!({ "environment": " " }), json!({ "purpose": "none" })] {
        let by = |actor: &str| found(json!({ "actor": { "type": actor, "credential": credential } }));
        assert_eq!(by("ai-agent"), ["deny credential-purpose"], "{credential}");
        assert_eq!(by("automation"), ["warn credential-purpose"], "{credential}");
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
    let session = Session::<Authority>::begin(review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_a_wrong_credential_from_a_missing_one() {
    let credential = |patch: Value| natures(json!({ "actor": { "credential": patch } }), json!({}));
    let rule = "credential-purpose";
    assert_eq!(credential(json!({ "purpose": "testing" })), [(Nature::Wrong, rule)]);
    assert_eq!(credential(json!(null)), [(Nature::Missing, rule); 2]);
}
