//! `POST /kubernetes/admission`: the API server of a cluster asks before it deletes. The answer to every review that can be
//! read has status 200, and nothing but a recorded allow, or what follows from one, is allowed.

mod follow_up;
mod review;

pub(super) use review::{Answer, Asked};

use super::decisions::{Call, check_kept, decide};
use crate::app::App;
use crate::body::JsonBytes;
use crate::drafted::{Deletions, Draft};
use crate::extract::Who;
use crate::problem::Problem;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use reprieve::ledger::{Ledger, Outcome};
use reprieve::model::{Mode, Verdict};
use reprieve::policy::KubernetesSettings;
use reprieve_readers::Value;
use review::Question;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// `POST /kubernetes/admission`
pub(crate) async fn admission(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    JsonBytes(body): JsonBytes,
) -> Result<Json<Answer>, Problem> {
    let Some(settings) = app.live().settings.kubernetes.clone() else {
        return Err(Problem::not_found("no cluster is set")
            .with_help("add `[serve.kubernetes]` with `cluster` and `environment`"));
    };
    let question = Question::read(&body)?;
    let uid = question.uid.clone();
    let shared = Arc::clone(&app);
    let answer = app.pool.run(move |waiting| {
        let review = Review { app: &shared, settings: &settings, caller: caller.name.as_deref(), question, body };
        review.answer(|| waiting.is_over())
    });
    Ok(Json(answer.await.unwrap_or_else(|problem| {
        let (_, why, _) = problem.words();
        tracing::warn!(uid, "a deletion is refused: {why}");
        Answer::refused(&uid, why)
    })))
}

/// A review, and who asks.
struct Review<'a> {
    app: &'a App,
    settings: &'a KubernetesSettings,
    caller: Option<&'a str>,
    question: Question,
    body: Bytes,
}

impl Review<'_> {
    /// Answers. An error refuses, too.
    fn answer(&self, nobody_waits: impl Fn() -> bool) -> Result<Answer, Problem> {
        let question = &self.question;
        let operation = question.text("/operation").unwrap_or_default();
        if operation != "DELETE" {
            let detail = format!("this webhook is for DELETE only, and the operation is `{operation}`");
            return Err(Problem::unreadable(detail));
        }
        let is_dry_run = match question.value("/dryRun") {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => return Err(Problem::unreadable("`dryRun` is neither true nor false")),
        };
        // Who asks, as the record of a decision has it.
        let actor = self.caller.map_or_else(|| format!("kubernetes/{}", self.settings.cluster), str::to_owned);
        let deletions = Deletions::read("kubernetes", "review", &self.body)?;
        let ([_], None) = (deletions.items.as_slice(), &deletions.summary.selector) else {
            return Err(Problem::unreadable("the review does not have the one object that is deleted"));
        };
        if follow_up::is_follow_up(question) {
            let entry = follow_up::follow(self.app, self.settings, &actor, question, is_dry_run)?;
            return Ok(Answer::followed(&question.uid, entry));
        }
        let request = self.request(&deletions, &actor)?;
        if is_dry_run {
            let document = super::decisions::rehearse(self.app, request, self.caller)?;
            return Ok(Answer::decided(&question.uid, &document));
        }
        self.decide(request, nobody_waits)
    }

    /// Drafts the request for the object.
    fn request(&self, deletions: &Deletions, actor: &str) -> Result<Bytes, Problem> {
        let (settings, question) = (self.settings, &self.question);
        let id = follow_up::request_id(question, &settings.cluster)
            .ok_or_else(|| Problem::unreadable("the object that is deleted has no kind or no `uid`"))?;
        let kind = question.text("/kind/kind").unwrap_or_default();
        let kind = question.text("/kind/group").map_or(kind.to_owned(), |group| format!("{kind}.{group}"));
        let is_disabled = settings.disable.contains(&kind);
        let annotations = json!({ "kubernetes": {
            "cluster": settings.cluster,
            "resource": question.value("/resource"),
            "user": question.text("/userInfo/username"),
        } });
        deletions.request(&Draft {
            id: &id,
            mode: if is_disabled { Mode::Disable } else { Mode::Hard },
            environment: &settings.environment,
            actor: Some(actor),
            actor_type: "system",
            on_behalf_of: question.text("/userInfo/username"),
            source: &format!("Kubernetes {}", settings.cluster),
            annotations: annotations.as_object().cloned().unwrap_or_default(),
            claims: &settings.claims,
        })
    }

    /// Decides and records. The cluster tells nobody what became of an allowed deletion, so it counts as done at once.
    fn decide(&self, request: Bytes, nobody_waits: impl Fn() -> bool) -> Result<Answer, Problem> {
        let (app, uid) = (self.app, &self.question.uid);
        let key = format!("kubernetes:{}:{}:{uid}", self.settings.cluster, self.caller.unwrap_or_default());
        let call = Call {
            body: request,
            caller: self.caller.map(str::to_owned),
            idempotency_sha256: Some(hex::encode(Sha256::digest(key))),
        };
        let answer = decide(app, &call, || false)?;
        check_kept(app, &answer)?;
        let document = &answer.report.decision;
        let entry = document.ledger.as_ref().filter(|_| document.decision == Verdict::Allow);
        match entry.map(|entry| entry.entry) {
            Some(_) if answer.is_repeated => {}
            Some(entry) if nobody_waits() => {
                let reason = "the API server closed the connection before the decision was made".to_owned();
                app.ledger.record_outcome(entry, &Outcome::Aborted { reason })?;
                return Err(Problem::conflict("nobody waits for the answer"));
            }
            Some(entry) => app.ledger.record_outcome(entry, &Outcome::succeeded(1))?,
            None => {}
        }
        Ok(Answer::decided(uid, document))
    }
}
