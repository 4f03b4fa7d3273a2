//! Checks whether a deletion can be undone, and how fast.
//!
//! In reading order: the restore estimate, the backup and the restore test of a hard delete, backups among the
//! targets, the copy of migrated data, and recovery tooling among the targets.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{Checkpoint, Recovery as Claimed, Trigger};
use reprieve_sdk::{Context, Findings, Policy, Rule, non_blank, policy, same_kind};
use rules::{
    BACKUP_SHARES_FATE, COPY_UNVERIFIED, NO_BACKUP, RECOVERY_TOOLING, RESTORE_TOO_LONG, RESTORE_UNTESTED, RULES,
    Settings,
};

/// The policy `recovery`. It requires a hard delete to have a verified backup, a tested restore, and a short enough
/// restore time. For every batch, it denies migrated data without a verified copy, and targets that are needed to
/// recover.
#[derive(Debug)]
pub struct Recovery;

const DAY: u64 = 86_400;

impl Policy for Recovery {
    const NAME: &'static str = "recovery";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Checks whether the deletion can be undone, and how fast.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
        let nothing = Claimed::default();
        let claimed = context.claims.recovery().unwrap_or(&nothing);
        if context.is_hard() {
            check_restore_time(context, findings);
            check_backup(context, claimed, findings);
            check_restore_test(context, claimed, findings);
        }
        check_backup_targets(context, findings);
        check_copy(context, findings);
        check_tooling(context, findings);
    }
}

fn check_restore_time(context: &Context<Settings>, findings: &mut Findings) {
    let estimate = context.facts.restore();
    let max = context.settings.max_restore;
    if estimate.duration.seconds() > max {
        let assumed = !(estimate.tenants_per_batch.measured && estimate.batch_duration.measured);
        let help = if assumed {
            "measure a restore and write the figures into `recovery.restore`, or delete fewer tenants at a time"
        } else {
            "delete fewer tenants at a time, or make restores faster"
        };
        let hours = max / 3_600;
        findings
            .deny(
                &RESTORE_TOO_LONG,
                format!("a restore would take {}, but at most {hours} hours are allowed", estimate.in_words()),
            )
            .field("/recovery/restore")
            .setting("max_restore")
            .help(help);
    }
}

fn is_usable(context: &Context<Settings>, checkpoint: &Checkpoint) -> bool {
    checkpoint.verified == Some(true)
        && checkpoint.covers_sha256.as_deref() == Some(context.evidence().targets_sha256)
        && checkpoint.completed_at.is_some_and(|at| context.is_fresh(at, context.settings.max_backup_age))
}

fn check_backup(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let checkpoints = claimed.checkpoints.as_deref().unwrap_or_default();
    let usable: Vec<&Checkpoint> = checkpoints.iter().filter(|checkpoint| is_usable(context, checkpoint)).collect();
    if usable.is_empty() {
        let finding = match checkpoints.len() {
            0 => findings.deny(&NO_BACKUP, "the request names no backup"),
            count => findings
                .deny(&NO_BACKUP, format!("none of the {count} backups is fresh, verified and of this list"))
                .wrong(),
        };
        finding
            .field("/recovery/checkpoints")
            .setting("max_backup_age")
            .help("back up these targets, verify the backup, and name it with the digest of this list");
        return;
    }
    let days = context.settings.immutable_days;
    let until = context.facts.evaluated_at().plus((days * DAY) as i64);
    if !usable.iter().any(|checkpoint| checkpoint.immutable_until.is_some_and(|end| end >= until)) {
        let finding = findings
            .deny(&BACKUP_SHARES_FATE, format!("no backup is known to be immutable for the next {days} days"));
        let stated = usable.iter().any(|checkpoint| checkpoint.immutable_until.is_some());
        let finding = if stated { finding } else { finding.missing() };
        finding
            .field("/recovery/checkpoints")
            .setting("immutable_days")
            .help("lock the backup against deletion, and state until when (`immutable_until`)");
    }
}

