//! The history: what was deleted before. It is asked once a decision, and what it does not know stays unknown.

use crate::batch::Batch;
use crate::source::{Folder, Unreadable, read_history};
use crate::unavailable::Unavailable;
use reprieve_model::{HistoryFacts, Mode, PastBatch, Spans, Timestamp};
use sha2::{Digest, Sha256};
use std::path::Path;

/// What is asked about a batch.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The mode it is to run in.
    pub mode: Mode,
    /// Where it is to run.
    pub environment: &'a str,
    /// What its targets are said to be.
    pub kind: &'a str,
    /// Who submits it.
    pub actor: Option<&'a str>,
    /// The series of batches it belongs to.
    pub campaign: Option<&'a str>,
    /// The id of the override it comes with.
    pub override_id: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// What bears on a batch.
    pub fn about(batch: &'a Batch) -> Self {
        let claims = &batch.claims;
        Self {
            override_id: batch.break_glass.as_ref().map(|glass| glass.0.id.as_str()),
            mode: claims.mode,
            environment: &claims.environment,
            kind: &claims.target_kind,
            actor: claims.actor.as_ref().and_then(|actor| actor.id.as_deref()),
            campaign: claims.campaign.as_deref(),
        }
    }
}

/// The name under which what was deleted is counted: blanks around an environment, a kind or an actor, and capitals in
/// it, do not make another one with limits of its own.
pub fn counted_as(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// The spans of time over which a history is added up, in seconds: an hour, a day, and thirty days.
pub const SPANS: [i64; 3] = [3_600, 86_400, 30 * 86_400];

/// Where past batches are recorded. An error is a fault of the decision, never an empty answer.
pub trait History: Send + Sync {
    /// What was deleted before `at`, as far as it bears on a batch. What is dated later counts as of this moment:
    /// clocks differ, and what was deleted was deleted.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn facts(&self, question: &Question<'_>, at: Timestamp) -> Result<HistoryFacts, Unavailable>;
}

/// A history in memory: read from a JSON file that holds an array of batches, or put together by the embedding program.
#[derive(Clone, Debug)]
pub struct PastBatches {
    sha256: String,
    batches: Vec<PastBatch>,
}

impl PastBatches {
    /// Takes these batches for all there were. None: nothing was deleted before, and that is known.
    pub fn new(batches: Vec<PastBatch>) -> Self {
        // A batch is texts and numbers; writing it does not fail.
        let text = serde_json::to_vec(&batches).unwrap_or_default();
        Self { sha256: hex::encode(Sha256::digest(text)), batches }
    }

    /// Reads a history that the operator or the embedding program named.
    ///
    /// # Errors
    /// [`Unreadable`] with the line.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        let (sha256, batches) = read_history(&folder, &name)?;
        Ok(Self { sha256, batches })
    }
}

impl History for PastBatches {
    fn facts(&self, question: &Question<'_>, at: Timestamp) -> Result<HistoryFacts, Unavailable> {
        let mut batches: Vec<&PastBatch> = self.batches.iter().collect();
        batches.sort_by_key(|batch| batch.at);
        let same = |a: &str, b: &str| counted_as(a) == counted_as(b);
        let here = |batch: &&&PastBatch| same(&batch.environment, question.environment);
        let same_mode = |batch: &&&PastBatch| here(batch) && batch.mode == question.mode;
        let same_kind = |batch: &&&PastBatch| here(batch) && same(&batch.kind, question.kind);
        let same_actor = |batch: &&&PastBatch| {
            batch.actor.as_deref().zip(question.actor).is_some_and(|(of, asked)| same(of, asked))
        };
        let of_campaign =
            |batch: &&&PastBatch| question.campaign.is_some() && batch.campaign.as_deref() == question.campaign;
        Ok(HistoryFacts {
            sha256: self.sha256.clone(),
            same_mode: spans(batches.iter().filter(same_mode), at),
            same_kind: spans(batches.iter().filter(same_kind), at),
            same_actor: spans(batches.iter().filter(same_actor), at),
            last: batches.iter().rfind(same_mode).copied().cloned(),
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
                span.add(batch.targets, batch.tenants);
            }
        }
    }
    spans
}
