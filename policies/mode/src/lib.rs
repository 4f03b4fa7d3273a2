//! Checks whether a batch may run in its mode.
//!
//! In reading order: the legal basis and the earlier soft delete of a hard delete, the period of a soft delete, the verb of
//! a call that is not said to delete permanently, and the trigger of the deletion. `words.rs` reads verbs.

mod rules;
#[cfg(test)]
mod tests;
mod words;

use reprieve_sdk::model::{Mode as RequestMode, Tally, TriggerSource};
use reprieve_sdk::{
    Chunk, Column, Context, FindingBuilder, Findings, Policy, Rows, Rule, non_blank, same_kind, same_letters,
};
use rules::{DEFAULT_TRIGGER, NO_LEGAL_BASIS, RULES, SOFT_DELETE_FIRST, Settings, VERB_DIFFERS};

/// The policy `mode`. It requires a legal basis and an earlier soft delete for every hard delete. It also denies soft
/// deletes that keep their targets too briefly, and deletions that a default value triggered.
#[derive(Debug)]
pub struct Mode;

const DAY: u64 = 86_400;
/// A shorter soft delete is a hard delete in effect, whatever the settings.
const MIN_SOFT_DAYS: u32 = 7;
/// Words of a verb that a call does not have if it only stops a service.
const DELETING_VERBS: [&str; 11] =
    ["delete", "remove", "erase", "rm", "del", "unlink", "terminate", "clear", "clean", "cull", "prune"];

impl Policy for Mode {
    const NAME: &'static str = "mode";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Requires a legal basis and an earlier soft delete for every hard delete.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] =
        &["resolved_state", "resolved_state_since", "last_used_at", "resolved_last_used_at"];
    type Settings = Settings;
    /// Targets that were not soft-deleted for long enough.
    type State = Rows;

    fn observe(context: &Context<Settings>, too_early: &mut Rows, chunk: &Chunk) {
        if context.is_hard() {
            observe_soft_deletes(context, too_early, chunk);
        }
    }

    fn merge(too_early: &mut Rows, other: Rows) {
        too_early.merge(other);
    }

    fn check(context: &Context<Settings>, too_early: &Rows, findings: &mut Findings) {
        match context.claims.mode() {
            RequestMode::Hard => {
                check_legal_basis(context, findings);
                check_soft_delete_first(context, too_early, findings);
            }
            RequestMode::Soft => {
                check_soft_period(context, findings);
                check_verb(context, findings);
            }
            RequestMode::Disable => check_verb(context, findings),
        }
        check_trigger(context, findings);
    }
}

fn observe_soft_deletes(context: &Context<Settings>, too_early: &mut Rows, chunk: &Chunk) {
    let latest = context.facts.evaluated_at().seconds() - (soft_days(context) * DAY) as i64;
    let since = chunk.column("resolved_state_since");
    let (claimed, resolved) = (chunk.column("last_used_at"), chunk.column("resolved_last_used_at"));
    let used_after = |row: usize, since: i64| {
        let used = |column: Option<&Column>| column.and_then(|column| column.i64(row)).is_some_and(|at| at > since);
        used(claimed) || used(resolved)
    };
    match chunk.column("resolved_state") {
        None => (0..chunk.rows as usize).for_each(|row| too_early.add(chunk.row(row))),
        Some(state) => state.map_distinct(
            |state| {
                let is_retired = context.settings.retired_states.iter().any(|listed| same_letters(listed, state));
                (same_letters(state, "soft-deleted"), is_retired)
            },
            |row, state| {
                let (soft_deleted, is_retired) = state.unwrap_or_default();
                let long_enough = since
                    .and_then(|since| since.i64(row))
                    .is_some_and(|since| since <= latest && !used_after(row, since));
                let is_late_enough = is_retired || (soft_deleted && long_enough);
                too_early.add_if(!is_late_enough, chunk.row(row));
            },
        ),
    }
}

fn basis(context: &Context<Settings>) -> Option<&str> {
    non_blank(&context.claims.reason()?.basis)
}

fn is_erasure(context: &Context<Settings>) -> bool {
    is_listed(basis(context), &context.settings.erasure_bases)
}

/// How long a target must have been soft-deleted.
fn soft_days(context: &Context<Settings>) -> u64 {
    let Settings { soft_days, erasure_days, .. } = context.settings;
    if is_erasure(context) { soft_days.min(erasure_days) } else { soft_days }
}

fn is_listed(basis: Option<&str>, bases: &[String]) -> bool {
    basis.is_some_and(|basis| bases.iter().any(|listed| listed == basis))
}

/// Whether every target is of a kind that needs no legal basis, according to the request, the list and the inventory.
fn needs_no_basis(context: &Context<Settings>) -> bool {
    let Some(inventory) = &context.inventory else { return false };
    let is_free = |kind: &str| context.settings.basis_free_kinds.iter().any(|listed| same_kind(listed, kind));
    let all_free =
        |tally: &Tally| tally.unknown == 0 && tally.others == 0 && tally.counts.keys().all(|kind| is_free(kind));
    context.declared_kinds().iter().all(|(kind, _)| is_free(kind))
        && all_free(context.facts.kinds())
        && all_free(inventory.kinds())
}

fn check_legal_basis(context: &Context<Settings>, findings: &mut Findings) {
    let (basis, bases) = (basis(context), &context.settings.legal_bases);
    if is_listed(basis, bases) || needs_no_basis(context) {
        return;
    }
    let finding = match basis {
        Some(basis) => findings
            .deny(&NO_LEGAL_BASIS, format!("the mode is `hard`, but `{basis}` is not an accepted legal basis")),
        None => findings
            .deny(&NO_LEGAL_BASIS, "the mode is `hard`, but `reason.basis` does not name a legal basis")
            .missing(),
    };
    let accepted = if bases.is_empty() { "none is accepted here".to_owned() } else { bases.join(", ") };
    finding
        .field("/reason/basis")
        .setting("legal_bases")
        .help(format!("set `mode` to `soft`, or `reason.basis` to the legal basis that applies: {accepted}"));
}

