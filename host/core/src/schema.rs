//! JSON Schemas of the documents, generated from their types.

use crate::decision::DecisionReport;
use crate::policies::PolicySet;
use reprieve_model::{Request, Review, Targets};
use reprieve_sandbox::Limits;
use serde_json::Value;

/// The schema of a request.
pub fn request() -> Value {
    let mut schema = schemars::schema_for!(Request<Targets>).to_value();
    let kinds = ["target_kind", "target_kinds"].map(|kind| serde_json::json!({ "required": [kind] }));
    schema["oneOf"] = kinds.into_iter().collect();
    schema
}

/// The schema of a decision, as `--format json` prints it.
pub fn decision() -> Value {
    schemars::schema_for!(DecisionReport).to_value()
}

/// The schema of a policy set (`reprieve.toml`).
pub fn config() -> Value {
    schemars::schema_for!(PolicySet).to_value()
}

/// The schema of the limits of an evaluation.
pub fn limits() -> Value {
    schemars::schema_for!(Limits).to_value()
}

/// The schema of a review, which is what policies receive.
pub fn review() -> Value {
    schemars::schema_for!(Review).to_value()
}
