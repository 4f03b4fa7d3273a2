//! Taking part in a planned batch: counting, computing the facts, observing, deciding.

use super::envelope::{Envelopes, Part};
use super::plan::{Plan, PlanError};
use crate::decision::Decision;
use crate::evaluate::{Evaluator, Observed, Observers, ResolvedChunk, no_answer, partitions};
use crate::record::{VetOptions, conclude, decide_resolved};
use reprieve_batch::{
    Batch, Chunk, CountedSection, MergedBatch, Question, Resolution, SectionCounts, SectionReader, SectionTargets,
    merge_sections,
};
use reprieve_model::{FaultCause, HistoryFacts, Review, Timestamp};
use reprieve_sandbox::Saved;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// The number of buckets for the digests of ids.
pub const BUCKETS: usize = SectionReader::BUCKETS;

/// The results as messages name them.
const COUNTS: &str = "a result of `count`";
const DUPLICATES: &str = "a result of `duplicates`";
const FACTS: &str = "the result of `facts`";
const STATES: &str = "a result of `observe` with these facts";

/// A planned batch that a gate takes part in.
pub struct PlannedBatch<'a> {
    pub(super) evaluator: &'a Evaluator,
    pub(super) plan: Plan,
    envelopes: Envelopes,
    memory: u64,
    threads: usize,
}

/// What was counted in a section, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionResult {
    /// Its counts.
    pub counts: Vec<u8>,
    /// The digests of its ids, in [`BUCKETS`] buckets of 16 bytes and a row number for each id.
    pub ids: Vec<Vec<u8>>,
}

/// The facts of a batch as they are sent.
#[derive(Serialize, Deserialize)]
struct PlannedFacts {
    at: Timestamp,
    history: Option<HistoryFacts>,
    /// Claims and facts as the policies receive them.
    review: String,
    sections: Vec<CountedSection>,
    /// Whether the inventory had an answer.
    is_resolved: bool,
    /// Whether the sections are observed. One partition is observed where the decision is made.
    is_observed: bool,
}

