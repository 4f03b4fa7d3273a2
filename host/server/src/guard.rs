//! What happens before a handler: who calls, whether it may, and how often.

use crate::app::App;
use crate::auth::Caller;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use reprieve::policy::Role;
use std::sync::Arc;

/// The connection of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// The common name in the certificate of the client, which was verified.
    pub certificate: Option<String>,
}

/// Who may call a route.
#[derive(Clone, Copy)]
pub(crate) struct Policy {
    pub role: Option<Role>,
    /// Its path, for the metrics.
    pub route: &'static str,
}

/// Lets a call pass if its caller may make it.
pub(crate) async fn guard(
    State((app, policy)): State<(Arc<App>, Policy)>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut span = app.telemetry.call(request.method(), policy.route, request.headers());
    let response = match admit(&app, policy, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let status = response.status().as_u16();
    app.metrics.called(policy.route, status);
    span.answered(status, response.extensions().get());
    response
}

fn admit(app: &App, policy: Policy, request: &Request) -> Result<Option<Caller>, Problem> {
    let (headers, live) = (request.headers(), app.live());
    if !live.callers.are_set() {
        check_host(headers, request.uri())?;
    }
    let Some(role) = policy.role else { return Ok(None) };
    let certificate =
        request.extensions().get::<Connection>().and_then(|connection| connection.certificate.as_deref());
    let caller = live.callers.authenticate(headers, certificate)?;
    if !caller.may(role) {
        let detail = format!("`{}` does not have the role `{}`", caller.shown(), role.as_str());
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
            .with_help("add the role to this caller in `[[serve.callers]]`"));
    }
    if request.method() != Method::GET && (caller.by_cookie || caller.name.is_none()) {
        check_origin(headers)?;
    }
    if live.settings.rate.is_some_and(|rate| !app.limiter.take(caller.shown(), rate)) {
        let detail =
            format!("`{}` makes more than {} calls a second", caller.shown(), live.settings.rate.unwrap_or(0));
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-calls", detail));
    }
    Ok(Some(caller))
}

/// Without authentication, whoever reaches the service may do everything. A page whose name was made to lead to this machine
/// (DNS rebinding) must not.
fn check_host(headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_loopback = name.eq_ignore_ascii_case("localhost")
        || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if is_loopback {
        return Ok(());
    }
    let detail = format!(
        "the call is for the host `{host}`, and a service without authentication answers for this machine only"
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
        .with_help("call 127.0.0.1, or set `[[serve.callers]]`"))
}

/// A page of another site must not act with what a browser sends by itself.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let is_same = match text(header::ORIGIN) {
        Some(origin) => origin.split_once("://").is_some_and(|(_, origin)| origin == host),
        None => text(header::HeaderName::from_static("sec-fetch-site"))
            .is_none_or(|site| matches!(site, "same-origin" | "none")),
    };
    if is_same {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "the call comes from a page of another site"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_answered_without_authentication() {
        let check = |host| check_host(&headers(&[("host", host)]), &Uri::from_static("/"));
        for host in ["127.0.0.1:7480", "localhost", "LOCALHOST:1", "[::1]:7480", "127.8.8.8"] {
            assert!(check(host).is_ok(), "{host}");
        }
        for host in ["evil.example", "evil.example:7480", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.evil"]
        {
            assert!(check(host).is_err(), "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_do_not_act() {
        let host = ("host", "127.0.0.1:7480");
        for (pairs, passes) in [
            (vec![host], true),
            (vec![host, ("origin", "http://127.0.0.1:7480")], true),
            (vec![host, ("origin", "http://evil.example")], false),
            (vec![host, ("origin", "http://127.0.0.1:9999")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "same-origin")], true),
        ] {
            assert_eq!(check_origin(&headers(&pairs)).is_ok(), passes, "{pairs:?}");
        }
    }
}
