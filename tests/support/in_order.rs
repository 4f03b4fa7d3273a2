//! Batches with all evidence in order: every built-in policy allows them with its defaults, so a test that changes one
//! thing sees what that thing does.
#![allow(clippy::unwrap_used)]

use reprieve::history::PastBatches;
use reprieve::inventory::{Record, Table};
use reprieve::model::{DecisionDocument, Timestamp, Verdict};
use reprieve::policy::ModuleCache;
use reprieve::{Batch, Folder, Gate};
use serde_json::{Value, json};
use std::path::Path;

/// The time of every decision.
pub const AT: &str = "2026-03-02T12:00:00Z";
const DAY: i64 = 86_400;

/// Why a batch is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// The owners asked for it.
    Requested,
    /// The targets are unused, and are everything outside a keep-set.
    Unused,
    /// The data was moved.
    Moved,
    /// A person asked for the erasure of their data.
    Erased,
}

impl Case {
    /// Every case.
    pub const ALL: [Self; 4] = [Self::Requested, Self::Unused, Self::Moved, Self::Erased];

    /// Its targets: three apps of one tenant.
    pub fn targets(self) -> Value {
        let target = |i: u32| {
            let mut target = json!({ "id": format!("app-{i}"), "kind": "app", "tenant": "t-1" });
            if self == Self::Erased {
                target["x_identifier"] = json!("sam@example.org");
            }
            target
        };
        (1..=3).map(target).collect()
    }

    /// The request to delete these targets, which has all evidence.
    pub fn request(self, mode: &str, targets: &Value) -> Value {
        let mut request = json!({ "id": "retire/1", "mode": mode, "environment": "production", "target_kind": "app", "targets": targets });
        let digest = read(&request).unwrap().targets_sha256().to_owned();
        let approval = |by: &str| {
            json!({ "by": by, "type": "human", "at": "2026-03-02T11:45:00Z", "targets_sha256": digest, "mode": mode,
                "kinds": { "app": 3 }, "tenants": 1, "program_sha256": "5c".repeat(32) })
        };
        let evidence = json!({
            "operation": { "verb": "delete", "cascade": false, "program_sha256": "5c".repeat(32) },
            "reason": { "basis": "contract-end", "text": "retired", "ticket": "CHG-1", "trigger": "request",
                "trigger_source": "explicit" },
            "actor": { "id": "svc-cleanup", "type": "automation", "on_behalf_of": "carol",
                "credential": { "purpose": "deletion", "environment": "production" } },
            "provenance": { "source": "cmdb", "query": "select id from apps where retired and tenant = 't-1'",
                "selection": "explicit", "complete": true, "id_kind": "app", "row_count": 3, "source_total": 3,
                "sha256": digest, "extracted_at": "2026-03-02T11:20:00Z", "extracted_by": "dave",
                "program_sha256": "7d".repeat(32) },
            "dry_run": { "at": "2026-03-02T11:30:00Z", "targets_sha256": digest, "environment": "production", "count": 3,
                "by_kind": { "app": 3 }, "sample": ["app-1"], "program_sha256": "5c".repeat(32) },
            "recovery": { "soft_delete_days": 30,
                "checkpoints": [{ "id": "backup-7", "completed_at": "2026-03-02T06:00:00Z", "verified": true,
                    "covers_sha256": digest, "location": "offsite-account/vault-2",
                    "immutable_until": "2026-04-02T12:00:00Z" }],
                "restore": { "granularity": "tenant", "tested_at": "2026-02-02T12:00:00Z", "tested_scale": 10,
                    "tenants_per_batch": 10, "batch_duration": "PT2H", "parallel_batches": 1 } },
            "approvals": [approval("alice"), approval("bob")],
            "schedule": { "not_before": "2026-03-02T11:50:00Z", "expires_at": "2026-03-02T13:00:00Z", "freeze": false },
            "notice": { "owners_notified_at": "2026-02-02T12:00:00Z", "opt_outs": 0 },
            "campaign": "retire",
            "annotations": { "note": "for an operator's own policy" },
        });
        let own = match self {
            Self::Requested => json!({}),
            Self::Unused => json!({
                "reason": { "trigger": "disuse" },
                "provenance": { "selection": "complement", "page_size": 400,
                    "query": "apps not found in the catalogue of services",
                    "lookups": { "asked": 300, "answered": 300, "failed": 0 },
                    "keep_set": { "count": 297, "previous_count": 295, "observed_at": "2026-03-02T11:20:00Z" } },
            }),
            Self::Moved => json!({
                "reason": { "trigger": "migration" },
                "migration": { "copy": "storage-2", "verified_fraction": 1.0, "verified_at": "2026-01-21T12:00:00Z",
                    "source_hold_until": "2026-03-01T12:00:00Z" },
            }),
            Self::Erased => json!({ "reason": { "basis": "gdpr-17" } }),
        };
        merge(&mut request, evidence);
        merge(&mut request, own);
        request
    }
}

