//! A program that embeds the gate with a policy set that names a ledger. Run it with `cargo run --release
//! -p reprieve-ledger --example embed -- reprieve.toml request.json`, in a folder whose `reprieve.toml` contains
//! `ledger = "reprieve.db"`. The command-line program creates the ledger beforehand; so does `SqlLedger::create`.

use reprieve::ledger::Outcome;
use reprieve::{Batch, Decision, Gate, LookupError, Permit};
use reprieve_ledger::with_named_ledger;
use std::path::Path;

type Failure = Box<dyn std::error::Error>;

// The destructive function takes a permit, and only the gate makes one.
fn delete(permit: &Permit) -> Result<u64, LookupError> {
    let mut deleted = 0;
    permit.batch().each_id(|id| {
        println!("deleting {id}");
        deleted += 1;
        Ok::<(), LookupError>(())
    })?;
    Ok(deleted)
}

/// Vets a request and deletes its targets if it is allowed. Returns the number of deleted targets, or `None` if the batch
/// was withheld.
pub fn run(config: &Path, request: &Path) -> Result<Option<u64>, Failure> {
    // One call opens the ledger that the policy set names and passes it to the builder.
    let password = std::env::var("PGPASSWORD").ok();
    let gate = with_named_ledger(Gate::builder().config(config)?, password.as_deref())?.build()?;
    match gate.vet(Batch::open(request)?) {
        Decision::Allow(permit) => match delete(&permit) {
            Ok(deleted) => {
                permit.commit(&Outcome::succeeded(deleted))?;
                Ok(Some(deleted))
            }
            Err(error) => {
                permit.commit(&Outcome::failed(error.to_string()))?;
                Err(error.into())
            }
        },
        Decision::Deny(withheld) | Decision::Undecided(withheld) => {
            for finding in &withheld.document().findings {
                eprintln!("{}: {}", finding.code, finding.message);
            }
            for fault in &withheld.document().faults {
                eprintln!("{}: {}", fault.policy, fault.message);
            }
            Ok(None)
        }
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let config = arguments.next().unwrap_or_else(|| "reprieve.toml".to_owned());
    let request = arguments.next().unwrap_or_else(|| "request.json".to_owned());
    match run(config.as_ref(), request.as_ref())? {
        Some(deleted) => println!("{deleted} targets are deleted"),
        None => println!("nothing is deleted"),
    }
    Ok(())
}
