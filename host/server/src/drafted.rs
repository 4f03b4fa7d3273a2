//! Requests that the service drafts: another program asks in its own format, and a reader says what it deletes.

use crate::problem::Problem;
use axum::body::Bytes;
use reprieve::ReadError;
use reprieve::model::{Mode, Timestamp};
use reprieve_readers::{Input, Item, Options, Summary, find};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a document of another tool deletes.
pub(crate) struct Deletions {
    pub items: Vec<Item>,
    pub summary: Summary,
    source_sha256: String,
}

/// What a request says that the document does not.
pub(crate) struct Draft<'a> {
    pub id: &'a str,
    pub mode: Mode,
    pub environment: &'a str,
    /// Who submits the request, if the caller is not it.
    pub actor: Option<&'a str>,
    /// The word for the kind of actor.
    pub actor_type: &'static str,
    /// The person or account for which the actor acts.
    pub on_behalf_of: Option<&'a str>,
    /// Where the document came from.
    pub source: &'a str,
    pub annotations: Map<String, Value>,
    /// What the operator states of every such deletion.
    pub claims: &'a BTreeMap<String, Value>,
}

impl Deletions {
    /// Reads a document in a format of the readers. `name` is what it is called in messages.
    pub fn read(format: &str, name: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let companion =
            |file: &str| Err(ReadError::of_file(name, format!("it names the file `{file}`, which is not here")));
        let input = Input { name, bytes, companion: &companion };
        let format = find(format).ok_or_else(|| ReadError::of_file(name, format!("no reader is for `{format}`")))?;
        let mut items = Vec::new();
        let mut sink = |item: Item| {
            items.push(item);
            Ok(())
        };
        let summary = (format.read)(&input, &Options::default(), &mut sink)?;
        if !summary.is_call {
            return Err(ReadError::of_file(name, "it is a list or a state, and not a call that deletes"));
        }
        Ok(Self { items, summary, source_sha256: hex::encode(Sha256::digest(bytes)) })
    }

    /// Drafts the request. The same document and draft result in the same bytes.
    pub fn request(&self, draft: &Draft<'_>) -> Result<Bytes, Problem> {
        let Self { items, summary, source_sha256 } = self;
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for item in items {
            let kind = item.record.kind.as_deref().ok_or_else(|| {
                Problem::unreadable(format!("the kind of `{}` is not stated, so it is unknown what it is", item.id))
            })?;
            *kinds.entry(kind).or_default() += 1;
        }
        let count = items.len();
        let mut request = json!({
            "id": draft.id,
            "mode": draft.mode.as_str(),
            "environment": draft.environment,
            "operation": {
                "verb": summary.verb,
                "cascade": summary.cascade,
                "selector": summary.selector,
                "by": summary.selector.is_none().then_some("ids"),
            },
            "actor": { "id": draft.actor, "type": draft.actor_type, "on_behalf_of": draft.on_behalf_of },
            "provenance": {
                "source": draft.source,
                "selection": "explicit",
                "complete": true,
                "row_count": count,
                "source_total": count,
                "source_sha256": source_sha256,
                "extracted_at": summary.extracted_at.map(Timestamp::from_seconds),
            },
            "annotations": draft.annotations,
            "targets": items.iter().map(Item::to_row).collect::<Vec<_>>(),
        });
        match kinds.keys().next().filter(|_| kinds.len() == 1) {
            Some(kind) => request["target_kind"] = (*kind).into(),
            None => request["target_kinds"] = json!(kinds),
        }
        for (name, value) in draft.claims {
            request[name] = value.clone();
        }
        Ok(request.to_string().into())
    }
}
