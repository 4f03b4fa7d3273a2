//! Decisions over HTTP without a ledger, to measure what the ledger of `reprieve serve` costs:
//!
//! ```text
//! cargo run --release -p reprieve-server --example unrecorded -- reprieve.toml 127.0.0.1:7482
//! ```
//!
//! Nothing may be deleted by its answers: they are not recorded, and nobody authenticates. `reprieve serve` does not start
//! without a ledger.

#[path = "../../../benches/peers/service/src/serve.rs"]
mod serve;

use reprieve::model::Verdict;
use reprieve::{Batch, DecisionReport, Folder, Gate, ReadOptions};
use serve::{Answer, serve};
use std::error::Error;
use std::path::Path;

/// The memory that a batch may use, in bytes: that of `reprieve serve`.
const MEMORY: u64 = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(config), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("usage: unrecorded CONFIG ADDRESS:PORT".into());
    };
    let (folder, _) = Folder::of(Path::new(&config))?;
    let gate = Gate::builder().config(Path::new(&config))?.without_ledger().threads(1).build()?;
    serve(&address, move |body| decide(&gate, &folder, body).map_err(|error| error.to_string()))?;
    Ok(())
}

fn decide(gate: &Gate, folder: &Folder, body: &[u8]) -> Result<Answer, Box<dyn Error>> {
    let options = ReadOptions::default().memory(MEMORY).threads(1).without_files();
    let decision = gate.vet(Batch::read_with(body, "request", folder, options)?);
    let report = DecisionReport { decision: decision.document().clone(), breakdown: decision.breakdown()? };
    Ok(Answer { is_allowed: decision.verdict() == Verdict::Allow, json: serde_json::to_vec(&report)? })
}
