//! When it runs, how fast, and who was told.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::Trigger;
use reprieve_sdk::{Case, Chunk, Findings, Policy, Rows, Rule, policy};
use rules::{FREEZE, HISTORY_UNKNOWN, NO_NOTICE, OUTSIDE_WINDOW, RECENTLY_USED, RULES, Settings, TOO_FAST};

/// The policy `timing`.
#[derive(Debug)]
pub struct Timing;

const DAY: u64 = 86_400;

impl Policy for Timing {
    const NAME: &'static str = "timing";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "When it runs, how fast, and who was told.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["last_used_at", "resolved_last_used_at"];
    type Settings = Settings;
    /// Targets that were used lately, or of which nobody knows.
    type State = Rows;

    fn observe(case: &Case<Settings>, used: &mut Rows, chunk: &Chunk) {
        if !is_for_disuse(case) {
            return;
        }
        let latest = case.facts.evaluated_at().seconds() - (case.settings.unused_days * DAY) as i64;
        let (claimed, resolved) = (chunk.column("last_used_at"), chunk.column("resolved_last_used_at"));
        for row in 0..chunk.rows as usize {
            let resolved = resolved.and_then(|column| column.i64(row));
            let claimed = claimed.and_then(|column| column.i64(row));
            // The inventory has to say so; the list may only make it worse.
            let unused = resolved.is_some_and(|at| at <= latest) && claimed.is_none_or(|at| at <= latest);
            used.add_if(!unused, chunk.row(row));
        }
    }

    fn merge(used: &mut Rows, other: Rows) {
        used.merge(other);
    }

    fn check(case: &Case<Settings>, used: &Rows, findings: &mut Findings) {
        check_freeze(case, findings);
        check_window(case, findings);
        check_speed(case, findings);
        if is_for_disuse(case) {
            check_use(case, used, findings);
            check_notice(case, findings);
        }
    }
}

fn is_for_disuse(case: &Case<Settings>) -> bool {
    case.claims.reason().and_then(|reason| reason.trigger) == Some(Trigger::Disuse)
}

fn check_freeze(case: &Case<Settings>, findings: &mut Findings) {
    let message = match case.claims.schedule().and_then(|schedule| schedule.freeze) {
        Some(true) => "a freeze is on",
        None if case.is_hard() => "nothing says whether a freeze is on",
        _ => return,
    };
    findings.deny(&FREEZE, message).field("/schedule/freeze").help("wait until the freeze is lifted, and say so");
}

fn check_window(case: &Case<Settings>, findings: &mut Findings) {
    let settings = &case.settings;
    if !settings.window {
        return;
    }
    let Some(seconds) = case.local(&settings.window_zone) else {
        findings
            .deny(&OUTSIDE_WINDOW, format!("nobody says what time it is in {}", settings.window_zone.0))
            .setting("window_zone")
            .help("let the host know the zone, or set another");
        return;
    };
    let (day, hour) = (seconds.div_euclid(DAY as i64), seconds.rem_euclid(DAY as i64) as u64 / 3_600);
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7) as u64 + 1;
    if !settings.window_days.contains(&weekday) || hour < settings.window_from || hour >= settings.window_to {
        findings
            .deny(
                &OUTSIDE_WINDOW,
                format!(
                    "it is {hour} o'clock on day {weekday} of the week in {}, and the window is closed",
                    settings.window_zone.0
                ),
            )
            .setting("window")
            .help(format!("run it between {} and {} o'clock", settings.window_from, settings.window_to));
    }
}

fn check_speed(case: &Case<Settings>, findings: &mut Findings) {
    let tenants = case.facts.tenants_at_most();
    let most = case.by_mode(case.settings.tenants_a_day, case.settings.tenants_a_day_soft);
    let setting = case.by_mode("tenants_a_day", "tenants_a_day_soft");
    let before = case.facts.history().map_or(0, |history| history.same_mode.day.tenants);
    let total = tenants.saturating_add(before);
    if total > most {
        findings
            .deny(
                &TOO_FAST,
                format!("{total} tenants in 24 hours, {before} of them before this batch, and {most} are allowed"),
            )
            .field("/targets")
            .setting(setting)
            .help("split the list, run the parts on different days, and say of each what became of it");
    }
    let Some(history) = case.facts.history() else {
        findings
            .deny_if(case.is_hard(), &HISTORY_UNKNOWN, "nobody knows what was deleted in the last 24 hours")
            .help("let the policy set name a ledger, or give a history with `--history`");
        return;
    };
    if let Some(last) = history.last.as_ref().filter(|_| case.is_hard()) {
        let pause = last.tenants.saturating_mul(case.settings.pause_per_tenant);
        let since = case.facts.evaluated_at().since(last.at);
        if u64::try_from(since).unwrap_or(0) < pause {
            let (tenants, minutes) = (last.tenants, pause.div_ceil(60));
            let (message, first) = match last.succeeded {
                Some(_) => (format!("a batch of {tenants} tenants ran {} minutes ago", since.max(0) / 60), ""),
                None => (
                    format!("nobody has said what became of a batch of {tenants} tenants"),
                    "say it (`reprieve ledger list --open` shows the batch), ",
                ),
            };
            findings
                .deny(&TOO_FAST, message)
                .setting("pause_per_tenant")
                .help(format!("{first}wait {minutes} minutes after it, and look at what it did"));
        }
    }
}

fn check_use(case: &Case<Settings>, used: &Rows, findings: &mut Findings) {
    if used.any() {
        let days = case.settings.unused_days;
        findings
            .deny(
                &RECENTLY_USED,
                format!(
                    "{} of {} targets are not known to be unused for {days} days",
                    used.count,
                    case.facts.targets()
                ),
            )
            .field("/targets")
            .setting("unused_days")
            .rows(used)
            .help("take them off the list, or let the inventory say when each was last used (`last_used_at`)");
    }
}

fn check_notice(case: &Case<Settings>, findings: &mut Findings) {
    let notice = case.claims.notice().cloned().unwrap_or_default();
    let days = case.settings.notice_days;
    let told = notice.owners_notified_at.map(|at| case.facts.evaluated_at().since(at));
    if told.is_none_or(|age| age < (days * DAY) as i64) {
        findings
            .deny(&NO_NOTICE, format!("the owners are not known to have been told {days} days ago"))
            .field("/notice/owners_notified_at")
            .setting("notice_days")
            .help("tell them what goes and when, and wait for their answer");
    }
    if let Some(objections) = notice.opt_outs.filter(|count| *count > 0) {
        findings
            .deny(&NO_NOTICE, format!("{objections} owners object"))
            .field("/notice/opt_outs")
            .help("take what they own off the list");
    }
}

policy!(Timing);
