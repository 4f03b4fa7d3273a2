//! Errors as problem documents (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reprieve::ReadError;
use reprieve::ledger::{LedgerError, RedeemError};
use schemars::JsonSchema;
use serde::Serialize;

/// Why a call has no answer.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    name: &'static str,
    detail: String,
    help: Option<String>,
    pointer: Option<String>,
}

/// Why a call has no answer (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemDocument {
    /// What kind of problem it is: `urn:reprieve:problem:NAME`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What is wrong.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// The field that is wrong, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, name: &'static str, detail: impl Into<String>) -> Self {
        Self { status, name, detail: detail.into(), help: None, pointer: None }
    }

    /// What cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    }

    /// What the service cannot do now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// What does not exist.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// What contradicts what is recorded.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// The kind in words, what is wrong, and what to do about it.
    pub fn words(&self) -> (String, &str, Option<&str>) {
        (self.name.replace('-', " "), &self.detail, self.help.as_deref())
    }

    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub fn at(self, pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..self }
    }

    fn maybe_help(self, help: Option<&str>) -> Self {
        match help {
            Some(help) => self.with_help(help),
            None => self,
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let help = error.help.clone();
        Self::unreadable(error.to_string()).maybe_help(help.as_deref())
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        let message = error.to_string();
        let problem = match error {
            LedgerError::NotFound { .. } => Self::not_found(message),
            // Such as the entry of a halt where that of a decision is expected.
            LedgerError::Conflict { .. } | LedgerError::Misuse { .. } => Self::conflict(message),
            _ => Self::unavailable(message),
        };
        problem.maybe_help(error.help())
    }
}

impl From<RedeemError> for Problem {
    fn from(error: RedeemError) -> Self {
        match error {
            RedeemError::Ledger(error) => error.into(),
            error => Self::new(StatusCode::FORBIDDEN, "permit-refused", error.to_string()).maybe_help(error.help()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kept = self.clone();
        let Self { status, name, detail, help, pointer } = self;
        let (kind, title) = (format!("urn:reprieve:problem:{name}"), name.replace('-', " "));
        let document = ProblemDocument { kind, title, status: status.as_u16(), detail, help, pointer };
        // Text and numbers are always written.
        let body = serde_json::to_string(&document).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        // The console makes a page of it.
        response.extensions_mut().insert(kept);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
