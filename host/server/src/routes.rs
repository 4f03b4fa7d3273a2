//! The router: every route of the interface behind its guard, the description, and the console.

use crate::app::App;
use crate::{api, console, guard, openapi};
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// Builds the router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in api::routes() {
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
