//! Vets a request with every built-in policy, and prints the verdict and the findings:
//!
//! ```text
//! cargo run -p reprieve --example check -- REQUEST [INVENTORY]
//! ```
//!
//! A real program deletes what is in the permit of an allow. This one only prints.

use reprieve::inventory::open_inventory;
use reprieve::{Batch, Gate};
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let request = arguments.next().ok_or("usage: check REQUEST [INVENTORY]")?;
    print!("{}", run(&request, arguments.next().as_deref())?);
    Ok(())
}

/// Vets the request in a file, and returns a report.
pub fn run(request: &Path, inventory: Option<&Path>) -> Result<String, Box<dyn Error>> {
    let mut builder = Gate::builder();
    if let Some(path) = inventory {
        builder = builder.inventory(open_inventory(path)?);
    }
    let gate = builder.build()?;
    let decision = gate.vet(Batch::open(request)?);

    let document = decision.document();
    let mut report = format!("{}: {} targets\n", decision.verdict().as_str(), document.targets);
    for finding in &document.findings {
        writeln!(report, "  {}: {}\n    help: {}", finding.code, finding.message, finding.help)?;
    }
    for fault in &document.faults {
        writeln!(report, "  {} could not answer: {}", fault.policy, fault.message)?;
    }
    Ok(report)
}
