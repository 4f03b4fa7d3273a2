//! Deletions by the controllers of a cluster: what goes with an object that was deleted. The controllers say neither who
//! began it nor why, so such a deletion passes only if what it follows from was allowed.
//!
//! What was allowed is in the ledger, and so is every follow-up that passed, because the next one may follow from it: a
//! Deployment's ReplicaSet, and the ReplicaSet's Pods. So it is known after a restart and to every replica.

use super::review::{Question, is_uid};
use crate::app::App;
use crate::clock::now;
use crate::problem::Problem;
use reprieve::ledger::{LedgerError, Outcome};
use reprieve::model::{Duration, Verdict};
use reprieve::policy::KubernetesSettings;
use reprieve_ledger::{FollowUp, RecordedDecision};
use reprieve_readers::Value;

/// The accounts that delete what goes with something else.
const CONTROLLERS: [&str; 2] = [
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
];

/// How long after an allowed deletion its follow-ups pass, if it is not set, in seconds.
const DEFAULT_WINDOW: u64 = 86_400;

/// The maximum number of owners that are looked up.
const MAX_OWNERS: usize = 32;

/// Whether a deletion follows from another one.
pub(super) fn is_follow_up(question: &Question) -> bool {
    question.text("/userInfo/username").is_some_and(|name| CONTROLLERS.contains(&name))
}

/// The name of the request for the object that a review is about. It is the same for every review of the object.
pub(super) fn request_id(question: &Question, cluster: &str) -> Option<String> {
    let group = question.value("/kind/group").map_or(Some(""), Value::as_str)?;
    let kind = question.text("/kind/kind")?;
    let uid = question.text("/oldObject/metadata/uid").filter(|uid| is_uid(uid))?;
    if (group, kind) == ("", "Namespace") {
        // What is in it names it, and nothing else of it.
        return question.text("/oldObject/metadata/name").map(|name| of_namespace(cluster, name));
    }
    Some(of_uid(cluster, uid))
}

fn of_uid(cluster: &str, uid: &str) -> String {
    format!("kubernetes/{cluster}/{uid}")
}

fn of_namespace(cluster: &str, name: &str) -> String {
    format!("kubernetes/{cluster}/namespace/{name}")
}

/// Returns the entry of the decision that a deletion follows from, and records that it passes, unless it is a dry run. An
/// error says why it does not pass.
pub(super) fn follow(
    app: &App,
    settings: &KubernetesSettings,
    actor: &str,
    question: &Question,
    is_dry_run: bool,
) -> Result<u64, Problem> {
    let cluster = &settings.cluster;
    let object = request_id(question, cluster)
        .ok_or_else(|| Problem::unreadable("the object that is deleted has no kind or no `uid`"))?;
    let halts = app.ledger.halts()?;
    if let Some(active) = halts.first() {
        let detail = format!("everything is halted by {}: {}", active.halt.by, active.halt.reason);
        return Err(Problem::conflict(detail));
    }
    for root in roots(question, cluster) {
        let Some(decision) = allowed(app, settings, actor, &root)? else { continue };
        let follow_up = FollowUp { decision: decision.entry, object };
        if !is_dry_run && app.ledger.followed(&follow_up.object)?.as_ref() != Some(&follow_up) {
            app.ledger.follow(&follow_up)?;
        }
        tracing::info!(object = follow_up.object, entry = decision.entry, "a follow-up passes");
        return Ok(decision.entry);
    }
    Err(Problem::conflict(
        "a controller of the cluster deletes it, and nothing that it belongs to was allowed to be deleted",
    ))
}

/// What the object of a review goes with: its owners and its namespace.
fn roots(question: &Question, cluster: &str) -> Vec<String> {
    let owners = question.value("/oldObject/metadata/ownerReferences").and_then(Value::as_array);
    let uids = owners.into_iter().flatten().filter_map(|owner| owner.get("uid")?.as_str());
    let owners = uids.filter(|uid| is_uid(uid)).map(|uid| of_uid(cluster, uid)).take(MAX_OWNERS);
    let namespace = question.text("/namespace").map(|name| of_namespace(cluster, name));
    owners.chain(namespace).collect()
}

/// Returns the decision that allowed something, or what it followed from, to be deleted.
fn allowed(
    app: &App,
    settings: &KubernetesSettings,
    actor: &str,
    root: &str,
) -> Result<Option<RecordedDecision>, Problem> {
    let found = |result: Result<RecordedDecision, LedgerError>| match result {
        Ok(decision) => Ok(Some(decision)),
        Err(LedgerError::NotFound { .. }) => Ok(None),
        Err(error) => Err(Problem::from(error)),
    };
    let passes = |decision: &RecordedDecision| is_allowed(settings, actor, decision);
    if let Some(decision) = found(app.ledger.last_decision(root))?
        && passes(&decision)
    {
        return Ok(Some(decision));
    }
    let Some(follow_up) = app.ledger.followed(root)? else { return Ok(None) };
    Ok(found(app.ledger.decision(follow_up.decision))?.filter(passes))
}

/// Whether a decision lets its follow-ups pass: this cluster asked for it, it is an allow that was not aborted, and it is
/// not too old.
fn is_allowed(settings: &KubernetesSettings, actor: &str, decision: &RecordedDecision) -> bool {
    let claims = &decision.record.review.claims;
    let by = claims.actor.as_ref().and_then(|actor| actor.id.as_deref());
    let window = settings.follow_ups.map_or(DEFAULT_WINDOW, Duration::seconds);
    let age = now().seconds().saturating_sub(decision.at.seconds());
    decision.record.decision.decision == Verdict::Allow
        && !matches!(decision.outcome, Some(Outcome::Aborted { .. }))
        && by == Some(actor)
        && u64::try_from(age).unwrap_or_default() <= window
}
