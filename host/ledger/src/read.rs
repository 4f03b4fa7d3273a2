//! Reading what is recorded: lists of decisions, single ones, and what is needed to make them again.

use crate::append::damaged;
use crate::database::{Row, Value};
use crate::entry::Entry;
use crate::{Outcome, SqlLedger};
use reprieve::model::{DecisionDocument, LedgerEntry, Timestamp};
use reprieve::{Affected, DecisionRecord, Gate, GateBuilder, Replay, Unavailable, affected};
use sha2::{Digest, Sha256};

/// The largest blob, unpacked: a bound on what a damaged one can cost.
const MOST_BYTES: usize = 16 << 30;
/// Decisions that are read at once.
const PAGE: i64 = 256;

/// Which decisions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Only those whose reservation is open.
    pub open: bool,
    /// At most so many, the last ones.
    pub most: Option<u64>,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The batch was not allowed.
    NotAllowed,
    /// It was allowed, and nobody has said what became of it: it counts.
    Open,
    /// It ran.
    Committed,
    /// It did not run.
    Aborted,
}

/// A decision in one line.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The entry.
    pub entry: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The request's `id`.
    pub request: String,
    /// The verdict.
    pub decision: String,
    /// The mode.
    pub mode: String,
    /// The environment.
    pub environment: String,
    /// Rows in the list.
    pub targets: u64,
    /// The most tenants that the batch can reach.
    pub tenants: u64,
    /// What became of it.
    pub state: State,
    /// Whether an override lifted findings of it.
    pub override_id: Option<String>,
}

/// A recorded decision with all that belongs to it.
pub struct Recorded {
    /// The entry.
    pub entry: u64,
    /// Its hash.
    pub sha256: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// What was recorded.
    pub record: DecisionRecord,
    /// What became of it, and what was said about that.
    pub outcome: Option<Outcome>,
    /// The entry in which its permit was used, if it was.
    pub used: Option<u64>,
    ledger: SqlLedger,
}

