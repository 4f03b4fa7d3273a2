//! `POST /v1/decisions` for a function that decides. Both services without a ledger share this file: that of Regorus, and
//! `host/server/examples/unrecorded.rs`. They differ in that function and in nothing else.
//!
//! As in `host/server`, connections are served by the threads of tokio, and decisions are made by as many blocking threads
//! as there are cores, one at a time each. Unlike there, nobody authenticates, nothing is recorded, logged or counted, and
//! calls have no time limit. Any number of calls may wait.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

/// An answer: 200 for an allow and 403 for a deny.
pub struct Answer {
    /// Whether the batch is allowed.
    pub is_allowed: bool,
    /// The body, a JSON document.
    pub json: Vec<u8>,
}

/// Decides about the body of a call. An error is answered with 400.
type Decide = dyn Fn(&[u8]) -> Result<Answer, String> + Send + Sync;

#[derive(Clone)]
struct Service {
    decide: Arc<Decide>,
    running: Arc<Semaphore>,
}

/// Serves until the process is killed.
///
/// # Errors
/// The address cannot be listened on.
pub fn serve(
    address: &str,
    decide: impl Fn(&[u8]) -> Result<Answer, String> + Send + Sync + 'static,
) -> io::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let service = Service { decide: Arc::new(decide), running: Arc::new(Semaphore::new(threads)) };
    let router = Router::new().route("/v1/decisions", post(create)).with_state(service);
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        // An answer is one small write; waiting for more only delays it.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await
    })
}

async fn create(State(service): State<Service>, body: Bytes) -> Response {
    // The semaphore is never closed.
    let Ok(permit) = service.running.acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let decided = tokio::task::spawn_blocking(move || {
        let decided = (service.decide)(&body);
        drop(permit);
        decided
    });
    match decided.await {
        Ok(Ok(Answer { is_allowed, json })) => {
            let status = if is_allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
            (status, [(header::CONTENT_TYPE, "application/json")], json).into_response()
        }
        Ok(Err(message)) => (StatusCode::BAD_REQUEST, message).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
