//! `POST /v1/decisions`: decides about a batch. The status is the verdict.

use crate::app::App;
use crate::body::JsonBytes;
use crate::extract::Who;
use crate::live::Live;
use crate::problem::Problem;
use crate::telemetry::Decided;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reprieve::ledger::Outcome;
use reprieve::model::{DecisionDocument, FaultCause, Verdict};
use reprieve::{Batch, Decision, DecisionReport, ReadOptions, VetOptions};
use reprieve_ledger::RecordedDecision;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;

/// The memory that a batch may use, in bytes: 256 MiB for each core, divided by the calls at once. What does not fit is spilled.
const MEMORY: u64 = 64 << 20;

/// The header by which a client tells a repeated call from a new one.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What the request is called in messages.
const REQUEST: &str = "request";

/// A call for a decision.
pub(crate) struct Call {
    /// The request document.
    pub body: Bytes,
    /// The caller, if it is authenticated.
    pub caller: Option<String>,
    /// The digest of the caller and its idempotency key.
    pub idempotency_sha256: Option<String>,
}

/// A decision for a call.
pub(crate) struct Answer {
    pub report: DecisionReport,
    /// Whether an earlier call was decided.
    pub is_repeated: bool,
}

/// `POST /v1/decisions`
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let idempotency_sha256 = headers.get(IDEMPOTENCY_KEY).map(|key| digest(caller.shown(), key)).transpose()?;
    let call = Call { body, caller: caller.name, idempotency_sha256 };
    let shared = Arc::clone(&app);
    let answer = app.pool.run(move |waiting| decide(&shared, &call, || waiting.is_over())).await?;
    Ok(answer.into_response())
}

/// Decides about a batch and records the decision. `nobody_waits` tells whether the caller has closed the connection.
pub(crate) fn decide(app: &App, call: &Call, nobody_waits: impl Fn() -> bool) -> Result<Answer, Problem> {
    let earlier = |key: &str| app.ledger.decision_of_call(key).map_err(Problem::from);
    let key = call.idempotency_sha256.as_deref();
    if let Some(recorded) = key.map(earlier).transpose()?.flatten() {
        return repeated(&recorded, call);
    }
    let live = app.deciding()?;
    let batch = read(app, &live, call)?;
    let started = Instant::now();
    let decision = live.gate.vet_with(batch, VetOptions { idempotency_sha256: key, ..VetOptions::default() });
    let report = DecisionReport {
        decision: decision.document().clone(),
        breakdown: decision.breakdown().map_err(|error| Problem::unavailable(error.to_string()))?,
    };
    // Another call with this key was recorded meanwhile.
    let is_unrecorded = report.decision.faults.iter().any(|fault| fault.cause == FaultCause::Ledger);
    if let Some(recorded) = key.filter(|_| is_unrecorded).map(earlier).transpose()?.flatten() {
        return repeated(&recorded, call);
    }
    app.metrics.decided(decision.claims().mode, &report.decision, started.elapsed());
    if let Decision::Allow(permit) = decision {
        // Who repeats the call with its key still gets the decision. Otherwise nobody ever will.
        if key.is_none() && nobody_waits() {
            permit.abort("the caller closed the connection before the decision was made")?;
        } else {
            drop(permit.hand_over());
        }
    }
    let document = &report.decision;
    tracing::info!(
        request = document.request,
        verdict = document.decision.as_str(),
        entry = document.ledger.as_ref().map(|entry| entry.entry),
        targets = document.targets,
        caller = call.caller,
        "decided"
    );
    Ok(Answer { report, is_repeated: false })
}

/// Checks that the decision of an earlier call, which a repeated one gets again, was not given up meanwhile.
pub(super) fn check_kept(app: &App, answer: &Answer) -> Result<(), Problem> {
    let Some(entry) = answer.report.decision.ledger.as_ref().filter(|_| answer.is_repeated) else { return Ok(()) };
    match app.ledger.decision(entry.entry)?.outcome {
        Some(Outcome::Aborted { .. }) => {
            Err(Problem::conflict(format!("the decision of entry {} was given up", entry.entry)))
        }
        _ => Ok(()),
    }
}

/// Decides about a batch, and records nothing: nothing may be deleted by it.
pub(super) fn rehearse(app: &App, body: Bytes, caller: Option<&str>) -> Result<DecisionDocument, Problem> {
    let live = app.deciding()?;
    let call = Call { body, caller: caller.map(str::to_owned), idempotency_sha256: None };
    let batch = read(app, &live, &call)?;
    Ok(live.gate.rehearse(&batch))
}

/// Reads the batch, with the approvals that were added for its list.
fn read(app: &App, live: &Live, call: &Call) -> Result<Batch, Problem> {
    let read = |approvals| {
        let mut options = ReadOptions::default().memory(MEMORY).threads(1).approvals(approvals);
        if let Some(caller) = &call.caller {
            options = options.caller(caller);
        }
        match &live.lists {
            Some(lists) => Batch::read_with(&*call.body, REQUEST, lists, options),
            None => Batch::read_with(&*call.body, REQUEST, &live.folder, options.without_files()),
        }
    };
    let batch = read(Vec::new())?;
    let added = app.ledger.approvals(&batch.claims().id, batch.targets_sha256())?;
    let stated = batch.claims().approvals.as_deref().unwrap_or_default();
    let new: Vec<_> = added
        .into_iter()
        .map(|(_, recorded)| recorded.approval)
        .filter(|approval| !stated.iter().any(|stated| stated.token == approval.token))
        .collect();
    if new.is_empty() { Ok(batch) } else { Ok(read(new)?) }
}

/// The decision of an earlier call with the same idempotency key.
fn repeated(recorded: &RecordedDecision, call: &Call) -> Result<Answer, Problem> {
    let document = recorded.document();
    if document.request_sha256 != hex::encode(Sha256::digest(&call.body)) {
        let detail =
            format!("this `Idempotency-Key` was used for another request, decided in entry {}", recorded.entry);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
            .with_help("use a new key for each request"));
    }
    Ok(Answer { report: DecisionReport { decision: document, breakdown: recorded.breakdown()? }, is_repeated: true })
}

/// The digest of a caller and its idempotency key.
fn digest(caller: &str, key: &HeaderValue) -> Result<String, Problem> {
    let key = key.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > 255 {
        return Err(Problem::unreadable("the `Idempotency-Key` is not a text of 1 to 255 visible ASCII characters")
            .with_help("use a random number, such as a UUID"));
    }
    Ok(hex::encode(Sha256::digest(format!("{}:{caller}:{key}", caller.len()))))
}

/// The status of a verdict: a client that looks at nothing else fails closed.
pub(crate) const fn status(verdict: Verdict) -> StatusCode {
    match verdict {
        Verdict::Allow => StatusCode::OK,
        Verdict::Deny => StatusCode::FORBIDDEN,
        Verdict::Undecided => StatusCode::CONFLICT,
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = status(self.report.decision.decision);
        let entry = self.report.decision.ledger.as_ref().map(|entry| format!("/v1/decisions/{}", entry.entry));
        let mut response = (status, axum::Json(&self.report)).into_response();
        response.extensions_mut().insert(Decided::of(&self.report.decision));
        let headers = response.headers_mut();
        if let Some(location) = entry.and_then(|entry| HeaderValue::try_from(entry).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if self.is_repeated {
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}
