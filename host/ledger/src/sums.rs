//! Sums over past batches. Each hour has one row per key, so the cost of a query does not grow with the ledger.

use crate::database::{Transaction, Value, execute_one};
use reprieve::history::{SPANS, kind_label, normalize_name};
use reprieve::ledger::{DecisionRecord, LedgerError};
use reprieve::model::{Deleted, Facts, Spans};

/// When an open batch counts: at every time, because it may still be deleting.
pub(crate) const OPEN: i64 = i64::MAX;

/// The most bytes that one batch adds to a sum: 64 TiB. A sum of 100,000 such batches is still a number.
const MAX_BYTES: u64 = 64 << 40;

/// The length of the time over which one row of `sums` adds up.
const SECONDS_PER_HOUR: i64 = 3_600;

/// What is summed over the rows of a table, after the number of the span.
macro_rules! sums_of {
    ($span:literal, $batches:literal, $table_and_condition:literal) => {
        concat!(
            "SELECT CAST(",
            $span,
            " AS BIGINT), CAST(coalesce(",
            $batches,
            ", 0) AS BIGINT), CAST(coalesce(sum(targets), 0) AS BIGINT), \
             CAST(coalesce(sum(tenants), 0) AS BIGINT), CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM ",
            $table_and_condition
        )
    };
}

/// The query for the sums of each span over the batches that meet a condition, in one statement: a server of another machine
/// takes longer for a statement than for what it sums. A span has two rows, which begin with its number: whole hours from
/// `sums`, and the rest of the first hour from `decisions`.
macro_rules! spans_query {
    ($condition:literal) => {
        concat!(
            sums_of!(0, "sum(batches)", "sums WHERE key = $1 AND hour >= $2 UNION ALL "),
            sums_of!(0, "count(*)", "decisions WHERE counts_at > $3 AND counts_at < $4 AND "),
            $condition,
            " UNION ALL ",
            sums_of!(1, "sum(batches)", "sums WHERE key = $1 AND hour >= $5 UNION ALL "),
            sums_of!(1, "count(*)", "decisions WHERE counts_at > $6 AND counts_at < $7 AND "),
            $condition,
            " UNION ALL ",
            sums_of!(2, "sum(batches)", "sums WHERE key = $1 AND hour >= $8 UNION ALL "),
            sums_of!(2, "count(*)", "decisions WHERE counts_at > $9 AND counts_at < $10 AND "),
            $condition,
        )
    };
}

/// The past batches that are summed over time.
pub(crate) enum Group<'a> {
    /// Those in an environment in the same mode.
    Mode(&'a str, &'a str),
    /// Those in an environment with targets of the same kind.
    Kind(&'a str, &'a str),
    /// Those of an actor.
    Actor(&'a str),
}

impl Group<'_> {
    /// The key of its rows in `sums`: a JSON array, so that two names cannot run together.
    pub fn key(&self) -> String {
        match self {
            Self::Mode(environment, mode) => serde_json::json!(["mode", environment, mode]),
            Self::Kind(environment, kind) => serde_json::json!(["kind", environment, kind]),
            Self::Actor(actor) => serde_json::json!(["actor", actor]),
        }
        .to_string()
    }

    /// The query for the sums of its spans, and the values of its last parameters.
    fn query(&self) -> (&'static str, Vec<Value>) {
        match *self {
            Self::Mode(environment, mode) => {
                (spans_query!("environment = $11 AND mode = $12"), vec![environment.into(), mode.into()])
            }
            Self::Kind(environment, kind) => {
                (spans_query!("environment = $11 AND kind = $12"), vec![environment.into(), kind.into()])
            }
            Self::Actor(actor) => (spans_query!("actor = $11"), vec![actor.into()]),
        }
    }

    /// Sums the batches of each span before `at`.
    pub fn spans(&self, transaction: &mut dyn Transaction, at: i64) -> Result<Spans, LedgerError> {
        let (query, last) = self.query();
        let mut values = vec![Value::Text(self.key())];
        for length in SPANS {
            let after = at - length;
            let first_hour = hour(after) + 1;
            values.extend([first_hour, after, first_hour * SECONDS_PER_HOUR].map(Value::from));
        }
        values.extend(last);
        let rows = transaction.query(query, &values)?;
        let mut spans = Spans::default();
        for row in &rows {
            let span = match row.count(0)? {
                0 => &mut spans.hour,
                1 => &mut spans.day,
                _ => &mut spans.month,
            };
            let (batches, targets, tenants) = (row.count(1)?, row.count(2)?, row.count(3)?);
            span.merge(&Deleted { batches, targets, tenants, bytes: known_bytes(row.count(4)?) });
        }
        Ok(spans)
    }
}

