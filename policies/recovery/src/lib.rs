//! Checks whether a deletion can be undone, and how fast.
//!
//! In reading order: the restore estimate, the backup and the restore test of a hard delete, backups among the
//! targets, the copy of migrated data, and recovery tooling among the targets.

mod backup;
mod rules;
#[cfg(test)]
mod tests;

use backup::{check_backup, check_backup_targets};
use reprieve_sdk::model::{Migration, Mode, Recovery as Claimed, Timestamp, Trigger};
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Chunk, Column, Context, Findings, KindName, Policy, Rows, Rule, non_blank};
use rules::{COPY_UNVERIFIED, RECOVERY_TOOLING, RESTORE_TOO_LONG, RESTORE_UNTESTED, RULES, Settings};

/// The policy `recovery`. It requires a hard delete to have a verified backup, a tested restore, and a short enough
/// restore time. For every batch, it denies migrated data without a verified copy, and targets that are needed to
/// recover.
#[derive(Debug)]
pub struct Recovery;

/// The use of moved data after it was compared with its copy.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct Uses {
    /// Targets that were used later.
    later: Rows,
    /// Other targets whose last use is unknown.
    unknown: Rows,
}

const DAY: u64 = 86_400;

impl Policy for Recovery {
    const NAME: &'static str = "recovery";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Checks whether the deletion can be undone, and how fast.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["last_used_at", "resolved_last_used_at"];
    type Settings = Settings;
    type State = Uses;

    fn observe(context: &Context<Settings>, uses: &mut Uses, chunk: &Chunk) {
        let compared = context.claims.migration().and_then(|migration| migration.verified_at?.known());
        let Some(compared) = compared else { return };
        let (claimed, resolved) = (chunk.column("last_used_at"), chunk.column("resolved_last_used_at"));
        for row in 0..chunk.rows as usize {
            let at = |column: Option<&Column>| Timestamp::from_seconds(column?.i64(row)?).known();
            let later = |at: Option<Timestamp>| at.is_some_and(|at| at > compared);
            let used = later(at(claimed)) || later(at(resolved));
            uses.later.add_if(used, chunk.row(row));
            uses.unknown.add_if(!used && at(resolved).is_none(), chunk.row(row));
        }
    }

    fn merge(uses: &mut Uses, other: Uses) {
        uses.later.merge(other.later);
        uses.unknown.merge(other.unknown);
    }

