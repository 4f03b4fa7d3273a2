//! What handlers take from a call: who calls, and the number of an entry.

use crate::auth::Caller;
use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

/// Who calls.
pub(crate) struct Who(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Option<Caller>>().cloned().flatten();
        caller.map(Self).ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "nobody calls"))
    }
}

/// The number of an entry in the path.
pub(crate) struct EntryNumber(pub u64);

impl<S: Send + Sync> FromRequestParts<S> for EntryNumber {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::unreadable("the path cannot be read"))?;
        let number = text.parse().ok().filter(|number| (1..=i64::MAX as u64).contains(number));
        number.map(Self).ok_or_else(|| Problem::not_found(format!("`{text}` is not the number of an entry")))
    }
}
