//! Checks that a batch was rehearsed: by a dry run, and by a smaller batch before it.
//!
//! In reading order: the dry run, and the size of the batch: as a step of its campaign, and compared with what is usual.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{DryRun, PastBatch, Timestamp};
use reprieve_sdk::{Context, Findings, Limit, Measure, Policy, Rule, SignatureIssue, non_blank};
use rules::{DRY_RUN_DIFFERS, DRY_RUN_STALE, HISTORY_UNKNOWN, NO_CANARY, NO_DRY_RUN, RULES, Settings, UNUSUAL_SIZE};

/// The policy `rehearsal`. It requires a fresh dry run of exactly this list in the same environment. It also requires
/// a campaign to start with a canary, and to grow only after the previous batch succeeded.
#[derive(Debug)]
pub struct Rehearsal;

impl Policy for Rehearsal {
    const NAME: &'static str = "rehearsal";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Requires a dry run of this list, and a small batch before a large one.";
    const RULES: &'static [Rule] = RULES;
    const LIMITS: &'static [Limit] = &[
        Limit { measure: Measure::CanaryShare, setting: "canary_share" },
        Limit { measure: Measure::CanaryTenants, setting: "canary_most" },
        Limit { measure: Measure::Growth, setting: "growth" },
    ];
    type Settings = Settings;
    type State = ();

    fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
        match context.claims.dry_run() {
            Some(dry_run) => check_dry_run(context, dry_run, findings),
            None => {
                findings
                    .deny(&NO_DRY_RUN, "the batch has no dry run")
                    .field("/dry_run")
                    .help("run the same program over this list as a dry run, and check what it would delete");
            }
        }
        check_step(context, findings);
        check_history(context, findings);
    }
}

fn check_dry_run(context: &Context<Settings>, dry_run: &DryRun, findings: &mut Findings) {
    let list = context.evidence();
    let mut differs = |field: &str, stated: bool, message: String| {
        let finding = findings
            .deny(&DRY_RUN_DIFFERS, message)
            .field(format!("/dry_run/{field}"))
            .help("run this list in this environment as a dry run, and submit its result");
        if !stated {
            finding.missing();
        }
    };
    let digest = dry_run.targets_sha256.as_deref();
    if digest != Some(list.targets_sha256) {
        let message = if digest.is_some() {
            "the dry run used another list"
        } else {
            "the dry run does not state the digest of its list"
        };
        differs("targets_sha256", digest.is_some(), message.to_owned());
    }
    let environment = context.claims.environment();
    if dry_run.environment.as_ref() != Some(environment) {
        let message = match &dry_run.environment {
            Some(other) => format!("the dry run was in `{other}`, but the request says `{environment}`"),
            None => "the dry run does not state its environment".to_owned(),
        };
        differs("environment", dry_run.environment.is_some(), message);
    }
    if dry_run.count != Some(list.targets) {
        let message = match dry_run.count {
            Some(count) => format!("the dry run found {count} targets, but the list has {}", list.targets),
            None => format!("the dry run does not state its number of targets; the list has {}", list.targets),
        };
        differs("count", dry_run.count.is_some(), message);
    }
    let kinds = list.kinds;
    let same_kinds = dry_run.by_kind.as_ref().is_some_and(|by_kind| by_kind.0 == kinds.counts);
    if !same_kinds || kinds.others + kinds.unknown > 0 {
        let message = if dry_run.by_kind.is_some() {
            "the kinds that the dry run found are not known to be those of the list"
        } else {
            "the dry run does not state its number of targets by kind"
        };
        differs("by_kind", dry_run.by_kind.is_some(), message.to_owned());
    }
    if !context.is_program(&dry_run.program_sha256) {
        let ran = non_blank(&dry_run.program_sha256);
        let runs = context.claims.operation().and_then(|operation| non_blank(&operation.program_sha256));
        let message = match (ran, runs) {
            (Some(_), Some(_)) => "the dry run was of another program than the one that makes the call",
            (None, _) => "the dry run does not state the digest of its program; the operation does",
            (Some(_), None) => "the operation does not state the digest of its program; the dry run does",
        };
        differs("program_sha256", ran.is_some() && runs.is_some(), message.to_owned());
    }
    if let Some(issue) = context.attestation_issue("/dry_run", dry_run.token.as_deref()) {
        let message = format!("the dry run does not count: {issue}");
        differs("token", issue != SignatureIssue::NotSigned, message);
    }
    check_dry_run_age(context, dry_run, findings);
}

