//! Checks when a batch runs, and how soon after other deletions.
//!
//! In reading order: a change freeze, the change window, the rate of deletions, and, for a deletion for disuse, the
//! last use of the targets and the notice to their owners.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{PastBatch, Trigger};
use reprieve_sdk::{Chunk, Context, Findings, Policy, Rows, Rule, policy};
use rules::{FREEZE, HISTORY_UNKNOWN, NO_NOTICE, OUTSIDE_WINDOW, RECENTLY_USED, RULES, Settings, TOO_FAST};

/// The policy `timing`. It denies batches during a change freeze, outside the change window, or too soon after other
/// deletions. For deletions for disuse, it requires targets that are unused and owners who were notified.
#[derive(Debug)]
pub struct Timing;

const DAY: u64 = 86_400;

impl Policy for Timing {
    const NAME: &'static str = "timing";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "Checks when the batch runs, how soon after other deletions, and whether owners were notified.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["last_used_at", "resolved_last_used_at"];
    type Settings = Settings;
    /// Targets that were used recently, or whose last use is unknown.
    type State = Rows;

    fn observe(context: &Context<Settings>, used: &mut Rows, chunk: &Chunk) {
        if !is_for_disuse(context) {
            return;
        }
        let latest = context.facts.evaluated_at().seconds() - (context.settings.unused_days * DAY) as i64;
        let (claimed, resolved) = (chunk.column("last_used_at"), chunk.column("resolved_last_used_at"));
        for row in 0..chunk.rows as usize {
            let resolved = resolved.and_then(|column| column.i64(row));
            let claimed = claimed.and_then(|column| column.i64(row));
            // Only the inventory can prove disuse. The list can only contradict it.
            let unused = resolved.is_some_and(|at| at <= latest) && claimed.is_none_or(|at| at <= latest);
            used.add_if(!unused, chunk.row(row));
        }
    }

    fn merge(used: &mut Rows, other: Rows) {
        used.merge(other);
    }

    fn check(context: &Context<Settings>, used: &Rows, findings: &mut Findings) {
        check_freeze(context, findings);
        check_window(context, findings);
        check_rate(context, findings);
        check_history(context, findings);
        if is_for_disuse(context) {
            check_use(context, used, findings);
            check_notice(context, findings);
        }
    }
}

fn is_for_disuse(context: &Context<Settings>) -> bool {
    context.claims.reason().and_then(|reason| reason.trigger) == Some(Trigger::Disuse)
}

fn check_freeze(context: &Context<Settings>, findings: &mut Findings) {
    let finding = match context.claims.schedule().and_then(|schedule| schedule.freeze) {
        Some(true) => findings.deny(&FREEZE, "a change freeze is in effect"),
        None if context.is_hard() => {
            findings.deny(&FREEZE, "the request does not say whether a change freeze is in effect").missing()
        }
        _ => return,
    };
    finding.field("/schedule/freeze").help("wait until no freeze is in effect, then set `schedule.freeze` to false");
}

fn check_window(context: &Context<Settings>, findings: &mut Findings) {
    let settings = &context.settings;
    if !settings.window {
        return;
    }
    let zone = &settings.window_zone.0;
    let Some(seconds) = context.local(&settings.window_zone) else {
        findings
            .deny(&OUTSIDE_WINDOW, format!("the host did not state the time in the zone `{zone}`"))
            .missing()
            .setting("window_zone")
            .help("use a host that knows this zone, or set another zone");
        return;
    };
    let (day, hour) = (seconds.div_euclid(DAY as i64), seconds.rem_euclid(DAY as i64) as u64 / 3_600);
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7) as u64 + 1;
    if !settings.window_days.contains(&weekday) || hour < settings.window_from || hour >= settings.window_to {
        let days: Vec<String> = settings.window_days.iter().map(u64::to_string).collect();
        findings
            .deny(
                &OUTSIDE_WINDOW,
                format!("the window is closed: in `{zone}`, the hour is {hour}, on day {weekday} of the week"),
            )
            .setting("window")
            .help(format!(
                "run it between {}:00 and {}:00 `{zone}`, on these days of the week: {}",
                settings.window_from,
                settings.window_to,
                days.join(", ")
            ));
    }
}

