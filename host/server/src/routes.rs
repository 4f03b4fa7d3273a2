//! Every route of the service in one table: who may call it, what handles it, and how `/openapi.json` describes it.

use crate::app::App;
use crate::{api, console, guard, openapi};
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use reprieve::policy::Role;
use schemars::{Schema, SchemaGenerator};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// A schema that a generator makes.
pub(crate) type Described = fn(&mut SchemaGenerator) -> Schema;

/// A route.
pub(crate) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// The role that the caller needs. `None`: everyone, without authentication.
    pub role: Option<Role>,
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

/// The routes of the interface, without the pages of the console.
pub(crate) fn routes() -> Vec<Route> {
    api::routes()
}

/// Builds the router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let policy = guard::Policy { role: route.role, route: route.path };
        let guarded = route.handler.layer(from_fn_with_state((Arc::clone(app), policy), guard::guard));
        router = router.route(route.path, guarded);
    }
    router
        .route("/openapi.json", get(openapi::document))
        .merge(console::router(app))
        .fallback(async |method: Method, uri: Uri| {
            crate::problem::Problem::not_found(format!("there is no {method} {}", uri.path()))
                .with_help("`GET /openapi.json` lists every route")
        })
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            let detail = format!("{} has no method {method}", uri.path());
            crate::problem::Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
        })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            axum::response::IntoResponse::into_response(crate::problem::Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "bug",
                "a bug in Reprieve; its log says where",
            ))
        }))
        .with_state(Arc::clone(app))
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
