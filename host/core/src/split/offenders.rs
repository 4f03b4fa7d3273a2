//! Finds the targets that offend by themselves: those that a rule about single targets reports. A finding names only a few
//! of its rows, so the policy is evaluated again over ever smaller ranges of rows, with the same facts about the batch.

use super::SplitError;
use crate::evaluate::{EvaluationContext, Evaluator, view};
use crate::policies::LoadedPolicy;
use hashbrown::HashSet;
use reprieve_batch::{Batch, Chunk, Column};
use reprieve_model::Severity;
use reprieve_sandbox::{Objection, Run, Subject, View};
use std::collections::BTreeMap;
use std::ops::Range;

/// Row numbers, and the codes that each offends against.
pub(super) type Offenders = BTreeMap<u64, Vec<String>>;

/// The code of an id that is blank or duplicated, if no policy of the set has a rule about ids.
const BAD_IDS: &str = "gate/bad-ids";

/// The targets that offend by themselves.
pub(super) fn offenders(
    evaluator: &Evaluator,
    batch: &Batch,
    context: &EvaluationContext,
) -> Result<Offenders, SplitError> {
    let mut found = Offenders::new();
    let enforced: Vec<&LoadedPolicy> = evaluator.enforced(batch, &context.facts).collect();
    bad_ids(batch, &enforced, &mut found)?;
    let chunks = context.chunks(batch)?;
    for loaded in enforced.into_iter().filter(|loaded| loaded.observes()) {
        let views: Vec<View<'_>> = chunks.iter().map(|chunk| chunk.view()).collect();
        let search = Search { evaluator, loaded, rows: batch.len(), review: &context.review };
        // A rule that every target offends against is about the request, and so is one that reports rows it never read.
        let unread: Vec<String> = search.denials(&[])?.into_iter().map(|objection| objection.rule).collect();
        let some = search.denials(&views)?.into_iter().filter(|objection| objection.rows < batch.len());
        let rules: Vec<String> = some.map(|objection| objection.rule).filter(|rule| !unread.contains(rule)).collect();
        if rules.is_empty() {
            continue;
        }
        for chunk in &chunks {
            let rows = 0..chunk.chunk.rows as usize;
            search.narrow(&chunk.chunk, chunk.resolved(), rows, &rules, &mut found)?;
        }
    }
    Ok(found)
}

/// Adds rows without an id, and all but the first row with the same id.
fn bad_ids(batch: &Batch, enforced: &[&LoadedPolicy], found: &mut Offenders) -> Result<(), SplitError> {
    let codes = enforced.iter().flat_map(|loaded| {
        let rules = loaded.policy.descriptor.rules.iter();
        rules.filter(|rule| rule.subject == Subject::Ids).map(|rule| loaded.code(&rule.code))
    });
    let mut codes: Vec<String> = codes.collect();
    if codes.is_empty() {
        codes.push(BAD_IDS.to_owned());
    }
    let mut seen = HashSet::new();
    for (row, id) in (0_u64..).zip(batch.ids()?) {
        if id.is_none_or(|id| id.trim().is_empty() || !seen.insert(id)) {
            found.entry(row).or_default().extend(codes.iter().cloned());
        }
    }
    Ok(())
}

struct Search<'a> {
    evaluator: &'a Evaluator,
    loaded: &'a LoadedPolicy,
    /// The number of rows of the whole batch.
    rows: u64,
    review: &'a str,
}

impl Search<'_> {
    /// The denials of rules about single targets.
    fn denials(&self, views: &[View<'_>]) -> Result<Vec<Objection>, SplitError> {
        let input = self.loaded.input(self.review, views, self.rows);
        let Run { outcome, .. } = self.evaluator.sandbox.run(&self.loaded.policy, input);
        let objections = outcome
            .map_err(|fault| SplitError::Fault { policy: self.loaded.name().to_owned(), message: fault.message })?;
        let about_targets = |objection: &Objection| {
            let rule = self.loaded.policy.descriptor.rule(&objection.rule);
            rule.is_some_and(|rule| rule.subject == Subject::Targets)
        };
        let denies = |objection: &Objection| objection.severity == Severity::Deny && objection.rows > 0;
        Ok(objections.into_iter().filter(|objection| denies(objection) && about_targets(objection)).collect())
    }

    /// Searches a range of rows of a chunk: halves it until all rows of a half offend, or none.
    fn narrow(
        &self,
        chunk: &Chunk,
        resolved: &[Column],
        range: Range<usize>,
        rules: &[String],
        found: &mut Offenders,
    ) -> Result<(), SplitError> {
        if range.start >= range.end {
            return Ok(());
        }
        let rows = chunk.slice(range.clone());
        let columns: Vec<Column> = resolved.iter().map(|column| column.slice(range.clone())).collect();
        let denials = self.denials(&[view(&rows, &columns)])?;
        let some: Vec<Objection> = denials.into_iter().filter(|objection| rules.contains(&objection.rule)).collect();
        if some.is_empty() {
            return Ok(());
        }
        if some.iter().all(|objection| objection.rows >= range.len() as u64) {
            for row in 0..range.len() as u64 {
                let codes = some.iter().map(|objection| self.loaded.code(&objection.rule));
                found.entry(rows.first_row + row).or_default().extend(codes);
            }
            return Ok(());
        }
        let middle = range.start + range.len() / 2;
        self.narrow(chunk, resolved, range.start..middle, rules, found)?;
        self.narrow(chunk, resolved, middle..range.end, rules, found)
    }
}
