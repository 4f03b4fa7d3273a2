//! How things stand: what was allowed before, added up as the policies want it. Whole hours come from the sums, so the
//! cost does not grow with the ledger.

use crate::append::{Head, head, hour, key, ledger_id, now};
use crate::database::{Row, Transaction, Value};
use reprieve::model::{Deleted, HistoryFacts, Mode, PastBatch, Spans, Timestamp};
use reprieve::{Question, SPANS, Standing, Unavailable};

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
    Ok((version, Standing { at: Timestamp::from_seconds(at), history, halted: head.halted, override_used }))
}

fn history(
    transaction: &mut dyn Transaction,
    head: &Head,
    question: &Question<'_>,
    at: i64,
) -> Result<HistoryFacts, Unavailable> {
    let (mode, environment) = (question.mode.as_str(), question.environment);
    let same_mode = spans(
        transaction,
        at,
        &key(&["mode", environment, mode]),
        "SELECT count(*), CAST(coalesce(sum(targets), 0) AS BIGINT), CAST(coalesce(sum(tenants), 0) AS BIGINT) \
         FROM decisions WHERE counts = 1 AND environment = $1 AND mode = $2 AND at > $3 AND at < $4",
        &[environment.into(), mode.into()],
    )?;
    let same_kind = spans(
        transaction,
        at,
        &key(&["kind", environment, question.kind]),
        "SELECT count(*), CAST(coalesce(sum(targets), 0) AS BIGINT), CAST(coalesce(sum(tenants), 0) AS BIGINT) \
         FROM decisions WHERE counts = 1 AND environment = $1 AND kind = $2 AND at > $3 AND at < $4",
        &[environment.into(), question.kind.into()],
    )?;
    let same_actor = match question.actor {
        Some(actor) => spans(
            transaction,
            at,
            &key(&["actor", actor]),
            "SELECT count(*), CAST(coalesce(sum(targets), 0) AS BIGINT), CAST(coalesce(sum(tenants), 0) AS BIGINT) \
             FROM decisions WHERE counts = 1 AND actor = $1 AND at > $2 AND at < $3",
            &[actor.into()],
        )?,
        None => Spans::default(),
    };
    let last = past_batch(
        transaction,
        "SELECT at, closed_at, mode, environment, kind, targets, tenants, campaign, actor, succeeded FROM decisions \
         WHERE counts = 1 AND environment = $1 AND mode = $2 ORDER BY at DESC, entry DESC LIMIT 1",
        &[environment.into(), mode.into()],
    )?;
    let (mut campaign_batches, mut campaign_last) = (0, None);
    if let Some(campaign) = question.campaign {
        let key = Value::Text(key(&["campaign", campaign]));
        let sql = "SELECT CAST(coalesce(sum(batches), 0) AS BIGINT) FROM sums WHERE key = $1";
        campaign_batches = transaction.query(sql, &[key])?.first().map_or(Ok(0), |row| row.count(0))?;
        campaign_last = past_batch(
            transaction,
            "SELECT at, closed_at, mode, environment, kind, targets, tenants, campaign, actor, succeeded \
             FROM decisions WHERE counts = 1 AND campaign = $1 ORDER BY at DESC, entry DESC LIMIT 1",
            &[campaign.into()],
        )?;
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

fn past_batch(
    transaction: &mut dyn Transaction,
    sql: &'static str,
    values: &[Value],
) -> Result<Option<PastBatch>, Unavailable> {
    transaction.query(sql, values)?.first().map(read_past_batch).transpose()
}

fn read_past_batch(row: &Row) -> Result<PastBatch, Unavailable> {
    Ok(PastBatch {
        // It is watched from its end on.
        at: Timestamp::from_seconds(row.int_or_null(1)?.unwrap_or(row.int(0)?)),
        mode: if row.text(2)? == Mode::Soft.as_str() { Mode::Soft } else { Mode::Hard },
        environment: row.text(3)?.to_owned(),
        kind: row.text(4)?.to_owned(),
        targets: row.count(5)?,
        tenants: row.count(6)?,
        campaign: row.text_or_null(7)?.map(str::to_owned),
        actor: row.text_or_null(8)?.map(str::to_owned),
        succeeded: row.int_or_null(9)?.map(|succeeded| succeeded == 1),
    })
}
