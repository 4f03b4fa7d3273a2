//! Vets what a call deletes with the policy set. Nothing is recorded: with a ledger, `reprieve run` makes the call.

use super::exact::Deletion;
use super::harness::Harness;
use crate::drafting::{ClaimArguments, From, FromArguments, NothingToDelete};
use crate::mode::ModeArgument;
use crate::setup::{PolicyArguments, build};
use anyhow::Context;
use reprieve::{Batch, Decision, Folder, ReadOptions};
use reprieve_report::render::{self, Detail, Printed, RequestFile};
use serde_json::{Value, json};

/// What the gate says of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Vetted {
    /// The list was read whole, and it is empty.
    DeletesNothing,
    /// The policies allow it.
    Allowed,
    /// They do not; the report.
    Withheld(String),
}

/// Vets a deletion. `environment` is where the calls of the agent run.
pub fn vet(
    deletion: Deletion,
    harness: Harness,
    environment: &str,
    policies: &PolicyArguments,
) -> anyhow::Result<Vetted> {
    let folder = tempfile::Builder::new().prefix("reprieve-").tempdir().context("no temporary folder")?;
    let (request, below) = match deletion {
        Deletion::Request(request) => (by_agent(request, harness)?.to_string(), None),
        Deletion::File { format, bytes } => {
            let path = folder.path().join("call");
            std::fs::write(&path, bytes).context("the call")?;
            let claims = ClaimArguments {
                mode: Some(ModeArgument::Hard),
                environment: Some(environment.to_owned()),
                set: vec![
                    ("actor.type".to_owned(), json!("ai-agent")),
                    ("actor.id".to_owned(), json!(harness.name())),
                ],
                ..ClaimArguments::default()
            };
            match From::read(format, &path, &claims, &FromArguments::default(), false) {
                Ok(from) => (from.request.to_json(), Some(from)),
                Err(error) if error.is::<NothingToDelete>() => return Ok(Vetted::DeletesNothing),
                Err(error) => return Err(error),
            }
        }
    };
    let list = Folder::open(below.as_ref().map_or(folder.path(), |from| from.folder.path()))?;
    let batch = Batch::read_with(request.as_bytes(), "the call", &list, ReadOptions::default())?;
    let gate = build(policies.builder_without_ledger()?)?;
    let decision = gate.vet(batch);
    let printed =
        Printed { claims: decision.claims(), document: decision.document(), request: &RequestFile::named("REQUEST") };
    let report = render::decision(&printed, Detail::Screen, None).text();
    Ok(match decision {
        Decision::Allow(_) => Vetted::Allowed,
        Decision::Deny(_) | Decision::Undecided(_) => Vetted::Withheld(report),
    })
}

/// The request with the agent as its actor, whatever it says itself.
fn by_agent(mut request: Value, harness: Harness) -> anyhow::Result<Value> {
    let members = request.as_object_mut().context("the request is not an object")?;
    let actor = members.entry("actor").or_insert_with(|| json!({}));
    if !actor.is_object() {
        *actor = json!({});
    }
    actor["type"] = json!("ai-agent");
    actor["id"] = json!(harness.name());
    Ok(request)
}
