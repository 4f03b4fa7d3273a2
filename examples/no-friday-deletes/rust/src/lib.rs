//! Keeps deletions away from the days on which nobody restores anything.

mod calendar;
mod rules;

use calendar::{Calendar, DAY, Day};
use reprieve_sdk::{Blob, Case, Chunk, Findings, Policy, Rows, Rule, policy};
use rules::{CLOSED_DAY, EVE_OF_CLOSED_DAY, NO_CALENDAR, RULES, Settings, TOO_YOUNG};

const LOOKED_AHEAD: i64 = 30;

/// The policy `no-friday-deletes`.
pub struct NoFridayDeletes;

impl Policy for NoFridayDeletes {
    const NAME: &'static str = "no-friday-deletes";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Keeps deletions away from the days on which nobody restores anything.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["created_at", "resolved_created_at"];
    type Settings = Settings;
    /// Targets that are too young.
    type State = Rows;

    fn validate(_: &Settings, data: &[Blob]) -> Result<(), String> {
        Calendar::read(data.iter().find(|blob| blob.name == "calendar").map(|blob| blob.bytes.as_slice())).map(drop)
    }

    fn observe(case: &Case<Settings>, young: &mut Rows, chunk: &Chunk) {
        let latest = case.facts.evaluated_at().seconds() - case.settings.min_age_days as i64 * DAY;
        let (claimed, resolved) = (chunk.column("created_at"), chunk.column("resolved_created_at"));
        for row in 0..chunk.rows as usize {
            let newest = claimed.and_then(|column| column.i64(row)).max(resolved.and_then(|column| column.i64(row)));
            young.add_if(newest.is_some_and(|at| at > latest), chunk.row(row));
        }
    }

    fn merge(young: &mut Rows, other: Rows) {
        young.merge(other);
    }

    fn check(case: &Case<Settings>, young: &Rows, findings: &mut Findings) {
        // `validate` has read it before; were it unreadable now, a panic is a fault, and a fault is no allow.
        let calendar = Calendar::read(case.data("calendar")).unwrap_or_else(|wrong| panic!("{wrong}"));
        let now = case.facts.evaluated_at();
        let Some(today) = calendar.day(now) else {
            findings
                .deny_if(
                    case.is_hard(),
                    &NO_CALENDAR,
                    format!("the calendar of {} does not reach {now}", calendar.zone),
                )
                .help("add the offsets of that time to the calendar");
            return;
        };
        if let Some(reason) = calendar.closed(today) {
            closed(&calendar, today, reason, findings);
        } else if calendar.closed(today.after(1)).is_some() {
            eve(case, &calendar, today.after(1), young, findings);
        }
    }
}

fn closed(calendar: &Calendar, today: Day, reason: &str, findings: &mut Findings) {
    let colon = if reason.is_empty() { "" } else { ": " };
    let (weekday, date, zone) = (today.weekday(), today.date(), &calendar.zone);
    let open = (1..=LOOKED_AHEAD).map(|days| today.after(days)).find(|day| calendar.closed(*day).is_none());
    findings
        .deny(&CLOSED_DAY, format!("it is {weekday} {date} in {zone}, and that day is closed{colon}{reason}"))
        .help(match open {
            Some(day) => format!("run it on {}, the next open day", day.date()),
            None => format!("no day of the next {LOOKED_AHEAD} is open; look at the calendar"),
        });
}

fn eve(case: &Case<Settings>, calendar: &Calendar, tomorrow: Day, young: &Rows, findings: &mut Findings) {
    if case.settings.warn_eve {
        let (weekday, date, zone) = (tomorrow.weekday(), tomorrow.date(), &calendar.zone);
        findings
            .warn(&EVE_OF_CLOSED_DAY, format!("tomorrow, {weekday} {date}, is closed in {zone}"))
            .setting("warn_eve")
            .help("run it earlier in the week, or see that somebody is at hand tomorrow");
    }
    if young.any() {
        let (targets, days) = (case.facts.targets(), case.settings.min_age_days);
        findings
            .deny(&TOO_YOUNG, format!("{} of {targets} targets are younger than {days} days", young.count))
            .field("/targets")
            .setting("min_age_days")
            .rows(young)
            .help(format!("leave them out until they are {days} days old"));
    }
}

policy!(NoFridayDeletes);
