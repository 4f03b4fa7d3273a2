//! Approvals that people sign after they have seen a decision. Their private keys never reach the service.

use crate::app::App;
use crate::body::Document;
use crate::clock::now;
use crate::extract::{EntryNumber, Who};
use crate::problem::Problem;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reprieve::model::Approval;
use reprieve::signed::approval_to_sign;
use reprieve_ledger::RecordedApproval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signer {
    key: String,
}

/// What an approver signs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ApprovalStatement")]
pub(crate) struct Statement {
    /// The entry of the decision.
    entry: u64,
    /// The claims of the token, as JSON.
    claims: String,
    /// The first two parts of the token. The third is their Ed25519 signature, base64url without padding.
    signing_input: String,
}

/// A signed approval.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SignedApproval")]
pub(crate) struct Signed {
    /// The entry of the decision.
    #[schemars(range(min = 1, max = 9_223_372_036_854_775_807_u64))]
    entry: u64,
    /// The token.
    token: String,
}

/// An approval that was added.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AddedApproval")]
pub(crate) struct Added {
    /// The entry that records it.
    entry: u64,
    /// Who approved.
    by: Option<String>,
}

/// The approvals of a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Approvals {
    approvals: Vec<Approval>,
}

/// `GET /v1/decisions/{entry}/approval`
pub(crate) async fn statement(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
    signer: Result<Query<Signer>, QueryRejection>,
) -> Result<Json<Statement>, Problem> {
    let Query(Signer { key }) = signer.map_err(|error| Problem::unreadable(error.body_text()))?;
    if key.trim().is_empty() {
        return Err(Problem::unreadable("`key` is empty").with_help("name the id of your key"));
    }
    let shared = Arc::clone(&app);
    let recorded = app.pool.run(move |_| Ok(shared.ledger.decision(entry)?)).await?;
    let (header, claims) = approval_to_sign(&recorded.record.review, &key, now())
        .map_err(|error| Problem::unavailable(error.to_string()))?;
    let signing_input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&claims));
    Ok(Json(Statement { entry, claims, signing_input }))
}

/// `GET /v1/decisions/{entry}/approvals`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    EntryNumber(entry): EntryNumber,
) -> Result<Json<Approvals>, Problem> {
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let decision = shared.ledger.decision(entry)?.record.decision;
        let approvals = shared.ledger.approvals(&decision.request, &decision.targets_sha256)?;
        Ok(Approvals { approvals: approvals.into_iter().map(|(_, recorded)| recorded.approval).collect() })
    };
    Ok(Json(app.pool.run(work).await?))
}

/// `POST /v1/approvals`
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Document(Signed { entry, token }): Document<Signed>,
) -> Result<Json<Added>, Problem> {
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let recorded = shared.ledger.decision(entry)?;
        let review = &recorded.record.review;
        let approval = shared.live().gate.read_approval(review, &token, now()).map_err(|why| {
            Problem::new(StatusCode::FORBIDDEN, "approval-refused", why).with_help(
                "sign what `GET /v1/decisions/ENTRY/approval?key=NAME` returns, with a key of `[approvals] keys`",
            )
        })?;
        let (request, targets_sha256) = (review.claims.id.clone(), review.facts.targets_sha256.clone());
        let earlier = shared.ledger.approvals(&request, &targets_sha256)?;
        if earlier.iter().any(|(_, earlier)| earlier.approval.by == approval.by) {
            let by = approval.by.as_deref().unwrap_or_default();
            return Err(Problem::conflict(format!("`{by}` has approved this list already")));
        }
        let by = approval.by.clone();
        let sent_by = caller.shown().to_owned();
        let added = shared.ledger.approve(&RecordedApproval {
            decision: entry,
            request,
            targets_sha256,
            sent_by,
            approval,
        })?;
        tracing::info!(entry = added.entry, decision = entry, by, "approved");
        Ok(Added { entry: added.entry, by })
    };
    Ok(Json(app.pool.run(work).await?))
}
