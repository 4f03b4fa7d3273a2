//! The history: what was deleted before. It is queried once per decision, and what it does not know stays unknown.

use crate::batch::Batch;
use crate::environments::Environments;
use crate::error::{LookupError, ReadError};
use crate::read::{Folder, HistoryFile, read_history};
use crate::text::canonical;
use reprieve_model::{HistoryFacts, Mode, PastBatch, Request, Spans, Timestamp};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::path::Path;

/// A question about the past of a batch.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The mode that the batch runs in.
    pub mode: Mode,
    /// The environment that it runs in.
    pub environment: &'a str,
    /// Which environments are production.
    pub environments: Cow<'a, Environments>,
    /// The kind of its targets as claimed, or a [label](kind_label) of several.
    pub kind: Cow<'a, str>,
    /// Who submits it.
    pub actor: Option<&'a str>,
    /// The campaign that it belongs to.
    pub campaign: Option<&'a str>,
    /// The id of its override.
    pub override_id: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// Creates the question about a batch. `override_id` is the id of its override, if it has one.
    pub fn about(batch: &'a Batch, environments: &'a Environments, override_id: Option<&'a str>) -> Self {
        let claims = batch.claims();
        Self {
            override_id,
            mode: claims.mode,
            environment: &claims.environment,
            environments: Cow::Borrowed(environments),
            kind: kind_label(claims),
            actor: claims.actor.as_ref().and_then(|actor| actor.id.as_deref()),
            campaign: claims.campaign.as_deref(),
        }
    }

    /// Whether a past batch in this environment counts together with the batch.
    pub fn counts_with(&self, environment: &str) -> bool {
        self.environments.count_together(environment, self.environment)
    }
}

/// Normalizes the name of an environment, a kind or an actor: white space around it, case, compatibility forms and
/// invisible characters do not make it another name with limits of its own.
pub fn normalize_name(name: &str) -> String {
    canonical(name)
}

/// The kind of a batch as a history records it: the claimed kind, or several in alphabetical order with commas between.
pub fn kind_label<T>(claims: &Request<T>) -> Cow<'_, str> {
    match claims.only_kind() {
        Some(kind) => Cow::Borrowed(kind),
        None => {
            let mut kinds: Vec<String> = claims.kinds().map(|(kind, _)| normalize_name(kind)).collect();
            kinds.sort_unstable();
            Cow::Owned(kinds.join(", "))
        }
    }
}

/// The spans of time that a history is summed over, in seconds: an hour, a day, and thirty days.
pub const SPANS: [i64; 3] = [3_600, 86_400, 30 * 86_400];

/// Where past batches are recorded. An error is a fault of the decision, never an empty answer.
pub trait History: Send + Sync {
    /// Returns what was deleted before `at` and matches the question. A batch that is dated later counts as deleted at
    /// `at`, because clocks differ.
    ///
    /// # Errors
    /// [`LookupError`] if it has no answer.
    fn facts(&self, question: &Question<'_>, at: Timestamp) -> Result<HistoryFacts, LookupError>;
}

/// A history in memory: read from a JSON file with an array of batches, or built by the embedding program.
#[derive(Clone, Debug)]
pub struct PastBatches {
    sha256: String,
    batches: Vec<PastBatch>,
}

impl PastBatches {
    /// Creates a history of these batches. An empty one means that it is known that nothing was deleted before.
    pub fn new(batches: Vec<PastBatch>) -> Self {
        // A batch consists of text and numbers, so serializing it does not fail.
        let text = serde_json::to_vec(&batches).unwrap_or_default();
        Self { sha256: hex::encode(Sha256::digest(text)), batches }
    }

    /// Reads a history that the operator or the embedding program named.
    ///
    /// # Errors
    /// [`ReadError`] with the line.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        let HistoryFile { sha256, batches } = read_history(&folder, &name)?;
        Ok(Self { sha256, batches })
    }
}

impl History for PastBatches {
    fn facts(&self, question: &Question<'_>, at: Timestamp) -> Result<HistoryFacts, LookupError> {
        let mut batches: Vec<&PastBatch> = self.batches.iter().collect();
        batches.sort_by_key(|batch| batch.at);
        let same = |a: &str, b: &str| normalize_name(a) == normalize_name(b);
        let here = |batch: &&&PastBatch| question.counts_with(&batch.environment);
        let same_mode = |batch: &&&PastBatch| here(batch) && batch.mode == question.mode;
        let same_kind = |batch: &&&PastBatch| here(batch) && same(&batch.kind, &question.kind);
        let same_actor = |batch: &&&PastBatch| {
            batch.actor.as_deref().zip(question.actor).is_some_and(|(of, asked)| same(of, asked))
        };
        let of_campaign =
            |batch: &&&PastBatch| question.campaign.is_some() && batch.campaign.as_deref() == question.campaign;
        let of_kind_here = |batch: &&&PastBatch| {
            let is_here = same(&batch.environment, question.environment) && same(&batch.kind, &question.kind);
            is_here && batch.succeeded.is_some()
        };
        Ok(HistoryFacts {
            sha256: self.sha256.clone(),
            same_mode: spans(batches.iter().filter(same_mode), at),
            same_kind: spans(batches.iter().filter(same_kind), at),
            same_actor: spans(batches.iter().filter(same_actor), at),
            last: batches.iter().rfind(same_mode).copied().cloned(),
            kind_last: batches.iter().rfind(of_kind_here).copied().cloned(),
            campaign_batches: batches.iter().filter(of_campaign).count() as u64,
            campaign_last: batches.iter().rfind(of_campaign).copied().cloned(),
        })
    }
}

fn spans<'a>(batches: impl Iterator<Item = &'a &'a PastBatch>, at: Timestamp) -> Spans {
    let mut spans = Spans::default();
    for batch in batches {
        let age = at.since(batch.at);
        for (span, length) in [&mut spans.hour, &mut spans.day, &mut spans.month].into_iter().zip(SPANS) {
            if age < length {
                span.add(batch.targets, batch.tenants, batch.bytes);
            }
        }
    }
    spans
}