    fn check(context: &Context<Settings>, uses: &Uses, findings: &mut Findings) {
        let nothing = Claimed::default();
        let claimed = context.claims.recovery().unwrap_or(&nothing);
        if !context.is_soft() {
            check_restore_time(context, findings);
        }
        if context.is_hard() {
            check_backup(context, claimed, findings);
            check_restore_test(context, claimed, findings);
        }
        check_restore_scale(context, claimed, findings);
        check_backup_targets(context, findings);
        check_copy(context, uses, findings);
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
    } else if restore.tenants_per_batch.is_none() {
        ("the request does not say how many tenants a restore recovers at a time".to_owned(), false)
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

/// The time of a restore is only measured up to the scale that was tested.
fn check_restore_scale(context: &Context<Settings>, claimed: &Claimed, findings: &mut Findings) {
    let scales = claimed.restore.as_ref().and_then(|restore| restore.tenants_per_batch.zip(restore.tested_scale));
    // A test with fewer tenants than the batch has is reported already.
    let enough = |tested: u64| !context.is_hard() || tested >= context.facts.tenants_at_most();
    if let Some((at_a_time, tested)) = scales.filter(|(at_a_time, tested)| at_a_time > tested && enough(*tested)) {
        findings
            .deny_if(
                context.is_hard(),
                &RESTORE_UNTESTED,
                format!("a restore is said to recover {at_a_time} tenants at a time, but was tested with {tested}"),
            )
            .wrong()
            .field("/recovery/restore/tenants_per_batch")
            .help("state the number of tenants with which the restore was measured");
    }
}

/// What is wrong with the copy of moved data.
struct CopyFlaw {
    message: String,
    /// Whether the request states what is wrong. If not, it is missing.
    stated: bool,
    field: &'static str,
    setting: &'static str,
}

impl CopyFlaw {
    fn new(message: impl Into<String>, stated: bool, field: &'static str, setting: &'static str) -> Self {
        Self { message: message.into(), stated, field, setting }
    }
}

fn check_copy(context: &Context<Settings>, uses: &Uses, findings: &mut Findings) {
    let moved = context.trigger().map(|trigger| trigger == Trigger::Migration);
    let migration = match context.claims.migration() {
        Some(migration) => migration.clone(),
        None if moved == Some(true) => Default::default(),
        None if moved.is_none() => {
            findings
                .deny_if(
                    context.is_hard(),
                    &COPY_UNVERIFIED,
                    "the request does not say whether the data was migrated, and describes no copy of it",
                )
                .missing()
                .field("/reason/trigger")
                .help("state what triggered the deletion, and describe the copy if the data was migrated");
            return;
        }
        None => return,
    };
    if let Some(flaw) = copy_flaw(context, &migration).or_else(|| hold_flaw(context, &migration)) {
        let finding = findings.deny(&COPY_UNVERIFIED, flaw.message);
        let finding = if flaw.stated { finding } else { finding.missing() };
        finding
            .field(format!("/migration/{}", flaw.field))
            .setting(flaw.setting)
            .help("compare all of it with its copy, keep the source for that time, and delete it afterwards");
    }
    check_use_since(context, uses, findings);
}

/// What is wrong with the comparison of the data with its copy.
fn copy_flaw(context: &Context<Settings>, migration: &Migration) -> Option<CopyFlaw> {
    let required = context.settings.verified_share;
    let flaw = |message: String, stated, field| Some(CopyFlaw::new(message, stated, field, "verified_share"));
    if non_blank(&migration.copy).is_none() {
        return flaw("the data was migrated, but the request does not name its copy".to_owned(), false, "copy");
    }
    let stated = migration.verified_fraction;
    let fraction = stated.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&fraction) {
        return flaw(
            format!("`verified_fraction` is {fraction}, but a fraction is from 0 to 1"),
            true,
            "verified_fraction",
        );
    }
    let compared = fraction * 100.0;
    if compared < required {
        let message = format!("{compared} % of the data was compared with its copy, but {required} % is required");
        return flaw(message, stated.is_some(), "verified_fraction");
    }
    let at = migration.verified_at.and_then(Timestamp::known);
    if at.is_none_or(|at| context.is_future(at)) {
        let message = "the time of the comparison with the copy is in the future, or not stated";
        return flaw(message.to_owned(), at.is_some(), "verified_at");
    }
    None
}

/// What is wrong with the time for which the source is kept.
fn hold_flaw(context: &Context<Settings>, migration: &Migration) -> Option<CopyFlaw> {
    let days = context.settings.hold_days;
    let flaw = |message: String, stated| Some(CopyFlaw::new(message, stated, "source_hold_until", "hold_days"));
    let from = migration.verified_at.and_then(Timestamp::known)?;
    let until = migration.source_hold_until.and_then(Timestamp::known);
    let Some(until) = until.filter(|until| until.since(from) >= (days * DAY) as i64) else {
        let message = format!("the source is not known to be kept for {days} days after the comparison");
        return flaw(message, until.is_some());
    };
    // The source is gone at once, or when the soft-deleted targets are; what is disabled stays.
    let now = context.facts.evaluated_at();
    let kept = context.claims.recovery().and_then(|recovery| recovery.soft_delete_days);
    let gone = match (context.claims.mode(), kept) {
        (Mode::Disable, _) => return None,
        (Mode::Soft, Some(days)) => now.plus((u64::from(days) * DAY) as i64),
        _ => now,
    };
    if until > gone {
        let when =
            if context.is_hard() { "now".to_owned() } else { format!("at {gone}, as `soft_delete_days` says") };
        return flaw(format!("the source is to be kept until {until}, but it would be gone {when}"), true);
    }
    None
}

/// What was used after the comparison may differ from its copy.
fn check_use_since(context: &Context<Settings>, uses: &Uses, findings: &mut Findings) {
    let targets = context.facts.targets();
    if uses.later.any() {
        findings
            .deny(
                &COPY_UNVERIFIED,
                format!(
                    "{} of {targets} targets were used after they were compared with their copy",
                    uses.later.count
                ),
            )
            .field("/migration/verified_at")
            .rows(&uses.later)
            .help("compare them with their copy again, after their last use");
    }
    if uses.unknown.any() {
        findings
            .deny_if(
                context.is_hard(),
                &COPY_UNVERIFIED,
                format!(
                    "it is unknown whether {} of {targets} targets were used after they were compared with their copy",
                    uses.unknown.count
                ),
            )
            .missing()
            .field("/migration/verified_at")
            .rows(&uses.unknown)
            .help("state in the inventory when each was last used (`last_used_at`)");
    }
}

fn check_tooling(context: &Context<Settings>, findings: &mut Findings) {
    let resolved = context.inventory.as_ref().map(|inventory| &inventory.closure().kinds.counts);
    let kinds = resolved.into_iter().flatten().chain(&context.facts.kinds().counts);
    let tooling: Vec<KindName<'_>> =
        context.settings.tooling_kinds.iter().map(|listed| KindName::of(listed)).collect();
    let is_tooling = |kind: &str| {
        let kind = KindName::of(kind);
        tooling.iter().any(|listed| kind.is(listed))
    };
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
