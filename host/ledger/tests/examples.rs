//! The examples run and report what their documentation says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::ledger::LedgerError;
use reprieve::model::{BatchState, Verdict};
use reprieve_ledger::{Filter, SqlLedger};

#[path = "../examples/embed.rs"]
#[allow(dead_code)]
mod embed;
#[path = "../examples/pipeline.rs"]
#[allow(dead_code)]
mod pipeline;

#[test]
fn pipeline_deletes_valid_batches_and_stops_at_wrong_ids() {
    let lines = pipeline::run().unwrap();
    assert_eq!(lines[..3], ["left in May: deleted 8", "left in June: deleted 8", "a wrong query: not allowed"]);
    assert_eq!(lines[3], "  identity/kind-mismatch: 4 of 10 targets are `site`, but the request says `customer`");
    assert_eq!(lines.last().unwrap(), "88 customers are left");
}

#[test]
fn embed_opens_the_ledger_that_the_policy_set_names() {
    let folder = tempfile::tempdir().unwrap();
    let [config, request, ledger] = ["reprieve.toml", "request.json", "reprieve.db"].map(|it| folder.path().join(it));
    std::fs::write(&config, "ledger = \"reprieve.db\"\n[[policy]]\nuse = \"builtin:blast-radius\"\n").unwrap();
    std::fs::write(
        &request,
        r#"{"id": "r-1", "mode": "soft", "environment": "production", "target_kind": "app", "targets": [
            {"id": "a-1", "kind": "app", "tenant": "t-1"}, {"id": "a-2", "kind": "app", "tenant": "t-2"}]}"#,
    )
    .unwrap();

    let error = embed::run(&config, &request).unwrap_err();
    let error = error.downcast_ref::<LedgerError>().unwrap();
    assert!(matches!(error, LedgerError::NotFound { .. }), "{error:?}");
    assert!(!ledger.exists(), "a missing ledger is not created");

    SqlLedger::create_sqlite(&ledger).unwrap();
    assert_eq!(embed::run(&config, &request).unwrap(), Some(2));
    let decisions = SqlLedger::open_sqlite(&ledger).unwrap().decisions(&Filter::default()).unwrap();
    let decisions: Vec<_> = decisions.iter().map(|summary| (summary.decision, summary.state)).collect();
    assert_eq!(decisions, [(Verdict::Allow, BatchState::Committed)]);
}
