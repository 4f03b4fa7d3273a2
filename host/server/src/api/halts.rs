//! The stop button: `POST /v1/halt` and `POST /v1/resume`.

use crate::app::App;
use crate::body::Document;
use crate::extract::Who;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Why everything is halted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Halt {
    /// The reason.
    #[schemars(length(min = 1))]
    reason: String,
}

/// Why a halt is lifted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// The reason.
    #[schemars(length(min = 1))]
    reason: String,
    /// The entry of the halt, if several are in force.
    #[schemars(range(min = 1, max = 9_223_372_036_854_775_807_u64))]
    entry: Option<u64>,
}

/// What is halted now.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Halted {
    /// The entry that records the call.
    entry: u64,
    /// The halts in force.
    halts: Vec<HaltInForce>,
}

/// A halt in force.
#[derive(Serialize, JsonSchema)]
pub(crate) struct HaltInForce {
    /// The entry that records it.
    entry: u64,
    reason: String,
    /// Who ordered it.
    by: String,
}

/// `POST /v1/halt`
pub(crate) async fn halt(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Document(Halt { reason }): Document<Halt>,
) -> Result<Json<Halted>, Problem> {
    let reason = stated(reason)?;
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let entry = shared.ledger.halt(&reason, caller.shown())?.entry;
        tracing::warn!(entry, reason, by = caller.shown(), "halted");
        halted(&shared, entry)
    };
    Ok(Json(app.pool.run(work).await?))
}

/// `POST /v1/resume`
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Document(Resume { reason, entry }): Document<Resume>,
) -> Result<Json<Halted>, Problem> {
    let reason = stated(reason)?;
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let entry = shared.ledger.resume(entry, &reason, caller.shown())?.entry;
        tracing::warn!(entry, reason, by = caller.shown(), "resumed");
        halted(&shared, entry)
    };
    Ok(Json(app.pool.run(work).await?))
}

fn stated(reason: String) -> Result<String, Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::unreadable("the reason is empty").at("/reason"));
    }
    Ok(reason)
}

fn halted(app: &App, entry: u64) -> Result<Halted, Problem> {
    let halts = app.ledger.halts()?.into_iter();
    let halts =
        halts.map(|halt| HaltInForce { entry: halt.entry, reason: halt.halt.reason, by: halt.halt.by }).collect();
    Ok(Halted { entry, halts })
}