fn check_soft_delete_first(context: &Context<Settings>, too_early: &Rows, findings: &mut Findings) {
    if !too_early.any() || is_listed(basis(context), &context.settings.immediate_bases) {
        return;
    }
    let (targets, days) = (context.facts.targets(), soft_days(context));
    let finding = findings
        .deny(
            &SOFT_DELETE_FIRST,
            format!(
                "{} of {targets} targets are not known to have been soft-deleted, and unused since, for {days} days",
                too_early.count
            ),
        )
        .field("/mode")
        .setting(if is_erasure(context) { "erasure_days" } else { "soft_days" })
        .rows(too_early);
    match context.inventory {
        Some(_) => {
            finding.help(format!("submit them with `mode` set to `soft` now, and to `hard` {days} days later"))
        }
        None => {
            finding.missing().help("name an inventory that says when each target was soft-deleted (`state_since`)")
        }
    };
}

fn check_soft_period(context: &Context<Settings>, findings: &mut Findings) {
    let Some(days) = context.claims.recovery().and_then(|recovery| recovery.soft_delete_days) else {
        findings
            .warn(&SOFT_DELETE_FIRST, "the request does not say how long the soft-deleted targets can be recovered")
            .missing()
            .field("/recovery/soft_delete_days")
            .help(format!("state for how many days they are kept, at least {MIN_SOFT_DAYS}"));
        return;
    };
    if days < MIN_SOFT_DAYS {
        findings
            .deny(
                &SOFT_DELETE_FIRST,
                format!("soft-deleted targets are kept for {days} days, but {MIN_SOFT_DAYS} is the minimum"),
            )
            .field("/recovery/soft_delete_days")
            .help(format!("keep them for at least {MIN_SOFT_DAYS} days, or set `mode` to `hard`"));
    }
}

/// Compares the verb of the call with a mode that has fewer conditions than `hard`.
fn check_verb(context: &Context<Settings>, findings: &mut Findings) {
    let verb = context.claims.operation().and_then(|operation| non_blank(&operation.verb));
    let Some(verb) = verb else {
        findings
            .deny_if(!context.is_soft(), &VERB_DIFFERS, "the request does not say what the call does to its targets")
            .missing()
            .field("/operation/verb")
            .help("state the verb of the call, for example `delete` or `disable`");
        return;
    };
    if context.is_soft() {
        if let Some(word) = permanent_word(context, verb) {
            findings
                .deny(
                    &VERB_DIFFERS,
                    format!("the mode is `soft`, but the verb `{verb}` says `{word}`, which is permanent"),
                )
                .field("/operation/verb")
                .setting("permanent_verbs")
                .help("set `mode` to `hard` if the targets cannot be recovered, or name what the call really does");
        }
    } else if !is_disabling(context, verb) {
        findings
            .deny(
                &VERB_DIFFERS,
                format!("the mode is `disable`, but the verb `{verb}` is not known to leave everything in place"),
            )
            .field("/operation/verb")
            .setting("disabling_verbs")
            .help("set `mode` to `soft` or `hard` if the call deletes, or name what the call really does");
    }
}

/// The first word of a verb that says that the call deletes permanently.
fn permanent_word<'a>(context: &Context<Settings>, verb: &'a str) -> Option<&'a str> {
    let is_permanent =
        |word: &str| context.settings.permanent_verbs.iter().any(|listed| words::is_form_of(word, listed));
    words::of(verb).find(|word| is_permanent(word))
}

/// Whether a verb is one that only stops a service: a listed one as a whole, or one word of it is listed and none says
/// that the call deletes.
fn is_disabling(context: &Context<Settings>, verb: &str) -> bool {
    let listed = &context.settings.disabling_verbs;
    let deletes = |word: &str| DELETING_VERBS.iter().any(|verb| words::is_form_of(word, verb));
    listed.iter().any(|listed| same_letters(listed, verb))
        || (words::of(verb).any(|word| listed.iter().any(|listed| words::is_form_of(word, listed)))
            && !words::of(verb).any(deletes)
            && permanent_word(context, verb).is_none())
}

fn check_trigger(context: &Context<Settings>, findings: &mut Findings) {
    let source = context.claims.reason().and_then(|reason| reason.trigger_source);
    if source == Some(TriggerSource::Default) {
        findings
            .deny(&DEFAULT_TRIGGER, "the deletion was triggered by a default value that nobody chose")
            .field("/reason/trigger_source")
            .help("ask the owners of the targets for a date, and set `reason.trigger_source` to `explicit`");
    }
    if context.trigger().is_none() {
        unsaid(context, findings, "the request does not say what triggered the deletion")
            .field("/reason/trigger")
            .help("set `reason.trigger` to what it is: a request of the owner, an expiry, disuse, a retention period, a move");
    }
    if source.is_none() {
        unsaid(context, findings, "the request does not say whether someone chose what triggered the deletion")
            .field("/reason/trigger_source")
            .help("set `reason.trigger_source` to `explicit` if someone chose it for these targets, and else to `default`");
    }
}

/// What the request does not say is unknown: it warns about a soft delete and denies every other batch.
fn unsaid<'a>(context: &Context<Settings>, findings: &'a mut Findings, message: &str) -> FindingBuilder<'a> {
    findings.deny_if(!context.is_soft(), &DEFAULT_TRIGGER, message).missing()
}
