//! `POST /terraform/run-task`: HCP Terraform asks before it applies a plan. The call is answered at once; the plan is then
//! fetched, decided about, and the result sent back. Whatever fails on the way is the result `failed`.

mod remote;
mod result;

use super::decisions::{Call, check_kept, decide};
use crate::app::App;
use crate::body::JsonBytes;
use crate::drafted::{Deletions, Draft};
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use remote::{Address, Remote};
use reprieve::ledger::{Ledger, LedgerError, Outcome};
use reprieve::model::{Mode, Verdict};
use reprieve::policy::TerraformSettings;
use result::TaskResult;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The token in a call that only tests whether the service answers.
const TEST_TOKEN: &str = "test-token";

/// The actor of every plan: a caller with a credential of its own cannot have this name unless `[[serve.callers]]` says so.
const ACTOR: &str = "hcp-terraform";

/// The stages at which there is a plan, and nothing was applied yet.
const STAGES: [&str; 2] = ["post_plan", "pre_apply"];

/// What HCP Terraform sends at a stage of a run. Other fields are ignored.
#[derive(Clone, Deserialize, JsonSchema)]
pub(crate) struct RunTask {
    /// The version of this document: 1.
    #[schemars(range(min = 1, max = 1))]
    payload_version: u64,
    /// The token for the plan and the result.
    access_token: String,
    /// `post_plan` or `pre_apply`. Every other stage fails.
    stage: String,
    /// Where the result is sent to.
    task_result_callback_url: String,
    /// Which result it is.
    task_result_id: String,
    /// `mandatory` or `advisory`.
    task_result_enforcement_level: Option<String>,
    /// Where the plan is.
    plan_json_api_url: Option<String>,
    run_id: String,
    run_created_by: Option<String>,
    organization_name: Option<String>,
    workspace_name: Option<String>,
}

/// `POST /terraform/run-task`
pub(crate) async fn run_task(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<&'static str, Problem> {
    let live = app.live();
    let (Some(settings), Some(key)) = (&live.settings.terraform, &live.run_task_key) else {
        let detail = "no run task is set, so no signature is known";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with_help("add `[serve.terraform]` with `key` and `environment`"));
    };
    key.verify(&headers, &body)?;
    let task: RunTask = serde_json::from_slice(&body).map_err(|error| Problem::unreadable(error.to_string()))?;
    if task.payload_version != 1 {
        let detail = format!("the version of the payload is {}, and 1 is known", task.payload_version);
        return Err(Problem::unreadable(detail).at("/payload_version"));
    }
    if task.access_token == TEST_TOKEN {
        return Ok("ok\n");
    }
    let callback = Address::of(&task.task_result_callback_url, settings)
        .map_err(|error| refused(&error).at("/task_result_callback_url"))?;
    let plan = task.plan_json_api_url.as_deref().map(|url| Address::of(url, settings)).transpose();
    let plan = plan.map_err(|error| refused(&error).at("/plan_json_api_url"))?;
    if plan.as_ref().is_some_and(|plan| !plan.is_beside(&callback)) {
        return Err(refused("the plan and the result are on different hosts").at("/plan_json_api_url"));
    }
    let Ok(place) = Arc::clone(&app.runs).try_acquire_owned() else {
        return Err(Problem::unavailable("too many run tasks run").with_help("run it again later"));
    };
    let settings = settings.clone();
    let shared = Arc::clone(&app);
    tokio::spawn(async move {
        let run = Run { app: shared, settings, task, callback, plan };
        run.run().await;
        drop(place);
    });
    Ok("accepted\n")
}

fn refused(why: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", why)
        .with_help("only the hosts in `[serve.terraform] hosts` are called, by https")
}

/// A run that waits for a result.
struct Run {
    app: Arc<App>,
    settings: TerraformSettings,
    task: RunTask,
    callback: Address,
    plan: Option<Address>,
}

