//! Which targets offend by themselves: those that a policy reports by row. A finding names a few of its rows only, so
//! the policy is asked again about ever smaller runs of rows, with the same facts about the whole batch.

use super::Failure;
use crate::batch::Batch;
use crate::columns::Column;
use crate::gate::Gate;
use crate::known::{Known, Rows};
use crate::sandbox::{Objection, Run, View};
use crate::set::Loaded;
use hashbrown::HashSet;
use reprieve_model::Severity;
use std::collections::BTreeMap;
use std::ops::Range;

/// Row numbers, and the codes of the rules each offends against.
pub(super) type Offenders = BTreeMap<u64, Vec<String>>;

/// The code under which the host's own counts of ids are denied.
const BAD_IDS: &str = "provenance/bad-ids";

pub(super) fn offenders(gate: &Gate, batch: &Batch, known: &Known) -> Result<Offenders, Failure> {
    let mut found = Offenders::new();
    bad_ids(batch, &mut found)?;
    let rows = known.all_rows(batch)?;
    let views: Vec<View<'_>> = rows.iter().map(Rows::view).collect();
    for loaded in gate.enforced(batch, &known.facts) {
        let search = Search { gate, loaded, rows: batch.len(), review: &known.review };
        // What a policy says of the whole batch is the measure: rules that let some rows pass may deny none here. A
        // rule that every target offends against is about the request, and so is one that names rows unseen.
        let unseen: Vec<String> = search.ask(&[])?.into_iter().map(|objection| objection.rule).collect();
        let some = search.ask(&views)?.into_iter().filter(|objection| objection.rows < batch.len());
        let rules: Vec<String> = some.map(|objection| objection.rule).filter(|rule| !unseen.contains(rule)).collect();
        if rules.is_empty() {
            continue;
        }
        for view in &views {
            search.narrow(*view, 0..view.chunk.rows as usize, &rules, &mut found)?;
        }
    }
    Ok(found)
}

/// Rows without an id, and all but the first of those with the same.
fn bad_ids(batch: &Batch, found: &mut Offenders) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for (row, id) in (0_u64..).zip(batch.ids()?) {
        if id.is_none_or(|id| id.trim().is_empty() || !seen.insert(id)) {
            found.entry(row).or_default().push(BAD_IDS.to_owned());
        }
    }
    Ok(())
}

struct Search<'a> {
    gate: &'a Gate,
    loaded: &'a Loaded,
    rows: u64,
    review: &'a str,
}

impl Search<'_> {
    /// The denials that name rows.
    fn ask(&self, views: &[View<'_>]) -> Result<Vec<Objection>, Failure> {
        let input = self.loaded.input(self.review, views, self.rows);
        let Run { outcome, .. } = self.gate.sandbox().run(&self.loaded.policy, input);
        let objections =
            outcome.map_err(|fault| Failure::Fault(self.loaded.policy.descriptor.name.clone(), fault.message))?;
        let denies = |objection: &Objection| objection.severity == Severity::Deny && objection.rows > 0;
        Ok(objections.into_iter().filter(denies).collect())
    }

    fn narrow(
        &self,
        view: View<'_>,
        range: Range<usize>,
        rules: &[String],
        found: &mut Offenders,
    ) -> Result<(), Failure> {
        if range.start >= range.end {
            return Ok(());
        }
        let chunk = view.chunk.slice(range.clone());
        let resolved: Vec<Column> = view.resolved.iter().map(|column| column.slice(range.clone())).collect();
        let objections = self.ask(&[View { chunk: &chunk, resolved: &resolved }])?;
        let some: Vec<Objection> =
            objections.into_iter().filter(|objection| rules.contains(&objection.rule)).collect();
        if some.is_empty() {
            return Ok(());
        }
        if some.iter().all(|objection| objection.rows >= range.len() as u64) {
            for row in 0..range.len() as u64 {
                let codes = some.iter().map(|objection| self.code(&objection.rule));
                found.entry(chunk.first_row + row).or_default().extend(codes);
            }
            return Ok(());
        }
        let middle = range.start + range.len() / 2;
        self.narrow(view, range.start..middle, rules, found)?;
        self.narrow(view, middle..range.end, rules, found)
    }

    fn code(&self, rule: &str) -> String {
        format!("{}/{rule}", self.loaded.policy.descriptor.name)
    }
}
