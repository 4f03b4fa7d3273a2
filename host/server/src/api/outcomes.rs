//! What follows an allow: the permit of the batch, its use, and the outcome.

use super::recorded::state;
use crate::app::App;
use crate::body::Document;
use crate::extract::EntryNumber;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reprieve::ledger::{Ledger, Outcome};
use reprieve::model::{LedgerEntry, Mode, Timestamp};
use reprieve::signed::{Expected, PermitClaims};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The permit of an allowed batch.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Permit {
    /// The entry that allowed the batch.
    entry: u64,
    /// A token that is used once: `POST /v1/permits/verify`, or `reprieve permit verify`.
    permit: String,
}

/// What ran.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commit {
    /// The number of targets that were deleted. Without it, all count.
    deleted: Option<u64>,
    /// Whether it succeeded.
    #[serde(default = "yes")]
    succeeded: bool,
    /// A note for the record.
    note: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Why nothing ran.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Abort {
    /// The reason.
    #[schemars(length(min = 1))]
    reason: String,
}

/// A batch whose outcome is recorded.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Closed {
    entry: u64,
    /// `committed` or `aborted`.
    state: String,
}

/// A permit, and what its bearer is about to do.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verify {
    /// The token.
    permit: String,
    /// SHA-256 of the list that is about to be deleted, lower-case hex.
    targets_sha256: String,
    /// The mode, if the bearer chooses it.
    mode: Option<Mode>,
    /// The environment, if the bearer chooses it.
    environment: Option<String>,
}

/// A permit that was accepted and is used now.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Verified {
    entry: u64,
    /// The request's `id`.
    request: String,
    mode: Mode,
    environment: String,
    targets: u64,
    /// The section of the list that it is for, counted from 0. Absent: the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<u32>,
    used_at: Timestamp,
}

/// `POST /v1/decisions/{entry}/permit`
pub(crate) async fn permit(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
) -> Result<Json<Permit>, Problem> {
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let live = shared.deciding()?;
        let unavailable = |error: reprieve::BuildError| {
            Problem::unavailable(error.to_string()).with_help("name a key in `[permits]` of reprieve.toml")
        };
        let key = live.signing.permit_key().map_err(unavailable)?;
        let recorded = shared.ledger.decision(entry)?;
        if state(&recorded) != "open" {
            return Err(Problem::conflict(format!("the batch of entry {entry} is {}", state(&recorded))));
        }
        if let Some(used) = recorded.used {
            return Err(Problem::conflict(format!("the permit of entry {entry} was used in entry {used}")));
        }
        if let Some(halt) = shared.ledger.halts()?.first() {
            let detail = format!("everything is halted: {} (by {})", halt.halt.reason, halt.halt.by);
            return Err(Problem::new(StatusCode::FORBIDDEN, "halted", detail));
        }
        let named = LedgerEntry { entry, sha256: recorded.sha256.clone() };
        let token = PermitClaims::issue_recorded(&recorded.record, named, &key, live.signing.lifetime())
            .map_err(|error| Problem::conflict(error.to_string()))?;
        Ok(Permit { entry, permit: token })
    };
    Ok(Json(app.pool.run(work).await?))
}

/// `POST /v1/decisions/{entry}/commit`
pub(crate) async fn commit(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
    Document(Commit { deleted, succeeded, note }): Document<Commit>,
) -> Result<Json<Closed>, Problem> {
    record(&app, entry, Outcome::Committed { succeeded, deleted, note }, "committed").await
}

/// `POST /v1/decisions/{entry}/abort`
pub(crate) async fn abort(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
    Document(Abort { reason }): Document<Abort>,
) -> Result<Json<Closed>, Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::unreadable("the reason is empty").at("/reason"));
    }
    record(&app, entry, Outcome::Aborted { reason }, "aborted").await
}

async fn record(app: &Arc<App>, entry: u64, outcome: Outcome, state: &str) -> Result<Json<Closed>, Problem> {
    let shared = Arc::clone(app);
    app.pool.run(move |_| Ok(shared.ledger.record_outcome(entry, &outcome)?)).await?;
    Ok(Json(Closed { entry, state: state.to_owned() }))
}

/// `POST /v1/permits/verify`
pub(crate) async fn verify(
    State(app): State<Arc<App>>,
    Document(asked): Document<Verify>,
) -> Result<Json<Verified>, Problem> {
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let live = shared.live();
        let keys = live.signing.permit_keys().map_err(|error| {
            Problem::unavailable(error.to_string()).with_help("name the public keys in `[permits]` of reprieve.toml")
        })?;
        let expected = Expected {
            targets_sha256: &asked.targets_sha256,
            mode: asked.mode,
            environment: asked.environment.as_deref(),
        };
        let refused =
            |error: &dyn std::fmt::Display| Problem::new(StatusCode::FORBIDDEN, "permit-refused", error.to_string());
        let claims = PermitClaims::verify(&asked.permit, &keys, &expected).map_err(|error| refused(&error))?;
        let used_at = shared.ledger.redeem(&claims.reference())?;
        let PermitClaims { entry, sub, mode, environment, targets, section, .. } = claims;
        Ok(Verified { entry, request: sub, mode, environment, targets, section, used_at })
    };
    Ok(Json(app.pool.run(work).await?))
}
