//! The policy set: what is in it, and reading it again.

use crate::app::App;
use crate::extract::Who;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// The policy set.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PolicySetInfo")]
pub(crate) struct Set {
    /// Its digest, as decisions name it: lower-case hex.
    sha256: String,
    /// Seconds since it was last read and found valid.
    age_seconds: u64,
    policies: Vec<Policy>,
}

/// A policy of the set.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PolicyInfo")]
pub(crate) struct Policy {
    name: String,
    version: String,
    summary: String,
    /// SHA-256 of its component, lower-case hex.
    sha256: String,
    /// Whether it counts towards the decision.
    enforced: bool,
    rules: Vec<Rule>,
}

/// A rule of a policy.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RuleInfo")]
pub(crate) struct Rule {
    /// Its code, as findings name it.
    code: String,
    summary: String,
}

/// The digests of the set before and after.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Reloaded {
    from: String,
    to: String,
}

/// `GET /v1/policies`
pub(crate) async fn show(State(app): State<Arc<App>>) -> Json<Set> {
    let live = app.live();
    let policies = live.gate.policies().map(|policy| {
        let descriptor = policy.descriptor;
        let rules = descriptor.rules.iter();
        Policy {
            name: descriptor.name.clone(),
            version: descriptor.version.clone(),
            summary: descriptor.summary.clone(),
            sha256: policy.sha256.to_owned(),
            enforced: policy.enforced,
            rules: rules
                .map(|rule| Rule {
                    code: format!("{}/{}", descriptor.name, rule.code),
                    summary: rule.summary.clone(),
                })
                .collect(),
        }
    });
    Json(Set {
        sha256: live.gate.set_sha256().to_owned(),
        age_seconds: live.read_at.elapsed().as_secs(),
        policies: policies.collect(),
    })
}

/// `POST /v1/reload`
pub(crate) async fn reload(State(app): State<Arc<App>>, Who(caller): Who) -> Result<Json<Reloaded>, Problem> {
    let shared = Arc::clone(&app);
    let work = move |_: crate::pool::Waiting<'_, _>| {
        let reloaded = shared.reload(caller.shown()).map_err(|error| {
            let problem = Problem::new(StatusCode::CONFLICT, "invalid-policy-set", error.to_string());
            let help = error.help().map_or_else(String::new, |help| format!("{help}; "));
            problem.with_help(format!("{help}the set before decides on"))
        })?;
        Ok(Reloaded { from: reloaded.from, to: reloaded.to })
    };
    Ok(Json(app.pool.run(work).await?))
}
