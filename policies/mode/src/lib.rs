//! Soft or hard: a hard delete needs a legal basis, and a soft delete before it.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{Trigger, TriggerSource};
use reprieve_sdk::{Case, Chunk, Findings, Policy, Rows, Rule, policy, said};
use rules::{DEFAULT_TRIGGER, NO_LEGAL_BASIS, RULES, SOFT_DELETE_FIRST, Settings};

/// The policy `mode`.
#[derive(Debug)]
pub struct Mode;

const DAY: i64 = 86_400;
/// Below this a soft delete is a hard one by another name, whatever the settings.
const SOFT_DAYS_FLOOR: u32 = 7;

impl Policy for Mode {
    const NAME: &'static str = "mode";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Hard deletion needs a legal basis and a soft deletion before it.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["resolved_state", "resolved_state_since"];
    type Settings = Settings;
    /// Targets that were not soft-deleted long enough.
    type State = Rows;

    fn observe(case: &Case<Settings>, too_early: &mut Rows, chunk: &Chunk) {
        if case.is_hard() {
            find_too_early(case, too_early, chunk);
        }
    }

    fn merge(too_early: &mut Rows, other: Rows) {
        too_early.merge(other);
    }

    fn check(case: &Case<Settings>, too_early: &Rows, findings: &mut Findings) {
        if case.is_hard() {
            check_legal_basis(case, findings);
            check_soft_delete_first(case, too_early, findings);
        } else {
            check_soft_period(case, findings);
        }
        check_trigger(case, findings);
    }
}

fn basis(case: &Case<Settings>) -> Option<&str> {
    said(&case.claims.reason()?.basis)
}

fn is_listed(basis: Option<&str>, bases: &[String]) -> bool {
    basis.is_some_and(|basis| bases.iter().any(|listed| listed == basis))
}

fn find_too_early(case: &Case<Settings>, too_early: &mut Rows, chunk: &Chunk) {
    let latest = case.facts.evaluated_at().seconds() - case.settings.soft_days as i64 * DAY;
    let since = chunk.column("resolved_state_since");
    match chunk.column("resolved_state") {
        None => (0..chunk.rows as usize).for_each(|row| too_early.add(chunk.row(row))),
        Some(state) => state.judge(
            |state| state == "soft-deleted",
            |row, soft_deleted| {
                let long_enough = since.and_then(|since| since.i64(row)).is_some_and(|since| since <= latest);
                too_early.add_if(soft_deleted != Some(true) || !long_enough, chunk.row(row));
            },
        ),
    }
}

fn check_legal_basis(case: &Case<Settings>, findings: &mut Findings) {
    let (basis, bases) = (basis(case), &case.settings.legal_bases);
    if is_listed(basis, bases) {
        return;
    }
    let message = match basis {
        None => "the mode is `hard`, and `reason.basis` names no legal basis".to_owned(),
        Some(basis) => format!("the mode is `hard`, and `{basis}` is not an accepted legal basis"),
    };
    findings.deny(&NO_LEGAL_BASIS, message).field("/reason/basis").setting("legal_bases").help(format!(
        "set `mode` to `soft`, or `reason.basis` to the one that applies: {}",
        if bases.is_empty() { "none is accepted here".to_owned() } else { bases.join(", ") }
    ));
}

fn check_soft_delete_first(case: &Case<Settings>, too_early: &Rows, findings: &mut Findings) {
    if !too_early.any() || is_listed(basis(case), &case.settings.immediate_bases) {
        return;
    }
    let (targets, days) = (case.facts.targets(), case.settings.soft_days);
    let help = match case.inventory {
        None => "give an inventory that says when each target was soft-deleted (`resolved_state_since`)".to_owned(),
        Some(_) => format!("submit them with `mode` set to `soft` first, and for good {days} days later"),
    };
    findings
        .deny(
            &SOFT_DELETE_FIRST,
            format!(
                "{} of {targets} targets are not known to have been soft-deleted for {days} days",
                too_early.count
            ),
        )
        .field("/mode")
        .setting("soft_days")
        .rows(too_early)
        .help(help);
}

fn check_soft_period(case: &Case<Settings>, findings: &mut Findings) {
    let Some(days) = case.claims.recovery().and_then(|recovery| recovery.soft_delete_days) else { return };
    if days < SOFT_DAYS_FLOOR {
        findings
            .deny(
                &SOFT_DELETE_FIRST,
                format!("soft-deleted targets are kept for {days} days, which is as good as none"),
            )
            .field("/recovery/soft_delete_days")
            .help(format!("keep them for at least {SOFT_DAYS_FLOOR} days, or submit the batch as `hard`"));
    }
}

fn check_trigger(case: &Case<Settings>, findings: &mut Findings) {
    let Some(reason) = case.claims.reason() else { return };
    let by_date = matches!(reason.trigger, Some(Trigger::Expiry | Trigger::Retention));
    let denies = match reason.trigger_source {
        Some(TriggerSource::Explicit) => return,
        Some(TriggerSource::Default) => true,
        None if by_date => case.is_hard(),
        None => return,
    };
    let message = if reason.trigger_source.is_some() {
        "the value that set this deletion off is a default that nobody chose"
    } else {
        "a date set this deletion off, and nothing says whether anybody chose it"
    };
    findings
        .deny_if(denies, &DEFAULT_TRIGGER, message)
        .field("/reason/trigger_source")
        .help("ask the owners of the targets for a date, and set `reason.trigger_source` to `explicit`");
}

policy!(Mode);
