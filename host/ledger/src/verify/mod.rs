//! Verifies a ledger: recomputes the chain from the first entry to the last, and compares every derived table with it.

mod tables;

use crate::append::ledger_id;
use crate::database::{Row, Transaction, Value};
use crate::entry::{ActiveHalt, Entry, PermitUse, apply_to_halts, hash};
use crate::schema::foreign_object;
use crate::sql_ledger::SqlLedger;
use crate::sums::{OPEN, hour, keys, summands};
use reprieve::ledger::{DecisionRecord, LedgerError, Outcome};
use reprieve::model::Verdict;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;
use tables::compare;

/// The number of rows that one query reads.
const ROWS_PER_QUERY: i64 = 512;

/// The queries for the tables that have a row for each entry of a kind.
const APPROVALS: &str = "SELECT entry, targets_sha256 FROM approvals";
const FOLLOW_UPS: &str = "SELECT entry, object FROM follow_ups";
const SECTION_USES: &str = "SELECT entry, decision, section FROM section_uses";

/// An entry and its hash, kept outside the ledger. It proves that the chain up to this entry is unchanged. Its text form
/// is `17:5f…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The entry.
    pub entry: u64,
    /// The hash of the entry, lower-case hex.
    pub sha256: String,
}

/// Why a text is not an anchor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// It does not have the form of an anchor.
    #[error("`{0}` is not an anchor: expected `ENTRY:SHA256`")]
    Form(String),
    /// The part before the colon is not an entry.
    #[error("`{0}` is not the number of an entry")]
    Entry(String),
    /// The part after the colon is not a digest.
    #[error("`{0}` is not a SHA-256 digest: expected 64 hexadecimal digits")]
    Digest(String),
}

/// The first damage that was found in a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .entry.map(|entry| format!("entry {entry}: ")).unwrap_or_default())]
pub struct Damage {
    /// The entry that is damaged, if it is an entry.
    pub entry: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// The summary of a ledger without damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The number of entries.
    pub entries: u64,
    /// The number of decisions among them.
    pub decisions: u64,
    /// The number of allowed batches without an outcome.
    pub open: u64,
    /// The last entry. Keep it outside the ledger.
    pub last: Option<Anchor>,
}

impl FromStr for Anchor {
    type Err = AnchorError;

    fn from_str(text: &str) -> Result<Self, AnchorError> {
        let (entry, sha256) = text.split_once(':').ok_or_else(|| AnchorError::Form(text.to_owned()))?;
        let number: Option<u64> = entry.parse().ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| AnchorError::Entry(entry.to_owned()))?;
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_digest {
            return Err(AnchorError::Digest(sha256.to_owned()));
        }
        Ok(Self { entry: number, sha256: sha256.to_ascii_lowercase() })
    }
}

impl std::fmt::Display for Anchor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.entry, self.sha256)
    }
}

impl SqlLedger {
    /// Verifies the objects of the database, the chain, and every derived table.
    ///
    /// It proves that the ledger is consistent: every entry follows from the one before, every table from the entries, and
    /// nothing in the database changes what is read or written. It does not prove who wrote it. Anyone who can write to the
    /// database can write it anew from any entry to the end, or cut off its end, with correct hashes. Only an `anchor` that
    /// is kept elsewhere finds that, up to its entry.
    ///
    /// # Errors
    /// [`LedgerError`] if the database cannot be read.
    pub fn verify(&self, anchor: Option<&Anchor>) -> Result<Result<Verified, Damage>, LedgerError> {
        let mut transaction = self.0.read()?;
        let mut walk = Walk { sha256: ledger_id(&mut *transaction)?, ..Walk::default() };
        let verified = check_integrity(&mut *transaction)
            .and_then(|()| match foreign_object(&*self.0.database, &mut *transaction)? {
                Some(difference) => Err(damage(None, difference)),
                None => Ok(()),
            })
            .and_then(|()| walk.entries(&mut *transaction, anchor))
            .and_then(|()| walk.head(&mut *transaction))
            .and_then(|()| walk.decisions(&mut *transaction))
            .and_then(|()| compare("approvals", APPROVALS, &mut walk.approvals, &mut *transaction))
            .and_then(|()| compare("uses of sections", SECTION_USES, &mut walk.section_uses, &mut *transaction))
            .and_then(|()| compare("follow-ups", FOLLOW_UPS, &mut walk.follow_ups, &mut *transaction))
            .and_then(|()| walk.sums(&mut *transaction))
            .and_then(|()| walk.blobs(&mut *transaction));
        match verified {
            Ok(()) => Ok(Ok(Verified {
                entries: walk.last,
                decisions: walk.decided,
                open: walk.allowed - walk.outcomes.len() as u64,
                last: (walk.last > 0).then_some(Anchor { entry: walk.last, sha256: walk.sha256 }),
            })),
            Err(Stop::Damage(damage)) => Ok(Err(damage)),
            Err(Stop::Ledger(error)) => Err(error),
        }
    }
}