fn check_rate(context: &Context<Settings>, findings: &mut Findings) {
    let tenants = context.facts.tenants_at_most();
    let max = context.by_mode(context.settings.tenants_a_day, context.settings.tenants_a_day_soft);
    let before = context.facts.history().map_or(0, |history| history.same_mode.day.tenants);
    let total = tenants.saturating_add(before);
    if total > max {
        findings
            .deny(
                &TOO_FAST,
                format!(
                    "{total} tenants in 24 hours, {before} of them before this batch, but at most {max} are allowed"
                ),
            )
            .field("/targets")
            .setting(context.by_mode("tenants_a_day", "tenants_a_day_soft"))
            .help("split the list, run the parts on different days, and record the outcome of each");
    }
}

fn check_history(context: &Context<Settings>, findings: &mut Findings) {
    let Some(history) = context.facts.history() else {
        findings
            .deny_if(context.is_hard(), &HISTORY_UNKNOWN, "it is unknown what was deleted in the last 24 hours")
            .help("name a ledger in the policy set, or pass a history with `--history`");
        return;
    };
    if let Some(last) = history.last.as_ref().filter(|_| context.is_hard()) {
        check_pause(context, last, findings);
    }
}

fn check_pause(context: &Context<Settings>, last: &PastBatch, findings: &mut Findings) {
    let pause = last.tenants.saturating_mul(context.settings.pause_per_tenant);
    let since = context.facts.evaluated_at().since(last.at);
    if u64::try_from(since).unwrap_or(0) >= pause {
        return;
    }
    let (tenants, minutes) = (last.tenants, pause.div_ceil(60));
    let (message, help) = match last.succeeded {
        Some(_) => (
            format!("a batch of {tenants} tenants ran {} minutes ago", since.max(0) / 60),
            format!("wait until {minutes} minutes after it, and check its result"),
        ),
        None => (
            format!("the outcome of a batch of {tenants} tenants is not recorded"),
            format!(
                "record it (`reprieve ledger list --open` shows the batch), wait until {minutes} minutes after it, \
                 and check its result"
            ),
        ),
    };
    findings.deny(&TOO_FAST, message).setting("pause_per_tenant").help(help);
}

fn check_use(context: &Context<Settings>, used: &Rows, findings: &mut Findings) {
    if used.any() {
        let (count, targets, days) = (used.count, context.facts.targets(), context.settings.unused_days);
        findings
            .deny(
                &RECENTLY_USED,
                format!("{count} of {targets} targets are not known to have been unused for {days} days"),
            )
            .field("/targets")
            .setting("unused_days")
            .rows(used)
            .help("remove them from the list, or state in the inventory when each was last used (`last_used_at`)");
    }
}

fn check_notice(context: &Context<Settings>, findings: &mut Findings) {
    let notice = context.claims.notice().cloned().unwrap_or_default();
    let days = context.settings.notice_days;
    let age = notice.owners_notified_at.map(|at| context.facts.evaluated_at().since(at));
    if age.is_none_or(|age| age < (days * DAY) as i64) {
        let message = format!("the owners are not known to have been notified at least {days} days ago");
        let finding = findings.deny(&NO_NOTICE, message);
        let finding = if age.is_some() { finding.wrong() } else { finding };
        finding
            .field("/notice/owners_notified_at")
            .setting("notice_days")
            .help("notify them what will be deleted and when, and wait for their answers");
    }
    if let Some(count) = notice.opt_outs.filter(|count| *count > 0) {
        findings
            .deny(&NO_NOTICE, format!("{count} owners object to the deletion"))
            .wrong()
            .field("/notice/opt_outs")
            .help("remove what they own from the list");
    }
}

policy!(Timing);
