//! Bodies of calls: JSON that is read strictly.

use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

/// The bytes of a body that says it is JSON. A form of a page of another site cannot say that.
pub(crate) struct JsonBytes(pub Bytes);

/// A body that is a JSON document of this type.
pub(crate) struct Document<T>(pub T);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/json") {
            let detail = format!("the body is `{media}`, and JSON is expected");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
                .with_help("send the header `Content-Type: application/json`"));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(too_large)?;
        Ok(Self(bytes))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Document<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let pointer: String = error.path().iter().map(|segment| format!("/{segment}")).collect();
            Problem::unreadable(error.inner().to_string()).at(pointer)
        })?;
        deserializer.end().map_err(|error| Problem::unreadable(error.to_string()))?;
        Ok(Self(value))
    }
}

fn too_large(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is larger than `[serve] body` allows")
                .with_help("set `[serve] lists`, and name the list in a file: `\"targets\": { \"path\": … }`")
        }
        _ => Problem::unreadable("the body ends too early"),
    }
}
