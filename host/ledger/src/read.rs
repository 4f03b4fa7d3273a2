//! Reads recorded decisions: lists of them, single ones, and what is needed to replay one.

use crate::database::{Row, Value, damaged};
use crate::entry::Entry;
use crate::sql_ledger::SqlLedger;
use reprieve::ledger::{DecisionRecord, LedgerError, Outcome};
use reprieve::model::{BatchState, DecisionDocument, Duration, LedgerEntry, Mode, Timestamp, Verdict};
use reprieve::record::{Affected, Replay, read_affected, restore_plan};
use reprieve::{Breakdown, Gate, GateBuilder};

/// The number of decisions that one query reads.
const DECISIONS_PER_QUERY: i64 = 256;

/// The help for a decision that does not exist.
const LIST_DECISIONS: &str = "list the decisions to see their entries and requests";

/// Selects decisions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only decisions recorded at this time or later.
    pub since: Option<Timestamp>,
    /// Only decisions whose reservation is open.
    pub open: bool,
    /// Only decisions of this campaign.
    pub campaign: Option<String>,
    /// Only this number of decisions, the last ones.
    pub last: Option<u64>,
}

/// One line about a decision.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The entry.
    pub entry: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The request's `id`.
    pub request: String,
    /// The verdict.
    pub decision: Verdict,
    /// The mode.
    pub mode: Mode,
    /// The environment.
    pub environment: String,
    /// The number of rows in the list.
    pub targets: u64,
    /// Upper bound of the tenants that the batch reaches.
    pub tenants: u64,
    /// The state of the batch.
    pub state: BatchState,
    /// The id of the override that lifted findings.
    pub override_id: Option<String>,
}

/// A recorded decision with everything that the ledger has about it.
#[derive(Debug)]
pub struct RecordedDecision {
    /// The entry.
    pub entry: u64,
    /// The hash of the entry.
    pub sha256: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// What was recorded.
    pub record: DecisionRecord,
    /// The outcome of the batch, if it is recorded.
    pub outcome: Option<Outcome>,
    /// The entry in which its permit was used, if it was.
    pub used: Option<u64>,
    ledger: SqlLedger,
}

/// A tenant that a decision affects, and when it would be restored.
#[derive(Clone, Debug)]
pub struct RestoredTenant {
    /// The tenant.
    pub affected: Affected,
    /// The restore batch that contains it, counted from 1.
    pub batch: u64,
    /// The time from the start of the restore until it is restored.
    pub after: Duration,
}

impl SqlLedger {
    /// Returns the decisions that a filter selects, in their order.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read.
    pub fn decisions(&self, filter: &Filter) -> Result<Vec<Summary>, LedgerError> {
        let rows = self.0.read()?.query(
            "SELECT entry, at, request, decision, mode, environment, targets, tenants, state, override_id \
             FROM decisions WHERE at >= $1 AND (CAST($2 AS BIGINT) = 0 OR state = 'open') \
             AND (CAST($4 AS TEXT) IS NULL OR campaign = $4) ORDER BY entry DESC LIMIT $3",
            &[
                Value::Int(filter.since.map_or(i64::MIN, Timestamp::seconds)),
                i64::from(filter.open).into(),
                filter.last.unwrap_or(u64::MAX).into(),
                filter.campaign.as_deref().into(),
            ],
        )?;
        rows.iter().rev().map(summary).collect()
    }

