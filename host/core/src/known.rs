//! What is looked up about a batch before any policy sees it.

use crate::batch::Batch;
use crate::columns::Chunk;
use crate::facts::{facts, review};
use crate::history::{History, Question};
use crate::inventory::{Inventory, Resolution, resolve};
use crate::ledger::Ledger;
use crate::sandbox::View;
use crate::unavailable::Unavailable;
use crate::zones::Zones;
use reprieve_model::{Facts, Fault, HistoryFacts, Timestamp};
use std::borrow::Cow;
use std::sync::Arc;

/// Where it is looked up.
pub(crate) struct Sources {
    pub inventory: Option<Arc<dyn Inventory>>,
    pub past: Past,
    pub zones: Zones,
}

/// Where it is looked up what was deleted before.
pub(crate) enum Past {
    /// Nobody knows.
    Unknown,
    History(Arc<dyn History>),
    Ledger(Arc<dyn Ledger>),
}

/// All that is known of a batch.
pub(crate) struct Known {
    resolution: Option<Arc<Resolution>>,
    pub facts: Facts,
    /// Claims and facts as policies are handed them.
    pub review: String,
}

impl Sources {
    /// Looks up all that policies are handed. What cannot be looked up is a fault, and unknown to the policies; they
    /// run all the same. Without a review they cannot, and only the facts are left.
    pub fn look_up(&self, batch: &Batch, faults: &mut Vec<Fault>) -> Result<Known, Box<Facts>> {
        let resolution = self.resolve(batch, faults);
        let question = Question::about(batch);
        let history = match &self.past {
            Past::Unknown => Ok(None),
            Past::History(history) => history.facts(&question, batch.at).map(Some),
            Past::Ledger(ledger) => ledger.standing(&question).map(|standing| Some(standing.history)),
        };
        let history = history.unwrap_or_else(|error| {
            faults.push(cannot_be_asked("history", &error));
            None
        });
        self.put_together(batch, batch.at, resolution, history, faults)
    }

    /// Asks the inventory.
    pub fn resolve(&self, batch: &Batch, faults: &mut Vec<Fault>) -> Option<Arc<Resolution>> {
        let inventory = self.inventory.as_deref()?;
        let contacts = matches!(self.past, Past::Ledger(_));
        let resolved = resolve(&batch.chunks, inventory, &batch.claims, contacts, batch.memory.resolved());
        resolved.map(Arc::new).map_err(|error| faults.push(cannot_be_asked("inventory", &error))).ok()
    }

    /// Puts together what policies are handed.
    pub fn put_together(
        &self,
        batch: &Batch,
        at: Timestamp,
        resolution: Option<Arc<Resolution>>,
        history: Option<HistoryFacts>,
        faults: &mut Vec<Fault>,
    ) -> Result<Known, Box<Facts>> {
        let found = resolution.as_ref().map(|resolution| &resolution.facts);
        let mut facts = facts(&batch.claims, &batch.counts, &batch.digests, found, history, at);
        facts.whole.clone_from(&batch.whole);
        facts.zones = self.zones.offsets(at);
        match review(&batch.claims, &facts) {
            Ok(review) => Ok(Known { resolution, facts, review }),
            Err(error) => {
                faults.push(Fault::of_gate("review", format!("the review could not be written: {error}")));
                Err(Box::new(facts))
            }
        }
    }

    /// What was known of a batch that is recorded. Zones are looked up again, for other settings may name others.
    pub fn known_then(&self, batch: &Batch, facts: Facts) -> Result<Known, String> {
        let facts = Facts { zones: self.zones.offsets(facts.evaluated_at), ..facts };
        let review = review(&batch.claims, &facts).map_err(|error| error.to_string())?;
        Ok(Known { resolution: None, facts, review })
    }

    pub fn ledger(&self) -> Option<&Arc<dyn Ledger>> {
        match &self.past {
            Past::Ledger(ledger) => Some(ledger),
            Past::Unknown | Past::History(_) => None,
        }
    }

    /// Looks it up where nothing less than all of it will do: gives the first fault otherwise.
    pub fn look_up_all(&self, batch: &Batch) -> Result<Known, Fault> {
        let mut faults = Vec::new();
        let known = self.look_up(batch, &mut faults);
        match (known, faults.into_iter().next()) {
            (_, Some(fault)) => Err(fault),
            (Ok(known), None) => Ok(known),
            (Err(_), None) => Err(Fault::of_gate("review", "the review could not be written")),
        }
    }
}

fn cannot_be_asked(cause: &str, error: &Unavailable) -> Fault {
    Fault::of_gate(cause, format!("the {cause} could not be asked: {error}"))
}

/// That the batch itself cannot be read again.
pub(crate) fn unreadable(error: &Unavailable) -> Fault {
    Fault::of_gate("batch", error.to_string())
}

/// A run of targets, with what the inventory says of them.
pub(crate) struct Rows<'a> {
    chunk: Cow<'a, Chunk>,
    resolved: Option<Cow<'a, Chunk>>,
}

impl Rows<'_> {
    /// As policies may ask for it.
    pub fn view(&self) -> View<'_> {
        let resolved = self.resolved.as_ref().map(|resolved| resolved.columns.as_slice());
        View { chunk: &self.chunk, resolved: resolved.unwrap_or_default() }
    }
}

impl Known {
    /// Chunk `i` of the batch.
    pub fn rows<'a>(&'a self, batch: &'a Batch, i: usize) -> Result<Rows<'a>, Unavailable> {
        let resolved = self.resolution.as_ref().map(|resolution| resolution.columns.get(i)).transpose()?;
        Ok(Rows { chunk: batch.chunks.get(i)?, resolved })
    }

    /// The whole batch in memory, however large it is.
    pub fn all_rows<'a>(&'a self, batch: &'a Batch) -> Result<Vec<Rows<'a>>, Unavailable> {
        (0..batch.chunks.len()).map(|i| self.rows(batch, i)).collect()
    }

    /// How many tenants there are in all; 0 where nobody knows.
    pub fn population(&self) -> u64 {
        self.facts.inventory.as_ref().map_or(0, |inventory| inventory.population_tenants)
    }
}
