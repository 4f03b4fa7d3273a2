//! Protects targets that must be kept.
//!
//! In reading order: legal holds, retention periods, targets for which either is unknown, and identifiers of erasure
//! requests that match several tenants. `state.rs` counts the targets, and
//! `identifier.rs` compares identifiers.

mod identifier;
mod rules;
mod state;
#[cfg(test)]
mod tests;

use reprieve_sdk::{Chunk, Context, Findings, Policy, Rows, Rule};
use rules::{AMBIGUOUS_SUBJECT, HOLD_UNKNOWN, LEGAL_HOLD, RETAIN_UNTIL, RULES, Settings};
use state::State;

/// The policy `retention`. It denies targets that are under a legal hold or within their retention period, and hard
/// deletes of targets for which this is unknown. It also denies erasure requests that match more than one tenant.
#[derive(Debug)]
pub struct Retention;

impl Policy for Retention {
    const NAME: &'static str = "retention";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Protects targets that must be kept.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = state::COLUMNS;
    type Settings = Settings;
    type State = State;

    fn observe(context: &Context<Settings>, state: &mut State, chunk: &Chunk) {
        state.observe(context, chunk);
    }

    fn merge(state: &mut State, other: State) {
        state.merge(other);
    }

    fn check(context: &Context<Settings>, state: &State, findings: &mut Findings) {
        check_holds(context, state, findings);
        check_retention(context, state, findings);
        check_unknown(context, state, findings);
        check_subjects(context, state, findings);
    }
}

fn check_holds(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if state.held.any() {
        let (count, targets) = (state.held.count, context.facts.targets());
        findings
            .deny(&LEGAL_HOLD, format!("{count} of {targets} targets are under a legal hold"))
            .field("/targets")
            .rows(&state.held)
            .help("remove them from the list; only the person who placed a hold can lift it");
    }
}

fn check_retention(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if state.kept.any() {
        let (count, targets) = (state.kept.count, context.facts.targets());
        findings
            .deny(&RETAIN_UNTIL, format!("the retention period of {count} of {targets} targets has not ended"))
            .field("/targets")
            .rows(&state.kept)
            .help("remove them from the list until their retention period ends");
    }
}

fn check_unknown(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if state.unknown.any() {
        let (count, targets) = (state.unknown.count, context.facts.targets());
        findings
            .deny_if(
                context.is_hard(),
                &HOLD_UNKNOWN,
                format!("it is unknown whether {count} of {targets} targets must be kept"),
            )
            .field("/targets")
            .rows(&state.unknown)
            .help("state `legal_hold` and `retain_until` in the inventory; write `none` if there is none");
    }
}

fn check_subjects(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if state.unidentified.any() {
        findings
            .deny(
                &AMBIGUOUS_SUBJECT,
                format!(
                    "it is unknown by which identifier {} of {} targets of an erasure were found",
                    state.unidentified.count,
                    context.facts.targets()
                ),
            )
            .missing()
            .field("/targets")
            .rows(&state.unidentified)
            .help("state it for each target in a column `x_identifier` of the list, for example the e-mail address");
    }
    let mut rows = Rows::default();
    let mut first = None;
    for subject in state.subjects.values().filter(|subject| subject.tenants_at_most() > 1) {
        first = first.or(Some(subject));
        let found = subject.tenants.values().chain(&subject.unknown);
        found.for_each(|row| rows.merge(Rows { count: 1, examples: vec![*row] }));
    }
    if let Some(subject) = first {
        let known = if subject.unknown.is_empty() { "matches" } else { "may match" };
        let (identifier, tenants) = (&subject.text, subject.tenants_at_most());
        findings
            .deny(&AMBIGUOUS_SUBJECT, format!("the identifier `{identifier}` {known} {tenants} tenants"))
            .field("/targets")
            .rows(&rows)
            .help("ask the person for an identifier that is unique to them, and erase only their data");
    }
}
