//! Bodies of calls: JSON that is read strictly.

use crate::app::App;
use crate::problem::Problem;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::time::timeout;

/// How many bytes of a body that is too large are read, so that its sender gets to read the answer.
const DRAINED: usize = 16 << 20;

/// The bytes of a body that says it is JSON. A form of a page of another site cannot say that.
pub(crate) struct JsonBytes(pub Bytes);

/// A body that is a JSON document of this type.
pub(crate) struct Document<T>(pub T);

impl FromRequest<Arc<App>> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/json") {
            let detail = format!("the body is `{media}`, and JSON is expected");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
                .with_help("send the header `Content-Type: application/json`"));
        }
        let limits = &app.limits;
        let read = timeout(limits.timeout, read(request.into_body(), limits.body)).await;
        read.unwrap_or_else(|_| {
            let detail = format!("the body was not complete after {} s", limits.timeout.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
        })
        .map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Document<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, app).await?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let pointer: String = error.path().iter().map(|segment| format!("/{segment}")).collect();
            Problem::unreadable(error.inner().to_string()).at(pointer)
        })?;
        deserializer.end().map_err(|error| Problem::unreadable(error.to_string()))?;
        Ok(Self(value))
    }
}

/// Reads a body of at most `limit` bytes.
async fn read(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::unreadable("the body ends too early"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= limit {
            bytes.extend_from_slice(&data);
        } else if seen > limit + DRAINED {
            break;
        }
    }
    if seen <= limit {
        return Ok(bytes.into());
    }
    let detail = format!("the body is larger than {} MiB, which `[serve] body` allows", limit >> 20);
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
        .with_help("set `[serve] lists`, and name the list in a file: `\"targets\": { \"path\": … }`"))
}
