//! A route of the interface: who may call it, what handles it, and how `/openapi.json` describes it.

use crate::app::App;
use axum::routing::{MethodRouter, get, post};
use reprieve::policy::Role;
use schemars::{Schema, SchemaGenerator};
use std::sync::Arc;

/// A schema that a generator makes.
pub(crate) type Described = fn(&mut SchemaGenerator) -> Schema;

/// A route.
pub(crate) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// The role that the caller needs. `None`: everyone, without authentication.
    pub role: Option<Role>,
    /// The header with a signature that the handler verifies, if that is what authenticates the call.
    pub signature: Option<&'static str>,
    pub summary: &'static str,
    /// The parameters of its query.
    pub query: &'static [Parameter],
    /// Its body, if it has one.
    pub body: Option<Described>,
    /// What it answers, by status. Every route may answer with a problem besides.
    pub answers: Vec<(u16, &'static str, Answer)>,
    pub handler: MethodRouter<Arc<App>>,
}

/// A parameter of a query.
pub(crate) struct Parameter {
    pub name: &'static str,
    pub summary: &'static str,
    pub schema: fn() -> serde_json::Value,
}

/// The content of an answer.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Json(Described),
    Text,
    Metrics,
}

/// A handler of `GET`.
pub(crate) fn on_get<H, T>(handler: H) -> MethodRouter<Arc<App>>
where
    H: axum::handler::Handler<T, Arc<App>>,
    T: 'static,
{
    get(handler)
}

/// A handler of `POST`.
pub(crate) fn on_post<H, T>(handler: H) -> MethodRouter<Arc<App>>
where
    H: axum::handler::Handler<T, Arc<App>>,
    T: 'static,
{
    post(handler)
}