    /// Calls `each` with every decision recorded since a time, in their order.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read, or the error of `each`.
    pub fn each_decision<E: From<LedgerError>>(
        &self,
        since: Option<Timestamp>,
        mut each: impl FnMut(RecordedDecision) -> Result<(), E>,
    ) -> Result<(), E> {
        let since = since.map_or(i64::MIN, Timestamp::seconds);
        let mut after = 0_u64;
        loop {
            let rows = self.0.read()?.query(
                "SELECT entry FROM decisions WHERE entry > $1 AND at >= $2 ORDER BY entry LIMIT $3",
                &[after.into(), since.into(), DECISIONS_PER_QUERY.into()],
            )?;
            for row in &rows {
                after = row.count(0)?;
                each(self.decision(after)?)?;
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }

    /// Returns the decision in an entry.
    ///
    /// # Errors
    /// [`LedgerError`] if there is no such entry, or if it is not a decision.
    pub fn decision(&self, entry: u64) -> Result<RecordedDecision, LedgerError> {
        let rows = self.0.read()?.query(
            "SELECT e.at, e.kind, e.body, e.sha256, c.kind, c.body, d.used FROM entries e \
             LEFT JOIN decisions d ON d.entry = e.entry LEFT JOIN entries c ON c.entry = d.closed WHERE e.entry = $1",
            &[entry.into()],
        )?;
        let row = rows
            .first()
            .ok_or_else(|| LedgerError::not_found(format!("there is no entry {entry}")).with_help(LIST_DECISIONS))?;
        let parse = |kind: &str, body: &str| {
            Entry::parse(kind, body).map_err(|error| damaged(format!("entry {entry}: {error}")))
        };
        let Entry::Decision(record) = parse(row.text(1)?, row.text(2)?)? else {
            let message = format!("entry {entry} is not a decision; its kind is `{}`", row.text(1)?);
            return Err(LedgerError::misuse(message).with_help(LIST_DECISIONS));
        };
        let outcome = match (row.text_or_null(4)?, row.text_or_null(5)?) {
            (Some(kind), Some(body)) => match parse(kind, body)? {
                Entry::Outcome(recorded) => Some(recorded.outcome),
                _ => None,
            },
            _ => None,
        };
        Ok(RecordedDecision {
            entry,
            sha256: row.text(3)?.to_owned(),
            at: Timestamp::from_seconds(row.int(0)?),
            record: *record,
            outcome,
            used: row.int_or_null(6)?.map(i64::unsigned_abs),
            ledger: self.clone(),
        })
    }

    /// Returns the last decision about a request.
    ///
    /// # Errors
    /// [`LedgerError`] if it does not exist.
    pub fn last_decision(&self, request: &str) -> Result<RecordedDecision, LedgerError> {
        let rows = self
            .0
            .read()?
            .query("SELECT entry FROM decisions WHERE request = $1 ORDER BY entry DESC LIMIT 1", &[request.into()])?;
        let row = rows.first().ok_or_else(|| {
            LedgerError::not_found(format!("no decision about the request `{request}` is recorded"))
                .with_help(LIST_DECISIONS)
        })?;
        self.decision(row.count(0)?)
    }

    /// Returns the decision that was recorded for a call with this digest of its idempotency key, if there is one.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read.
    pub fn decision_of_call(&self, idempotency_sha256: &str) -> Result<Option<RecordedDecision>, LedgerError> {
        let rows = self
            .0
            .read()?
            .query("SELECT entry FROM decisions WHERE idempotency_sha256 = $1", &[idempotency_sha256.into()])?;
        rows.first().map(|row| self.decision(row.count(0)?)).transpose()
    }

    /// Returns the waves of a list that were allowed and not aborted, in their order.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read.
    pub fn waves(&self, whole_sha256: &str) -> Result<Vec<RecordedDecision>, LedgerError> {
        let rows = self.0.read()?.query(
            "SELECT entry FROM decisions WHERE whole_sha256 = $1 AND counts_at IS NOT NULL ORDER BY entry",
            &[whole_sha256.into()],
        )?;
        rows.iter().map(|row| self.decision(row.count(0)?)).collect()
    }
}

impl RecordedDecision {
    /// The decision, with the entry that records it.
    pub fn document(&self) -> DecisionDocument {
        let entry = LedgerEntry { entry: self.entry, sha256: self.sha256.clone() };
        DecisionDocument { ledger: Some(entry), ..self.record.decision.clone() }
    }

    /// Begins a gate with the policies that made the decision.
    ///
    /// # Errors
    /// [`LedgerError`] if one of them is missing or damaged.
    pub fn gate_builder(&self) -> Result<GateBuilder, LedgerError> {
        let text = self.blob(&self.record.decision.policy_set_sha256)?;
        let text = String::from_utf8(text)
            .map_err(|_| damaged(format!("the policy set of entry {} is not UTF-8", self.entry)))?;
        let builder = Gate::builder().recorded(&text, |sha256| self.blob(sha256).map_err(SetError));
        builder.map_err(|SetError(error)| error)
    }

    /// Makes the decision again, with the policies of `gate` and the facts that were known then.
    ///
    /// # Errors
    /// [`LedgerError`] if the record is damaged.
    pub fn replay(&self, gate: &Gate) -> Result<DecisionDocument, LedgerError> {
        let columns = self.blob(&self.record.columns_sha256)?;
        let replay = Replay { record: &self.record, columns: &columns };
        gate.replay(&replay).map_err(|error| self.damaged(&error))
    }

    /// Returns the ids of the targets.
    ///
    /// # Errors
    /// [`LedgerError`] if the record is damaged.
    pub fn ids(&self) -> Result<Vec<String>, LedgerError> {
        let columns = self.blob(&self.record.columns_sha256)?;
        let replay = Replay { record: &self.record, columns: &columns };
        replay.ids().map_err(|error| self.damaged(&error))
    }

    /// Counts the targets by kind, by tenant and by age.
    ///
    /// # Errors
    /// [`LedgerError`] if the record is damaged.
    pub fn breakdown(&self) -> Result<Breakdown, LedgerError> {
        let columns = self.blob(&self.record.columns_sha256)?;
        let replay = Replay { record: &self.record, columns: &columns };
        replay.breakdown().map_err(|error| self.damaged(&error))
    }

    /// Returns the affected tenants in alphabetical order.
    ///
    /// # Errors
    /// [`LedgerError`] if the record is damaged.
    pub fn affected(&self) -> Result<Vec<Affected>, LedgerError> {
        let bytes = self.blob(&self.record.affected_sha256)?;
        read_affected(&bytes).map_err(|error| self.damaged(&error))
    }

    /// Returns the affected tenants in the order in which they would be restored.
    ///
    /// # Errors
    /// [`LedgerError`] if the record is damaged.
    pub fn restore_order(&self) -> Result<Vec<RestoredTenant>, LedgerError> {
        let affected = self.affected()?;
        let plan = restore_plan(&self.record.decision.restore, affected.len() as u64);
        let tenant =
            |(affected, (batch, seconds))| RestoredTenant { affected, batch, after: Duration::from_seconds(seconds) };
        Ok(affected.into_iter().zip(plan).map(tenant).collect())
    }

    /// The number of tenants that may be affected besides those that are named.
    pub fn unnamed_tenants(&self, named: usize) -> u64 {
        self.record.decision.tenants.saturating_sub(named as u64)
    }

    /// What became of the batch, in words.
    pub fn state_in_words(&self) -> String {
        match (&self.outcome, self.record.decision.decision) {
            (None, Verdict::Allow) => "open: its outcome is not recorded".to_owned(),
            (None, _) => "not allowed: nothing was deleted".to_owned(),
            (Some(Outcome::Aborted { reason }), _) => format!("aborted: {reason}"),
            (Some(Outcome::Committed { succeeded, deleted, note }), _) => {
                let deleted = deleted.map_or("an unknown number".to_owned(), |deleted| deleted.to_string());
                let result = if *succeeded { "the run succeeded" } else { "the run failed" };
                let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                format!("ran: {deleted} of the targets were deleted, and {result}{note}")
            }
        }
    }

    /// Returns the lines of the manifest, if the list was in several files.
    ///
    /// # Errors
    /// [`LedgerError`] if the record is damaged.
    pub fn manifest(&self) -> Result<Option<String>, LedgerError> {
        let Some(sha256) = &self.record.manifest_sha256 else { return Ok(None) };
        String::from_utf8(self.blob(sha256)?).map(Some).map_err(|error| self.damaged(&error))
    }

    /// Returns a blob that the record refers to. A missing one is damage.
    fn blob(&self, sha256: &str) -> Result<Vec<u8>, LedgerError> {
        self.ledger.blob(sha256).map_err(|error| match error {
            LedgerError::NotFound { .. } => {
                damaged(format!("the blob {sha256}, to which entry {} refers, is missing", self.entry))
            }
            error => error,
        })
    }

    fn damaged(&self, error: &dyn std::fmt::Display) -> LedgerError {
        damaged(format!("entry {}: {error}", self.entry))
    }
}

/// Why a recorded policy set cannot be read. A type of this crate, because reading a set converts JSON errors to it.
struct SetError(LedgerError);

impl From<serde_json::Error> for SetError {
    fn from(error: serde_json::Error) -> Self {
        Self(damaged(format!("a policy set cannot be read: {error}")))
    }
}

fn summary(row: &Row) -> Result<Summary, LedgerError> {
    Ok(Summary {
        entry: row.count(0)?,
        at: Timestamp::from_seconds(row.int(1)?),
        request: row.text(2)?.to_owned(),
        decision: row.word(3)?,
        mode: row.word(4)?,
        environment: row.text(5)?.to_owned(),
        targets: row.count(6)?,
        tenants: row.count(7)?,
        state: row.word(8)?,
        override_id: row.text_or_null(9)?.map(str::to_owned),
    })
}
