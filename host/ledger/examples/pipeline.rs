//! A pipeline that deletes rows from a real database through the gate. Run it with `cargo run --release
//! -p reprieve-ledger --example pipeline`. It creates a database of customers in a temporary folder and deletes customers
//! that have left in two batches. The gate denies the third batch, which contains wrong ids.

use reprieve::inventory::open_inventory;
use reprieve::ledger::Outcome;
use reprieve::policy::PolicyEntry;
use reprieve::{Batch, Decision, Folder, Gate, Permit, PolicySet};
use reprieve_ledger::SqlLedger;
use rusqlite::Connection;
use serde_json::json;
use std::path::Path;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Runs the pipeline and returns its report.
pub fn run() -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("customers.db");
    let customers = customers(&database)?;

    // The database of the customers is the inventory as well: a view describes each id.
    let settings = [("tenants_a_day_soft".to_owned(), json!(20))].into();
    let policies = ["identity", "blast-radius"].into_iter().map(PolicyEntry::builtin);
    let timing = PolicyEntry { settings, ..PolicyEntry::builtin("timing") };
    let gate = Gate::builder()
        .policies(PolicySet::of(policies.chain([timing]).collect()), None)
        .inventory(open_inventory(&database)?)
        .ledger(SqlLedger::create_sqlite(&folder.path().join("reprieve.db"))?)
        .build()?;

    for (name, ids) in [("left in May", 1..=8), ("left in June", 9..=16), ("a wrong query", 95..=104)] {
        let targets: Vec<_> = ids.map(|id| json!({ "id": format!("c-{id}"), "kind": "customer" })).collect();
        let request = json!({
            "id": name, "mode": "soft", "environment": "production", "target_kind": "customer", "targets": targets,
        });
        let base = Folder::open(folder.path())?;
        match gate.vet(Batch::read(request.to_string().as_bytes(), name, &base)?) {
            Decision::Allow(permit) => lines.push(format!("{name}: deleted {}", delete(&customers, permit)?)),
            Decision::Deny(withheld) | Decision::Undecided(withheld) => {
                lines.push(format!("{name}: not allowed"));
                let denials = withheld.document().findings.iter().filter(|finding| finding.denies());
                lines.extend(denials.map(|finding| format!("  {}: {}", finding.code, finding.message)));
            }
        }
    }
    let left: u64 = customers.query_row("SELECT count(*) FROM customers", [], |row| row.get(0))?;
    lines.push(format!("{left} customers are left"));
    Ok(lines)
}

/// The destructive call. It takes a permit and deletes exactly the targets in it.
fn delete(customers: &Connection, permit: Permit) -> Result<usize, Failure> {
    let deleted = (|| {
        // One transaction, so that either the whole batch is deleted or nothing.
        let transaction = customers.unchecked_transaction()?;
        let mut deleted = 0;
        permit.batch().each_id(|id| -> Result<(), Failure> {
            deleted += transaction.execute("DELETE FROM customers WHERE id = ?1", [id])?;
            Ok(())
        })?;
        transaction.commit()?;
        Ok::<_, Failure>(deleted)
    })();
    match deleted {
        Ok(deleted) => {
            permit.commit(&Outcome::succeeded(deleted as u64))?;
            Ok(deleted)
        }
        Err(error) => {
            permit.abort(&format!("rolled back: {error}"))?;
            Err(error)
        }
    }
}

/// Creates a hundred customers whose contracts have ended, and four of their sites.
fn customers(path: &Path) -> Result<Connection, Failure> {
    let customers = Connection::open(path)?;
    customers.execute_batch(
        "CREATE TABLE customers (id TEXT PRIMARY KEY, kind TEXT NOT NULL);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 104)
         INSERT INTO customers SELECT 'c-' || i, CASE WHEN i <= 100 THEN 'customer' ELSE 'site' END FROM n;
         CREATE VIEW inventory AS SELECT id, kind, id AS tenant, 'production' AS environment,
           'decommissioning' AS state, 'none' AS dependents FROM customers;",
    )?;
    Ok(customers)
}
