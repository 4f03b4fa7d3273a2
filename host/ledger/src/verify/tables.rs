//! Compares the derived tables with the entries.

use super::{DatedOutcome, ROWS_PER_QUERY, Stop, Walk, damage};
use crate::append::{OutcomeColumns, decision_columns, head};
use crate::blobs::decompress;
use crate::database::{Row, Transaction, Value};
use crate::entry::Entry;
use crate::sums::OPEN;
use reprieve::model::Verdict;
use reprieve::record::reference_data;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

impl Walk {
    pub(super) fn head(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let head = head(transaction)?;
        if (head.entry, &head.sha256) != (self.last, &self.sha256) {
            let from = self.last.min(head.entry) + 1;
            return Err(damage(
                from,
                format!("the chain ends at entry {}, but the head names entry {}", self.last, head.entry),
            ));
        }
        if head.version != self.version || head.at != self.at || self.halts != head.halts {
            return Err(damage(None, "the head differs from the entries (version, time, or halts)"));
        }
        Ok(())
    }

    /// Compares the table of decisions with the entries.
    pub(super) fn decisions(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let (mut after, mut seen) = (i64::MIN, 0);
        loop {
            let rows = transaction.query(
                "SELECT d.entry, d.at, d.request, d.decision, d.mode, d.environment, d.kind, d.actor, d.campaign, \
                 d.targets, d.tenants, d.bytes, d.targets_sha256, d.whole_sha256, \
                 d.idempotency_sha256, d.override_id, d.counts_at, d.state, d.used, \
                 d.closed, d.closed_at, d.succeeded, d.deleted, e.at, e.body, e.kind FROM decisions d \
                 LEFT JOIN entries e ON e.entry = d.entry WHERE d.entry > $1 ORDER BY d.entry LIMIT $2",
                &[Value::from(after), ROWS_PER_QUERY.into()],
            )?;
            for row in &rows {
                after = row.int(0)?;
                if after < 1 {
                    let message = format!("the table of decisions has a row {after}, but entries begin with 1");
                    return Err(damage(None, message));
                }
                self.decision(row)?;
                seen += 1;
            }
            if rows.is_empty() {
                break;
            }
        }
        if seen != self.decided {
            let message =
                format!("the table of decisions has {seen} rows, but {} decisions are recorded", self.decided);
            return Err(damage(None, message));
        }
        let mut decisions = self.outcomes.keys().chain(self.permit_uses.keys());
        match decisions.find(|decision| **decision > self.last || **decision == 0) {
            Some(decision) => Err(damage(*decision, "it has an outcome or a use of its permit, but does not exist")),
            None => Ok(()),
        }
    }

    fn decision(&mut self, row: &Row) -> Result<(), Stop> {
        let number = row.count(0)?;
        let differs = || damage(number, "the table of decisions differs from the entry");
        let (Some(body), Some("decision")) = (row.text_or_null(24)?, row.text_or_null(25)?) else {
            return Err(differs());
        };
        let Ok(Entry::Decision(record)) = Entry::parse("decision", body) else { return Err(differs()) };
        let at = row.int(23)?;
        let mut expected = decision_columns(number, at, &record);
        let recorded = self
            .outcomes
            .get(&number)
            .map(|DatedOutcome { entry, at, outcome }| (*entry, *at, OutcomeColumns::of(outcome)));
        let used = self.permit_uses.get(&number).map(|first| first.entry);
        match recorded {
            Some((entry, ended, columns)) => {
                if record.decision.decision != Verdict::Allow {
                    return Err(damage(number, "it has an outcome, but was not allowed"));
                }
                self.add_to_sums(&record, OPEN, -1);
                if columns.counts {
                    self.add_to_sums(&record, ended, 1);
                }
                // An outcome changes the last two columns, `counts_at` and `state`. An abort frees the override before them.
                expected.truncate(expected.len() - 2);
                if !columns.counts {
                    expected.pop();
                    expected.push(Value::Null);
                }
                expected.extend([columns.counts.then_some(ended).into(), columns.state.as_str().into()]);
                expected.extend([used.into(), entry.into(), ended.into(), columns.succeeded, columns.deleted]);
            }
            None => expected.extend([used.into(), Value::Null, Value::Null, Value::Null, Value::Null]),
        }
        if row.0.get(..expected.len()) == Some(&expected) { Ok(()) } else { Err(differs()) }
    }

    pub(super) fn sums(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let rows = transaction.query("SELECT key, hour, batches, targets, tenants, bytes FROM sums", &[])?;
        for row in &rows {
            let (key, hour) = (row.text(0)?.to_owned(), row.int(1)?);
            let found = [row.int(2)?, row.int(3)?, row.int(4)?, row.int(5)?];
            if self.sums.remove(&(key.clone(), hour)) != Some(found) {
                return Err(damage(None, format!("the sum of {key} in hour {hour} differs from the entries")));
            }
        }
        match self.sums.keys().next() {
            Some((key, hour)) => Err(damage(None, format!("the sum of {key} in hour {hour} is missing"))),
            None => Ok(()),
        }
    }

    pub(super) fn blobs(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let (mut after, mut seen) = (String::new(), HashSet::new());
        loop {
            let rows = transaction.query(
                "SELECT sha256, bytes FROM blobs WHERE sha256 > $1 ORDER BY sha256 LIMIT 4",
                &[after.as_str().into()],
            )?;
            for row in &rows {
                row.text(0)?.clone_into(&mut after);
                let bytes = decompress(row.bytes(1)?)
                    .map_err(|error| damage(None, format!("the blob {after} cannot be decompressed: {error}")))?;
                if hex::encode(Sha256::digest(&bytes)) != after {
                    return Err(damage(None, format!("the blob {after} was altered")));
                }
                if self.policy_sets.contains(&after) {
                    let data = reference_data(&bytes)
                        .map_err(|error| damage(None, format!("the policy set {after}: {error}")))?;
                    self.digests.extend(data);
                }
                seen.insert(after.clone());
            }
            if rows.is_empty() {
                break;
            }
        }
        match self.digests.difference(&seen).min() {
            Some(sha256) => Err(damage(None, format!("the blob {sha256} is missing"))),
            None => Ok(()),
        }
    }
}

/// Compares a table that has a row for each entry of a kind with those entries. `name` is what the table is of, and `rows`
/// selects them: the entry, and what is expected of it.
pub(super) fn compare(
    name: &str,
    rows: &'static str,
    expected: &mut BTreeMap<u64, Vec<Value>>,
    transaction: &mut dyn Transaction,
) -> Result<(), Stop> {
    for row in &transaction.query(rows, &[])? {
        let number = row.count(0)?;
        if expected.remove(&number).as_deref() != row.0.get(1..) {
            return Err(damage(number, format!("the table of {name} differs from the entry")));
        }
    }
    match expected.keys().next() {
        Some(number) => Err(damage(*number, format!("the table of {name} lacks it"))),
        None => Ok(()),
    }
}
