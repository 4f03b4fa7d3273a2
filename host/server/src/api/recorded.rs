//! Recorded decisions: a list of them, single ones, whom they affect, and the same decision made again.

use crate::app::App;
use crate::extract::EntryNumber;
use crate::problem::Problem;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use reprieve::DecisionReport;
use reprieve::ledger::Outcome;
use reprieve::model::{BatchState, Claims, DecisionDocument, Duration, Mode, Timestamp, Verdict};
use reprieve_ledger::{Filter, RecordedDecision, RestoredTenant, Summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The number of decisions that a list has if the caller does not say.
const DEFAULT_LAST: u64 = 100;
/// The maximum number of decisions in a list.
const MAX_LAST: u64 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default)]
    open: bool,
    since: Option<Timestamp>,
    last: Option<u64>,
}

/// Decisions, the oldest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Decisions")]
pub(crate) struct List {
    decisions: Vec<Line>,
}

/// A decision in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DecisionSummary")]
pub(crate) struct Line {
    /// The number of its entry.
    entry: u64,
    /// When it was recorded.
    recorded_at: Timestamp,
    /// The request's `id`.
    request: String,
    decision: Verdict,
    mode: Mode,
    environment: String,
    /// Rows of the list.
    targets: u64,
    /// Upper bound of the tenants that the batch reaches.
    tenants: u64,
    /// `not-allowed`, `open`, `committed` or `aborted`.
    state: String,
}

/// A recorded decision.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RecordedDecision")]
pub(crate) struct Recorded {
    entry: u64,
    recorded_at: Timestamp,
    /// What the request claims.
    claims: Claims,
    decision: DecisionReport,
    /// `not-allowed`, `open`, `committed` or `aborted`.
    state: String,
    /// The entry in which its permit was used.
    permit_used: Option<u64>,
    outcome: Option<OutcomeDocument>,
}

/// The outcome of an allowed batch.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Outcome")]
pub(crate) struct OutcomeDocument {
    /// Whether it ran and succeeded. Null: it did not run.
    succeeded: Option<bool>,
    /// The number of targets that were deleted. Null: unknown.
    deleted: Option<u64>,
    /// A note, or why it did not run.
    note: Option<String>,
}

/// Whom a decision affects.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AffectedTenants {
    tenants: Vec<Tenant>,
    /// At most this many tenants have no name.
    unnamed_tenants: u64,
}

/// A tenant, and when it would be restored.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AffectedTenant")]
pub(crate) struct Tenant {
    tenant: String,
    /// How many of its things are deleted.
    things: u64,
    owner: Option<String>,
    contact: Option<String>,
    /// The restore batch that contains it, counted from 1.
    restore_batch: u64,
    /// The time from the start of the restore until it is restored.
    restored_after: Duration,
}

/// A decision that was made again.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Replayed {
    /// Whether everything is the same, to the fuel of each policy.
    same: bool,
    decision: DecisionDocument,
}

/// `GET /v1/decisions`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let Query(wanted) = wanted.map_err(|error| Problem::unreadable(error.body_text()))?;
    let last = wanted.last.unwrap_or(DEFAULT_LAST);
    if !(1..=MAX_LAST).contains(&last) {
        return Err(Problem::unreadable(format!("`last` is {last}, and a list has 1 to {MAX_LAST} decisions")));
    }
    let filter = Filter { since: wanted.since, open: wanted.open, last: Some(last), ..Filter::default() };
    let shared = Arc::clone(&app);
    let decisions = app.pool.run(move |_| Ok(shared.ledger.decisions(&filter)?)).await?;
    Ok(Json(List { decisions: decisions.into_iter().map(line).collect() }))
}

fn line(summary: Summary) -> Line {
    let Summary { entry, at, request, decision, mode, environment, targets, tenants, state, .. } = summary;
    Line {
        entry,
        recorded_at: at,
        request,
        decision,
        mode,
        environment,
        targets,
        tenants,
        state: match state {
            BatchState::NotAllowed => "not-allowed".to_owned(),
            state => state.as_str().to_owned(),
        },
    }
}

/// `GET /v1/decisions/{entry}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
) -> Result<Json<Recorded>, Problem> {
    let shared = Arc::clone(&app);
    let recorded = app.pool.run(move |_| document(&shared.ledger.decision(entry)?)).await?;
    Ok(Json(recorded))
}

fn document(recorded: &RecordedDecision) -> Result<Recorded, Problem> {
    Ok(Recorded {
        entry: recorded.entry,
        recorded_at: recorded.at,
        claims: recorded.record.review.claims.clone(),
        decision: DecisionReport { decision: recorded.document(), breakdown: recorded.breakdown()? },
        state: state(recorded).to_owned(),
        permit_used: recorded.used,
        outcome: recorded.outcome.as_ref().map(outcome),
    })
}

/// The state of a batch in a word.
pub(crate) fn state(recorded: &RecordedDecision) -> &'static str {
    match (&recorded.outcome, recorded.record.decision.decision) {
        (None, Verdict::Allow) => "open",
        (None, _) => "not-allowed",
        (Some(Outcome::Committed { .. }), _) => "committed",
        (Some(Outcome::Aborted { .. }), _) => "aborted",
    }
}

fn outcome(outcome: &Outcome) -> OutcomeDocument {
    match outcome.clone() {
        Outcome::Committed { succeeded, deleted, note } => {
            OutcomeDocument { succeeded: Some(succeeded), deleted, note }
        }
        Outcome::Aborted { reason } => OutcomeDocument { succeeded: None, deleted: Some(0), note: Some(reason) },
    }
}

/// `GET /v1/decisions/{entry}/affected`
pub(crate) async fn affected(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
) -> Result<Json<AffectedTenants>, Problem> {
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let recorded = shared.ledger.decision(entry)?;
        let tenant = |RestoredTenant { affected, batch, after }: RestoredTenant| Tenant {
            tenant: affected.tenant,
            things: affected.things,
            owner: affected.owner,
            contact: affected.contact,
            restore_batch: batch,
            restored_after: after,
        };
        let tenants: Vec<Tenant> = recorded.restore_order()?.into_iter().map(tenant).collect();
        Ok(AffectedTenants { unnamed_tenants: recorded.unnamed_tenants(tenants.len()), tenants })
    };
    Ok(Json(app.pool.run(work).await?))
}

/// `GET /v1/decisions/{entry}/replay`
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
) -> Result<Json<Replayed>, Problem> {
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let recorded = shared.ledger.decision(entry)?;
        let gate = shared.source().equip(recorded.gate_builder()?).build();
        let gate = gate.map_err(|error| Problem::unavailable(error.to_string()))?;
        let decision = recorded.replay(&gate)?;
        Ok(Replayed { same: decision == recorded.record.decision, decision })
    };
    Ok(Json(app.pool.run(work).await?))
}