impl Run {
    /// Decides and sends the result.
    async fn run(self) {
        let run = Arc::new(self);
        let result = run.judge().await.unwrap_or_else(|problem| TaskResult::failed(&problem));
        tracing::info!(
            run = run.task.run_id,
            stage = run.task.stage,
            result = result.status(),
            "a run task is decided"
        );
        let sender = Arc::clone(&run);
        let sent = tokio::task::spawn_blocking(move || {
            let Run { settings, task, callback, .. } = &*sender;
            let is_advisory = task.task_result_enforcement_level.as_deref() != Some("mandatory");
            Remote::new(settings, &task.access_token)
                .send(callback, &result.document(settings.url.as_deref(), is_advisory))
        });
        let failure = match sent.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => "a bug in Reprieve".to_owned(),
        };
        // Nothing else tells HCP Terraform, which gives the run up after a while.
        tracing::error!(run = run.task.run_id, "the result of a run task was not sent: {failure}");
    }

    async fn judge(self: &Arc<Self>) -> Result<TaskResult, Problem> {
        let stage = self.task.stage.as_str();
        if !STAGES.contains(&stage) {
            let detail = format!("there is no plan to look at in the stage `{stage}`");
            return Err(
                Problem::unreadable(detail).with_help("set the run task for the stages post-plan or pre-apply")
            );
        }
        let run = Arc::clone(self);
        let fetched = tokio::task::spawn_blocking(move || {
            let plan = run.plan.as_ref().ok_or("the call does not say where the plan is")?;
            Remote::new(&run.settings, &run.task.access_token).fetch(plan)
        });
        let bug = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", "a bug in Reprieve; its log says where");
        let plan = fetched.await.map_err(|_| bug())?;
        let plan = plan.map_err(|error| Problem::unavailable(format!("the plan was not fetched: {error}")))?;
        let run = Arc::clone(self);
        self.app.pool.run(move |_| run.decide(&plan)).await
    }

    /// Decides about the plan.
    fn decide(&self, plan: &[u8]) -> Result<TaskResult, Problem> {
        let deletions = Deletions::read("terraform", "plan", plan)?;
        if deletions.items.is_empty() {
            return match &deletions.summary.selector {
                None => Ok(TaskResult::nothing(&deletions.summary.notes)),
                Some(actions) => {
                    let detail = format!("the plan invokes actions, and does not say what they delete: {actions}");
                    Err(Problem::unreadable(detail))
                }
            };
        }
        let (app, task) = (&*self.app, &self.task);
        let (request, id) = self.request(&deletions)?;
        let key = Sha256::digest(format!("terraform:{}", task.task_result_id));
        let call = Call { body: request, caller: None, idempotency_sha256: Some(hex::encode(key)) };
        release(app, &call, &id)?;
        let answer = decide(app, &call, || false)?;
        check_kept(app, &answer)?;
        Ok(TaskResult::decided(answer.report.decision))
    }

    /// Drafts the request for the plan. Returns its name, too, which is the same at every stage of the run.
    fn request(&self, deletions: &Deletions) -> Result<(Bytes, String), Problem> {
        let (settings, task) = (&self.settings, &self.task);
        let organization = task.organization_name.as_deref().unwrap_or_default();
        let workspace = task.workspace_name.as_deref().unwrap_or_default();
        let id = format!("terraform/{organization}/{}", task.run_id);
        let annotations = json!({ "terraform": {
            "organization": organization, "workspace": workspace, "run": task.run_id, "stage": task.stage,
        } });
        let request = deletions.request(&Draft {
            id: &id,
            mode: Mode::Hard,
            environment: settings.workspaces.get(workspace).unwrap_or(&settings.environment),
            actor: Some(ACTOR),
            actor_type: "automation",
            on_behalf_of: task.run_created_by.as_deref(),
            source: &format!(
                "{} plan of {organization}/{workspace}",
                deletions.summary.tool.as_deref().unwrap_or("Terraform")
            ),
            annotations: annotations.as_object().cloned().unwrap_or_default(),
            claims: &settings.claims,
        })?;
        Ok((request, id))
    }
}

/// Gives up what an earlier stage of the run reserved: the plan is decided about again, with what is known now, and counts
/// once. A repeated call is not decided about again.
fn release(app: &App, call: &Call, id: &str) -> Result<(), Problem> {
    let key = call.idempotency_sha256.as_deref().unwrap_or_default();
    if app.ledger.decision_of_call(key)?.is_some() {
        return Ok(());
    }
    let earlier = match app.ledger.last_decision(id) {
        Ok(earlier) => earlier,
        Err(LedgerError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let is_open = earlier.record.decision.decision == Verdict::Allow && earlier.outcome.is_none();
    let is_ours = earlier.record.review.claims.actor.as_ref().and_then(|actor| actor.id.as_deref()) == Some(ACTOR);
    if is_open && is_ours {
        let reason = "a later stage of the run is decided about again".to_owned();
        app.ledger.record_outcome(earlier.entry, &Outcome::Aborted { reason })?;
    }
    Ok(())
}
