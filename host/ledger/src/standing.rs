//! How things stand: what was allowed before, added up as the policies want it. A batch counts from its end on, and
//! until somebody says that it ended, at every moment. Whole hours come from the sums, so the cost does not grow with
//! the ledger.

use crate::append::{Head, OPEN, head, hour, key, ledger_id, now};
use crate::database::{Row, Transaction, Value};
use reprieve::model::{Deleted, HistoryFacts, Mode, PastBatch, Spans, Timestamp};
use reprieve::{Question, SPANS, Standing, Unavailable, counted_as};

/// The statement that asks for past batches, those for which a condition holds.
macro_rules! past_batches {
    ($which:literal) => {
        concat!(
            "SELECT closed, entry, counts_at, mode, environment, kind, targets, tenants, campaign, actor, succeeded \
             FROM decisions WHERE ",
            $which
        )
    };
}

/// How things stand for a batch, and the version at which they do.
pub(crate) fn standing(
    transaction: &mut dyn Transaction,
    question: &Question<'_>,
) -> Result<(u64, Standing), Unavailable> {
    let head = head(transaction)?;
    let at = now(transaction, &head)?;
    let version = head.version;
    let override_used = match question.override_id {
        Some(id) => {
            let rows = transaction.query("SELECT entry FROM decisions WHERE override_id = $1", &[Value::from(id)])?;
            rows.first().map(|row| row.count(0)).transpose()?
        }
        None => None,
    };
    let history = history(transaction, &head, question, at)?;
    let halted = head.halted.into_iter().map(|halted| halted.halt).collect();
    Ok((version, Standing { at: Timestamp::from_seconds(at), history, halted, override_used }))
}

fn history(
    transaction: &mut dyn Transaction,
    head: &Head,
    question: &Question<'_>,
    at: i64,
) -> Result<HistoryFacts, Unavailable> {
    let (mode, environment, kind) =
        (question.mode.as_str(), counted_as(question.environment), counted_as(question.kind));
    let environment = environment.as_str();
    let same_mode = spans(
        transaction,
        at,
        &key(&["mode", environment, mode]),
        "SELECT count(*), CAST(coalesce(sum(targets), 0) AS BIGINT), CAST(coalesce(sum(tenants), 0) AS BIGINT) \
         FROM decisions WHERE environment = $1 AND mode = $2 AND counts_at > $3 AND counts_at < $4",
        &[environment.into(), mode.into()],
    )?;
    let same_kind = spans(
        transaction,
        at,
        &key(&["kind", environment, &kind]),
        "SELECT count(*), CAST(coalesce(sum(targets), 0) AS BIGINT), CAST(coalesce(sum(tenants), 0) AS BIGINT) \
         FROM decisions WHERE environment = $1 AND kind = $2 AND counts_at > $3 AND counts_at < $4",
        &[environment.into(), Value::from(kind.as_str())],
    )?;
    let same_actor = match question.actor.map(counted_as) {
        Some(actor) => spans(
            transaction,
            at,
            &key(&["actor", &actor]),
            "SELECT count(*), CAST(coalesce(sum(targets), 0) AS BIGINT), CAST(coalesce(sum(tenants), 0) AS BIGINT) \
             FROM decisions WHERE actor = $1 AND counts_at > $2 AND counts_at < $3",
            &[Value::from(actor.as_str())],
        )?,
        None => Spans::default(),
    };
    let last = transaction.query(
        past_batches!(
            "counts_at IS NOT NULL AND environment = $1 AND mode = $2 \
             ORDER BY counts_at DESC, closed DESC, entry DESC LIMIT 1"
        ),
        &[environment.into(), mode.into()],
    )?;
    let last = last.first().map(|row| past_batch(row, at)).transpose()?;
    let (mut campaign_batches, mut campaign_last) = (0, None);
    if let Some(campaign) = question.campaign {
        let key = Value::Text(key(&["campaign", campaign]));
        let sql = "SELECT CAST(coalesce(sum(batches), 0) AS BIGINT) FROM sums WHERE key = $1";
        campaign_batches = transaction.query(sql, &[key])?.first().map_or(Ok(0), |row| row.count(0))?;
        campaign_last = last_of_campaign(transaction, campaign, at)?;
    }
    // What bears on the decision is what was recorded up to its version.
    let rows = transaction.query("SELECT sha256 FROM entries WHERE entry = $1", &[Value::from(head.version)])?;
    let sha256 = match rows.first() {
        Some(row) => row.text(0)?.to_owned(),
        None => ledger_id(transaction)?,
    };
    Ok(HistoryFacts { sha256, same_mode, same_kind, same_actor, last, campaign_batches, campaign_last })
}

/// Adds up the batches of each span: whole hours from the sums under `key`, and those of the hour that the span begins
/// in by the statement `edge`, whose last two values are the times they lie between.
fn spans(
    transaction: &mut dyn Transaction,
    at: i64,
    key: &str,
    edge: &'static str,
    values: &[Value],
) -> Result<Spans, Unavailable> {
    let mut spans = Spans::default();
    for (span, length) in [&mut spans.hour, &mut spans.day, &mut spans.month].into_iter().zip(SPANS) {
        let after = at - length;
        let first_hour = hour(after) + 1;
        let whole = transaction.query(
            "SELECT CAST(coalesce(sum(batches), 0) AS BIGINT), CAST(coalesce(sum(targets), 0) AS BIGINT), \
             CAST(coalesce(sum(tenants), 0) AS BIGINT) FROM sums WHERE key = $1 AND hour >= $2",
            &[key.into(), first_hour.into()],
        )?;
        let between = [Value::from(after), Value::from(first_hour * 3_600)];
        let edge = transaction.query(edge, &[values, &between].concat())?;
        for row in whole.iter().chain(&edge) {
            add(span, row.count(0)?, row.count(1)?, row.count(2)?);
        }
    }
    Ok(spans)
}

fn add(span: &mut Deleted, batches: u64, targets: u64, tenants: u64) {
    span.batches = span.batches.saturating_add(batches);
    span.targets = span.targets.saturating_add(targets);
    span.tenants = span.tenants.saturating_add(tenants);
}

/// The batch that the next of its campaign goes by: one that nobody has closed, or the one that ended last. But one that
/// was decided before another failed says nothing about what went wrong with that one.
fn last_of_campaign(
    transaction: &mut dyn Transaction,
    campaign: &str,
    at: i64,
) -> Result<Option<PastBatch>, Unavailable> {
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
        (Some(last), Some(failed)) if failed.count(0)? > last.count(1)? => past_batch(failed, at).map(Some),
        (last, _) => last.map(|last| past_batch(last, at)).transpose(),
    }
}

fn past_batch(row: &Row, now: i64) -> Result<PastBatch, Unavailable> {
    let ended = row.int(2)?;
    Ok(PastBatch {
        at: Timestamp::from_seconds(if ended == OPEN { now } else { ended }),
        mode: if row.text(3)? == Mode::Soft.as_str() { Mode::Soft } else { Mode::Hard },
        environment: row.text(4)?.to_owned(),
        kind: row.text(5)?.to_owned(),
        targets: row.count(6)?,
        tenants: row.count(7)?,
        campaign: row.text_or_null(8)?.map(str::to_owned),
        actor: row.text_or_null(9)?.map(str::to_owned),
        succeeded: row.int_or_null(10)?.map(|succeeded| succeeded == 1),
    })
}
