//! Whether and how fast it can be undone.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{Checkpoint, Recovery as Claimed, Trigger};
use reprieve_sdk::{Case, Findings, Policy, Rule, policy, said, same_kind};
use rules::{
    BACKUP_SHARES_FATE, COPY_UNVERIFIED, NO_BACKUP, RECOVERY_TOOLING, RESTORE_TOO_LONG, RESTORE_UNTESTED, RULES,
    Settings,
};

/// The policy `recovery`.
#[derive(Debug)]
pub struct Recovery;

const DAY: u64 = 86_400;

impl Policy for Recovery {
    const NAME: &'static str = "recovery";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Whether and how fast it can be undone.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(case: &Case<Settings>, _: &(), findings: &mut Findings) {
        let nothing = Claimed::default();
        let claimed = case.claims.recovery().unwrap_or(&nothing);
        if case.is_hard() {
            check_restore(case, findings);
            check_backup(case, claimed, findings);
            check_trial(case, claimed, findings);
        }
        check_fate(case, findings);
        check_copy(case, findings);
        check_tooling(case, findings);
    }
}

fn check_restore(case: &Case<Settings>, findings: &mut Findings) {
    let estimate = case.facts.restore();
    let most = case.settings.max_restore;
    if estimate.duration.seconds() > most {
        let assumed = !(estimate.tenants_per_batch.measured && estimate.batch_duration.measured);
        let help = if assumed {
            "measure a restore and write it into `recovery.restore`, or delete fewer tenants at a time"
        } else {
            "delete fewer tenants at a time, or make restoring faster"
        };
        let hours = most / 3_600;
        findings
            .deny(
                &RESTORE_TOO_LONG,
                format!("undoing this takes {}, and {hours} hours are allowed", estimate.in_words()),
            )
            .field("/recovery/restore")
            .setting("max_restore")
            .help(help);
    }
}

fn is_usable(case: &Case<Settings>, checkpoint: &Checkpoint) -> bool {
    checkpoint.verified == Some(true)
        && checkpoint.covers_sha256.as_deref() == Some(case.evidence().targets_sha256)
        && checkpoint.completed_at.is_some_and(|at| case.is_fresh(at, case.settings.max_backup_age))
}

fn check_backup(case: &Case<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let checkpoints = claimed.checkpoints.as_deref().unwrap_or_default();
    let usable: Vec<&Checkpoint> = checkpoints.iter().filter(|checkpoint| is_usable(case, checkpoint)).collect();
    if usable.is_empty() {
        let message = match checkpoints.len() {
            0 => "there is no backup".to_owned(),
            count => format!("none of {count} backups is fresh, verified and of this list"),
        };
        findings
            .deny(&NO_BACKUP, message)
            .field("/recovery/checkpoints")
            .setting("max_backup_age")
            .help("back up these targets, read the backup back, and name it with the digest of this list");
        return;
    }
    let until = case.facts.evaluated_at().plus((case.settings.immutable_days * DAY) as i64);
    if !usable.iter().any(|checkpoint| checkpoint.immutable_until.is_some_and(|end| end >= until)) {
        let days = case.settings.immutable_days;
        findings
            .deny(&BACKUP_SHARES_FATE, format!("no backup is out of everybody's reach for {days} days"))
            .field("/recovery/checkpoints")
            .setting("immutable_days")
            .help("lock the backup against deletion, and write until when (`immutable_until`)");
    }
}

fn check_trial(case: &Case<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let restore = claimed.restore.clone().unwrap_or_default();
    let (tenants, days) = (case.facts.tenants_at_most(), case.settings.max_test_age_days);
    let message = if restore.tested_at.is_none_or(|at| !case.is_fresh(at, days * DAY)) {
        format!("restoring is not known to have been tried in the last {days} days")
    } else if said(&restore.granularity) != Some("tenant") {
        "restoring is not known to work for a single tenant".to_owned()
    } else if restore.tested_scale.is_none_or(|scale| scale < tenants) {
        format!("restoring is not known to have been tried with {tenants} tenants")
    } else {
        return;
    };
    findings
        .deny(&RESTORE_UNTESTED, message)
        .field("/recovery/restore")
        .setting("max_test_age_days")
        .help("restore that many tenants somewhere, and write when and how many (`tested_at`, `tested_scale`)");
}

fn check_fate(case: &Case<Settings>, findings: &mut Findings) {
    let Some(inventory) = &case.inventory else { return };
    let gone = &inventory.closure().evidence;
    if !gone.is_empty() {
        findings
            .deny(
                &BACKUP_SHARES_FATE,
                format!("the backup or copy `{}` is among the things that would go", gone.join("`, `")),
            )
            .field("/recovery/checkpoints")
            .help("keep the backup where this deletion does not reach");
    }
}

fn check_copy(case: &Case<Settings>, findings: &mut Findings) {
    let moved = case.claims.reason().and_then(|reason| reason.trigger) == Some(Trigger::Migration);
    let migration = match case.claims.migration() {
        Some(migration) => migration.clone(),
        None if moved => Default::default(),
        None => return,
    };
    let settings = &case.settings;
    let compared = migration.verified_fraction.unwrap_or(0.0) * 100.0;
    let held = migration.verified_at.zip(migration.source_hold_until);
    let (message, field, setting) = if said(&migration.copy).is_none() {
        ("the data was moved, and nothing says where its copy is".to_owned(), "copy", "verified_share")
    } else if compared < settings.verified_share {
        let share = settings.verified_share;
        (
            format!("{compared} % of the data was compared with its copy, and {share} % has to be"),
            "verified_fraction",
            "verified_share",
        )
    } else if migration.verified_at.is_none_or(|at| case.is_future(at)) {
        (
            "nothing says when the copy was compared, or a time in the future".to_owned(),
            "verified_at",
            "verified_share",
        )
    } else if held.is_none_or(|(from, until)| until.since(from) < (settings.hold_days * DAY) as i64) {
        (
            format!("the source is not kept for {} days after the comparison", settings.hold_days),
            "source_hold_until",
            "hold_days",
        )
    } else {
        return;
    };
    findings
        .deny(&COPY_UNVERIFIED, message)
        .field(format!("/migration/{field}"))
        .setting(setting)
        .help("compare all of it with its copy, keep the source for a while, and then delete it");
}

fn check_tooling(case: &Case<Settings>, findings: &mut Findings) {
    let resolved = case.inventory.as_ref().map(|inventory| &inventory.closure().kinds.counts);
    let kinds = resolved.into_iter().flatten().chain(&case.facts.kinds().counts);
    let is_tooling = |kind: &str| case.settings.tooling_kinds.iter().any(|listed| same_kind(listed, kind));
    let mut found: Vec<String> =
        kinds.filter(|(kind, _)| is_tooling(kind)).map(|(kind, count)| format!("{count} `{kind}`")).collect();
    found.sort();
    found.dedup();
    if !found.is_empty() {
        findings
            .deny(&RECOVERY_TOOLING, format!("what is needed to recover would go along: {}", found.join(", ")))
            .field("/targets")
            .setting("tooling_kinds")
            .help("detach it first, and keep it until everything else is known to be well");
    }
}

policy!(Recovery);