fn check_restore_test(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let restore = claimed.restore.clone().unwrap_or_default();
    let (tenants, days) = (context.facts.tenants_at_most(), context.settings.max_test_age_days);
    let granularity = non_blank(&restore.granularity);
    let (message, stated) = if restore.tested_at.is_none_or(|at| !context.is_fresh(at, days * DAY)) {
        (format!("no restore is known to have been tested in the last {days} days"), restore.tested_at.is_some())
    } else if granularity != Some("tenant") {
        ("no restore of a single tenant is known to have been tested".to_owned(), granularity.is_some())
    } else if restore.tested_scale.is_none_or(|scale| scale < tenants) {
        (format!("no restore of {tenants} tenants is known to have been tested"), restore.tested_scale.is_some())
    } else {
        return;
    };
    let finding = findings.deny(&RESTORE_UNTESTED, message);
    let finding = if stated { finding.wrong() } else { finding };
    finding
        .field("/recovery/restore")
        .setting("max_test_age_days")
        .help("test a restore of that many tenants, and state when and how many (`tested_at`, `tested_scale`)");
}

fn check_backup_targets(context: &Context<Settings>, findings: &mut Findings) {
    let Some(inventory) = &context.inventory else { return };
    let deleted = &inventory.closure().evidence;
    if !deleted.is_empty() {
        findings
            .deny(
                &BACKUP_SHARES_FATE,
                format!("the batch would also delete the backup or copy `{}`", deleted.join("`, `")),
            )
            .field("/recovery/checkpoints")
            .help("keep the backup where this deletion does not reach it");
    }
}

fn check_copy(context: &Context<Settings>, findings: &mut Findings) {
    let moved = context.claims.reason().and_then(|reason| reason.trigger) == Some(Trigger::Migration);
    let migration = match context.claims.migration() {
        Some(migration) => migration.clone(),
        None if moved => Default::default(),
        None => return,
    };
    let settings = &context.settings;
    let compared = migration.verified_fraction.unwrap_or(0.0) * 100.0;
    let held = migration.verified_at.zip(migration.source_hold_until);
    let (message, stated, field, setting) = if non_blank(&migration.copy).is_none() {
        ("the data was migrated, but the request does not name its copy".to_owned(), false, "copy", "verified_share")
    } else if compared < settings.verified_share {
        let share = settings.verified_share;
        (
            format!("{compared} % of the data was compared with its copy, but {share} % is required"),
            true,
            "verified_fraction",
            "verified_share",
        )
    } else if migration.verified_at.is_none_or(|at| context.is_future(at)) {
        (
            "the time of the comparison with the copy is in the future, or not stated".to_owned(),
            migration.verified_at.is_some(),
            "verified_at",
            "verified_share",
        )
    } else if held.is_none_or(|(from, until)| until.since(from) < (settings.hold_days * DAY) as i64) {
        (
            format!("the source is not known to be kept for {} days after the comparison", settings.hold_days),
            migration.source_hold_until.is_some(),
            "source_hold_until",
            "hold_days",
        )
    } else {
        return;
    };
    let finding = findings.deny(&COPY_UNVERIFIED, message);
    let finding = if stated { finding } else { finding.missing() };
    finding
        .field(format!("/migration/{field}"))
        .setting(setting)
        .help("compare all of it with its copy, keep the source for that time, and delete it afterwards");
}

fn check_tooling(context: &Context<Settings>, findings: &mut Findings) {
    let resolved = context.inventory.as_ref().map(|inventory| &inventory.closure().kinds.counts);
    let kinds = resolved.into_iter().flatten().chain(&context.facts.kinds().counts);
    let is_tooling = |kind: &str| context.settings.tooling_kinds.iter().any(|listed| same_kind(listed, kind));
    let mut found: Vec<String> =
        kinds.filter(|(kind, _)| is_tooling(kind)).map(|(kind, count)| format!("{count} `{kind}`")).collect();
    found.sort();
    found.dedup();
    if !found.is_empty() {
        findings
            .deny(
                &RECOVERY_TOOLING,
                format!("the batch would delete what is needed to recover from it: {}", found.join(", ")),
            )
            .field("/targets")
            .setting("tooling_kinds")
            .help("detach it first, and keep it until the deletion is known to be correct");
    }
}

policy!(Recovery);
