//! Verifying: the record is followed from its first entry to its last, and every other table is held against it.

use crate::SqlLedger;
use crate::append::{closing, columns, head, hour, keys, ledger_id};
use crate::database::{Row, Transaction, Value};
use crate::entry::{Entry, hash};
use crate::read::unpack;
use reprieve::model::Verdict;
use reprieve::{DecisionRecord, Outcome, Replay, Unavailable};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;

/// Rows that are read at once.
const PAGE: i64 = 512;

/// An entry and its hash, kept elsewhere: it proves that the record up to there is what it was. Written `17:5f…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The entry.
    pub entry: u64,
    /// Its hash.
    pub sha256: String,
}

/// What is wrong with a ledger, at its first place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .entry.map(|entry| format!("entry {entry}: ")).unwrap_or_default())]
pub struct Damage {
    /// The entry, where it is one.
    pub entry: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// A ledger in which everything is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Entries.
    pub entries: u64,
    /// Decisions among them.
    pub decisions: u64,
    /// Allows that nobody has closed.
    pub open: u64,
    /// The last entry: worth keeping elsewhere.
    pub last: Option<Anchor>,
}

impl FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (entry, sha256) = text.split_once(':').ok_or("an anchor is written ENTRY:SHA256")?;
        let entry = entry.parse().map_err(|_| format!("`{entry}` is not the number of an entry"))?;
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_digest {
            return Err(format!("`{sha256}` is not a SHA-256"));
        }
        Ok(Self { entry, sha256: sha256.to_ascii_lowercase() })
    }
}

impl std::fmt::Display for Anchor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.entry, self.sha256)
    }
}

impl SqlLedger {
    /// Goes through the whole ledger and looks whether everything is as it was written. A tail that was cut off
    /// together with every trace of it is found with an `anchor` only.
    ///
    /// # Errors
    /// [`Unavailable`] where the database cannot be read.
    pub fn verify(&self, anchor: Option<&Anchor>) -> Result<Result<Verified, Damage>, Unavailable> {
        let mut transaction = self.0.read()?;
        let mut walk = Walk { sha256: ledger_id(&mut *transaction)?, ..Walk::default() };
        let verified = walk
            .entries(&mut *transaction, anchor)
            .and_then(|()| walk.head(&mut *transaction))
            .and_then(|()| walk.decisions(&mut *transaction))
            .and_then(|()| walk.sums(&mut *transaction))
            .and_then(|()| walk.blobs(&mut *transaction));
        match verified {
            Ok(()) => Ok(Ok(Verified {
                entries: walk.last,
                decisions: walk.decided,
                open: walk.allowed - walk.closed.len() as u64,
                last: (walk.last > 0).then_some(Anchor { entry: walk.last, sha256: walk.sha256 }),
            })),
            Err(Stop::Damage(damage)) => Ok(Err(damage)),
            Err(Stop::Unavailable(error)) => Err(error),
        }
    }
}

enum Stop {
    Damage(Damage),
    Unavailable(Unavailable),
}

