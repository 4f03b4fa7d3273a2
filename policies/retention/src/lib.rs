//! What has to be kept.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Case, Chunk, Findings, Policy, Rows, Rule, policy, said};
use rules::{AMBIGUOUS_SUBJECT, HOLD_UNKNOWN, LEGAL_HOLD, RETAIN_UNTIL, RULES, Settings};
use std::collections::BTreeMap;

/// The list's own column with the identifier that a person gave.
const IDENTIFIER: &str = "x_identifier";

/// The policy `retention`.
#[derive(Debug)]
pub struct Retention;

/// The offending targets by what is wrong with them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct State {
    held: Rows,
    kept: Rows,
    unknown: Rows,
    /// The tenants that each identifier matched, with the first row of each.
    subjects: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Policy for Retention {
    const NAME: &'static str = "retention";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "What has to be kept.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["tenant", IDENTIFIER, "resolved_tenant", "legal_hold", "retain_until"];
    type Settings = Settings;
    type State = State;

    fn observe(case: &Case<Settings>, state: &mut State, chunk: &Chunk) {
        let now = case.facts.evaluated_at().seconds();
        let (hold, until) = (chunk.column("legal_hold"), chunk.column("retain_until"));
        for row in 0..chunk.rows as usize {
            let hold = hold.and_then(|hold| hold.bool(row));
            let until = until.and_then(|until| until.i64(row));
            state.held.add_if(hold == Some(true), chunk.row(row));
            state.kept.add_if(until.is_some_and(|until| until > now), chunk.row(row));
            state.unknown.add_if(hold.is_none() || until.is_none(), chunk.row(row));
        }
        if is_erasure(case) {
            observe_subjects(state, chunk);
        }
    }

    fn merge(state: &mut State, other: State) {
        state.held.merge(other.held);
        state.kept.merge(other.kept);
        state.unknown.merge(other.unknown);
        for (identifier, tenants) in other.subjects {
            let known = state.subjects.entry(identifier).or_default();
            for (tenant, row) in tenants {
                known.entry(tenant).and_modify(|first| *first = (*first).min(row)).or_insert(row);
            }
        }
    }

    fn check(case: &Case<Settings>, state: &State, findings: &mut Findings) {
        let targets = case.facts.targets();
        if state.held.any() {
            findings
                .deny(&LEGAL_HOLD, format!("{} of {targets} targets are under a legal hold", state.held.count))
                .field("/targets")
                .rows(&state.held)
                .help("take them off the list; a hold is lifted by whoever placed it");
        }
        if state.kept.any() {
            findings
                .deny(&RETAIN_UNTIL, format!("{} of {targets} targets have to be kept for longer", state.kept.count))
                .field("/targets")
                .rows(&state.kept)
                .help("take them off the list until their retention period ends");
        }
        if state.unknown.any() {
            findings
                .deny_if(
                    case.is_hard(),
                    &HOLD_UNKNOWN,
                    format!("nobody knows whether {} of {targets} targets have to be kept", state.unknown.count),
                )
                .field("/targets")
                .rows(&state.unknown)
                .help("give `legal_hold` and `retain_until` in the inventory; write `none` where there is none");
        }
        check_subjects(state, findings);
    }
}

fn is_erasure(case: &Case<Settings>) -> bool {
    let basis = case.claims.reason().and_then(|reason| said(&reason.basis));
    basis.is_some_and(|basis| case.settings.erasure_bases.iter().any(|listed| listed == basis))
}

fn observe_subjects(state: &mut State, chunk: &Chunk) {
    let Some(identifiers) = chunk.column(IDENTIFIER) else { return };
    let (claimed, resolved) = (chunk.column("tenant"), chunk.column("resolved_tenant"));
    for row in 0..chunk.rows as usize {
        let tenant = resolved.and_then(|column| column.text(row)).or_else(|| claimed?.text(row));
        if let (Some(identifier), Some(tenant)) = (identifiers.text(row), tenant) {
            let tenants = state.subjects.entry(identifier.to_owned()).or_default();
            tenants.entry(tenant.to_owned()).or_insert_with(|| chunk.row(row));
        }
    }
}

fn check_subjects(state: &State, findings: &mut Findings) {
    let mut rows = Rows::default();
    let mut first = None;
    for (identifier, tenants) in state.subjects.iter().filter(|(_, tenants)| tenants.len() > 1) {
        first = first.or(Some((identifier, tenants.len())));
        tenants.values().for_each(|row| rows.merge(Rows { count: 1, examples: vec![*row] }));
    }
    if let Some((identifier, tenants)) = first {
        findings
            .deny(&AMBIGUOUS_SUBJECT, format!("the identifier `{identifier}` matches {tenants} tenants"))
            .field("/targets")
            .rows(&rows)
            .help("ask the person for something that only they have, and erase only theirs");
    }
}

policy!(Retention);
