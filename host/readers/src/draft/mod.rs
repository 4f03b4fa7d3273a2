//! Drafts requests: fills in what a list, a file of another tool, version control and continuous integration know, and
//! leaves a `null` for what only people know.

mod document;
mod error;
mod list;
mod origin;

pub use document::Document;
pub use error::DraftError;
pub use list::{List, listed};
pub use origin::Origin;

use crate::item::Summary;
use document::blank;
use reprieve_model::{Mode, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a person says of a deletion, because its list does not.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// The kind of the targets.
    pub kind: Option<String>,
    /// Whether the targets remain recoverable.
    pub mode: Option<Mode>,
    /// The environment in which the call will run.
    pub environment: Option<String>,
    /// A name for the request.
    pub id: Option<String>,
    /// Any other fields, by their names with dots: `reason.ticket`.
    pub set: Vec<(String, Value)>,
}

/// The number of characters of a digest in the name of a request.
const SHORT_DIGEST: usize = 8;

/// The file that a list was made from.
#[derive(Debug)]
pub struct SourceFile {
    /// Its name, if it is known.
    pub name: Option<String>,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
}

/// Drafts a request for a list. `summary` is what the file says that the list was made from; `source` is that file; `origin` is
/// who drafts.
///
/// # Errors
/// [`DraftError`] if neither the claims nor the list say what a request has to say.
pub fn draft(
    claims: &Claims,
    list: &List,
    summary: &Summary,
    source: &SourceFile,
    origin: &Origin,
) -> Result<Document, DraftError> {
    let mode = match claims.mode.or(summary.mode) {
        Some(mode) => mode,
        // Whether what a call deletes could be recovered is for the one who knows it to say.
        None if summary.is_call => Mode::Hard,
        None => return Err(DraftError::NoMode),
    };
    let environment = claims.environment.as_ref().or(list.environment.as_ref()).ok_or(DraftError::NoEnvironment)?;
    let sha256 = list.files.sha256.as_deref().unwrap_or_default();
    let digest = sha256.get(..SHORT_DIGEST).unwrap_or(sha256);
    let id = claims.id.clone().or_else(|| origin.run.clone()).unwrap_or_else(|| format!("{}/{digest}", list.name));
    let kinds = kinds(claims, list)?;
    let only_kind = kinds.keys().next().filter(|_| kinds.len() == 1);

    let mut document = Document::default();
    document.add("id", id);
    document.add("mode", mode.as_str());
    document.add("environment", environment.as_str());
    match only_kind {
        Some(kind) => document.add("target_kind", kind.as_str()),
        None => document.add("target_kinds", json!(kinds)),
    }
    let is_call = summary.is_call;
    document.add_object("operation", |operation| {
        operation.add("verb", json!(summary.verb));
        operation.add("cascade", json!(summary.cascade));
        if let Some(selector) = &summary.selector {
            operation.add("selector", selector.as_str());
        }
        if is_call && summary.selector.is_none() {
            operation.add("by", "ids");
        }
    });
    document.add_object("reason", |reason| {
        ["text", "ticket", "trigger", "trigger_source"].into_iter().for_each(|name| reason.add(name, blank()));
        if mode.is_hard() {
            reason.add("basis", blank());
        }
    });
    document.add_object("actor", |actor| {
        actor.add("id", json!(origin.system.or(origin.person.as_deref())));
        actor.add("type", json!(origin.actor_type()));
        if origin.system.is_some() {
            actor.add("on_behalf_of", json!(summary.actor.as_ref().or(origin.person.as_ref())));
        }
        actor.add_object("credential", |credential| {
            ["purpose", "environment"].into_iter().for_each(|name| credential.add(name, blank()));
        });
    });
    document.add_object("provenance", |provenance| {
        let tool = summary.tool.as_deref().unwrap_or("file");
        provenance.add("source", json!(source.name.as_ref().map(|name| format!("{tool} {name}"))));
        let query = summary.selector.as_ref().filter(|_| list.is_selected);
        provenance.add("query", query.map_or_else(blank, |query| query.as_str().into()));
        provenance.add("selection", if is_call { "explicit".into() } else { json!(query.map(|_| "filter")) });
        let is_whole = is_call || list.is_selected;
        provenance.add("complete", if is_whole { true.into() } else { blank() });
        provenance.add("id_kind", json!(only_kind.filter(|kind| list.kinds.contains_key(*kind))));
        provenance.add("row_count", list.targets);
        provenance.add("source_total", if is_whole { list.targets.into() } else { blank() });
        provenance.add("sha256", sha256);
        provenance.add("source_sha256", source.sha256.as_str());
        let extracted_at = summary.extracted_at.map(Timestamp::from_seconds);
        provenance.add("extracted_at", json!(extracted_at));
        provenance.add("extracted_by", json!(origin.system.or(origin.person.as_deref())));
    });
    document.add("dry_run", blank());
    document.add_object("recovery", |recovery| {
        if mode.is_soft() {
            recovery.add("soft_delete_days", blank());
        }
        ["checkpoints", "restore"].into_iter().for_each(|name| recovery.add(name, blank()));
    });
    document.add("approvals", json!([]));
    document.add_object("schedule", |schedule| schedule.add("freeze", blank()));
    document.add_object("notice", |notice| {
        ["owners_notified_at", "opt_outs"].into_iter().for_each(|name| notice.add(name, blank()));
    });
    document.add_object("targets", |targets| {
        let file = json!(list.files);
        let fields = ["path", "files", "sha256", "columns", "skip_lines", "header", "times"];
        fields.into_iter().for_each(|name| {
            if let Some(value) = file.get(name).filter(|value| !value.is_null()) {
                targets.add(name, value.clone());
            }
        });
    });
    for (field, value) in &claims.set {
        document.set(field, value.clone());
    }
    Ok(document)
}

/// The kinds to declare, each with its number of rows.
fn kinds(claims: &Claims, list: &List) -> Result<BTreeMap<String, u64>, DraftError> {
    let kinds = &list.kinds;
    match &claims.kind {
        Some(kind) if kinds.len() > 1 => {
            Err(DraftError::SeveralKinds { listed: kinds.keys().cloned().collect(), kind: kind.clone() })
        }
        // The kind that the list states is compared with this one by the policies.
        Some(kind) => Ok(BTreeMap::from([(kind.clone(), list.targets)])),
        None if list.without_kind > 0 => {
            Err(DraftError::NoKind { without_kind: list.without_kind, targets: list.targets })
        }
        None => Ok(kinds.clone()),
    }
}
