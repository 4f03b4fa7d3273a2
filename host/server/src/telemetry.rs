//! Spans of calls, sent by OTLP where the standard variables `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` say where to. A span has no id of a target, tenant or campaign.

use crate::error::ServeError;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, Method, Request, Response};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use reprieve::model::DecisionDocument;
use std::time::Duration;

/// The variables that say where spans are sent to.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What a span says about a decision.
#[derive(Clone, Debug)]
pub(crate) struct Decided(pub Vec<(&'static str, String)>);

impl Decided {
    pub fn of(document: &DecisionDocument) -> Self {
        let mut attributes = vec![
            ("reprieve.verdict", document.decision.as_str().to_owned()),
            ("reprieve.request_sha256", document.request_sha256.clone()),
            ("reprieve.targets_sha256", document.targets_sha256.clone()),
        ];
        attributes.extend(document.ledger.as_ref().map(|entry| ("reprieve.entry", entry.entry.to_string())));
        Self(attributes)
    }
}

/// Where spans are sent to, if anywhere.
#[derive(Default)]
pub(crate) struct Telemetry(Option<(SdkTracerProvider, SdkTracer)>);

/// The span of a call, which ends when it is dropped.
pub(crate) struct CallSpan(Option<opentelemetry_sdk::trace::Span>);

impl Telemetry {
    /// Reads the variables.
    pub fn of_environment() -> Result<Self, ServeError> {
        if ENDPOINTS.iter().all(|name| std::env::var_os(name).is_none_or(|value| value.is_empty())) {
            return Ok(Self(None));
        }
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let exporter =
            SpanExporter::builder().with_http().with_http_client(Client(agent)).build().map_err(|error| {
                let help = "set it to the URL of a collector, such as `http://127.0.0.1:4318`, or unset it";
                ServeError::setting("telemetry", format!("{} cannot be used: {error}", ENDPOINTS[1]), help)
            })?;
        let resource = Resource::builder().with_service_name("reprieve").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("reprieve");
        Ok(Self(Some((provider, tracer))))
    }

    /// Begins the span of a call. Its parent is the one in the header `traceparent`.
    pub fn call(&self, method: &Method, route: &'static str, headers: &HeaderMap) -> CallSpan {
        let Some((_, tracer)) = &self.0 else { return CallSpan(None) };
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
        let attributes =
            [KeyValue::new("http.request.method", method.as_str().to_owned()), KeyValue::new("http.route", route)];
        let builder = tracer.span_builder(format!("{method} {route}")).with_kind(SpanKind::Server);
        CallSpan(Some(builder.with_attributes(attributes).start_with_context(tracer, &parent)))
    }

    /// Sends what is not sent yet. It blocks.
    pub fn close(&self) {
        if let Some((provider, _)) = &self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!("the last spans were not sent: {error}");
        }
    }
}

impl CallSpan {
    /// Notes how a call ended.
    pub fn answered(&mut self, status: u16, decided: Option<&Decided>) {
        let Some(span) = &mut self.0 else { return };
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        for (name, value) in decided.iter().flat_map(|decided| &decided.0) {
            span.set_attribute(KeyValue::new(*name, value.clone()));
        }
        if status >= 500 {
            span.set_status(Status::error(""));
        }
    }
}

/// The headers of a call, as the propagator reads them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Sends spans from the thread of the exporter, which may block.
#[derive(Debug)]
struct Client(ureq::Agent);

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
