//! Compares what each id is with what the request says it is.
//!
//! In reading order: the kind, whether the inventory knows the id and from where, protected kinds, the tenant, the
//! environment, and whether the target is in use. `state.rs` counts the targets, and `source.rs` compares sources.

mod rules;
mod source;
mod state;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::Tally;
use reprieve_sdk::{Chunk, Context, Findings, Policy, Rows, Rule, same_name};
use rules::{
    ENVIRONMENT_MISMATCH, KIND_MISMATCH, LIVE_TARGET, NEAR_MISS, PROTECTED_KIND, RULES, Settings, TENANT_MISMATCH,
    UNRESOLVED,
};
use state::State;

/// The policy `identity`. It compares the kind and the environment of every target, as the list and the inventory
/// state them, with those in the request, and the tenant in the list with that in the inventory. It also denies targets
/// that the inventory does not know, that are of a protected kind, or that a hard delete would take out of use.
#[derive(Debug)]
pub struct Identity;

impl Policy for Identity {
    const NAME: &'static str = "identity";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Compares what each id is with what the request says it is.";
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
        check_kind(context, state, findings);
        check_resolved(context, state, findings);
        source::check(context, findings);
        check_near_misses(context, findings);
        check_protected(context, state, findings);
        check_tenant(context, state, findings);
        check_environment(context, state, findings);
        check_live(context, state, findings);
    }
}

fn check_kind(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    let (declared, targets) = (context.declared_kinds(), context.facts.targets());
    let names: Vec<&str> = declared.iter().map(|(kind, _)| *kind).collect();
    let field = if names.len() > 1 { "/target_kinds" } else { "/target_kind" };
    let expected = format!("`{}`", names.join("`, `"));
    let count = state.other_kind.count;
    if count > context.settings.max_mismatch {
        let inventory = context.inventory.as_ref().map(|inventory| inventory.kinds());
        let kinds = others("of other kinds", inventory.into_iter().chain([context.facts.kinds()]), &names);
        findings
            .deny(
                &KIND_MISMATCH,
                format!("{count} of {targets} targets are {kinds}, but the request says {expected}"),
            )
            .field(field)
            .setting("max_mismatch")
            .rows(&state.other_kind)
            .help(format!("ask the author of the list which ids it contains, and get the ids of kind {expected}"));
    }
    let swapped = state.swapped_kind.count;
    if swapped > context.settings.max_mismatch {
        findings
            .deny(
                &KIND_MISMATCH,
                format!("{swapped} of {targets} targets are of another kind in the inventory than in the list"),
            )
            .field("/targets")
            .setting("max_mismatch")
            .rows(&state.swapped_kind)
            .help("ask the author of the list which ids it contains, and give each target its own kind");
    }
    if state.kind_unknown.any() {
        let unknown = state.kind_unknown.count;
        findings
            .deny(
                &KIND_MISMATCH,
                format!("the list does not say which kind {unknown} of {targets} targets are of, and the request says {expected}"),
            )
            .missing()
            .field("/targets")
            .rows(&state.kind_unknown)
            .help("add the column `kind` to the list, or submit one batch for each kind");
    }
    check_counts(context, &declared, findings);
    let id_kind = context.claims.provenance().and_then(|provenance| provenance.id_kind.as_deref());
    if let Some(id_kind) = id_kind.filter(|id_kind| !names.iter().any(|name| same_name(id_kind, name))) {
        findings
            .deny(
                &KIND_MISMATCH,
                format!("the source lists ids of kind `{id_kind}`, but the request says {expected}"),
            )
            .field("/provenance/id_kind")
            .help(format!("get the ids of kind {expected} from the source"));
    }
}

