//! Evidence: the corrected Atlassian request is allowed, and is no longer allowed when any evidence that a policy
//! requires is missing or altered by a single byte.

use reprieve::history::PastBatches;
use reprieve::inventory::Table;
use reprieve::model::{Timestamp, Verdict};
use reprieve::{Batch, Folder, Gate};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn twin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/i01-atlassian/corrected")
}

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let inventory = Table::open(&twin().join("inventory.csv")).unwrap();
    Gate::builder().inventory(inventory).build().unwrap()
});

fn request() -> Value {
    serde_json::from_str(&std::fs::read_to_string(twin().join("request.json")).unwrap()).unwrap()
}

/// Whether this text is a valid request that is allowed.
fn is_allowed(text: &str) -> bool {
    let folder = Folder::open(&twin()).unwrap();
    match Batch::read(text.as_bytes(), "request", &folder) {
        Ok(batch) => {
            let batch = batch.at(Timestamp::parse("2022-04-05T10:00:00Z").unwrap());
            GATE.vet(batch).verdict() == Verdict::Allow
        }
        Err(_) => false,
    }
}

/// Values that the default policies require and can verify.
const EXACT: &[&str] = &[
    "/mode",
    "/environment",
    "/target_kind",
    "/provenance/id_kind",
    "/provenance/sha256",
    "/provenance/selection",
    "/provenance/extracted_at",
    "/schedule/expires_at",
    "/targets/0/id",
    "/targets/0/kind",
    "/targets/1/id",
    "/targets/1/tenant",
];

/// Values that they require and cannot verify.
const PRESENT: &[&str] = &["source", "extracted_at", "extracted_by", "row_count", "sha256"];

#[test]
fn the_unchanged_request_is_allowed() {
    assert!(is_allowed(&request().to_string()));
}

#[test]
fn removing_a_single_byte_of_evidence_prevents_an_allow() {
    for pointer in EXACT {
        let whole = request();
        let text = whole.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer}"));
        for at in 0..text.len() {
            let mut changed = request();
            let shorter = format!("{}{}", &text[..at], &text[at + 1..]);
            *changed.pointer_mut(pointer).unwrap() = shorter.clone().into();
            assert!(!is_allowed(&changed.to_string()), "{pointer} as `{shorter}`");
        }
    }
}

#[test]
fn wrong_counts_prevent_an_allow() {
    for count in [0, 1, 3, 20, 22] {
        let mut changed = request();
        changed["provenance"]["row_count"] = count.into();
        assert!(!is_allowed(&changed.to_string()), "{count}");
    }
    let mut changed = request();
    changed["provenance"]["complete"] = false.into();
    assert!(!is_allowed(&changed.to_string()));
}

#[test]
fn missing_evidence_prevents_an_allow() {
    for field in PRESENT {
        for instead in [None, Some(Value::Null), Some("".into()), Some(" ".into())] {
            let mut changed = request();
            let provenance = changed["provenance"].as_object_mut().unwrap();
            match instead.clone() {
                None => drop(provenance.remove(*field)),
                Some(value) => drop(provenance.insert((*field).to_owned(), value)),
            }
            assert!(!is_allowed(&changed.to_string()), "{field} as {instead:?}");
        }
    }
}

#[test]
fn hard_delete_with_full_evidence_is_allowed() {
    let mut request = request();
    request["mode"] = "hard".into();
    request["reason"]["basis"] = "contract-end".into();
    // The list was extracted again, right before the batch runs.
    request["provenance"]["extracted_at"] = "2022-04-05T09:35:00Z".into();
    request["approvals"].as_array_mut().unwrap().iter_mut().for_each(|approval| approval["mode"] = "hard".into());
    // The same inventory, after the apps were soft-deleted in February.
    let inventory = std::fs::read_to_string(twin().join("inventory.csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inventory.csv"), inventory.replace("decommissioning", "soft-deleted"))
        .unwrap();
    let gate = |with_history: bool| {
        let builder = Gate::builder().inventory(Table::open(&folder.path().join("inventory.csv")).unwrap());
        if with_history { builder.history(PastBatches::new(Vec::new())) } else { builder }.build().unwrap()
    };
    let vet = |gate: &Gate| {
        let batch = Batch::read(request.to_string().as_bytes(), "request", &Folder::open(&twin()).unwrap()).unwrap();
        gate.vet(batch.at(Timestamp::parse("2022-04-05T10:00:00Z").unwrap())).document().clone()
    };
    let document = vet(&gate(true));
    assert_eq!(document.decision, Verdict::Allow, "{:#?}", document.findings);
    assert_eq!(vet(&gate(false)).decision, Verdict::Deny, "without a history");
}
