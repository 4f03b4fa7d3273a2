//! What is looked up about a batch before any policy sees it.

use crate::batch::Batch;
use crate::facts::{facts, review};
use crate::history::{self, History};
use crate::inventory::{Inventory, Resolution, resolve};
use crate::sandbox::View;
use crate::zones::Zones;
use reprieve_model::{Facts, Fault};
use std::sync::Arc;

/// Where it is looked up.
pub(crate) struct Sources {
    pub inventory: Option<Arc<dyn Inventory>>,
    pub history: Option<Arc<dyn History>>,
    pub zones: Zones,
}

/// All that is known of a batch.
pub(crate) struct Known {
    resolution: Option<Resolution>,
    pub facts: Facts,
    /// Claims and facts as policies are handed them.
    pub review: String,
}

impl Sources {
    /// Looks up all that policies are handed. What cannot be looked up is a fault, and unknown to the policies; they
    /// run all the same. Without a review they cannot, and only the facts are left.
    pub fn look_up(&self, batch: &Batch, faults: &mut Vec<Fault>) -> Result<Known, Box<Facts>> {
        let mut unknown = |cause: &str, error: &dyn std::fmt::Display| {
            faults.push(Fault::of_gate(cause, format!("the {cause} could not be asked: {error}")));
        };
        let inventory = self.inventory.as_deref();
        let resolution = inventory.map(|inventory| resolve(&batch.chunks, inventory, &batch.claims)).transpose();
        let resolution = resolution.unwrap_or_else(|error| {
            unknown("inventory", &error);
            None
        });
        let history = self.history.as_deref();
        let history = history.map(|history| history::facts(history, &batch.claims, batch.at)).transpose();
        let history = history.unwrap_or_else(|error| {
            unknown("history", &error);
            None
        });
        let mut facts = facts(&batch.claims, &batch.counts, &batch.digests, resolution.as_ref(), history, batch.at);
        facts.zones = self.zones.offsets(batch.at);
        match review(&batch.claims, &facts) {
            Ok(review) => Ok(Known { resolution, facts, review }),
            Err(error) => {
                faults.push(Fault::of_gate("review", format!("the review could not be written: {error}")));
                Err(Box::new(facts))
            }
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

impl Known {
    /// The batch as policies may ask for it.
    pub fn views<'a>(&'a self, batch: &'a Batch) -> Vec<View<'a>> {
        let resolved = |i| self.resolution.as_ref().and_then(|resolution| resolution.columns.get(i));
        let view = |(i, chunk)| View { chunk, resolved: resolved(i).map(Vec::as_slice).unwrap_or_default() };
        batch.chunks.iter().enumerate().map(view).collect()
    }

    /// How many tenants there are in all; 0 where nobody knows.
    pub fn population(&self) -> u64 {
        self.facts.inventory.as_ref().map_or(0, |inventory| inventory.population_tenants)
    }
}
