//! Builds a policy set in code, without a `reprieve.toml`:
//!
//! ```text
//! cargo run -p reprieve --example policy_set
//! ```

use reprieve::model::Mode;
use reprieve::policy::{PolicyEntry, Scope};
use reprieve::{Batch, Folder, Gate, PolicySet};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

/// Vets one list as a soft and as a hard delete.
pub fn run() -> Result<String, Box<dyn Error>> {
    // Covers every batch, with default settings.
    let mode = PolicyEntry::builtin("mode");
    // Covers hard deletes only, and lets each reach two tenants.
    let size = PolicyEntry {
        settings: BTreeMap::from([("max_tenants".to_owned(), 2.into())]),
        when: Scope { mode: Some(Mode::Hard), ..Scope::default() },
        ..PolicyEntry::builtin("blast-radius")
    };
    // Its findings are reported, but do not change the verdict.
    let trial = PolicyEntry { enforce: false, ..PolicyEntry::builtin("authority") };
    let gate = Gate::builder().policies(PolicySet::of(vec![mode, size, trial]), None).build()?;

    let mut report = String::new();
    for mode in ["soft", "hard"] {
        let request = format!(
            r#"{{
                "id": "retire/1", "mode": "{mode}", "environment": "test", "target_kind": "app",
                "targets": [
                    {{ "id": "a-1", "tenant": "acme" }},
                    {{ "id": "a-2", "tenant": "globex" }},
                    {{ "id": "a-3", "tenant": "initech" }}
                ]
            }}"#
        );
        let batch = Batch::read(request.as_bytes(), "request.json", &Folder::open(".".as_ref())?)?;
        let decision = gate.vet(batch);
        writeln!(report, "{mode}: {}", decision.verdict().as_str())?;
        for finding in &decision.document().findings {
            let effect = if finding.denies() { "denies" } else { "is only reported" };
            writeln!(report, "  {} {effect}: {}", finding.code, finding.message)?;
        }
    }
    Ok(report)
}
