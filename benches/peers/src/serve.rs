//! One engine behind the HTTP library of `reprieve serve`: `POST /v1/decisions` with a request; 200 is allow, 403 is deny.
//! Nothing is recorded, and callers are not authenticated.

use crate::engines::Machine;
use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reprieve::model::Verdict;
use reprieve::{Batch, Folder, Gate, ReadOptions};
use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::sync::Arc;

thread_local! {
    static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
}

/// Serves an engine on loopback until the process is killed, and prints its address.
///
/// # Errors
/// The error of the engine, an unknown name, or that of the socket.
pub fn serve(engine: &str) -> Result<()> {
    let routes = match engine {
        "regorus" => {
            let machine = Machine::new()?;
            Router::new().route("/v1/decisions", post(move |body| regorus(machine.clone(), body)))
        }
        "reprieve" => {
            let gate = Arc::new(Gate::builder().build()?);
            Router::new().route("/v1/decisions", post(move |body| reprieve(Arc::clone(&gate), body)))
        }
        _ => anyhow::bail!("`{engine}` is not served; `regorus` and `reprieve` are"),
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, routes).await.context("the server")
    })
}

/// A decision takes less time than passing it to another thread.
async fn regorus(machine: Machine, body: Bytes) -> Response {
    let broken = MACHINE.with_borrow_mut(|own| own.get_or_insert(machine).decide(&body));
    match broken {
        Ok(broken) if broken.is_empty() => StatusCode::OK.into_response(),
        Ok(broken) => (StatusCode::FORBIDDEN, format!("{broken:?}")).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
    }
}

/// The nine policies on a thread that may block, as the service does it, and the whole decision document as the answer.
async fn reprieve(gate: Arc<Gate>, body: Bytes) -> Response {
    let decided = tokio::task::spawn_blocking(move || -> Result<_> {
        let folder = Folder::open(".".as_ref())?;
        let decision = gate.vet(Batch::read_with(&*body, "request", &folder, ReadOptions::default().threads(1))?);
        let status = if decision.document().decision == Verdict::Allow { StatusCode::OK } else { StatusCode::FORBIDDEN };
        Ok((status, serde_json::to_vec(decision.document())?))
    });
    match decided.await {
        Ok(Ok(answer)) => answer.into_response(),
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