fn check_dry_run_age(context: &Context<Settings>, dry_run: &DryRun, findings: &mut Findings) {
    let finding = match dry_run.at {
        Some(at) if context.is_fresh(at, context.settings.max_age) => {
            return check_order(context, at, findings);
        }
        Some(_) => findings.deny(&DRY_RUN_STALE, "the dry run is too old, or dated in the future"),
        None => findings.deny(&DRY_RUN_STALE, "the dry run is not dated").missing(),
    };
    finding.field("/dry_run/at").setting("max_age").help("repeat the dry run");
}

/// Warns of a dry run that is older than the list. It names the digest of the list, so it is of the same rows: the list
/// was extracted again, or one of the times is wrong.
fn check_order(context: &Context<Settings>, at: Timestamp, findings: &mut Findings) {
    let extracted = context.claims.provenance().and_then(|provenance| provenance.extracted_at);
    if let Some(extracted) = extracted.filter(|extracted| at < *extracted) {
        findings
            .warn(&DRY_RUN_STALE, format!("the dry run is older than the list, which was extracted at {extracted}"))
            .field("/dry_run/at")
            .help("make sure that the list was extracted again after the dry run");
    }
}

fn check_step(context: &Context<Settings>, findings: &mut Findings) {
    let (targets, tenants) = (context.facts.targets(), context.facts.tenants_at_most());
    let (bytes, settings) = (context.facts.bytes().copied().unwrap_or_default(), &context.settings);
    let history = context.facts.history();
    let last = history.and_then(|history| history.campaign_last.as_ref());
    let growth = settings.growth;
    let (grown, max, reason) = match last.map(|last| (last, allows_growth(context, last))) {
        Some((last, Ok(()))) => (
            Some(last),
            last.tenants.saturating_mul(growth),
            format!("the last batch of its campaign had {} targets of {} tenants", last.targets, last.tenants),
        ),
        Some((_, Err(reason))) => (None, max_first_step(context), reason.to_owned()),
        None => (None, max_first_step(context), "this is the first batch of its campaign".to_owned()),
    };
    let max_targets = grown.map(|last| last.targets.saturating_mul(growth).max(settings.unusual_from));
    let max_bytes =
        grown.and_then(|last| Some(last.bytes?.saturating_mul(growth).max(bytes_of(settings.unusual_size_from))));
    let (size, limit, what) = match (max_targets, max_bytes) {
        _ if tenants > max => (format!("reaches {tenants} tenants"), max, "tenants"),
        (Some(max), _) if targets > max => (format!("has {targets} targets"), max, "targets"),
        (_, Some(max)) if bytes > max => (format!("has {bytes} bytes"), max, "bytes"),
        (Some(_), _) => return,
        (None, _) => return check_usual_size(context, findings),
    };
    findings
        .deny(&NO_CANARY, format!("the batch {size}, but at most {limit} are allowed: {reason}"))
        .field("/campaign")
        .setting(if last.is_some() { "growth" } else { "canary_share" })
        .help(format!(
            "delete at most {limit} {what} first, check the result, and submit the rest in steps of the same campaign"
        ));
}

/// A size in GiB as bytes.
const fn bytes_of(gib: u64) -> u64 {
    gib.saturating_mul(1 << 30)
}

/// Fewer batches than this do not show what is usual.
const MIN_BATCHES: u64 = 3;

