//! The view that a decision depends on: the time, the history, the halts in force, and whether an override was used. A
//! batch counts from its end on; an open batch counts at every time.

use crate::append::{Head, head, ledger_id, now};
use crate::database::{Row, Transaction, Value, damaged};
use crate::sums::{Group, OPEN, campaign_batches, known_bytes};
use reprieve::history::{Question, normalize_name};
use reprieve::ledger::{LedgerError, LedgerView};
use reprieve::model::{HistoryFacts, PastBatch, Provenance, Spans, Timestamp};
use serde::Deserialize;

/// The query for past batches that meet a condition.
macro_rules! past_batches {
    ($condition:literal) => {
        concat!(
            "SELECT closed, entry, counts_at, mode, environment, kind, targets, tenants, campaign, actor, succeeded, bytes \
             FROM decisions WHERE ",
            $condition
        )
    };
}

/// Returns what bears on a batch, and the version of the ledger at which it does.
pub(crate) fn view(
    transaction: &mut dyn Transaction,
    question: &Question<'_>,
) -> Result<(u64, LedgerView), LedgerError> {
    let head = head(transaction)?;
    let at = now(transaction, &head)?;
    let override_used = match question.override_id {
        Some(id) => {
            let rows = transaction.query("SELECT entry FROM decisions WHERE override_id = $1", &[Value::from(id)])?;
            rows.first().map(|row| row.count(0)).transpose()?
        }
        None => None,
    };
    let history = history(transaction, &head, question, at)?;
    let version = head.version;
    let halts = head.halts.into_iter().map(|active| active.halt).collect();
    Ok((version, LedgerView { at: Timestamp::from_seconds(at), history, halts, override_used }))
}

fn history(
    transaction: &mut dyn Transaction,
    head: &Head,
    question: &Question<'_>,
    at: i64,
) -> Result<HistoryFacts, LedgerError> {
    let mode = question.mode.as_str();
    let kind = normalize_name(&question.kind);
    let (mut same_mode, mut same_kind) = (Spans::default(), Spans::default());
    let mut last: Option<Row> = None;
    for environment in counted_environments(transaction, question)? {
        same_mode.add(&Group::Mode(&environment, mode).spans(transaction, at)?);
        same_kind.add(&Group::Kind(&environment, &kind).spans(transaction, at)?);
        let found = transaction.query(
            past_batches!(
                "counts_at IS NOT NULL AND environment = $1 AND mode = $2 \
                 ORDER BY counts_at DESC, closed DESC, entry DESC LIMIT 1"
            ),
            &[environment.as_str().into(), mode.into()],
        )?;
        for row in found {
            if last.as_ref().map(order).transpose()? < Some(order(&row)?) {
                last = Some(row);
            }
        }
    }
    let same_actor = match question.actor.map(normalize_name) {
        Some(actor) => Group::Actor(&actor).spans(transaction, at)?,
        None => Spans::default(),
    };
    let last = last.map(|row| past_batch(transaction, &row, at)).transpose()?;
    let environment = normalize_name(question.environment);
    let kind_last = transaction.query(
        past_batches!(
            "counts_at < $3 AND environment = $1 AND kind = $2 \
             ORDER BY counts_at DESC, closed DESC, entry DESC LIMIT 1"
        ),
        &[environment.as_str().into(), kind.as_str().into(), OPEN.into()],
    )?;
    let kind_last = kind_last.first().map(|row| past_batch(transaction, row, at)).transpose()?;
    let (campaign_batches, campaign_last) = match question.campaign {
        Some(campaign) => (campaign_batches(transaction, campaign)?, last_of_campaign(transaction, campaign, at)?),
        None => (0, None),
    };
    // The history is identified by the last entry that decisions depend on.
    let rows = transaction.query("SELECT sha256 FROM entries WHERE entry = $1", &[Value::from(head.version)])?;
    let sha256 = match rows.first() {
        Some(row) => row.text(0)?.to_owned(),
        None => ledger_id(transaction)?,
    };
    Ok(HistoryFacts { sha256, same_mode, same_kind, same_actor, last, kind_last, campaign_batches, campaign_last })
}

