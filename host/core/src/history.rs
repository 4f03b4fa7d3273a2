//! The history: what was deleted before. It is asked once a decision, and what it does not know stays unknown.

use crate::inventory::Unavailable;
use crate::source::{Folder, Unreadable, read_history};
use reprieve_model::{Claims, Deleted, HistoryFacts, PastBatch, Spans, Timestamp};
use std::path::Path;

/// Where past batches are recorded. An error is a fault of the decision, never an empty answer.
pub trait History: Send + Sync {
    /// SHA-256 of what answers, lower-case hex.
    fn sha256(&self) -> String;

    /// Every batch since that time, and every batch of that campaign, in any order.
    ///
    /// # Errors
    /// [`Unavailable`] where it cannot be asked.
    fn batches(&self, since: Timestamp, campaign: Option<&str>) -> Result<Vec<PastBatch>, Unavailable>;
}

/// A history read from a JSON file: an array of batches.
#[derive(Clone, Debug, Default)]
pub struct PastBatches {
    sha256: String,
    batches: Vec<PastBatch>,
}

impl PastBatches {
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
    fn sha256(&self) -> String {
        self.sha256.clone()
    }

    fn batches(&self, since: Timestamp, campaign: Option<&str>) -> Result<Vec<PastBatch>, Unavailable> {
        let of_campaign = |batch: &PastBatch| campaign.is_some() && batch.campaign.as_deref() == campaign;
        Ok(self.batches.iter().filter(|batch| batch.at >= since || of_campaign(batch)).cloned().collect())
    }
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 30 * DAY;

/// Asks the history and puts together what bears on this batch. A batch dated after the decision counts as one of
/// this moment: clocks differ, and what was deleted was deleted.
pub(crate) fn facts(history: &dyn History, claims: &Claims, at: Timestamp) -> Result<HistoryFacts, Unavailable> {
    let campaign = claims.campaign.as_deref();
    let mut batches = history.batches(at.plus(-MONTH), campaign)?;
    batches.sort_by_key(|batch| batch.at);
    let actor = claims.actor.as_ref().and_then(|actor| actor.id.as_deref());
    let here = |batch: &&PastBatch| batch.environment == claims.environment;
    let same_mode = |batch: &&PastBatch| here(batch) && batch.mode == claims.mode;
    let of_campaign = || batches.iter().filter(|batch| campaign.is_some() && batch.campaign.as_deref() == campaign);
    Ok(HistoryFacts {
        sha256: history.sha256(),
        same_mode: spans(batches.iter().filter(same_mode), at),
        same_kind: spans(batches.iter().filter(|batch| here(batch) && batch.kind == claims.target_kind), at),
        same_actor: spans(batches.iter().filter(|batch| actor.is_some() && batch.actor.as_deref() == actor), at),
        last: batches.iter().rfind(same_mode).cloned(),
        campaign_batches: of_campaign().count() as u64,
        campaign_last: of_campaign().next_back().cloned(),
    })
}

fn spans<'a>(batches: impl Iterator<Item = &'a PastBatch>, at: Timestamp) -> Spans {
    let mut spans = Spans::default();
    for batch in batches {
        let age = at.since(batch.at);
        for (span, length) in [(&mut spans.hour, HOUR), (&mut spans.day, DAY), (&mut spans.month, MONTH)] {
            if age < length {
                let Deleted { batches, targets, tenants } = span;
                *batches = batches.saturating_add(1);
                *targets = targets.saturating_add(batch.targets);
                *tenants = tenants.saturating_add(batch.tenants);
            }
        }
    }
    spans
}