/// Compares the batch with what the same job usually deletes.
fn check_usual_size(context: &Context<Settings>, findings: &mut Findings) {
    let settings = &context.settings;
    let Some(history) = context.facts.history() else { return };
    for (whose, spans) in [("this kind", &history.same_kind), ("this actor", &history.same_actor)] {
        let month = &spans.month;
        for (size, all, from, what) in [
            (Some(context.facts.targets()), Some(month.targets), settings.unusual_from, "targets"),
            (context.facts.bytes().copied(), month.bytes, bytes_of(settings.unusual_size_from), "bytes"),
        ] {
            let Some((size, all)) = size.zip(all) else { continue };
            let average = all.div_ceil(month.batches.max(1));
            if month.batches >= MIN_BATCHES && size > from && size > average.saturating_mul(settings.unusual) {
                findings
                    .deny_if(
                        !context.is_soft(),
                        &UNUSUAL_SIZE,
                        format!(
                            "the batch has {size} {what}; {} batches of {whose} in the last 30 days had {average} on average",
                            month.batches
                        ),
                    )
                    .field("/targets")
                    .setting("unusual")
                    .help("find out why there is so much; if it is right, delete it in growing steps of one campaign");
                return;
            }
        }
    }
}

/// Tenants that the first batch of a campaign may reach. One if the number of all tenants is unknown.
fn max_first_step(context: &Context<Settings>) -> u64 {
    let settings = &context.settings;
    let all = context.inventory.as_ref().map_or(0, |inventory| inventory.population_tenants());
    let share = (all as f64 * settings.canary_share / 100.0) as u64;
    share.max(1).min(settings.canary_most)
}

/// Whether the last batch of the campaign allows a larger one; the error says why it does not.
fn allows_growth(context: &Context<Settings>, last: &PastBatch) -> Result<(), &'static str> {
    let soak = context.by_mode(context.settings.soak, context.settings.soak_soft);
    let age = context.facts.evaluated_at().since(last.at);
    let differ = |a: &str, b: &str| !a.trim().eq_ignore_ascii_case(b.trim());
    if last.mode != context.claims.mode() || differ(&last.kind, &kind_label(context)) {
        return Err("the last batch of its campaign was of another kind or mode");
    }
    if differ(&last.environment, context.claims.environment()) {
        return Err("the last batch of its campaign ran in another environment");
    }
    if last.succeeded != Some(true) {
        return Err("the last batch of its campaign is not known to have succeeded");
    }
    if u64::try_from(age).unwrap_or(0) < soak {
        return Err("the soak time of the last batch of its campaign is not over");
    }
    if u64::try_from(age).unwrap_or(0) > context.settings.canary_age {
        return Err("the last batch of its campaign is too long ago");
    }
    let source = context.claims.provenance().and_then(|provenance| non_blank(&provenance.source));
    if non_blank(&last.source).zip(source).is_some_and(|(last, source)| differ(last, source)) {
        return Err("the list of the last batch of its campaign was from another source");
    }
    let of_kind = context.facts.history().and_then(|history| history.kind_last.as_ref());
    if of_kind.is_some_and(|of_kind| of_kind.succeeded == Some(false) && of_kind.at >= last.at) {
        return Err("a batch of this kind failed after the last batch of its campaign");
    }
    Ok(())
}

/// The kind of the batch as a history records it: the claimed kind, or several in alphabetical order.
fn kind_label(context: &Context<Settings>) -> String {
    match context.declared_kinds().as_slice() {
        [(kind, _)] => (*kind).to_owned(),
        several => {
            let mut kinds: Vec<String> = several.iter().map(|(kind, _)| kind.trim().to_ascii_lowercase()).collect();
            kinds.sort_unstable();
            kinds.join(", ")
        }
    }
}

fn check_history(context: &Context<Settings>, findings: &mut Findings) {
    if context.facts.history().is_none() {
        findings
            .deny_if(!context.is_soft(), &HISTORY_UNKNOWN, "it is unknown what the campaign has deleted before")
            .field("/campaign")
            .help("name a ledger in the policy set, or pass a history with `--history`");
    }
}
