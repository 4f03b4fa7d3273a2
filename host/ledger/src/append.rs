//! Appends entries, and updates the derived tables in the same transaction.

use crate::database::{Row, Transaction, Value, damaged, execute_one};
use crate::entry::{ActiveHalt, Entry, PermitUse, RecordedOutcome, apply_to_halts, hash};
use crate::sums::{self, OPEN, actor, bytes};
use reprieve::history::{kind_label, normalize_name};
use reprieve::ledger::{DecisionRecord, LedgerError, Outcome};
use reprieve::model::{BatchState, LedgerEntry, Verdict};

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub entry: u64,
    pub sha256: String,
    pub at: i64,
    /// The last entry that later decisions depend on.
    pub version: u64,
    /// The halts in force.
    pub halts: Vec<ActiveHalt>,
}

/// Reads the end of the chain.
pub(crate) fn head(transaction: &mut dyn Transaction) -> Result<Head, LedgerError> {
    let rows = transaction.query("SELECT entry, sha256, at, version, halted FROM head", &[])?;
    let row = one_head(&rows)?;
    let halts = serde_json::from_str(row.text(4)?);
    Ok(Head {
        entry: row.count(0)?,
        sha256: row.text(1)?.to_owned(),
        at: row.int(2)?,
        version: row.count(3)?,
        halts: halts.map_err(|error| damaged(format!("the halts in its head cannot be read: {error}")))?,
    })
}

/// Reads the id of the ledger, which is the hash before its first entry.
pub(crate) fn ledger_id(transaction: &mut dyn Transaction) -> Result<String, LedgerError> {
    let rows = transaction.query("SELECT ledger FROM head", &[])?;
    Ok(one_head(&rows)?.text(0)?.to_owned())
}

fn one_head(rows: &[Row]) -> Result<&Row, LedgerError> {
    match rows {
        [row] => Ok(row),
        [] => Err(damaged("it has no head")),
        rows => Err(damaged(format!("it has {} heads", rows.len()))),
    }
}

/// The time of the ledger: its clock, but never earlier than the last entry.
pub(crate) fn now(transaction: &mut dyn Transaction, head: &Head) -> Result<i64, LedgerError> {
    Ok(transaction.clock()?.max(head.at))
}

/// Appends an entry to a ledger that ends in `head`.
pub(crate) fn append(
    transaction: &mut dyn Transaction,
    head: &Head,
    entry: &Entry,
) -> Result<LedgerEntry, LedgerError> {
    // An entry must not be chained to a head that does not match the last entry.
    if head.entry > 0 {
        let last = transaction.query("SELECT sha256 FROM entries WHERE entry = $1", &[Value::from(head.entry)])?;
        if last.first().map(|row| row.text(0)).transpose()? != Some(&head.sha256) {
            return Err(damaged(format!("its last entry is not entry {} as recorded in its head", head.entry)));
        }
    }
    let (number, at) = (head.entry + 1, now(transaction, head)?);
    let body = entry.body()?;
    let sha256 = hash(&head.sha256, number, at, entry.kind(), &body);
    let columns = [number.into(), at.into(), entry.kind().into(), Value::Text(body), Value::from(sha256.as_str())];
    execute_one(
        transaction,
        "INSERT INTO entries (entry, at, kind, body, sha256) VALUES ($1, $2, $3, $4, $5)",
        &columns,
    )?;
    let version = if entry.affects_decisions() { number } else { head.version };
    execute_one(
        transaction,
        "UPDATE head SET entry = $1, sha256 = $2, at = $3, version = $4",
        &[number.into(), sha256.as_str().into(), at.into(), version.into()],
    )?;
    let mut halts = head.halts.clone();
    match entry {
        Entry::Decision(record) => add_decision(transaction, number, at, record)?,
        Entry::Outcome(outcome) => add_outcome(transaction, number, at, outcome)?,
        Entry::PermitUse(PermitUse { decision, section }) => {
            let values = [number.into(), (*decision).into()];
            let first = "UPDATE decisions SET used = COALESCE(used, $1) WHERE entry = $2";
            execute_one(transaction, first, &values)?;
            if let Some(section) = section {
                let values = [number.into(), (*decision).into(), u64::from(*section).into()];
                let once = "INSERT INTO section_uses (entry, decision, section) VALUES ($1, $2, $3)";
                execute_one(transaction, once, &values)?;
            }
        }
        Entry::Approval(approval) => {
            let values = [number.into(), approval.targets_sha256.as_str().into()];
            execute_one(transaction, "INSERT INTO approvals (entry, targets_sha256) VALUES ($1, $2)", &values)?;
        }
        Entry::FollowUp(follow_up) => {
            let values = [number.into(), follow_up.object.as_str().into()];
            execute_one(transaction, "INSERT INTO follow_ups (entry, object) VALUES ($1, $2)", &values)?;
        }
        Entry::Reload(_) => {}
        Entry::Halt(_) | Entry::Resume(_) => {
            apply_to_halts(&mut halts, number, entry);
            let text = serde_json::to_string(&halts);
            let text =
                text.map_err(|error| LedgerError::misuse(format!("a halt cannot be written as JSON: {error}")))?;
            execute_one(transaction, "UPDATE head SET halted = $1", &[Value::Text(text)])?;
        }
    }
    let expected = Head { entry: number, sha256: sha256.clone(), at, version, halts };
    check_written(transaction, &columns, &expected)?;
    Ok(LedgerEntry { entry: number, sha256 })
}