/// Why verifying stops.
enum Stop {
    Damage(Damage),
    Ledger(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

fn damage(entry: impl Into<Option<u64>>, message: impl Into<String>) -> Stop {
    Stop::Damage(Damage { entry: entry.into(), message: message.into() })
}

/// Checks the files of the database, because an index that lacks rows would hide them from every query.
fn check_integrity(transaction: &mut dyn Transaction) -> Result<(), Stop> {
    match transaction.integrity_flaw()? {
        Some(flaw) => Err(damage(None, format!("the database is damaged: {flaw}"))),
        None => Ok(()),
    }
}

/// What the derived tables must contain, according to the entries that were read.
#[derive(Default)]
struct Walk {
    last: u64,
    sha256: String,
    at: i64,
    version: u64,
    halts: Vec<ActiveHalt>,
    decided: u64,
    allowed: u64,
    /// By the entry of the decision.
    outcomes: HashMap<u64, DatedOutcome>,
    /// The first use, by the entry of the decision.
    permit_uses: HashMap<u64, FirstUse>,
    /// The sections whose permits were used, each with the entry of its decision.
    used_sections: HashSet<(u64, u32)>,
    /// The decision and the section, by the entry of the use.
    section_uses: BTreeMap<u64, Vec<Value>>,
    /// Batches, targets, tenants and bytes, by key and hour.
    sums: BTreeMap<(String, i64), [i64; 4]>,
    /// The ids of the overrides that are used, by a decision that was not aborted.
    overrides: HashSet<String>,
    /// The override of each decision that has one, by its entry.
    override_of: HashMap<u64, String>,
    /// The digest of the list that was approved, by the entry of the approval.
    approvals: BTreeMap<u64, Vec<Value>>,
    /// What was deleted, by the entry of the follow-up.
    follow_ups: BTreeMap<u64, Vec<Value>>,
    /// The digests in the entries.
    digests: HashSet<String>,
    /// Those of them that are policy sets.
    policy_sets: HashSet<String>,
}

/// An outcome, and the entry that records it.
struct DatedOutcome {
    entry: u64,
    at: i64,
    outcome: Outcome,
}

/// The first use of a permit.
struct FirstUse {
    entry: u64,
    is_of_section: bool,
}

impl Walk {
    fn entries(&mut self, transaction: &mut dyn Transaction, anchor: Option<&Anchor>) -> Result<(), Stop> {
        loop {
            let rows = transaction.query(
                "SELECT entry, at, kind, body, sha256 FROM entries WHERE entry > $1 ORDER BY entry LIMIT $2",
                &[self.last.into(), ROWS_PER_QUERY.into()],
            )?;
            if self.last == 0 {
                let below = transaction.query("SELECT entry FROM entries WHERE entry < 1 LIMIT 1", &[])?;
                if let Some(row) = below.first() {
                    return Err(damage(None, format!("there is an entry {}, but entries begin with 1", row.int(0)?)));
                }
            }
            for row in &rows {
                self.entry(row)?;
                if let Some(anchor) =
                    anchor.filter(|anchor| anchor.entry == self.last && anchor.sha256 != self.sha256)
                {
                    return Err(damage(
                        self.last,
                        format!("its hash is not that of the anchor, `{}`", anchor.sha256),
                    ));
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        match anchor.filter(|anchor| anchor.entry > self.last) {
            Some(anchor) => {
                Err(damage(self.last + 1, format!("it is missing: the anchor is for entry {}", anchor.entry)))
            }
            None => Ok(()),
        }
    }

    fn entry(&mut self, row: &Row) -> Result<(), Stop> {
        let expected = self.last + 1;
        let number = row.count(0)?;
        if number != expected {
            return Err(damage(expected, format!("it is missing: the next entry has the number {number}")));
        }
        let (at, kind, body, sha256) = (row.int(1)?, row.text(2)?, row.text(3)?, row.text(4)?);
        if hash(&self.sha256, number, at, kind, body) != sha256 {
            return Err(damage(number, "it was altered or moved: its hash does not match"));
        }
        if at < self.at {
            return Err(damage(number, "it is dated before the previous entry"));
        }
        let entry = Entry::parse(kind, body).map_err(|error| damage(number, error.to_string()))?;
        if entry.affects_decisions() {
            self.version = number;
        }
        if !apply_to_halts(&mut self.halts, number, &entry) {
            return Err(damage(number, "it lifts a halt that is not in force"));
        }
        match entry {
            Entry::Decision(record) => {
                if let Some(terms) = &record.decision.override_terms
                    && record.decision.decision == Verdict::Allow
                    && !self.overrides.insert(terms.id.clone())
                {
                    return Err(damage(number, format!("it uses the override `{}` a second time", terms.id)));
                }
                if let Some(terms) = &record.decision.override_terms {
                    self.override_of.insert(number, terms.id.clone());
                }
                self.add_decision(*record);
            }
            Entry::Outcome(recorded) => {
                if let (Outcome::Aborted { .. }, Some(id)) =
                    (&recorded.outcome, self.override_of.get(&recorded.decision))
                {
                    self.overrides.remove(id);
                }
                let outcome = DatedOutcome { entry: number, at, outcome: recorded.outcome };
                if self.outcomes.insert(recorded.decision, outcome).is_some() {
                    let message = format!("it is a second outcome of entry {}", recorded.decision);
                    return Err(damage(number, message));
                }
            }
            Entry::PermitUse(usage) => self.add_use(number, usage)?,
            Entry::Approval(approval) => {
                self.approvals.insert(number, vec![Value::Text(approval.targets_sha256)]);
            }
            Entry::FollowUp(follow_up) => drop(self.follow_ups.insert(number, vec![Value::Text(follow_up.object)])),
            Entry::Halt(_) | Entry::Resume(_) | Entry::Reload(_) => {}
        }
        (self.last, self.at) = (number, at);
        sha256.clone_into(&mut self.sha256);
        Ok(())
    }

    fn add_use(&mut self, number: u64, PermitUse { decision, section }: PermitUse) -> Result<(), Stop> {
        let is_of_section = section.is_some();
        let first = self.permit_uses.entry(decision).or_insert(FirstUse { entry: number, is_of_section });
        let is_free = match section {
            None => first.entry == number,
            Some(section) => first.is_of_section && self.used_sections.insert((decision, section)),
        };
        if !is_free {
            return Err(damage(number, format!("it uses the permit of entry {decision} a second time")));
        }
        if let Some(section) = section {
            self.section_uses.insert(number, vec![decision.into(), u64::from(section).into()]);
        }
        Ok(())
    }

    fn add_decision(&mut self, record: DecisionRecord) {
        self.decided += 1;
        if record.decision.decision == Verdict::Allow {
            self.allowed += 1;
            self.add_to_sums(&record, OPEN, 1);
        }
        self.policy_sets.insert(record.decision.policy_set_sha256.clone());
        self.digests.extend([record.columns_sha256, record.affected_sha256, record.decision.policy_set_sha256]);
        self.digests.extend(record.manifest_sha256);
        self.digests.extend(record.decision.policies.into_iter().map(|policy| policy.sha256));
    }

    fn add_to_sums(&mut self, record: &DecisionRecord, at: i64, sign: i64) {
        let summands = summands(record, sign);
        for key in keys(record) {
            let sums = self.sums.entry((key, hour(at))).or_default();
            for (sum, summand) in sums.iter_mut().zip(summands) {
                *sum = sum.saturating_add(summand);
            }
        }
    }
}
