//! Records decisions in a ledger of the program's own:
//!
//! ```text
//! cargo run -p reprieve --example with_ledger
//! ```
//!
//! This one keeps everything in memory behind one lock, to show what a ledger has to do. The crate `reprieve-ledger` has
//! one in SQLite and one in PostgreSQL, which survive a restart and detect alterations.

use reprieve::history::{History, PastBatches, Question};
use reprieve::ledger::{
    Blob, DecisionRecord, Ledger, LedgerError, LedgerView, Outcome, PermitReference, RedeemError,
};
use reprieve::model::{BatchState, LedgerEntry, PastBatch, Timestamp, Verdict};
use reprieve::policy::PolicyEntry;
use reprieve::{Batch, Decision, Folder, Gate, LookupError, PolicySet};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A ledger in memory.
#[derive(Default)]
struct MemoryLedger(Mutex<Vec<Entry>>);

/// A decision, and what became of its batch.
struct Entry {
    sha256: String,
    record: DecisionRecord,
    state: BatchState,
    /// What history counts: all targets until the outcome says otherwise.
    counted: PastBatch,
    /// When its permit was used: that of the whole list, or those of its sections.
    redeemed: BTreeMap<Option<u32>, Timestamp>,
}

/// The ledger's clock, which decides. Everything else takes the time from the ledger.
#[allow(clippy::disallowed_methods)]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(since.as_secs().cast_signed())
}

impl MemoryLedger {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What bears on a batch now.
fn view_of(entries: &[Entry], question: &Question<'_>) -> Result<LedgerView, LedgerError> {
    let at = now();
    // A batch whose outcome is unknown may be running, so it counts.
    let counts = |entry: &&Entry| matches!(entry.state, BatchState::Open | BatchState::Committed);
    let past = PastBatches::new(entries.iter().filter(counts).map(|entry| entry.counted.clone()).collect());
    let history = past.facts(question, at).map_err(|error| LedgerError::unavailable(error.to_string()))?;
    let used = entries.iter().position(|entry| {
        let terms = entry.record.decision.override_terms.as_ref();
        terms.is_some_and(|terms| Some(terms.id.as_str()) == question.override_id)
    });
    Ok(LedgerView { at, history, halts: Vec::new(), override_used: used.map(|i| i as u64 + 1) })
}

impl Ledger for MemoryLedger {
    fn view(&self, question: &Question<'_>) -> Result<LedgerView, LedgerError> {
        view_of(&self.entries(), question)
    }

    // The lock is held from the view to the entry, so nothing is recorded between them.
    fn decide(
        &self,
        question: &Question<'_>,
        _: &[Blob<'_>],
        decide: &mut dyn FnMut(&LedgerView) -> DecisionRecord,
    ) -> Result<LedgerEntry, LedgerError> {
        let mut entries = self.entries();
        let record = decide(&view_of(&entries, question)?);
        let text = serde_json::to_string(&record).map_err(|error| LedgerError::unavailable(error.to_string()))?;
        let before = entries.last().map_or("", |entry| entry.sha256.as_str());
        let sha256 = hex::encode(Sha256::digest(format!("{before}{text}")));
        let allowed = record.decision.decision == Verdict::Allow;
        let counted = PastBatch {
            source: None,
            keep_set: None,
            at: record.decision.evaluated_at,
            mode: question.mode,
            environment: question.environment.to_owned(),
            kind: question.kind.to_string(),
            targets: record.decision.targets,
            tenants: record.decision.tenants,
            bytes: record.review.facts.bytes,
            campaign: question.campaign.map(str::to_owned),
            actor: question.actor.map(str::to_owned),
            succeeded: None,
        };
        let state = if allowed { BatchState::Open } else { BatchState::NotAllowed };
        entries.push(Entry { sha256: sha256.clone(), record, state, counted, redeemed: BTreeMap::new() });
        Ok(LedgerEntry { entry: entries.len() as u64, sha256 })
    }

    fn record_outcome(&self, entry: u64, outcome: &Outcome) -> Result<(), LedgerError> {
        let mut entries = self.entries();
        let found = entry.checked_sub(1).and_then(|i| entries.get_mut(usize::try_from(i).ok()?));
        let found = found.ok_or_else(|| LedgerError::not_found(format!("there is no entry {entry}")))?;
        if found.state != BatchState::Open {
            return Err(LedgerError::conflict(format!("entry {entry} is not open")));
        }
        match outcome {
            Outcome::Aborted { .. } if !found.redeemed.is_empty() => {
                return Err(LedgerError::conflict(format!("the permit of entry {entry} was used")));
            }
            Outcome::Aborted { .. } => found.state = BatchState::Aborted,
            Outcome::Committed { succeeded, deleted, .. } => {
                found.state = BatchState::Committed;
                found.counted.at = now();
                found.counted.succeeded = Some(*succeeded);
                found.counted.targets = deleted.unwrap_or(found.counted.targets);
            }
        }
        Ok(())
    }

    fn redeem(&self, permit: &PermitReference<'_>) -> Result<Timestamp, RedeemError> {
        let (mut entries, at) = (self.entries(), now());
        let found = entries.iter_mut().find(|entry| entry.sha256 == permit.id);
        let found = found.ok_or(RedeemError::Unknown(permit.entry))?;
        let used = match permit.section {
            None => found.redeemed.values().next(),
            Some(_) => found.redeemed.get(&None).or_else(|| found.redeemed.get(&permit.section)),
        };
        match (used, found.state) {
            (Some(at), _) => Err(RedeemError::Replayed { at: *at, entry: permit.entry }),
            (None, BatchState::Open) if at > permit.expires_at => {
                Err(RedeemError::Expired { until: permit.expires_at, now: at })
            }
            (None, BatchState::Open) => {
                found.redeemed.insert(permit.section, at);
                Ok(at)
            }
            (None, state) => Err(RedeemError::Closed(state.as_str().to_owned())),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

/// Vets two batches of one tenant each, where one tenant may be reached per day.
pub fn run() -> Result<String, Box<dyn Error>> {
    let timing = PolicyEntry {
        settings: BTreeMap::from([("tenants_a_day_soft".to_owned(), 1.into())]),
        ..PolicyEntry::builtin("timing")
    };
    let gate = Gate::builder().policies(PolicySet::of(vec![timing]), None).ledger(MemoryLedger::default()).build()?;

    let mut report = String::new();
    for number in 1..=2 {
        let request = format!(
            r#"{{
                "id": "retire/{number}", "mode": "soft", "environment": "test", "target_kind": "app",
                "targets": [{{ "id": "a-{number}", "tenant": "tenant-{number}" }}]
            }}"#
        );
        let batch = Batch::read(request.as_bytes(), "request.json", &Folder::open(".".as_ref())?)?;
        let decision = gate.vet(batch);
        let entry = decision.document().ledger.as_ref().map_or(0, |entry| entry.entry);
        writeln!(report, "entry {entry}: {}", decision.verdict().as_str())?;
        for finding in &decision.document().findings {
            writeln!(report, "  {}: {}", finding.code, finding.message)?;
        }
        if let Decision::Allow(permit) = decision {
            let mut deleted = 0;
            permit.batch().each_id(|_| -> Result<(), LookupError> {
                deleted += 1; // a real program deletes the target here
                Ok(())
            })?;
            permit.commit(&Outcome::succeeded(deleted))?;
        }
    }
    Ok(report)
}
