//! The description of the interface, made from the table of routes and the types of the documents.

use crate::api;
use crate::app::App;
use crate::metrics::METRICS;
use crate::problem::ProblemDocument;
use crate::route::Answer;
use crate::signature::SIGNATURE;
use axum::Json;
use axum::extract::State;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `GET /openapi.json`
pub(crate) async fn document(State(app): State<Arc<App>>) -> Json<Value> {
    Json(describe(app.live().callers.are_set()))
}

/// Describes every route. `authenticates`: whether callers have to.
fn describe(authenticates: bool) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let problem = schemas.subschema_for::<ProblemDocument>();
    let mut paths: Map<String, Value> = Map::new();
    for route in api::routes() {
        let mut answers: Map<String, Value> = Map::new();
        for (status, summary, answer) in route.answers {
            let content = match answer {
                Answer::Json(schema) => json!({ "application/json": { "schema": schema(&mut schemas) } }),
                Answer::Metrics => json!({ (METRICS): { "schema": { "type": "string" } } }),
                Answer::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
            };
            answers.insert(status.to_string(), json!({ "description": summary, "content": content }));
        }
        let content = json!({ "application/problem+json": { "schema": problem } });
        answers.insert("default".to_owned(), json!({ "description": "A problem (RFC 9457)", "content": content }));
        let in_path =
            route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
                let schema = json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX });
                json!({ "name": name, "in": "path", "required": true, "schema": schema })
            });
        let in_query = route.query.iter().map(|parameter| {
            let (name, summary, schema) = (parameter.name, parameter.summary, (parameter.schema)());
            json!({ "name": name, "in": "query", "description": summary, "schema": schema })
        });
        let parameters: Vec<Value> = in_path.chain(in_query).collect();
        let mut operation = json!({ "summary": route.summary, "parameters": parameters, "responses": answers });
        if let Some(role) = route.role {
            operation["description"] = format!("Needs the role `{}`.", role.as_str()).into();
            if authenticates {
                operation["security"] = json!([{ "bearer": [] }, { "certificate": [] }]);
            }
        }
        if route.signature.is_some() {
            operation["description"] = "Needs a signature of the body.".into();
            operation["security"] = json!([{ "signature": [] }]);
        }
        if let Some(body) = route.body {
            let content = json!({ "application/json": { "schema": body(&mut schemas) } });
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation;
    }
    let schemas = schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Reprieve",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Decides about deletions before anything is deleted.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "certificate": { "type": "mutualTLS" },
                "signature": { "type": "apiKey", "in": "header", "name": SIGNATURE },
            },
        },
    })
}
