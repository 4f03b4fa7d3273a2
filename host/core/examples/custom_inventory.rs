//! Resolves ids with the program's own record of what they are:
//!
//! ```text
//! cargo run -p reprieve --example custom_inventory
//! ```
//!
//! Here the record is a map. For a service, take one consistent snapshot, and ask for many ids in one call.

use reprieve::inventory::{Inventory, PoolRecord, Record, Snapshot};
use reprieve::policy::PolicyEntry;
use reprieve::{Batch, Folder, Gate, LookupError, PolicySet};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;

/// What is known of each id.
struct Assets(HashMap<String, Record>);

impl Inventory for Assets {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        Ok(Box::new(AssetsSnapshot(&self.0)))
    }
}

struct AssetsSnapshot<'a>(&'a HashMap<String, Record>);

impl Snapshot for AssetsSnapshot<'_> {
    // The decision records this digest, so it has to change with every answer.
    fn sha256(&self) -> String {
        let sorted: BTreeMap<_, _> = self.0.iter().collect();
        hex::encode(Sha256::digest(format!("{sorted:?}")))
    }

    // The answer has one entry per id, in the order of the ids. An unknown id is `None`, never left out.
    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        Ok(ids.iter().map(|id| self.0.get(*id).map(Cow::Borrowed)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let count = |kind: &str| self.0.values().filter(|record| record.kind.as_deref() == Some(kind)).count() as u64;
        Ok(kinds.iter().map(|kind| ((*kind).to_owned(), count(kind))).collect())
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        let tenants: BTreeSet<_> = self.0.values().filter_map(|record| record.tenant.as_deref()).collect();
        Ok(tenants.len() as u64)
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        Ok(vec![PoolRecord::default(); names.len()])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

/// Vets a list in which one id is a site, although the request is about apps.
pub fn run() -> Result<String, Box<dyn Error>> {
    let record = |kind: &str, tenant: &str| Record {
        kind: Some(kind.to_owned()),
        tenant: Some(tenant.to_owned()),
        environment: Some("production".to_owned()),
        state: Some("disabled".to_owned()),
        dependents: Some(Vec::new()),
        ..Record::default()
    };
    let assets = Assets(HashMap::from([
        ("a-1".to_owned(), record("app", "acme")),
        ("a-2".to_owned(), record("site", "globex")),
    ]));
    let set = PolicySet::of(vec![PolicyEntry::builtin("identity")]);
    let gate = Gate::builder().policies(set, None).inventory(assets).build()?;

    let request = r#"{
        "id": "retire/1", "mode": "hard", "environment": "production", "target_kind": "app",
        "targets": [{ "id": "a-1" }, { "id": "a-2" }]
    }"#;
    let batch = Batch::read(request.as_bytes(), "request.json", &Folder::open(".".as_ref())?)?;
    let decision = gate.vet(batch);
    let lines = decision.document().findings.iter().map(|finding| format!("{}: {}\n", finding.code, finding.message));
    Ok(format!("{}\n{}", decision.verdict().as_str(), lines.collect::<String>()))
}