/// Compares the number of targets of each kind with that of the list.
fn check_counts(context: &Context<Settings>, declared: &[(&str, Option<u64>)], findings: &mut Findings) {
    let listed = &context.evidence().kinds.counts;
    let differing: Vec<String> = declared
        .iter()
        .filter_map(|(kind, count)| {
            let found = listed.iter().filter(|(name, _)| same_name(name, kind)).map(|(_, count)| count).sum::<u64>();
            count.filter(|count| *count != found).map(|count| format!("{count} `{kind}`, the list {found}"))
        })
        .collect();
    if !differing.is_empty() {
        findings
            .deny(&KIND_MISMATCH, format!("the request states another number of targets: {}", differing.join("; ")))
            .field("/target_kinds")
            .help("ask the author of the list which ids it contains, or correct the numbers");
    }
}

/// The number of names that a message has.
const SHOWN_NAMES: usize = 4;

/// The names other than `declared` that the first tally with any states, the most frequent first, in backticks.
/// Several follow `what` with their counts.
fn others<'a>(what: &str, tallies: impl IntoIterator<Item = &'a Tally>, declared: &[&str]) -> String {
    let is_declared = |name: &str| declared.iter().any(|declared| same_name(name, declared));
    let of_tally = |tally: &'a Tally| {
        let mut others: Vec<_> = tally.counts.iter().filter(|(name, _)| !is_declared(name)).collect();
        others.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        others
    };
    let Some(others) = tallies.into_iter().map(of_tally).find(|others| !others.is_empty()) else {
        return "something else".to_owned();
    };
    match others.as_slice() {
        [(name, _)] => format!("`{name}`"),
        _ => {
            let shown = others.iter().take(SHOWN_NAMES).map(|(name, count)| format!("{count} `{name}`"));
            let more = if others.len() > SHOWN_NAMES { ", …" } else { "" };
            format!("{what} ({}{more})", shown.collect::<Vec<_>>().join(", "))
        }
    }
}

fn check_resolved(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if context.inventory.is_none() {
        findings
            .deny_if(!context.is_soft(), &UNRESOLVED, "without an inventory, it is unknown what the ids are")
            .missing()
            .help("name an inventory with `--inventory`, or `inventory` in reprieve.toml");
        return;
    }
    let (unresolved, targets) = (state.unresolved.count, context.facts.targets());
    let percent = unresolved as f64 * 100.0 / targets.max(1) as f64;
    let (exceeds, setting, limit) = if !context.is_soft() {
        let max = context.settings.max_unresolved;
        (unresolved > max, "max_unresolved", format!("at most {max} are allowed"))
    } else {
        let max = context.settings.max_unresolved_soft;
        (percent > max, "max_unresolved_soft", format!("at most {max} % is allowed"))
    };
    if exceeds {
        findings
            .deny(
                &UNRESOLVED,
                format!(
                    "{unresolved} of {targets} targets are not in the inventory, or have no kind there, but {limit}"
                ),
            )
            .field("/targets")
            .setting(setting)
            .rows(&state.unresolved)
            .help("remove them from the list, or update the inventory");
    }
}

/// The number of characters of an id that a message shows.
const SHOWN_CHARS: usize = 80;

fn check_near_misses(context: &Context<Settings>, findings: &mut Findings) {
    let Some(inventory) = context.inventory.as_ref().filter(|inventory| inventory.unresolved() > 0) else { return };
    let near = inventory.near_misses();
    let unchecked = near.map_or(inventory.unresolved(), |near| near.unchecked);
    if unchecked > 0 {
        findings
            .deny_if(
                !context.is_soft(),
                &NEAR_MISS,
                format!("whether the inventory knows {unchecked} unresolved targets in another spelling is unknown"),
            )
            .missing()
            .field("/targets")
            .help("remove the targets that are not in the inventory from the list");
    }
    if let Some((near, first)) = near.and_then(|near| Some((near, near.examples.first()?))) {
        let shown = |id: &str| id.chars().take(SHOWN_CHARS).collect::<String>();
        let rows = Rows { count: near.count, examples: near.examples.iter().map(|example| example.row).collect() };
        findings
            .deny(
                &NEAR_MISS,
                format!(
                    "{} targets are not in the inventory, but in another spelling: `{}` is not known, and `{}` is",
                    near.count,
                    shown(&first.id),
                    shown(&first.known)
                ),
            )
            .field("/targets")
            .rows(&rows)
            .help("spell the ids as the inventory does, if they are meant, or remove them from the list");
    }
}