impl SqlLedger {
    /// The decisions that a filter lets through, in their order.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn decisions(&self, filter: &Filter) -> Result<Vec<Summary>, Unavailable> {
        let rows = self.0.read()?.query(
            "SELECT entry, at, request, decision, mode, environment, targets, tenants, state, override_id \
             FROM decisions WHERE at >= $1 AND (CAST($2 AS BIGINT) = 0 OR state = 'open') ORDER BY entry DESC LIMIT $3",
            &[
                Value::Int(filter.since.map_or(i64::MIN, Timestamp::seconds)),
                i64::from(filter.open).into(),
                filter.most.unwrap_or(u64::MAX).into(),
            ],
        )?;
        rows.iter().rev().map(summary).collect()
    }

    /// Calls `each` with every decision recorded since a time, in their order.
    ///
    /// # Errors
    /// [`Unavailable`], or what `each` says.
    pub fn each<E: From<Unavailable>>(
        &self,
        since: Option<Timestamp>,
        mut each: impl FnMut(Recorded) -> Result<(), E>,
    ) -> Result<(), E> {
        let since = since.map_or(i64::MIN, Timestamp::seconds);
        let mut after = 0_u64;
        loop {
            let rows = self.0.read()?.query(
                "SELECT entry FROM decisions WHERE entry > $1 AND at >= $2 ORDER BY entry LIMIT $3",
                &[after.into(), since.into(), PAGE.into()],
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

    /// The decision under an entry.
    ///
    /// # Errors
    /// [`Unavailable`] where there is none.
    pub fn decision(&self, entry: u64) -> Result<Recorded, Unavailable> {
        let mut transaction = self.0.read()?;
        let rows = transaction.query(
            "SELECT e.at, e.kind, e.body, e.sha256, c.kind, c.body, d.used FROM entries e \
             LEFT JOIN decisions d ON d.entry = e.entry LEFT JOIN entries c ON c.entry = d.closed WHERE e.entry = $1",
            &[entry.into()],
        )?;
        drop(transaction);
        let row = rows.first().ok_or_else(|| {
            Unavailable(format!("there is no entry {entry}\nhelp: `reprieve ledger list` shows the decisions"))
        })?;
        let parse = |kind: &str, body: &str| {
            Entry::parse(kind, body).map_err(|error| damaged(&format!("entry {entry}: {error}")))
        };
        let Entry::Decision(record) = parse(row.text(1)?, row.text(2)?)? else {
            return Err(Unavailable(format!("entry {entry} is no decision, but of the kind `{}`", row.text(1)?)));
        };
        let outcome = match (row.text_or_null(4)?, row.text_or_null(5)?) {
            (Some(kind), Some(body)) => match parse(kind, body)? {
                Entry::Closed(closed) => Some(closed.outcome),
                _ => None,
            },
            _ => None,
        };
        Ok(Recorded {
            entry,
            sha256: row.text(3)?.to_owned(),
            at: Timestamp::from_seconds(row.int(0)?),
            record: *record,
            outcome,
            used: row.int_or_null(6)?.map(i64::unsigned_abs),
            ledger: self.clone(),
        })
    }

    /// The last decision about a request.
    ///
    /// # Errors
    /// [`Unavailable`] where there is none.
    pub fn decision_about(&self, request: &str) -> Result<Recorded, Unavailable> {
        let rows = self
            .0
            .read()?
            .query("SELECT entry FROM decisions WHERE request = $1 ORDER BY entry DESC LIMIT 1", &[request.into()])?;
        let row = rows.first().ok_or_else(|| {
            Unavailable(format!(
                "no request `{request}` was decided\nhelp: `reprieve ledger list` shows the decisions"
            ))
        })?;
        self.decision(row.count(0)?)
    }

    /// The waves of a list that were allowed and not aborted, in their order.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn waves(&self, whole_sha256: &str) -> Result<Vec<Recorded>, Unavailable> {
        let rows = self.0.read()?.query(
            "SELECT entry FROM decisions WHERE whole_sha256 = $1 AND counts_at IS NOT NULL ORDER BY entry",
            &[whole_sha256.into()],
        )?;
        rows.iter().map(|row| self.decision(row.count(0)?)).collect()
    }

    /// What a digest stands for.
    ///
    /// # Errors
    /// [`Unavailable`] where it is not there, or is not what it was.
    pub fn blob(&self, sha256: &str) -> Result<Vec<u8>, Unavailable> {
        let rows = self.0.read()?.query("SELECT bytes FROM blobs WHERE sha256 = $1", &[sha256.into()])?;
        let row = rows.first().ok_or_else(|| damaged(&format!("the blob {sha256} is not there")))?;
        let bytes = unpack(row.bytes(0)?).map_err(|error| damaged(&format!("the blob {sha256}: {error}")))?;
        match hex::encode(Sha256::digest(&bytes)) {
            found if found == sha256 => Ok(bytes),
            found => Err(damaged(&format!("the blob {sha256} has the digest {found}"))),
        }
    }
}

pub(crate) fn unpack(compressed: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    zstd::stream::Decoder::new(compressed)?.take(MOST_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Recorded {
    /// The decision, with where it is recorded.
    pub fn document(&self) -> DecisionDocument {
        let entry = LedgerEntry { entry: self.entry, sha256: self.sha256.clone() };
        DecisionDocument { ledger: Some(entry), ..self.record.decision.clone() }
    }

    /// Begins a gate with the policies that decided.
    ///
    /// # Errors
    /// [`Unavailable`] where they are not all there.
    pub fn gate(&self) -> Result<GateBuilder, Unavailable> {
        let text = self.ledger.blob(&self.record.decision.policy_set_sha256)?;
        let text = String::from_utf8(text).map_err(|_| damaged("a policy set is not UTF-8"))?;
        Replay::builder(&text, |sha256| self.ledger.blob(sha256).map_err(Unreadable::Ledger)).map_err(|error| {
            match error {
                Unreadable::Ledger(error) => error,
                Unreadable::Json(error) => damaged(&format!("a policy set cannot be read: {error}")),
            }
        })
    }

    /// Decides again, with the policies of `gate` and what was known then.
    ///
    /// # Errors
    /// [`Unavailable`] where the record is damaged.
    pub fn replay(&self, gate: &Gate) -> Result<DecisionDocument, Unavailable> {
        let columns = self.ledger.blob(&self.record.columns_sha256)?;
        let replay = Replay { record: &self.record, columns: &columns };
        replay.decide(gate).map_err(|error| damaged(&format!("entry {}: {error}", self.entry)))
    }

    /// The ids of its targets.
    ///
    /// # Errors
    /// [`Unavailable`] where the record is damaged.
    pub fn ids(&self) -> Result<Vec<String>, Unavailable> {
        let columns = self.ledger.blob(&self.record.columns_sha256)?;
        let replay = Replay { record: &self.record, columns: &columns };
        replay.ids().map_err(|error| damaged(&format!("entry {}: {error}", self.entry)))
    }

    /// Who is affected, in the order of their names.
    ///
    /// # Errors
    /// [`Unavailable`] where the record is damaged.
    pub fn affected(&self) -> Result<Vec<Affected>, Unavailable> {
        let bytes = self.ledger.blob(&self.record.affected_sha256)?;
        affected(&bytes).map_err(|error| damaged(&format!("entry {}: {error}", self.entry)))
    }
}

/// Why a recorded set cannot be read.
enum Unreadable {
    Ledger(Unavailable),
    Json(serde_json::Error),
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

fn summary(row: &Row) -> Result<Summary, Unavailable> {
    Ok(Summary {
        entry: row.count(0)?,
        at: Timestamp::from_seconds(row.int(1)?),
        request: row.text(2)?.to_owned(),
        decision: row.text(3)?.to_owned(),
        mode: row.text(4)?.to_owned(),
        environment: row.text(5)?.to_owned(),
        targets: row.count(6)?,
        tenants: row.count(7)?,
        state: match row.text(8)? {
            "open" => State::Open,
            "committed" => State::Committed,
            "aborted" => State::Aborted,
            _ => State::NotAllowed,
        },
        override_id: row.text_or_null(9)?.map(str::to_owned),
    })
}

impl State {
    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotAllowed => "not allowed",
            Self::Open => "open",
            Self::Committed => "committed",
            Self::Aborted => "aborted",
        }
    }
}