/// The key of a campaign in `sums`.
fn campaign_key(campaign: &str) -> String {
    serde_json::json!(["campaign", campaign]).to_string()
}

/// The number of batches of a campaign that count.
pub(crate) fn campaign_batches(transaction: &mut dyn Transaction, campaign: &str) -> Result<u64, LedgerError> {
    let key = Value::Text(campaign_key(campaign));
    let rows = transaction.query(sums_of!(0, "sum(batches)", "sums WHERE key = $1"), &[key])?;
    rows.first().map_or(Ok(0), |row| row.count(1))
}

/// The normalized name of the actor who submitted a batch.
pub(crate) fn actor(record: &DecisionRecord) -> Option<String> {
    record.review.claims.actor.as_ref()?.id.as_deref().map(normalize_name)
}

/// The keys under which an allow is summed.
pub(crate) fn keys(record: &DecisionRecord) -> Vec<String> {
    let claims = &record.review.claims;
    let environment = normalize_name(&claims.environment);
    let mut keys = vec![
        Group::Mode(&environment, claims.mode.as_str()).key(),
        Group::Kind(&environment, &normalize_name(&kind_label(claims))).key(),
    ];
    keys.extend(actor(record).map(|actor| Group::Actor(&actor).key()));
    keys.extend(claims.campaign.as_deref().map(campaign_key));
    keys
}

/// The hour of a time, as `sums` counts them.
pub(crate) const fn hour(at: i64) -> i64 {
    at.div_euclid(SECONDS_PER_HOUR)
}

/// The bytes of a batch as the ledger adds them. 0: no size is known.
pub(crate) fn bytes(facts: &Facts) -> u64 {
    facts.bytes.unwrap_or_default().min(MAX_BYTES)
}

/// The bytes of batches that the ledger has added.
pub(crate) fn known_bytes(bytes: u64) -> Option<u64> {
    Some(bytes).filter(|bytes| *bytes > 0)
}

/// What an allow adds to each of its sums: batches, targets, tenants and bytes. With `sign` -1 they are subtracted.
pub(crate) fn summands(record: &DecisionRecord, sign: i64) -> [i64; 4] {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(sign);
    let DecisionRecord { decision, review, .. } = record;
    [sign, signed(decision.targets), signed(decision.tenants), signed(bytes(&review.facts))]
}

/// Adds an allow to the sums of the hour in which it counts, or with `sign` -1 subtracts it.
pub(crate) fn add(
    transaction: &mut dyn Transaction,
    record: &DecisionRecord,
    at: i64,
    sign: i64,
) -> Result<(), LedgerError> {
    let [batches, targets, tenants, bytes] = summands(record, sign).map(Value::Int);
    for key in keys(record) {
        execute_one(
            transaction,
            "INSERT INTO sums (key, hour, batches, targets, tenants, bytes) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (key, hour) DO UPDATE SET batches = sums.batches + excluded.batches, \
             targets = sums.targets + excluded.targets, tenants = sums.tenants + excluded.tenants, \
             bytes = sums.bytes + excluded.bytes",
            &[Value::Text(key), hour(at).into(), batches.clone(), targets.clone(), tenants.clone(), bytes.clone()],
        )?;
    }
    Ok(())
}
