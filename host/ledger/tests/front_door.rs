//! The first program that an embedder copies works with the first policy set that an operator copies: both are read from
//! the README. (`src/lib.rs` compiles the README's program.)
#![allow(clippy::unwrap_used, clippy::expect_used)]

use reprieve::model::{BatchState, Verdict};
use reprieve::policy::builtin_component;
use reprieve_ledger::{Filter, SqlLedger};
use std::path::Path;

#[path = "../examples/embed.rs"]
#[allow(dead_code)]
mod embed;

const README: &str = include_str!("../../../README.md");

/// The block of the README in this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("```{language}\n")).expect("a block in this language");
    rest.split_once("```").expect("its end").0
}

/// Writes the README's `reprieve.toml` with everything that it names.
fn policy_set(folder: &Path) {
    let module = builtin_component();
    let (_, sha256) = reprieve::Gate::builder().pinned(module).describe(module, Some("mode")).unwrap();
    let set = block("toml").replace("ours.wasm\"", "ours.wasm\"\nname = \"mode\"").replace('…', &sha256);
    std::fs::write(folder.join("reprieve.toml"), set).unwrap();
    std::fs::create_dir(folder.join("policies")).unwrap();
    std::fs::write(folder.join("policies/ours.wasm"), module).unwrap();
    std::fs::write(folder.join("calendar.json"), "[]").unwrap();
    let rows: String = (0..40).map(|i| format!("a-{i},app,t-{i},production,disabled,none\n")).collect();
    std::fs::write(folder.join("inventory.csv"), format!("id,kind,tenant,environment,state,dependents\n{rows}"))
        .unwrap();
    SqlLedger::create_sqlite(&folder.join("reprieve.db")).unwrap();
}

fn request(folder: &Path, id: &str, targets: usize) -> std::path::PathBuf {
    let targets: Vec<String> = (0..targets).map(|i| format!(r#"{{"id": "a-{i}"}}"#)).collect();
    let targets = targets.join(", ");
    let path = folder.join(format!("{id}.json"));
    let text = format!(
        r#"{{"id": "{id}", "mode": "hard", "environment": "production", "target_kind": "app", "targets": [{targets}]}}"#
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_readmes_program_runs_with_the_readmes_policy_set() {
    let folder = tempfile::tempdir().unwrap();
    policy_set(folder.path());
    let config = folder.path().join("reprieve.toml");
    let small = request(folder.path(), "small", 3);
    let large = request(folder.path(), "large", 11);

    assert_eq!(embed::run(&config, &small).unwrap(), Some(3));
    assert_eq!(embed::run(&config, &large).unwrap(), None, "more than `max_tenants = 10`");

    let decisions = SqlLedger::open_sqlite(&folder.path().join("reprieve.db")).unwrap();
    let decisions = decisions.decisions(&Filter::default()).unwrap();
    let mut recorded: Vec<_> = decisions.iter().map(|summary| (summary.decision, summary.state)).collect();
    recorded.sort_by_key(|(verdict, _)| verdict.as_str());
    assert_eq!(recorded, [(Verdict::Allow, BatchState::Committed), (Verdict::Deny, BatchState::NotAllowed)]);
}
