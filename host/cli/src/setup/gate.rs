//! The gate: the policies, and where facts are looked up.

use super::ledger::LedgerArguments;
use super::policies::build;
use crate::reading::Resources;
use clap::Args;
use reprieve::history::PastBatches;
use reprieve::inventory::open_inventory_within;
use reprieve::signed::Signing;
use reprieve::{Gate, GateBuilder};
use reprieve_ledger::SqlLedger;
use std::path::PathBuf;

/// The policies, and where facts are looked up.
#[derive(Args, Debug)]
pub struct GateArguments {
    #[command(flatten)]
    pub(super) ledger: LedgerArguments,
    /// Ignore the ledger: record and reserve nothing, and decide without a history
    #[arg(long, conflicts_with = "ledger")]
    no_ledger: bool,
    /// Resolve ids with this inventory, instead of the one that the policy set names
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// The history, if there is no ledger: a JSON array of past batches
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

/// A gate, the ledger that it records in, and the settings for permits and overrides.
pub type Opened = (Gate, Option<SqlLedger>, Signing);

impl GateArguments {
    /// Builds the gate.
    pub fn open(&self, resources: &Resources) -> anyhow::Result<Opened> {
        let builder = self.ledger.policies.configured_builder()?;
        let signing = builder.signing();
        let mut builder = self.with_inventory(builder, resources)?;
        if let Some(path) = &self.history {
            builder = builder.history(PastBatches::open(path)?);
        }
        let ledger = if self.no_ledger { None } else { self.ledger.find(&builder)? };
        builder = match &ledger {
            Some(ledger) => builder.ledger(ledger.clone()),
            None => builder.without_ledger(),
        };
        Ok((build(builder)?, ledger, signing))
    }

    /// Builds a gate that records nothing and knows no history.
    pub fn open_without_ledger(&self, resources: &Resources) -> anyhow::Result<Gate> {
        build(self.with_inventory(self.ledger.policies.builder_without_ledger()?, resources)?)
    }

    fn with_inventory(&self, builder: GateBuilder, resources: &Resources) -> anyhow::Result<GateBuilder> {
        let (memory, threads) = (resources.memory(), resources.threads());
        let builder = builder.memory(memory).threads(threads);
        Ok(match &self.inventory {
            Some(path) => builder.inventory(open_inventory_within(path, memory, threads)?),
            None => builder,
        })
    }
}