impl From<Unavailable> for Stop {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

fn wrong(entry: impl Into<Option<u64>>, message: impl Into<String>) -> Stop {
    Stop::Damage(Damage { entry: entry.into(), message: message.into() })
}

/// What the record says the other tables must hold.
#[derive(Default)]
struct Walk {
    last: u64,
    sha256: String,
    at: i64,
    version: u64,
    halted: Option<String>,
    decided: u64,
    allowed: u64,
    /// By decision: the entry, its time, and the outcome.
    closed: HashMap<u64, (u64, i64, Outcome)>,
    used: HashMap<u64, u64>,
    sums: BTreeMap<(String, i64), [i64; 3]>,
    /// Overrides that were used.
    overrides: HashSet<String>,
    /// Digests that stand in the record, and those of them that are policy sets.
    referred: HashSet<String>,
    sets: HashSet<String>,
}

impl Walk {
    fn entries(&mut self, transaction: &mut dyn Transaction, anchor: Option<&Anchor>) -> Result<(), Stop> {
        loop {
            let rows = transaction.query(
                "SELECT entry, at, kind, body, sha256 FROM entries WHERE entry > $1 ORDER BY entry LIMIT $2",
                &[self.last.into(), PAGE.into()],
            )?;
            if self.last == 0 {
                let below = transaction.query("SELECT entry FROM entries WHERE entry < 1 LIMIT 1", &[])?;
                if let Some(row) = below.first() {
                    return Err(wrong(None, format!("an entry has the number {}", row.int(0)?)));
                }
            }
            for row in &rows {
                self.entry(row)?;
                if let Some(anchor) =
                    anchor.filter(|anchor| anchor.entry == self.last && anchor.sha256 != self.sha256)
                {
                    return Err(wrong(self.last, format!("its hash is not that of the anchor {}", anchor.sha256)));
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        match anchor.filter(|anchor| anchor.entry > self.last) {
            Some(anchor) => {
                Err(wrong(self.last + 1, format!("it is gone: the anchor is for entry {}", anchor.entry)))
            }
            None => Ok(()),
        }
    }

    fn entry(&mut self, row: &Row) -> Result<(), Stop> {
        let expected = self.last + 1;
        let number = row.count(0)?;
        if number != expected {
            return Err(wrong(expected, format!("it is gone; the next there is has the number {number}")));
        }
        let (at, kind, body, sha256) = (row.int(1)?, row.text(2)?, row.text(3)?, row.text(4)?);
        if hash(&self.sha256, number, at, kind, body) != sha256 {
            return Err(wrong(number, "it was altered, or is not where it was: its hash does not fit"));
        }
        if at < self.at {
            return Err(wrong(number, "it is dated before the entry before it"));
        }
        let entry = Entry::parse(kind, body).map_err(|error| wrong(number, error))?;
        if entry.changes() {
            self.version = number;
        }
        match entry {
            Entry::Decision(record) => {
                if let Some(glass) = &record.decision.break_glass
                    && record.decision.decision == Verdict::Allow
                    && !self.overrides.insert(glass.id.clone())
                {
                    return Err(wrong(number, format!("it uses the override `{}` a second time", glass.id)));
                }
                self.add_decision(at, *record);
            }
            Entry::Closed(closed) => {
                let again = self.closed.insert(closed.decision, (number, at, closed.outcome)).is_some();
                if again {
                    return Err(wrong(number, format!("it closes entry {} a second time", closed.decision)));
                }
            }
            Entry::Used(used) => {
                if self.used.insert(used.decision, number).is_some() {
                    return Err(wrong(
                        number,
                        format!("it uses the permit of entry {} a second time", used.decision),
                    ));
                }
            }
            Entry::Halted(_) => self.halted = Some(body.to_owned()),
            Entry::Resumed(_) => self.halted = None,
        }
        (self.last, self.at) = (number, at);
        sha256.clone_into(&mut self.sha256);
        Ok(())
    }

    fn add_decision(&mut self, at: i64, record: DecisionRecord) {
        self.decided += 1;
        if record.decision.decision == Verdict::Allow {
            self.allowed += 1;
            self.add_up(&record, at, 1);
        }
        self.sets.insert(record.decision.policy_set_sha256.clone());
        self.referred.extend([record.columns_sha256, record.affected_sha256, record.decision.policy_set_sha256]);
        self.referred.extend(record.decision.policies.into_iter().map(|policy| policy.sha256));
    }

    fn add_up(&mut self, record: &DecisionRecord, at: i64, sign: i64) {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(sign);
        for key in keys(record) {
            let sum = self.sums.entry((key, hour(at))).or_default();
            for (sum, count) in
                sum.iter_mut().zip([sign, count(record.decision.targets), count(record.decision.tenants)])
            {
                *sum = sum.saturating_add(count);
            }
        }
    }

    fn head(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let head = head(transaction)?;
        if (head.entry, &head.sha256) != (self.last, &self.sha256) {
            let from = self.last.min(head.entry) + 1;
            return Err(wrong(from, format!("the record ends at entry {}, and should at {}", self.last, head.entry)));
        }
        let halted = self.halted.as_deref().map(serde_json::from_str).transpose();
        if head.version != self.version || head.at != self.at || halted.ok() != Some(head.halted) {
            return Err(wrong(
                None,
                "the head says other things than the record (version, time, or whether it is halted)",
            ));
        }
        Ok(())
    }

    /// Holds the table of decisions against the record.
    fn decisions(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let (mut after, mut seen) = (i64::MIN, 0);
        loop {
            let rows = transaction.query(
                "SELECT d.entry, d.at, d.request, d.decision, d.mode, d.environment, d.kind, d.actor, d.campaign, \
                 d.targets, d.tenants, d.targets_sha256, d.whole_sha256, d.override_id, d.counts, d.state, d.used, \
                 d.closed, d.closed_at, d.succeeded, d.deleted, e.at, e.body, e.kind FROM decisions d \
                 LEFT JOIN entries e ON e.entry = d.entry WHERE d.entry > $1 ORDER BY d.entry LIMIT $2",
                &[Value::from(after), PAGE.into()],
            )?;
            for row in &rows {
                after = row.int(0)?;
                if after < 1 {
                    let message = format!("the table of decisions has a row {after}, and entries begin with 1");
                    return Err(wrong(None, message));
                }
                self.decision(row)?;
                seen += 1;
            }
            if rows.is_empty() {
                break;
            }
        }
        if seen != self.decided {
            let message = format!("the table of decisions has {seen} rows, and {} were recorded", self.decided);
            return Err(wrong(None, message));
        }
        match self.closed.keys().chain(self.used.keys()).find(|decision| **decision > self.last || **decision == 0) {
            Some(decision) => Err(wrong(*decision, "it is closed or used, and was never written")),
            None => Ok(()),
        }
    }

    fn decision(&mut self, row: &Row) -> Result<(), Stop> {
        let number = row.count(0)?;
        let differs = || wrong(number, "the table of decisions says other things than the record");
        let (Some(body), Some("decision")) = (row.text_or_null(22)?, row.text_or_null(23)?) else {
            return Err(differs());
        };
        let Ok(Entry::Decision(record)) = Entry::parse("decision", body) else { return Err(differs()) };
        let at = row.int(21)?;
        let mut expected = columns(number, at, &record);
        let closed = self.closed.get(&number).cloned();
        let (mut succeeded, mut deleted) = (Value::Null, Value::Null);
        if let Some((_, _, outcome)) = &closed {
            if record.decision.decision != Verdict::Allow {
                return Err(wrong(number, "it was closed, and never allowed"));
            }
            let (state, counts, went_well, count) = closing(outcome);
            (succeeded, deleted) = (went_well, count);
            expected.truncate(14);
            expected.extend([counts.into(), state.into()]);
            if matches!(outcome, Outcome::Aborted { .. }) {
                self.add_up(&record, at, -1);
            }
        }
        expected.push(self.used.get(&number).copied().into());
        expected.push(closed.as_ref().map(|(entry, _, _)| *entry).into());
        expected.push(closed.as_ref().map_or(Value::Null, |(_, at, _)| (*at).into()));
        expected.extend([succeeded, deleted]);
        if row.0.get(..expected.len()) == Some(&expected) { Ok(()) } else { Err(differs()) }
    }

    fn sums(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let rows = transaction.query("SELECT key, hour, batches, targets, tenants FROM sums", &[])?;
        for row in &rows {
            let (key, hour) = (row.text(0)?.to_owned(), row.int(1)?);
            let found = [row.int(2)?, row.int(3)?, row.int(4)?];
            if self.sums.remove(&(key.clone(), hour)) != Some(found) {
                return Err(wrong(None, format!("the sum of {key} in hour {hour} is not what was recorded")));
            }
        }
        match self.sums.keys().next() {
            Some((key, hour)) => Err(wrong(None, format!("the sum of {key} in hour {hour} is gone"))),
            None => Ok(()),
        }
    }

    fn blobs(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let (mut after, mut seen) = (String::new(), HashSet::new());
        loop {
            let rows = transaction.query(
                "SELECT sha256, bytes FROM blobs WHERE sha256 > $1 ORDER BY sha256 LIMIT 4",
                &[after.as_str().into()],
            )?;
            for row in &rows {
                row.text(0)?.clone_into(&mut after);
                let bytes =
                    unpack(row.bytes(1)?).map_err(|error| wrong(None, format!("the blob {after}: {error}")))?;
                if hex::encode(Sha256::digest(&bytes)) != after {
                    return Err(wrong(None, format!("the blob {after} was altered")));
                }
                if self.sets.contains(&after) {
                    let data = Replay::data(&bytes);
                    self.referred
                        .extend(data.map_err(|error| wrong(None, format!("the policy set {after}: {error}")))?);
                }
                seen.insert(after.clone());
            }
            if rows.is_empty() {
                break;
            }
        }
        match self.referred.difference(&seen).min() {
            Some(sha256) => Err(wrong(None, format!("the blob {sha256} is gone"))),
            None => Ok(()),
        }
    }
}
