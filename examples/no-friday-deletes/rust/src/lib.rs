//! Denies deletions on days without staff to restore data.

mod calendar;
mod rules;

use calendar::{Calendar, DAY, Day};
use reprieve_sdk::{Blob, Chunk, Context, Findings, Policy, Rows, Rule, policy};
use rules::{CLOSED_DAY, EVE_OF_CLOSED_DAY, NO_CALENDAR, RULES, Settings, TOO_YOUNG};

/// How many days ahead to search for an open day.
const HORIZON: i64 = 30;

/// The policy `no-friday-deletes`.
pub struct NoFridayDeletes;

impl Policy for NoFridayDeletes {
    const NAME: &'static str = "no-friday-deletes";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Denies deletions on days without staff to restore data.";
    const RULES: &'static [Rule] = RULES;
    const COLUMNS: &'static [&'static str] = &["created_at", "resolved_created_at"];
    type Settings = Settings;
    /// Targets that are too young.
    type State = Rows;

    fn validate(_: &Settings, data: &[Blob]) -> Result<(), String> {
        Calendar::read(data.iter().find(|blob| blob.name == "calendar").map(|blob| blob.bytes.as_slice())).map(drop)
    }

    fn observe(context: &Context<Settings>, young: &mut Rows, chunk: &Chunk) {
        let latest = context.facts.evaluated_at().seconds() - context.settings.min_age_days as i64 * DAY;
        let (claimed, resolved) = (chunk.column("created_at"), chunk.column("resolved_created_at"));
        for row in 0..chunk.rows as usize {
            let newest = claimed.and_then(|column| column.i64(row)).max(resolved.and_then(|column| column.i64(row)));
            young.add_if(newest.is_some_and(|at| at > latest), chunk.row(row));
        }
    }

    fn merge(young: &mut Rows, other: Rows) {
        young.merge(other);
    }

    fn check(context: &Context<Settings>, young: &Rows, findings: &mut Findings) {
        // `validate` has read it already. If it were invalid here, the panic would be a fault, which is never an allow.
        let calendar = Calendar::read(context.data("calendar")).unwrap_or_else(|wrong| panic!("{wrong}"));
        let now = context.facts.evaluated_at();
        let Some(today) = calendar.day(now) else {
            findings
                .deny_if(
                    !context.is_soft(),
                    &NO_CALENDAR,
                    format!("the calendar of {} does not cover {now}", calendar.zone),
                )
                .help("add the UTC offsets for that time to the calendar");
            return;
        };
        if let Some(reason) = calendar.closed(today) {
            check_closed(&calendar, today, reason, findings);
        } else if calendar.closed(today.after(1)).is_some() {
            check_eve(context, &calendar, today.after(1), findings);
            check_age(context, young, findings);
        }
    }
}

fn check_closed(calendar: &Calendar, today: Day, reason: &str, findings: &mut Findings) {
    let colon = if reason.is_empty() { "" } else { ": " };
    let (weekday, date, zone) = (today.weekday(), today.date(), &calendar.zone);
    let open = (1..=HORIZON).map(|days| today.after(days)).find(|day| calendar.closed(*day).is_none());
    findings.deny(&CLOSED_DAY, format!("{weekday} {date} is a closed day in {zone}{colon}{reason}")).help(
        match open {
            Some(day) => format!("run it on {}, the next open day", day.date()),
            None => format!("none of the next {HORIZON} days is open; check the calendar"),
        },
    );
}

fn check_eve(context: &Context<Settings>, calendar: &Calendar, tomorrow: Day, findings: &mut Findings) {
    if context.settings.warn_eve {
        let (weekday, date, zone) = (tomorrow.weekday(), tomorrow.date(), &calendar.zone);
        findings
            .warn(&EVE_OF_CLOSED_DAY, format!("tomorrow, {weekday} {date}, is a closed day in {zone}"))
            .setting("warn_eve")
            .help("run it earlier in the week, or make sure that staff are on call tomorrow");
    }
}

fn check_age(context: &Context<Settings>, young: &Rows, findings: &mut Findings) {
    if young.any() {
        let (targets, days) = (context.facts.targets(), context.settings.min_age_days);
        findings
            .deny(&TOO_YOUNG, format!("{} of {targets} targets are younger than {days} days", young.count))
            .field("/targets")
            .setting("min_age_days")
            .rows(young)
            .help(format!("remove them from the list until they are {days} days old"));
    }
}

policy!(NoFridayDeletes);