impl<'a> PlannedBatch<'a> {
    pub(crate) fn new(evaluator: &'a Evaluator, plan: Plan, memory: u64, threads: usize) -> Result<Self, PlanError> {
        plan.check(evaluator)?;
        let envelopes = Envelopes::of(&plan)?;
        Ok(Self { evaluator, plan, envelopes, memory, threads })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn reader(&self) -> Result<SectionReader, PlanError> {
        Ok(SectionReader::new(self.plan.batch.clone(), self.memory, self.threads)?)
    }

    /// Reads a section and counts it.
    ///
    /// # Errors
    /// [`PlanError`] if a file cannot be read.
    pub fn count(&self, section: usize) -> Result<SectionResult, PlanError> {
        let key = blake3::derive_key("reprieve 0.1 digests of ids", &self.plan.key()?);
        let inventory = self.evaluator.sources.inventory.as_deref();
        let SectionCounts { counts, buckets } = self.reader()?.count(section, key, inventory)?;
        let section = section as u32;
        let seal = |(bucket, ids): (u32, Vec<u8>)| self.envelopes.seal(Part::Ids { section, bucket }, &ids);
        Ok(SectionResult {
            counts: self.envelopes.seal(Part::Counts(section), &counts)?,
            ids: (0..).zip(buckets).map(seal).collect::<Result<_, _>>()?,
        })
    }

    /// Finds the duplicate ids in one bucket. `ids` are those of every section in this bucket, in any order.
    ///
    /// # Errors
    /// [`PlanError`] if one is missing, comes twice, or is of another plan.
    pub fn duplicates(&self, bucket: usize, ids: &[&[u8]]) -> Result<Vec<u8>, PlanError> {
        let wanted = bucket as u32;
        let what = format!("a result of `count` for bucket {bucket}");
        let number = |part| match part {
            Part::Ids { section, bucket } if bucket == wanted => Some(section),
            _ => None,
        };
        let buckets = self.envelopes.open_all(ids, self.plan.sections(), &what, number)?;
        let found = SectionReader::duplicates((0..).zip(buckets))?;
        self.envelopes.seal(Part::Duplicates(wanted), &found)
    }

    /// Computes the facts of the batch. `counts` are those of every section, and `duplicates` those of every bucket, in any
    /// order.
    ///
    /// # Errors
    /// [`PlanError`] if one is missing, comes twice, or is of another plan, or if the history has no answer.
    pub fn facts(&self, counts: &[&[u8]], duplicates: &[&[u8]]) -> Result<Vec<u8>, PlanError> {
        let sources = &self.evaluator.sources;
        let (MergedBatch { batch, resolution, sections }, mut faults) = (self.merge(counts, duplicates)?, Vec::new());
        let resolution = resolution.and_then(Result::ok).map(Arc::new);
        let is_resolved = resolution.is_some();
        let (at, history) = match sources.ledger() {
            None => (batch.evaluated_at(), sources.history(&batch, &mut faults)),
            Some(ledger) => {
                let view = ledger.view(&Question::about(&batch, &sources.environments, None));
                let view = view.map_err(|error| PlanError::Lookup(error.to_string()))?;
                (view.at, Some(view.history))
            }
        };
        let context = sources.context(&batch, at, resolution, history.clone(), &mut faults);
        if let Some(fault) = faults.into_iter().next() {
            return Err(PlanError::Lookup(fault.message));
        }
        let is_observed = count_partitions(&batch) > 1;
        let facts = PlannedFacts { at, history, review: context.review, sections, is_resolved, is_observed };
        let text = serde_json::to_vec(&facts).map_err(PlanError::uncoded)?;
        self.envelopes.seal(Part::Facts, &text)
    }

    fn merge(&self, counts: &[&[u8]], duplicates: &[&[u8]]) -> Result<MergedBatch, PlanError> {
        let section = |part| if let Part::Counts(section) = part { Some(section) } else { None };
        let counts = self.envelopes.open_all(counts, self.plan.sections(), COUNTS, section)?;
        let bucket = |part| if let Part::Duplicates(bucket) = part { Some(bucket) } else { None };
        let duplicates = self.envelopes.open_all(duplicates, BUCKETS, DUPLICATES, bucket)?;
        let sources = &self.evaluator.sources;
        let (inventory, contacts) = (sources.inventory.clone(), sources.ledger().is_some());
        Ok(merge_sections(self.reader()?, &counts, &duplicates, inventory, contacts)?)
    }

    fn open_facts(&self, facts: &[u8]) -> Result<PlannedFacts, PlanError> {
        match self.envelopes.open(facts, FACTS)? {
            (Part::Facts, content) => serde_json::from_slice(content).map_err(PlanError::uncoded),
            _ => Err(PlanError::result(format!("this is not {FACTS}"), "pass on what `facts` returned")),
        }
    }

    /// Reads a section, and passes its targets to the policies.
    ///
    /// # Errors
    /// [`PlanError`] if the facts are of another plan, or a file cannot be read. A fault of a policy is no error: it is a fault
    /// of the decision.
    pub fn observe(&self, facts: &[u8], section: usize) -> Result<Vec<u8>, PlanError> {
        let received = digest(facts);
        let (facts, mut states) = (self.open_facts(facts)?, Vec::new());
        if facts.is_observed {
            let review: Review = serde_json::from_str(&facts.review).map_err(PlanError::uncoded)?;
            let observers = Observers::new(self.evaluator, &review.claims, &review.facts, &facts.review);
            let inventory = self.evaluator.sources.inventory.as_deref().filter(|_| facts.is_resolved);
            let unknown = || PlanError::result(format!("there is no section {section}"), "count the sections from 0");
            let counted = facts.sections.get(section).ok_or_else(unknown)?;
            let targets = self.reader()?.targets(section, counted, inventory)?;
            let chunks = &targets.chunks;
            for partition in partitions(chunks.rows().zip(chunks.bytes()), &[]) {
                let chunks = partition
                    .map(|i| chunk(&targets, i, counted.first_row))
                    .collect::<Result<Vec<_>, PlanError>>()?;
                states.push(observers.observe(&chunks));
            }
        }
        let states = postcard::to_allocvec(&states).map_err(PlanError::uncoded)?;
        self.envelopes.seal(Part::States { section: section as u32, facts: received }, &states)
    }

    /// Decides about the batch, and records the decision if there is a ledger. `counts` and `duplicates` are those that the
    /// facts were computed from, and `states` those that were observed in every section, in any order.
    ///
    /// # Errors
    /// [`PlanError`] if one is missing, comes twice, or does not belong to the others. Then nothing is decided or recorded.
    pub fn decide(
        &self,
        counts: &[&[u8]],
        duplicates: &[&[u8]],
        facts: &[u8],
        states: &[&[u8]],
        options: VetOptions<'_>,
    ) -> Result<Decision, PlanError> {
        let received = digest(facts);
        let facts = self.open_facts(facts)?;
        let MergedBatch { batch, resolution, .. } = self.merge(counts, duplicates)?;
        let mut faults = Vec::new();
        let no_answer = |error| no_answer(FaultCause::Inventory, &error);
        let resolution: Option<Arc<Resolution>> =
            resolution.and_then(|found| found.map_err(|error| faults.push(no_answer(error))).ok()).map(Arc::new);
        let (evaluator, mut review_faults) = (self.evaluator, Vec::new());
        let context = evaluator.sources.context(
            &batch,
            facts.at,
            resolution.clone(),
            facts.history.clone(),
            &mut review_faults,
        );
        if context.review != facts.review {
            return Err(PlanError::result(
                "the facts were not computed from these counts and with these keys",
                "compute the facts again, and observe again",
            ));
        }
        let section = |part| match part {
            Part::States { section, facts } if facts == received => Some(section),
            _ => None,
        };
        let states = self.envelopes.open_all(states, self.plan.sections(), STATES, section)?;
        let mut all: Vec<Vec<Saved>> = Vec::new();
        for content in states {
            all.extend(postcard::from_bytes::<Vec<Vec<Saved>>>(content).map_err(PlanError::uncoded)?);
        }
        let expected = count_partitions(&batch);
        let observers = Observers::new(evaluator, batch.claims(), &context.facts, &context.review).len();
        let is_whole = all.len() == expected && all.iter().all(|states| states.len() == observers);
        if facts.is_observed && !is_whole {
            let message = format!("there are not the states of {observers} policies after {expected} partitions");
            return Err(PlanError::result(message, "observe every section again"));
        }
        let observed = Observed { at: facts.at, history: facts.history, states: &all };
        Ok(conclude(evaluator, batch, |evaluator, batch| {
            (decide_resolved(evaluator, batch, resolution.clone(), faults, options, Some(&observed)), resolution)
        }))
    }
}

impl std::fmt::Debug for PlannedBatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlannedBatch").field("batch", &self.plan.batch).finish_non_exhaustive()
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn count_partitions(batch: &Batch) -> usize {
    partitions(batch.chunk_rows().zip(batch.chunk_bytes()), batch.section_ends()).len()
}

/// A chunk of a section that begins with `first_row`.
fn chunk(targets: &SectionTargets, i: usize, first_row: u64) -> Result<ResolvedChunk<'_>, PlanError> {
    let chunk = targets.chunks.get(i)?.into_owned();
    let resolved = targets.resolved.as_ref().map(|store| store.get(i)).transpose()?;
    Ok(ResolvedChunk { chunk: Cow::Owned(Chunk { first_row: first_row + chunk.first_row, ..chunk }), resolved })
}