/// The environments of past batches that count together with the batch. Each is found by the index, so the cost grows with
/// their number only.
fn counted_environments(
    transaction: &mut dyn Transaction,
    question: &Question<'_>,
) -> Result<Vec<String>, LedgerError> {
    let mut found = Vec::new();
    let mut next = transaction
        .query("SELECT environment FROM decisions WHERE counts_at IS NOT NULL ORDER BY environment LIMIT 1", &[])?;
    while let Some(row) = next.first() {
        let environment = row.text(0)?.to_owned();
        next = transaction.query(
            "SELECT environment FROM decisions WHERE counts_at IS NOT NULL AND environment > $1 \
             ORDER BY environment LIMIT 1",
            &[environment.as_str().into()],
        )?;
        if question.counts_with(&environment) {
            found.push(environment);
        }
    }
    Ok(found)
}

/// The order of past batches: when they ended, and in which entries they were closed and decided.
fn order(row: &Row) -> Result<(i64, Option<i64>, i64), LedgerError> {
    Ok((row.int(2)?, row.int_or_null(0)?, row.int(1)?))
}

/// The batch with which the next batch of a campaign is compared: an open one, or the one that ended last. If a batch
/// failed after the last one was decided, it is the failed one, because the last one was decided without knowing of it.
fn last_of_campaign(
    transaction: &mut dyn Transaction,
    campaign: &str,
    at: i64,
) -> Result<Option<PastBatch>, LedgerError> {
    let last = transaction.query(
        past_batches!(
            "counts_at IS NOT NULL AND campaign = $1 ORDER BY counts_at DESC, closed DESC, entry DESC LIMIT 1"
        ),
        &[campaign.into()],
    )?;
    let failed = transaction.query(
        past_batches!("succeeded = 0 AND campaign = $1 ORDER BY counts_at DESC, closed DESC LIMIT 1"),
        &[campaign.into()],
    )?;
    match (last.first(), failed.first()) {
        (Some(last), Some(failed)) if failed.count(0)? > last.count(1)? => {
            past_batch(transaction, failed, at).map(Some)
        }
        (last, _) => last.map(|last| past_batch(transaction, last, at)).transpose(),
    }
}

/// The part of a recorded decision that its row in `decisions` does not have.
#[derive(Deserialize)]
struct Recorded {
    review: RecordedReview,
}

#[derive(Deserialize)]
struct RecordedReview {
    claims: RecordedClaims,
}

#[derive(Deserialize)]
struct RecordedClaims {
    provenance: Option<Provenance>,
}

fn past_batch(transaction: &mut dyn Transaction, row: &Row, now: i64) -> Result<PastBatch, LedgerError> {
    let (entry, ended) = (row.count(1)?, row.int(2)?);
    let bodies = transaction.query("SELECT body FROM entries WHERE entry = $1", &[entry.into()])?;
    let [body] = bodies.as_slice() else { return Err(damaged(format!("entry {entry} is missing"))) };
    let recorded: Recorded = serde_json::from_str(body.text(0)?)
        .map_err(|error| damaged(format!("entry {entry} is not a decision: {error}")))?;
    let provenance = recorded.review.claims.provenance.unwrap_or_default();
    Ok(PastBatch {
        at: Timestamp::from_seconds(if ended == OPEN { now } else { ended }),
        mode: row.word(3)?,
        environment: row.text(4)?.to_owned(),
        kind: row.text(5)?.to_owned(),
        targets: row.count(6)?,
        tenants: row.count(7)?,
        bytes: known_bytes(row.count(11)?),
        campaign: row.text_or_null(8)?.map(str::to_owned),
        actor: row.text_or_null(9)?.map(str::to_owned),
        succeeded: row.int_or_null(10)?.map(|succeeded| succeeded == 1),
        source: provenance.source,
        keep_set: provenance.keep_set.and_then(|keep| keep.count),
    })
}
