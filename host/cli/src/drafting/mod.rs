//! Drafts requests: fills in what a list, a file of another tool, version control and continuous integration know, and
//! leaves a `null` for what only people know.

mod document;
mod origin;
mod reading;

pub use document::Document;
pub use reading::{
    From, FromArguments, Hashing, LIST_NAME, NothingToDelete, Source, format, formats, listed, read_deletions,
    selects,
};

use crate::error::fail;
use crate::mode::ModeArgument;
use crate::reading::ListArguments;
use clap::Args;
use document::blank;
use origin::Origin;
use reprieve::model::{Mode, TargetFiles, Timestamp};
use reprieve_readers::Summary;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a person says of a deletion, because its list does not.
#[derive(Args, Debug, Default)]
pub struct ClaimArguments {
    /// The kind of the targets, if the list does not state it
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Whether the targets remain recoverable for a while (soft) or not (hard)
    #[arg(long, value_enum)]
    pub mode: Option<ModeArgument>,
    /// The environment in which the call will run, for example `production`
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// A name for the request [default: that of the run of continuous integration, or of the list]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Set any other field: `--set reason.ticket=CHG-17`. The value is JSON, or else text
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = assignment)]
    pub set: Vec<(String, Value)>,
}

impl ClaimArguments {
    /// Whether no claim is set.
    pub fn is_empty(&self) -> bool {
        let Self { kind, mode, environment, id, set } = self;
        kind.is_none() && mode.is_none() && environment.is_none() && id.is_none() && set.is_empty()
    }
}

fn assignment(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            Ok((field.trim_start_matches('/').replace('/', "."), value))
        }
        _ => Err("expected FIELD=VALUE, for example `reason.ticket=CHG-17`".to_owned()),
    }
}

/// A list that a request is drafted for.
#[derive(Debug)]
pub struct List {
    /// Its name.
    pub name: String,
    /// Its files relative to the request, and its digest.
    pub files: TargetFiles,
    /// The number of rows.
    pub targets: u64,
    /// The number of rows of each kind that the list states.
    pub kinds: BTreeMap<String, u64>,
    /// The number of rows without a kind.
    pub without_kind: u64,
    /// The environment of all targets, if it is known to be one.
    pub environment: Option<String>,
    /// Whether a database selected it, whole, by the selector of the call.
    pub is_selected: bool,
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

/// Drafts a request for a list. `summary` is what the file says that the list was made from; `source` is that file.
pub fn draft(
    claims: &ClaimArguments,
    list: &List,
    form: &ListArguments,
    summary: &Summary,
    source: &SourceFile,
) -> anyhow::Result<Document> {
    let mode = match claims.mode.map(Mode::from).or(summary.mode) {
        Some(mode) => mode,
        // Whether what a call deletes could be recovered is for the one who knows it to say.
        None if summary.is_call => Mode::Hard,
        None => {
            let help = "add `--mode soft` if the targets remain recoverable for a while, or else `--mode hard`";
            return Err(fail("the list does not say whether its targets remain recoverable", help));
        }
    };
    let environment = claims.environment.as_ref().or(list.environment.as_ref()).ok_or_else(|| {
        let help = "name it as your inventory does, for example `--environment production`";
        fail("the list does not say in which environment the call will run", help)
    })?;
    let origin = Origin::find();
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
        let file = json!(form.describe(list.files.clone()));
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
fn kinds(claims: &ClaimArguments, list: &List) -> anyhow::Result<BTreeMap<String, u64>> {
    let kinds = &list.kinds;
    match &claims.kind {
        Some(kind) if kinds.len() > 1 => {
            let listed: Vec<&str> = kinds.keys().map(String::as_str).collect();
            let message =
                format!("the list has several kinds ({}), so `{kind}` is not that of all", listed.join(", "));
            Err(fail(message, "leave `--kind` out, and each target is of the kind that the list states"))
        }
        // The kind that the list states is compared with this one by the policies.
        Some(kind) => Ok(BTreeMap::from([(kind.clone(), list.targets)])),
        None if list.without_kind > 0 => {
            let message =
                format!("the list does not say of what kind {} of {} targets are", list.without_kind, list.targets);
            Err(fail(message, "add `--kind KIND`, or a column `kind`"))
        }
        None => Ok(kinds.clone()),
    }
}
