//! What can be made again from the record, held against it.

use super::{PAGE, Stop, Walk, wrong};
use crate::append::{OPEN, closing, columns, head};
use crate::database::{Row, Transaction, Value};
use crate::entry::Entry;
use crate::read::unpack;
use reprieve::Replay;
use reprieve::model::Verdict;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

impl Walk {
    pub(super) fn head(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let head = head(transaction)?;
        if (head.entry, &head.sha256) != (self.last, &self.sha256) {
            let from = self.last.min(head.entry) + 1;
            return Err(wrong(from, format!("the record ends at entry {}, and should at {}", self.last, head.entry)));
        }
        if head.version != self.version || head.at != self.at || self.halted != head.halted {
            return Err(wrong(
                None,
                "the head says other things than the record (version, time, or whether it is halted)",
            ));
        }
        Ok(())
    }

    /// Holds the table of decisions against the record.
    pub(super) fn decisions(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
        let (mut after, mut seen) = (i64::MIN, 0);
        loop {
            let rows = transaction.query(
                "SELECT d.entry, d.at, d.request, d.decision, d.mode, d.environment, d.kind, d.actor, d.campaign, \
                 d.targets, d.tenants, d.targets_sha256, d.whole_sha256, d.override_id, d.counts_at, d.state, d.used, \
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
        if let Some((_, ended, outcome)) = &closed {
            if record.decision.decision != Verdict::Allow {
                return Err(wrong(number, "it was closed, and never allowed"));
            }
            let (state, counts, went_well, count) = closing(outcome);
            (succeeded, deleted) = (went_well, count);
            expected.truncate(14);
            expected.extend([counts.then_some(*ended).into(), state.into()]);
            self.add_up(&record, OPEN, -1);
            if counts {
                self.add_up(&record, *ended, 1);
            }
        }
        expected.push(self.used.get(&number).copied().into());
        expected.push(closed.as_ref().map(|(entry, _, _)| *entry).into());
        expected.push(closed.as_ref().map_or(Value::Null, |(_, at, _)| (*at).into()));
        expected.extend([succeeded, deleted]);
        if row.0.get(..expected.len()) == Some(&expected) { Ok(()) } else { Err(differs()) }
    }

    pub(super) fn sums(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
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

    pub(super) fn blobs(&mut self, transaction: &mut dyn Transaction) -> Result<(), Stop> {
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
