//! What each id is, against what the request says it is.

mod rules;
mod state;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::Tally;
use reprieve_sdk::{Case, Chunk, Findings, Policy, Rule, policy};
use rules::{ENVIRONMENT_MISMATCH, KIND_MISMATCH, LIVE_TARGET, PROTECTED_KIND, RULES, Settings, UNRESOLVED};
use state::State;

/// The policy `identity`.
#[derive(Debug)]
pub struct Identity;

impl Policy for Identity {
    const NAME: &'static str = "identity";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "What each id is, against what the request says it is.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = state::COLUMNS;
    type Settings = Settings;
    type State = State;

    fn observe(case: &Case<Settings>, state: &mut State, chunk: &Chunk) {
        state.observe(case, chunk);
    }

    fn merge(state: &mut State, other: State) {
        state.merge(other);
    }

    fn check(case: &Case<Settings>, state: &State, findings: &mut Findings) {
        check_kind(case, state, findings);
        check_resolved(case, state, findings);
        check_protected(case, state, findings);
        check_environment(case, state, findings);
        check_live(case, state, findings);
    }
}

/// The most frequent name that is not `declared`, in backticks.
fn others<'a>(tallies: impl IntoIterator<Item = &'a Tally>, declared: &str) -> String {
    let named = tallies.into_iter().flat_map(|tally| &tally.counts).filter(|(name, _)| *name != declared);
    match named.max_by_key(|(name, count)| (**count, std::cmp::Reverse(*name))) {
        Some((name, _)) => format!("`{name}`"),
        None => "something else".to_owned(),
    }
}

fn check_kind(case: &Case<Settings>, state: &State, findings: &mut Findings) {
    let (declared, targets) = (case.claims.target_kind(), case.facts.targets());
    if state.other_kind.count > case.settings.max_mismatch {
        let inventory = case.inventory.as_ref().map(|inventory| inventory.kinds());
        let kind = others(inventory.into_iter().chain([case.facts.kinds()]), declared);
        findings
            .deny(
                &KIND_MISMATCH,
                format!(
                    "{} of {targets} targets are {kind}, but the request says `{declared}`",
                    state.other_kind.count
                ),
            )
            .field("/target_kind")
            .setting("max_mismatch")
            .rows(&state.other_kind)
            .help(format!("ask whoever made the list which ids they sent, and get the ids of kind `{declared}`"));
    }
    let id_kind = case.claims.provenance().and_then(|provenance| provenance.id_kind.as_deref());
    if let Some(id_kind) = id_kind.filter(|id_kind| id_kind != declared) {
        findings
            .deny(
                &KIND_MISMATCH,
                format!("the source lists ids of kind `{id_kind}`, but the request says `{declared}`"),
            )
            .field("/provenance/id_kind")
            .help(format!("get the ids of kind `{declared}` from the source"));
    }
}

fn check_resolved(case: &Case<Settings>, state: &State, findings: &mut Findings) {
    if case.inventory.is_none() {
        findings
            .deny_if(case.is_hard(), &UNRESOLVED, "there is no inventory to say what the ids are")
            .help("name one with `--inventory`, or `inventory` in reprieve.toml");
        return;
    }
    let (unresolved, targets) = (state.unresolved.count, case.facts.targets());
    let percent = unresolved as f64 * 100.0 / targets.max(1) as f64;
    let (exceeds, setting, limit) = if case.is_hard() {
        let most = case.settings.max_unresolved;
        (unresolved > most, "max_unresolved", most.to_string())
    } else {
        let most = case.settings.max_unresolved_soft;
        (percent > most, "max_unresolved_soft", format!("{most} %"))
    };
    if exceeds {
        findings
            .deny(
                &UNRESOLVED,
                format!("{unresolved} of {targets} targets are not in the inventory, or without a kind there; {limit} may be"),
            )
            .field("/targets")
            .setting(setting)
            .rows(&state.unresolved)
            .help("take them off the list, or bring the inventory up to date");
    }
}

fn check_protected(case: &Case<Settings>, state: &State, findings: &mut Findings) {
    let (count, most) = (state.protected.count, case.settings.max_protected);
    if count > most {
        findings
            .deny(&PROTECTED_KIND, format!("{count} targets are of a protected kind, and a batch may hold {most}"))
            .field("/targets")
            .setting("max_protected")
            .rows(&state.protected)
            .help("submit each in a batch of its own, with its own approvals");
        return;
    }
    let (approvers, needed, setting) = (
        case.approvers(case.settings.max_approval_age).len() as u64,
        case.by_mode(case.settings.protected_approvals, case.settings.protected_approvals_soft),
        case.by_mode("protected_approvals", "protected_approvals_soft"),
    );
    if count > 0 && approvers < needed {
        findings
            .deny(
                &PROTECTED_KIND,
                format!("a target of a protected kind needs {needed} approvals, and {approvers} count"),
            )
            .field("/approvals")
            .setting(setting)
            .rows(&state.protected)
            .help(format!("get {} more, each for this list, mode, kinds and tenants", needed - approvers));
    }
}

fn check_environment(case: &Case<Settings>, state: &State, findings: &mut Findings) {
    let (declared, targets) = (case.claims.environment(), case.facts.targets());
    if state.other_environment.any() {
        let inventory = case.inventory.as_ref().map(|inventory| inventory.environments());
        let environment = others(inventory.into_iter().chain([case.facts.environments()]), declared);
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
            .help("check which system the call is about to reach, then correct the list or `environment`");
    }
    let known_elsewhere = state.environment_unknown.count > state.unresolved.count;
    if known_elsewhere {
        findings
            .deny_if(
                case.is_hard(),
                &ENVIRONMENT_MISMATCH,
                format!(
                    "the inventory does not say where {} of {targets} targets are",
                    state.environment_unknown.count
                ),
            )
            .field("/environment")
            .rows(&state.environment_unknown)
            .help("add their environment to the inventory");
    }
}

fn check_live(case: &Case<Settings>, state: &State, findings: &mut Findings) {
    if state.live.any() {
        let states = &case.settings.dead_states;
        findings
            .deny(
                &LIVE_TARGET,
                format!("{} of {} targets are not known to be out of use", state.live.count, case.facts.targets()),
            )
            .field("/targets")
            .setting("dead_states")
            .rows(&state.live)
            .help(format!("take them out of use first: a hard delete takes only what is {}", states.join(", ")));
    }
}

policy!(Identity);
