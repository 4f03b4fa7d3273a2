//! Appending: the entry itself, and what the other tables say because of it. All of it happens in one transaction, or
//! none.

use crate::database::{Transaction, Value};
use crate::entry::{Closed, Entry, Halted, Used, hash};
use reprieve::model::{LedgerEntry, Verdict};
use reprieve::{Blob, DecisionRecord, Outcome, Unavailable, counted_as};

/// When a batch counts that nobody has closed: it may be deleting at every moment.
pub(crate) const OPEN: i64 = i64::MAX;

/// Where the record ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub entry: u64,
    pub sha256: String,
    pub at: i64,
    /// The last entry that bears on later decisions.
    pub version: u64,
    /// The halts that nobody has lifted.
    pub halted: Vec<Halted>,
}

/// Where the record ends now.
pub(crate) fn head(transaction: &mut dyn Transaction) -> Result<Head, Unavailable> {
    let rows = transaction.query("SELECT entry, sha256, at, version, halted FROM head", &[])?;
    let row = rows.first().ok_or_else(|| damaged("it has no head"))?;
    let halted = serde_json::from_str(row.text(4)?);
    Ok(Head {
        entry: row.count(0)?,
        sha256: row.text(1)?.to_owned(),
        at: row.int(2)?,
        version: row.count(3)?,
        halted: halted.map_err(|error| damaged(&format!("why it is halted cannot be read: {error}")))?,
    })
}

/// The id of the ledger, on which its first entry is built.
pub(crate) fn ledger_id(transaction: &mut dyn Transaction) -> Result<String, Unavailable> {
    let rows = transaction.query("SELECT ledger FROM head", &[])?;
    Ok(rows.first().ok_or_else(|| damaged("it has no head"))?.text(0)?.to_owned())
}

pub(crate) fn damaged(what: &str) -> Unavailable {
    Unavailable(format!("the ledger is damaged: {what}; run `reprieve ledger verify`"))
}

/// The ledger's time: its clock, which never goes back.
pub(crate) fn now(transaction: &mut dyn Transaction, head: &Head) -> Result<i64, Unavailable> {
    Ok(transaction.clock()?.max(head.at))
}

/// Appends an entry to a ledger that ends in `head`.
pub(crate) fn append(
    transaction: &mut dyn Transaction,
    head: &Head,
    entry: &Entry,
) -> Result<LedgerEntry, Unavailable> {
    // Nothing is built on an end that is not what it says.
    if head.entry > 0 {
        let last = transaction.query("SELECT sha256 FROM entries WHERE entry = $1", &[Value::from(head.entry)])?;
        if last.first().map(|row| row.text(0)).transpose()? != Some(&head.sha256) {
            return Err(damaged(&format!("its end is not entry {}", head.entry)));
        }
    }
    let (number, at) = (head.entry + 1, now(transaction, head)?);
    let body = entry.body()?;
    let sha256 = hash(&head.sha256, number, at, entry.kind(), &body);
    transaction.execute(
        "INSERT INTO entries (entry, at, kind, body, sha256) VALUES ($1, $2, $3, $4, $5)",
        &[number.into(), at.into(), entry.kind().into(), Value::Text(body), Value::from(sha256.as_str())],
    )?;
    let version = if entry.changes() { number } else { head.version };
    transaction.execute(
        "UPDATE head SET entry = $1, sha256 = $2, at = $3, version = $4",
        &[number.into(), sha256.as_str().into(), at.into(), version.into()],
    )?;
    match entry {
        Entry::Decision(record) => add_decision(transaction, number, at, record)?,
        Entry::Closed(closed) => close(transaction, number, at, closed)?,
        Entry::Used(Used { decision }) => transaction
            .execute("UPDATE decisions SET used = $1 WHERE entry = $2", &[number.into(), (*decision).into()])?,
        Entry::Halted(_) | Entry::Resumed(_) => {
            let mut halted = head.halted.clone();
            stand(&mut halted, number, entry);
            let halted = serde_json::to_string(&halted).map_err(|error| Unavailable(error.to_string()))?;
            transaction.execute("UPDATE head SET halted = $1", &[Value::Text(halted)])?;
        }
    }
    Ok(LedgerEntry { entry: number, sha256 })
}

/// The halts that stand after an entry. Gives whether it did what it says: a halt can be lifted only while it stands.
pub(crate) fn stand(halted: &mut Vec<Halted>, number: u64, entry: &Entry) -> bool {
    let before = halted.len();
    match entry {
        Entry::Halted(halt) => halted.push(Halted { entry: number, halt: halt.clone() }),
        Entry::Resumed(resumed) => halted.retain(|halted| halted.entry != resumed.lifts),
        _ => return true,
    }
    halted.len() != before
}

/// What the table of decisions says of one when it is made.
pub(crate) fn columns(number: u64, at: i64, record: &DecisionRecord) -> Vec<Value> {
    let (decision, claims) = (&record.decision, &record.review.claims);
    let allowed = decision.decision == Verdict::Allow;
    let glass = decision.break_glass.as_ref().filter(|_| allowed);
    vec![
        number.into(),
        at.into(),
        decision.request.as_str().into(),
        decision.decision.as_str().into(),
        claims.mode.as_str().into(),
        Value::Text(counted_as(&claims.environment)),
        Value::Text(counted_as(&claims.target_kind)),
        actor(record).map_or(Value::Null, Value::Text),
        claims.campaign.as_deref().into(),
        decision.targets.into(),
        decision.tenants.into(),
        decision.targets_sha256.as_str().into(),
        record.review.facts.whole.as_ref().map(|whole| whole.targets_sha256.as_str()).into(),
        glass.map(|glass| glass.id.as_str()).into(),
        if allowed { OPEN.into() } else { Value::Null },
        if allowed { "open" } else { "none" }.into(),
    ]
}