/// Reads back what was written in this transaction. What the database made of it would otherwise not be noticed before the
/// next verification.
fn check_written(transaction: &mut dyn Transaction, entry: &[Value], expected: &Head) -> Result<(), LedgerError> {
    let number = expected.entry;
    let written =
        transaction.query("SELECT entry, at, kind, body, sha256 FROM entries WHERE entry = $1", &[number.into()])?;
    if !matches!(written.as_slice(), [row] if row.0 == entry) || head(transaction)? != *expected {
        return Err(damaged(format!("what was written as entry {number} cannot be read back")));
    }
    Ok(())
}

/// The first columns of the row in `decisions` for a new decision. The last two are [`OutcomeColumns::counts`] and the
/// state, which an outcome changes.
pub(crate) fn decision_columns(number: u64, at: i64, record: &DecisionRecord) -> Vec<Value> {
    let (decision, claims) = (&record.decision, &record.review.claims);
    let allowed = decision.decision == Verdict::Allow;
    let terms = decision.override_terms.as_ref().filter(|_| allowed);
    let state = if allowed { BatchState::Open } else { BatchState::NotAllowed };
    vec![
        number.into(),
        at.into(),
        decision.request.as_str().into(),
        decision.decision.as_str().into(),
        claims.mode.as_str().into(),
        Value::Text(normalize_name(&claims.environment)),
        Value::Text(normalize_name(&kind_label(claims))),
        actor(record).map_or(Value::Null, Value::Text),
        claims.campaign.as_deref().into(),
        decision.targets.into(),
        decision.tenants.into(),
        bytes(&record.review.facts).into(),
        decision.targets_sha256.as_str().into(),
        record.review.facts.whole.as_ref().map(|whole| whole.targets_sha256.as_str()).into(),
        record.idempotency_sha256.as_deref().into(),
        terms.map(|terms| terms.id.as_str()).into(),
        if allowed { OPEN.into() } else { Value::Null },
        state.as_str().into(),
    ]
}

fn add_decision(
    transaction: &mut dyn Transaction,
    number: u64,
    at: i64,
    record: &DecisionRecord,
) -> Result<(), LedgerError> {
    let columns = decision_columns(number, at, record);
    execute_one(
        transaction,
        "INSERT INTO decisions (entry, at, request, decision, mode, environment, kind, actor, campaign, targets, \
         tenants, bytes, targets_sha256, whole_sha256, idempotency_sha256, override_id, counts_at, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        &columns,
    )?;
    let written = transaction.query(
        "SELECT entry, at, request, decision, mode, environment, kind, actor, campaign, targets, tenants, \
         bytes, targets_sha256, whole_sha256, idempotency_sha256, override_id, counts_at, state FROM decisions \
         WHERE entry = $1",
        &[number.into()],
    )?;
    if !matches!(written.as_slice(), [row] if row.0 == columns) {
        return Err(damaged(format!("what was written as the decision of entry {number} cannot be read back")));
    }
    if record.decision.decision == Verdict::Allow {
        sums::add(transaction, record, OPEN, 1)?;
    }
    Ok(())
}

fn add_outcome(
    transaction: &mut dyn Transaction,
    number: u64,
    at: i64,
    recorded: &RecordedOutcome,
) -> Result<(), LedgerError> {
    let decision = Value::from(recorded.decision);
    let rows =
        transaction.query("SELECT kind, body FROM entries WHERE entry = $1", std::slice::from_ref(&decision))?;
    let row = rows.first().ok_or_else(|| damaged(format!("entry {} is missing", recorded.decision)))?;
    let Ok(Entry::Decision(record)) = Entry::parse(row.text(0)?, row.text(1)?) else {
        return Err(damaged(format!("entry {} cannot be read as a decision", recorded.decision)));
    };
    sums::add(transaction, &record, OPEN, -1)?;
    let OutcomeColumns { state, counts, succeeded, deleted } = OutcomeColumns::of(&recorded.outcome);
    if counts {
        sums::add(transaction, &record, at, 1)?;
    }
    let counts_at: Value = counts.then_some(at).into();
    let values = [state.as_str().into(), counts_at, succeeded, deleted, number.into(), at.into(), decision];
    execute_one(
        transaction,
        "UPDATE decisions SET state = $1, counts_at = $2, succeeded = $3, deleted = $4, closed = $5, closed_at = $6 \
         WHERE entry = $7",
        &values,
    )?;
    // Nothing was deleted, so its override may be used again.
    if !counts {
        execute_one(transaction, "UPDATE decisions SET override_id = NULL WHERE entry = $1", &values[6..])?;
    }
    Ok(())
}

/// What an outcome changes in the row of its decision.
pub(crate) struct OutcomeColumns {
    pub state: BatchState,
    /// Whether the batch counts in the limits.
    pub counts: bool,
    pub succeeded: Value,
    pub deleted: Value,
}

impl OutcomeColumns {
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Committed { succeeded, deleted, .. } => Self {
                state: BatchState::Committed,
                counts: true,
                succeeded: i64::from(*succeeded).into(),
                deleted: (*deleted).into(),
            },
            Outcome::Aborted { .. } => {
                Self { state: BatchState::Aborted, counts: false, succeeded: Value::Null, deleted: Value::Null }
            }
        }
    }
}
