//! The interface: one module for each kind of thing, and the table of its routes.

mod approvals;
mod decisions;
mod halts;
mod health;
mod kubernetes;
mod outcomes;
mod policies;
mod recorded;
mod terraform;

use crate::app::App;
use crate::route::{Answer, Described, Parameter, Route, on_get, on_post};
use crate::signature::SIGNATURE;
use axum::routing::MethodRouter;
use reprieve::policy::Role;
use schemars::JsonSchema;
use serde_json::json;
use std::sync::Arc;

fn schema<T: JsonSchema>() -> Described {
    |schemas| schemas.subschema_for::<T>()
}

/// The routes of the interface.
pub(crate) fn routes() -> Vec<Route> {
    let json = |status, summary, described| (status, summary, Answer::Json(described));
    let route = |method, path, role, summary, handler| Route {
        method,
        path,
        role: Some(role),
        signature: None,
        summary,
        query: &[],
        body: None,
        answers: Vec::new(),
        handler,
    };
    vec![
        Route {
            body: Some(schema::<reprieve::model::Request<reprieve::model::Targets>>()),
            answers: vec![
                json(200, "Allowed", schema::<reprieve::DecisionReport>()),
                json(403, "Denied", schema::<reprieve::DecisionReport>()),
                json(409, "Undecided", schema::<reprieve::DecisionReport>()),
            ],
            ..route("POST", "/v1/decisions", Role::Submit, "Decide about a batch", on_post(decisions::create))
        },
        Route {
            query: &[
                Parameter {
                    name: "open",
                    summary: "Only allowed batches without an outcome",
                    schema: || json!({ "type": "boolean" }),
                },
                Parameter {
                    name: "since",
                    summary: "Only decisions recorded at this time or later",
                    schema: || json!({ "type": "string", "format": "date-time" }),
                },
                Parameter {
                    name: "last",
                    summary: "Only this number of decisions, the last ones [default: 100]",
                    schema: || json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
                },
            ],
            answers: vec![json(200, "Decisions, the oldest first", schema::<recorded::List>())],
            ..route("GET", "/v1/decisions", Role::Read, "List decisions", on_get(recorded::list))
        },
        Route {
            answers: vec![json(200, "A recorded decision", schema::<recorded::Recorded>())],
            ..route("GET", "/v1/decisions/{entry}", Role::Read, "Show a decision", on_get(recorded::show))
        },
        Route {
            answers: vec![json(200, "The affected tenants", schema::<recorded::AffectedTenants>())],
            ..route(
                "GET",
                "/v1/decisions/{entry}/affected",
                Role::Read,
                "List the tenants that a decision affects, and when each would be restored",
                on_get(recorded::affected),
            )
        },
        Route {
            answers: vec![json(200, "The decision as it is made now", schema::<recorded::Replayed>())],
            ..route(
                "GET",
                "/v1/decisions/{entry}/replay",
                Role::Read,
                "Make a decision again, with the policies that made it",
                on_get(recorded::replay),
            )
        },
        Route {
            answers: vec![json(200, "The permit", schema::<outcomes::Permit>())],
            ..route(
                "POST",
                "/v1/decisions/{entry}/permit",
                Role::Execute,
                "Take the permit of an allowed batch",
                on_post(outcomes::permit),
            )
        },
        Route {
            body: Some(schema::<outcomes::Commit>()),
            answers: vec![json(200, "Recorded", schema::<outcomes::Closed>())],
            ..route(
                "POST",
                "/v1/decisions/{entry}/commit",
                Role::Execute,
                "Record that an allowed batch ran",
                on_post(outcomes::commit),
            )
        },
        Route {
            body: Some(schema::<outcomes::Abort>()),
            answers: vec![json(200, "Recorded", schema::<outcomes::Closed>())],
            ..route(
                "POST",
                "/v1/decisions/{entry}/abort",
                Role::Execute,
                "Record that an allowed batch did not run and deleted nothing",
                on_post(outcomes::abort),
            )
        },
        Route {
            query: &[Parameter {
                name: "key",
                summary: "The id of the approver's key, which is their name",
                schema: || json!({ "type": "string", "minLength": 1 }),
            }],
            answers: vec![json(200, "What the approver signs", schema::<approvals::Statement>())],
            ..route(
                "GET",
                "/v1/decisions/{entry}/approval",
                Role::Read,
                "Draft an approval of a decision's list, to be signed",
                on_get(approvals::statement),
            )
        },
        Route {
            answers: vec![json(200, "The approvals of the list", schema::<approvals::Approvals>())],
            ..route(
                "GET",
                "/v1/decisions/{entry}/approvals",
                Role::Read,
                "List the approvals that were added for a decision's list",
                on_get(approvals::list),
            )
        },
        Route {
            body: Some(schema::<approvals::Signed>()),
            answers: vec![json(200, "Recorded; later requests with this list have it", schema::<approvals::Added>())],
            ..route("POST", "/v1/approvals", Role::Approve, "Add a signed approval", on_post(approvals::add))
        },
        Route {
            body: Some(schema::<outcomes::Verify>()),
            answers: vec![json(200, "The permit is accepted and used", schema::<outcomes::Verified>())],
            ..route(
                "POST",
                "/v1/permits/verify",
                Role::Execute,
                "Verify a permit for a list and use it",
                on_post(outcomes::verify),
            )
        },
        Route {
            body: Some(schema::<halts::Halt>()),
            answers: vec![json(200, "Halted", schema::<halts::Halted>())],
            ..route("POST", "/v1/halt", Role::Operate, "Halt everything", on_post(halts::halt))
        },
        Route {
            body: Some(schema::<halts::Resume>()),
            answers: vec![json(200, "Resumed", schema::<halts::Halted>())],
            ..route("POST", "/v1/resume", Role::Operate, "Lift a halt", on_post(halts::resume))
        },
        Route {
            answers: vec![json(200, "The policy set", schema::<policies::Set>())],
            ..route("GET", "/v1/policies", Role::Read, "Describe the policy set", on_get(policies::show))
        },
        Route {
            answers: vec![json(200, "Read again", schema::<policies::Reloaded>())],
            ..route("POST", "/v1/reload", Role::Operate, "Read the policy set again", on_post(policies::reload))
        },
        Route {
            body: Some(schema::<kubernetes::Asked>()),
            answers: vec![json(200, "Whether the object may be deleted", schema::<kubernetes::Answer>())],
            ..route(
                "POST",
                "/kubernetes/admission",
                Role::Submit,
                "Decide about a deletion that the API server of a cluster asks about",
                on_post(kubernetes::admission),
            )
        },
        Route {
            method: "POST",
            path: "/terraform/run-task",
            role: None,
            signature: Some(SIGNATURE),
            summary: "Decide about the plan of a run, and send the result to HCP Terraform",
            query: &[],
            body: Some(schema::<terraform::RunTask>()),
            answers: vec![(200, "Accepted; the result follows", Answer::Text)],
            handler: on_post(terraform::run_task),
        },
        open("/livez", "Whether the process runs", Answer::Text, on_get(health::live)),
        open("/readyz", "Whether the service can decide", Answer::Text, on_get(health::ready)),
        open("/metrics", "Counters, as Prometheus reads them", Answer::Metrics, on_get(health::metrics)),
    ]
}

/// A route for everyone.
fn open(path: &'static str, summary: &'static str, answer: Answer, handler: MethodRouter<Arc<App>>) -> Route {
    let answers = vec![(200, "OK", answer)];
    Route { method: "GET", path, role: None, signature: None, summary, query: &[], body: None, answers, handler }
}
