//! The console: pages for people. They are made from the same documents as the interface, change nothing but by calls to it, and
//! load nothing from elsewhere. Text of others is text in them.

mod approve;
mod campaign;
mod decision;
mod layout;
mod now;
mod policies;
mod sign_in;
mod table;
mod velocity;

use crate::app::App;
use crate::guard::{Policy, guard};
use crate::problem::Problem;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use layout::Page;
use reprieve::policy::Role;
use reprieve_report::render::html::STYLE;
use std::sync::Arc;
use tower_http::set_header::SetResponseHeaderLayer;

/// What a page may load and do.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The routes of the console.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let policy = Policy { role: Some(Role::Read), route: "console" };
    let pages = Router::new()
        .route("/", get(now::page))
        .route("/decisions/{entry}", get(decision::page))
        .route("/decisions/{entry}/approve", get(approve::page))
        .route("/campaigns/{name}", get(campaign::page))
        .route("/policies", get(policies::page))
        .layer(from_fn_with_state((Arc::clone(app), policy), guard));
    let open = Policy { role: None, route: "console" };
    let others = Router::new()
        .route("/login", get(sign_in::page).post(sign_in::sign_in))
        .route("/logout", axum::routing::post(sign_in::sign_out))
        .route("/console.css", get(async || asset("text/css; charset=utf-8", &[STYLE, include_str!("console.css")])))
        .route("/console.js", get(async || asset("text/javascript; charset=utf-8", &[include_str!("console.js")])))
        .layer(from_fn_with_state((Arc::clone(app), open), guard));
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    pages
        .merge(others)
        .layer(from_fn(present))
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .layer(set(header::CACHE_CONTROL, "no-store"))
}

fn asset(media: &'static str, parts: &[&'static str]) -> Response {
    ([(header::CONTENT_TYPE, media)], parts.concat()).into_response()
}

/// Shows a problem as a page, and leads people who are not signed in to where they can.
async fn present(request: Request, next: Next) -> Response {
    let is_page = request.method() == axum::http::Method::GET;
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().filter(|_| is_page).cloned() else { return response };
    if response.status() == StatusCode::UNAUTHORIZED {
        return Redirect::to("/login").into_response();
    }
    let (title, detail, help) = problem.words();
    let body = maud::html! {
        h1 { (layout::text(&title)) }
        p { (layout::text(detail)) }
        @if let Some(help) = help { p { "What to do: " (layout::text(help)) } }
        p { a href="/" { "Back to the console" } }
    };
    (response.status(), Page { title: &title, command: None, caller: None }.render(&body)).into_response()
}
