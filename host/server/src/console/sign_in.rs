//! `/login` and `/logout`: a person's token, in a cookie that no script reads and no other site sends.

use super::layout::{Page, text};
use crate::app::App;
use crate::auth::COOKIE;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Credential {
    token: String,
}

pub(super) async fn page(State(app): State<Arc<App>>) -> Response {
    if app.live().callers.are_set() { form(None).into_response() } else { Redirect::to("/").into_response() }
}

fn form(wrong: Option<&str>) -> Html<String> {
    let content = html! {
        h1 { "Sign in" }
        @if let Some(wrong) = wrong { p.deny role="alert" { (text(wrong)) } }
        form method="post" action="/login" {
            label { span { "Your token" } input type="password" name="token" required autocomplete="off"; }
            button { "Sign in" }
        }
        p { "An operator makes one with " code { "reprieve token NAME" } ", and gives it the roles it needs." }
    };
    Page { title: "Sign in", command: None, caller: None }.render(&content)
}

pub(super) async fn sign_in(State(app): State<Arc<App>>, Form(Credential { token }): Form<Credential>) -> Response {
    let live = app.live();
    let Ok(bearer) = HeaderValue::try_from(format!("Bearer {}", token.trim())) else {
        return (StatusCode::UNAUTHORIZED, form(Some("This is not a token."))).into_response();
    };
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
    if let Err(problem) = live.callers.authenticate(&headers, None) {
        let (_, detail, _) = problem.words();
        return (StatusCode::UNAUTHORIZED, form(Some(detail))).into_response();
    }
    let secure = if live.tls.is_some() { "; Secure" } else { "" };
    set_cookie(&format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}", token.trim()))
}

pub(super) async fn sign_out() -> Response {
    set_cookie(&format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))
}

/// Sets the cookie, and leads to the console. The token has been a header, so it can be part of one.
fn set_cookie(cookie: &str) -> Response {
    let mut response = Redirect::to("/").into_response();
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
