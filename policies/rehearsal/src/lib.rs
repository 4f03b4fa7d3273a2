//! Whether this list was tried without effect, and on a few first.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{DryRun, PastBatch};
use reprieve_sdk::{Case, Findings, Policy, Rule, policy};
use rules::{DRY_RUN_DIFFERS, DRY_RUN_STALE, HISTORY_UNKNOWN, NO_CANARY, NO_DRY_RUN, RULES, Settings};

/// The policy `rehearsal`.
#[derive(Debug)]
pub struct Rehearsal;

impl Policy for Rehearsal {
    const NAME: &'static str = "rehearsal";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Whether this list was tried without effect, and on a few first.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(case: &Case<Settings>, _: &(), findings: &mut Findings) {
        match case.claims.dry_run() {
            Some(dry_run) => check_dry_run(case, dry_run, findings),
            None => {
                findings
                    .deny(&NO_DRY_RUN, "the batch was not run without effect before")
                    .field("/dry_run")
                    .help("run the same program over this list without effect, and look at what it would delete");
            }
        }
        check_steps(case, findings);
    }
}

fn check_dry_run(case: &Case<Settings>, dry_run: &DryRun, findings: &mut Findings) {
    let list = case.evidence();
    let mut differs = |field: &str, message: String| {
        findings
            .deny(&DRY_RUN_DIFFERS, message)
            .field(format!("/dry_run/{field}"))
            .help("run this list without effect, in this environment, and submit what that says");
    };
    if dry_run.targets_sha256.as_deref() != Some(list.targets_sha256) {
        differs("targets_sha256", "the dry run was of another list".to_owned());
    }
    if dry_run.environment.as_ref() != Some(case.claims.environment()) {
        let environment = case.claims.environment();
        differs("environment", format!("the dry run was not in `{environment}`"));
    }
    if dry_run.count != Some(list.targets) {
        differs("count", format!("the dry run did not find {} targets", list.targets));
    }
    let kinds = list.kinds;
    let same_kinds = dry_run.by_kind.as_ref().is_some_and(|by_kind| by_kind.0 == kinds.counts);
    if !same_kinds || kinds.others + kinds.unknown > 0 {
        differs("by_kind", "the dry run did not find the kinds that the list has".to_owned());
    }
    if dry_run.at.is_none_or(|at| !case.is_fresh(at, case.settings.max_age)) {
        findings
            .deny(&DRY_RUN_STALE, "the dry run is too old, dated in the future, or not dated")
            .field("/dry_run/at")
            .setting("max_age")
            .help("run it again");
    }
}

fn check_steps(case: &Case<Settings>, findings: &mut Findings) {
    let tenants = case.facts.tenants_at_most();
    let last = case.facts.history().and_then(|history| history.campaign_last.as_ref());
    let (most, why) = match last {
        Some(last) => match earned(case, last) {
            Ok(()) => (last.tenants.saturating_mul(case.settings.growth), "the last batch reached"),
            Err(why) => (first_step(case), why),
        },
        None => (first_step(case), "this is the first batch of its campaign"),
    };
    if tenants > most {
        let why = match last.filter(|last| earned(case, last).is_ok()) {
            Some(last) => format!("{why} {}", last.tenants),
            None => why.to_owned(),
        };
        findings
            .deny(&NO_CANARY, format!("the batch reaches {tenants} tenants and may reach {most}: {why}"))
            .field("/campaign")
            .setting(if last.is_some() { "growth" } else { "canary_share" })
            .help(format!("run {most} first, watch them, and submit the rest in steps of the same campaign"));
    }
    if case.facts.history().is_none() {
        findings
            .deny_if(case.is_hard(), &HISTORY_UNKNOWN, "nobody knows what the campaign has deleted before")
            .field("/campaign")
            .help("let the policy set name a ledger, or give a history with `--history`");
    }
}

/// Tenants that a first batch may reach: a share of all, at least one and at most a few. Where nobody knows how many
/// there are, one.
fn first_step(case: &Case<Settings>) -> u64 {
    let settings = &case.settings;
    let all = case.inventory.as_ref().map_or(0, |inventory| inventory.population_tenants());
    let share = (all as f64 * settings.canary_share / 100.0) as u64;
    share.max(1).min(settings.canary_most)
}

/// Whether a batch before this one gives leave for a larger step.
fn earned(case: &Case<Settings>, last: &PastBatch) -> Result<(), &'static str> {
    let soak = case.by_mode(case.settings.soak, case.settings.soak_soft);
    let age = case.facts.evaluated_at().since(last.at);
    let differ = |a: &str, b: &str| !a.trim().eq_ignore_ascii_case(b.trim());
    if last.mode != case.claims.mode() || differ(&last.kind, case.claims.target_kind()) {
        return Err("the last batch of its campaign was of another kind or mode");
    }
    if differ(&last.environment, case.claims.environment()) {
        return Err("the last batch of its campaign ran in another environment");
    }
    if last.succeeded != Some(true) {
        return Err("the last batch of its campaign is not known to have gone well");
    }
    if u64::try_from(age).unwrap_or(0) < soak {
        return Err("the last batch of its campaign has not been watched for long enough");
    }
    Ok(())
}

policy!(Rehearsal);
