//! `/livez`, `/readyz` and `/metrics`.

use crate::app::App;
use crate::clock::now;
use crate::metrics::{METRICS, State as Observed};
use crate::problem::Problem;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use reprieve::model::Timestamp;
use reprieve_ledger::Filter;
use std::sync::Arc;

/// `GET /livez`: the process runs.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the policy set is compiled and not too old, and the ledger can be written. While everything is halted, the
/// service is ready, and denies.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let shared = Arc::clone(&app);
    match app.pool.run(move |_| Ok(shared.not_ready())).await? {
        None => Ok("ready\n"),
        Some(why) => Err(Problem::unavailable(why)),
    }
}

/// `GET /metrics`
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let shared = Arc::clone(&app);
    let page = app
        .pool
        .run(move |_| {
            let halts = shared.ledger.halts()?;
            let open = shared.ledger.decisions(&Filter { open: true, ..Filter::default() })?;
            let age = |at: Timestamp| now().seconds().saturating_sub(at.seconds()).max(0);
            Ok(shared.metrics.print(&Observed {
                halts: halts.len() as i64,
                open_batches: open.len() as i64,
                oldest_open_seconds: open.first().map_or(0, |summary| age(summary.at)),
                set_age_seconds: shared.live().read_at.elapsed().as_secs_f64(),
                ready: shared.not_ready().is_none(),
            }))
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, METRICS)], page).into_response())
}
