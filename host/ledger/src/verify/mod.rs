//! Verifying: the record is followed from its first entry to its last, and every other table is held against it.

mod tables;

use crate::SqlLedger;
use crate::append::{OPEN, hour, keys, ledger_id, stand};
use crate::database::{Row, Transaction};
use crate::entry::{Entry, Halted, hash};
use reprieve::model::Verdict;
use reprieve::{DecisionRecord, Outcome, Unavailable};
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
        let not_one = || format!("`{entry}` is not the number of an entry");
        let entry: u64 = entry.parse().ok().filter(|entry| *entry > 0).ok_or_else(not_one)?;
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
        let verified = sound(&mut *transaction)
            .and_then(|()| walk.entries(&mut *transaction, anchor))
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

/// Whether the database finds itself in order: an index that lacks rows would hide them from every question.
fn sound(transaction: &mut dyn Transaction) -> Result<(), Stop> {
    match transaction.flaw()? {
        Some(flaw) => Err(wrong(None, format!("the database is damaged: {flaw}"))),
        None => Ok(()),
    }
}

/// What the record says the other tables must hold.
#[derive(Default)]
struct Walk {
    last: u64,
    sha256: String,
    at: i64,
    version: u64,
    halted: Vec<Halted>,
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
        if !stand(&mut self.halted, number, &entry) {
            return Err(wrong(number, "it lifts a halt that does not stand"));
        }
        match entry {
            Entry::Decision(record) => {
                if let Some(glass) = &record.decision.break_glass
                    && record.decision.decision == Verdict::Allow
                    && !self.overrides.insert(glass.id.clone())
                {
                    return Err(wrong(number, format!("it uses the override `{}` a second time", glass.id)));
                }
                self.add_decision(*record);
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
            Entry::Halted(_) | Entry::Resumed(_) => {}
        }
        (self.last, self.at) = (number, at);
        sha256.clone_into(&mut self.sha256);
        Ok(())
    }

    fn add_decision(&mut self, record: DecisionRecord) {
        self.decided += 1;
        if record.decision.decision == Verdict::Allow {
            self.allowed += 1;
            self.add_up(&record, OPEN, 1);
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
}