fn actor(record: &DecisionRecord) -> Option<String> {
    record.review.claims.actor.as_ref()?.id.as_deref().map(counted_as)
}

/// What an allow is added up under: what a later batch is compared with.
pub(crate) fn keys(record: &DecisionRecord) -> Vec<String> {
    let claims = &record.review.claims;
    let environment = counted_as(&claims.environment);
    let mut keys = vec![
        key(&["mode", &environment, claims.mode.as_str()]),
        key(&["kind", &environment, &counted_as(&claims.target_kind)]),
    ];
    keys.extend(actor(record).map(|actor| key(&["actor", &actor])));
    keys.extend(claims.campaign.as_deref().map(|campaign| key(&["campaign", campaign])));
    keys
}

/// A key of the sums: a JSON array, so that no name runs into the next.
pub(crate) fn key(parts: &[&str]) -> String {
    serde_json::json!(parts).to_string()
}

/// The hour in which a sum is kept.
pub(crate) const fn hour(at: i64) -> i64 {
    at.div_euclid(3_600)
}

fn add_decision(
    transaction: &mut dyn Transaction,
    number: u64,
    at: i64,
    record: &DecisionRecord,
) -> Result<(), Unavailable> {
    transaction.execute(
        "INSERT INTO decisions (entry, at, request, decision, mode, environment, kind, actor, campaign, targets, \
         tenants, targets_sha256, whole_sha256, override_id, counts_at, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &columns(number, at, record),
    )?;
    if record.decision.decision == Verdict::Allow {
        add_up(transaction, record, OPEN, 1)?;
    }
    Ok(())
}

/// Adds an allow to the sums, as of when it counts, or with `sign` -1 takes it out again.
fn add_up(transaction: &mut dyn Transaction, record: &DecisionRecord, at: i64, sign: i64) -> Result<(), Unavailable> {
    let signed = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(sign));
    for key in keys(record) {
        transaction.execute(
            "INSERT INTO sums (key, hour, batches, targets, tenants) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key, hour) DO UPDATE SET batches = sums.batches + excluded.batches, \
             targets = sums.targets + excluded.targets, tenants = sums.tenants + excluded.tenants",
            &[
                Value::Text(key),
                hour(at).into(),
                sign.into(),
                signed(record.decision.targets),
                signed(record.decision.tenants),
            ],
        )?;
    }
    Ok(())
}

fn close(transaction: &mut dyn Transaction, number: u64, at: i64, closed: &Closed) -> Result<(), Unavailable> {
    let decision = Value::from(closed.decision);
    let rows =
        transaction.query("SELECT kind, body FROM entries WHERE entry = $1", std::slice::from_ref(&decision))?;
    let row = rows.first().ok_or_else(|| damaged(&format!("there is no entry {}", closed.decision)))?;
    let Ok(Entry::Decision(record)) = Entry::parse(row.text(0)?, row.text(1)?) else {
        return Err(Unavailable(format!("entry {} is no decision", closed.decision)));
    };
    add_up(transaction, &record, OPEN, -1)?;
    let (state, counts, succeeded, deleted) = closing(&closed.outcome);
    if counts {
        add_up(transaction, &record, at, 1)?;
    }
    transaction.execute(
        "UPDATE decisions SET state = $1, counts_at = $2, succeeded = $3, deleted = $4, closed = $5, closed_at = $6 \
         WHERE entry = $7",
        &[state.into(), counts.then_some(at).into(), succeeded, deleted, number.into(), at.into(), decision],
    )
}

/// What the table of decisions says of one that was closed: state, whether it counts, succeeded, deleted.
pub(crate) fn closing(outcome: &Outcome) -> (&'static str, bool, Value, Value) {
    match outcome {
        Outcome::Committed { succeeded, deleted, .. } => {
            ("committed", true, Value::Int(i64::from(*succeeded)), (*deleted).into())
        }
        Outcome::Aborted { .. } => ("aborted", false, Value::Null, Value::Null),
    }
}

/// Those of the blobs that the ledger does not have yet.
pub(crate) fn missing<'a, 'b>(
    transaction: &mut dyn Transaction,
    blobs: &'b [Blob<'a>],
) -> Result<Vec<&'b Blob<'a>>, Unavailable> {
    let mut missing = Vec::new();
    for blob in blobs {
        let there =
            transaction.query("SELECT sha256 FROM blobs WHERE sha256 = $1", &[Value::from(blob.sha256.as_str())])?;
        if there.is_empty() {
            missing.push(blob);
        }
    }
    Ok(missing)
}

/// Keeps a blob, compressed.
pub(crate) fn keep(transaction: &mut dyn Transaction, sha256: &str, compressed: Vec<u8>) -> Result<(), Unavailable> {
    transaction.execute(
        "INSERT INTO blobs (sha256, bytes) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING",
        &[sha256.into(), Value::Bytes(compressed)],
    )
}