fn check_protected(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if state.unclear.any() {
        findings
            .deny_if(
                !context.is_soft(),
                &PROTECTED_KIND,
                format!(
                    "the kind of {} targets has other letters than those of ASCII, so it may look like a protected one",
                    state.unclear.count
                ),
            )
            .missing()
            .field("/targets")
            .setting("unprotected_kinds")
            .rows(&state.unclear)
            .help("spell the kind with ASCII letters, or list it as unprotected");
    }
    let (count, max) = (state.protected.count, context.settings.max_protected);
    if count > max {
        findings
            .deny(
                &PROTECTED_KIND,
                format!("{count} targets are of a protected kind, but a batch may have at most {max}"),
            )
            .field("/targets")
            .setting("max_protected")
            .rows(&state.protected)
            .help("submit each in its own batch, with its own approvals");
        return;
    }
    let approvers = context.approvers(context.settings.max_approval_age).len() as u64;
    let required = context.by_mode(context.settings.protected_approvals, context.settings.protected_approvals_soft);
    if count > 0 && approvers < required {
        findings
            .deny(
                &PROTECTED_KIND,
                format!(
                    "the batch has {approvers} of {required} required approvals for a target of a protected kind"
                ),
            )
            .missing()
            .field("/approvals")
            .setting(context.by_mode("protected_approvals", "protected_approvals_soft"))
            .rows(&state.protected)
            .help(format!(
                "get {} more, each for this list, mode, kinds and number of tenants",
                required - approvers
            ));
    }
}

fn check_tenant(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if state.other_tenant.any() {
        findings
            .deny(
                &TENANT_MISMATCH,
                format!(
                    "{} of {} targets belong to another tenant than the list says",
                    state.other_tenant.count,
                    context.facts.targets()
                ),
            )
            .field("/targets")
            .rows(&state.other_tenant)
            .help("ask the author of the list whose ids it contains, and get the ids of the tenants that it names");
    }
}

fn check_environment(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    let (declared, targets) = (context.claims.environment(), context.facts.targets());
    if state.other_environment.any() {
        let inventory = context.inventory.as_ref().map(|inventory| inventory.environments());
        let tallies = inventory.into_iter().chain([context.facts.environments()]);
        let environment = others("other environments", tallies, &[declared]);
        findings
            .deny(
                &ENVIRONMENT_MISMATCH,
                format!(
                    "{} of {targets} targets are in {environment}, but the request says `{declared}`",
                    state.other_environment.count
                ),
            )
            .field("/environment")
            .rows(&state.other_environment)
            .help("check which system the call will reach, then correct the list or `environment`");
    }
    // A target that the inventory does not know has no environment there either, and is reported as unresolved.
    if state.environment_unknown.count > state.unresolved.count {
        findings
            .deny_if(
                !context.is_soft(),
                &ENVIRONMENT_MISMATCH,
                format!(
                    "the inventory does not state the environment of {} of {targets} targets",
                    state.environment_unknown.count
                ),
            )
            .missing()
            .field("/environment")
            .rows(&state.environment_unknown)
            .help("add their environment to the inventory");
    }
}

fn check_live(context: &Context<Settings>, state: &State, findings: &mut Findings) {
    if state.live.any() {
        let states = context.settings.dead_states.join(", ");
        findings
            .deny(
                &LIVE_TARGET,
                format!("{} of {} targets are not known to be out of use", state.live.count, context.facts.targets()),
            )
            .field("/targets")
            .setting("dead_states")
            .rows(&state.live)
            .help(format!("take them out of use first; a hard delete accepts only these states: {states}"));
    }
}