/// Merges objects, and replaces any other value.
fn merge(document: &mut Value, patch: Value) {
    match (document.as_object_mut(), patch) {
        (Some(fields), Value::Object(patch)) => {
            patch.into_iter().for_each(|(key, value)| merge(fields.entry(key).or_insert(Value::Null), value));
        }
        (_, patch) => *document = patch,
    }
}

/// What the inventory knows of a target: soft-deleted 40 days ago, and unused for 50.
pub fn record() -> Record {
    let ago = |days: i64| Some(Timestamp::parse(AT).unwrap().seconds() - days * DAY);
    let text = |text: &str| Some(text.to_owned());
    Record {
        kind: text("app"),
        tenant: text("t-1"),
        environment: text("production"),
        state: text("soft-deleted"),
        state_since: ago(40),
        created_at: ago(900),
        last_used_at: ago(50),
        size_bytes: Some(4_096),
        dependents: Some(Vec::new()),
        legal_hold: Some(false),
        retain_until: Some(0),
        ..Record::default()
    }
}

/// An inventory with this record of each target, their backup, and 300 other apps of as many tenants.
pub fn inventory(target: &Record) -> Table {
    let mut table = Table::default();
    (1..=3).for_each(|i| table.add(&format!("app-{i}"), target.clone(), None).unwrap());
    let backup = Record { kind: Some("backup".to_owned()), state: Some("live".to_owned()), ..record() };
    table.add("backup-7", backup, None).unwrap();
    for i in 1..=300 {
        let other = Record { tenant: Some(format!("other-{i}")), state: Some("live".to_owned()), ..record() };
        table.add(&format!("other-app-{i}"), other, None).unwrap();
    }
    table
}

/// A gate with all built-in policies, this inventory and this history.
pub fn gate(inventory: Option<Table>, history: Option<PastBatches>) -> Gate {
    let out = Path::new(env!("OUT_DIR"));
    let cache = ModuleCache::new(out.join("compiled"), out.join("state"));
    let mut builder = Gate::builder().cache(cache);
    if let Some(inventory) = inventory {
        builder = builder.inventory(inventory);
    }
    if let Some(history) = history {
        builder = builder.history(history);
    }
    builder.build().unwrap()
}

/// A gate that allows every case.
pub fn usual_gate() -> Gate {
    gate(Some(inventory(&record())), Some(PastBatches::new(Vec::new())))
}

fn read(request: &Value) -> Option<Batch> {
    let folder = Folder::open(Path::new(".")).unwrap();
    let batch = Batch::read(request.to_string().as_bytes(), "request", &folder).ok()?;
    Some(batch.at(Timestamp::parse(AT).unwrap()))
}

/// The decision about a request. None: it cannot be read.
pub fn decide(gate: &Gate, request: &Value) -> Option<DecisionDocument> {
    Some(gate.vet(read(request)?).document().clone())
}

/// Whether a request is allowed.
pub fn is_allowed(gate: &Gate, request: &Value) -> bool {
    decide(gate, request).is_some_and(|document| document.decision == Verdict::Allow)
}
