//! Checks when a batch runs, and how soon after other deletions.
//!
//! In reading order: a change freeze, the change window, the rate of deletions, and, for a deletion that the owners did
//! not request, the last use of the targets and the notice to their owners.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{PastBatch, Timestamp, Trigger, TriggerSource};
use reprieve_sdk::serde::{Deserialize, Serialize};
use reprieve_sdk::{Chunk, Column, Context, Findings, Policy, Rows, Rule};
use rules::{FREEZE, HISTORY_UNKNOWN, NO_NOTICE, OUTSIDE_WINDOW, RECENTLY_USED, RULES, Settings, TOO_FAST};

/// The policy `timing`. It denies batches during a change freeze, outside the change window, or too soon after other
/// deletions. For deletions that the owners did not request, it requires targets that are unused and owners who were
/// notified.
#[derive(Debug)]
pub struct Timing;

/// The last use of the targets.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
pub struct Uses {
    /// Targets that were used or created recently.
    recent: Rows,
    /// Other targets whose last use is unknown.
    unknown: Rows,
}

const DAY: u64 = 86_400;

impl Policy for Timing {
    const NAME: &'static str = "timing";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "Checks when the batch runs, how soon after other deletions, and whether owners were notified.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] =
        &["created_at", "last_used_at", "resolved_created_at", "resolved_last_used_at"];
    type Settings = Settings;
    type State = Uses;

    fn observe(context: &Context<Settings>, uses: &mut Uses, chunk: &Chunk) {
        if asked_for(context) == Some(true) {
            return;
        }
        let latest = context.facts.evaluated_at().seconds() - (context.settings.unused_days * DAY) as i64;
        let at = |name: &str| chunk.column(name);
        // Only the inventory can prove disuse. The list, and the time of creation, can only contradict it.
        let proof = at("resolved_last_used_at");
        let others = [at("last_used_at"), at("created_at"), at("resolved_created_at")];
        for row in 0..chunk.rows as usize {
            let known =
                |column: Option<&Column>| column.and_then(|column| column.i64(row)).filter(|at| is_known(*at));
            let proof = known(proof);
            let recent = |at: i64| at > latest;
            let used = proof.is_some_and(recent) || others.iter().any(|column| known(*column).is_some_and(recent));
            uses.recent.add_if(used, chunk.row(row));
            uses.unknown.add_if(!used && proof.is_none(), chunk.row(row));
        }
    }

    fn merge(uses: &mut Uses, other: Uses) {
        uses.recent.merge(other.recent);
        uses.unknown.merge(other.unknown);
    }

    fn check(context: &Context<Settings>, uses: &Uses, findings: &mut Findings) {
        check_freeze(context, findings);
        check_window(context, findings);
        check_rate(context, findings);
        check_history(context, findings);
        check_use(context, uses, findings);
        check_notice(context, findings);
    }
}

/// Whether the owners asked for the deletion, or it was moved data that goes. None: the request does not say.
fn asked_for(context: &Context<Settings>) -> Option<bool> {
    let source = context.claims.reason().and_then(|reason| reason.trigger_source);
    if source == Some(TriggerSource::Default) {
        return Some(false);
    }
    Some(matches!(context.trigger()?, Trigger::Request | Trigger::Migration))
}

/// Whether a time is one, and does not stand for an unknown one such as 0001-01-01.
const fn is_known(at: i64) -> bool {
    Timestamp::from_seconds(at).known().is_some()
}

fn check_freeze(context: &Context<Settings>, findings: &mut Findings) {
    let finding = match context.claims.schedule().and_then(|schedule| schedule.freeze) {
        Some(true) => findings.deny(&FREEZE, "a change freeze is in effect"),
        Some(false) => return,
        None => findings
            .deny_if(!context.is_soft(), &FREEZE, "the request does not say whether a change freeze is in effect")
            .missing(),
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
            .help(if context.facts.targets() > 1 {
                "split the list, run the parts on different days, and record the outcome of each"
            } else {
                "run it on another day, and record the outcome of what ran before"
            });
    }
}

fn check_history(context: &Context<Settings>, findings: &mut Findings) {
    let Some(history) = context.facts.history() else {
        findings
            .deny_if(!context.is_soft(), &HISTORY_UNKNOWN, "it is unknown what was deleted in the last 24 hours")
            .help("name a ledger in the policy set, or pass a history with `--history`");
        return;
    };
    if let Some(last) = history.last.as_ref().filter(|_| !context.is_soft()) {
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

fn check_use(context: &Context<Settings>, uses: &Uses, findings: &mut Findings) {
    let (targets, days) = (context.facts.targets(), context.settings.unused_days);
    let denies = asked_for(context).is_some() || !context.is_soft();
    if uses.recent.any() {
        findings
            .deny_if(
                denies,
                &RECENTLY_USED,
                format!("{} of {targets} targets were used or created in the last {days} days", uses.recent.count),
            )
            .field("/targets")
            .setting("unused_days")
            .rows(&uses.recent)
            .help("remove them from the list, and ask their owners");
    }
    if uses.unknown.any() {
        findings
            .deny_if(
                !context.is_soft() || context.trigger() == Some(Trigger::Disuse),
                &RECENTLY_USED,
                format!("it is unknown when {} of {targets} targets were last used", uses.unknown.count),
            )
            .missing()
            .field("/targets")
            .setting("unused_days")
            .rows(&uses.unknown)
            .help("state in the inventory when each was last used (`last_used_at`), or remove them from the list");
    }
}

fn check_notice(context: &Context<Settings>, findings: &mut Findings) {
    let notice = context.claims.notice().cloned().unwrap_or_default();
    let days = context.settings.notice_days;
    let asked_for = asked_for(context);
    let told = notice.owners_notified_at.and_then(Timestamp::known);
    let age = told.map(|at| context.facts.evaluated_at().since(at));
    if asked_for != Some(true) && age.is_none_or(|age| age < (days * DAY) as i64) {
        let message = format!("the owners are not known to have been notified at least {days} days ago");
        let finding = findings.deny_if(asked_for.is_some() || !context.is_soft(), &NO_NOTICE, message);
        let finding = if age.is_some() { finding.wrong() } else { finding };
        finding
            .field("/notice/owners_notified_at")
            .setting("notice_days")
            .help("notify them what will be deleted and when, and wait for their answers");
    }
    match notice.opt_outs {
        Some(0) => {}
        Some(count) => {
            let who = if count == 1 { "an owner objects".to_owned() } else { format!("{count} owners object") };
            findings
                .deny(&NO_NOTICE, format!("{who} to the deletion"))
                .wrong()
                .field("/notice/opt_outs")
                .help("remove what they own from the list");
        }
        // What is soft-deleted at an owner's request can be restored when another one objects.
        None if asked_for == Some(true) && context.is_soft() => {}
        None => {
            findings
                .deny_if(
                    !context.is_soft(),
                    &NO_NOTICE,
                    "the request does not say whether owners object to the deletion",
                )
                .field("/notice/opt_outs")
                .help("ask the owners, and state how many of them object (`notice.opt_outs`)");
        }
    }
}
