"""Keeps deletions away from the days on which nobody restores anything."""

from collections.abc import Mapping
from datetime import date, timedelta

from closed import DAY, Calendar, weekday_of
from reprieve_sdk import Case, Chunk, Findings, Invalid, Policy, Rows, Rule, Settings, setting

LOOKED_AHEAD = 30


class Options(Settings):
    min_age_days: int = setting(
        default=7,
        least=0,
        most=3650,
        unit="days",
        doc="How old a target has to be to go on the eve of a closed day.",
    )
    warn_eve: bool = setting(default=True, doc="Whether a batch on the eve of a closed day is warned of.")


CLOSED_DAY = Rule(
    "closed-day",
    "The batch runs on a day on which nobody restores anything.",
    """
    A wrong list is noticed by the people who miss what it took, and undone by the people who can restore it. On a
    closed day neither is at work, and the outage lasts until they are. Weekdays and single dates come from the
    calendar, for a public holiday moves and a company's day off is in no library.
    """,
)
EVE_OF_CLOSED_DAY = Rule(
    "eve-of-closed-day",
    "The next day is closed.",
    """
    A batch that goes wrong in the afternoon is worked on tomorrow. It only warns: somebody may be at hand tomorrow
    after all, and the operator knows.
    """,
    settings=["warn_eve"],
)
TOO_YOUNG = Rule(
    "too-young",
    "Targets are too young to go on the eve of a closed day.",
    """
    What was made this week is the likeliest to be on the list by mistake and the least likely to be in a backup.
    Seven days see one weekly backup. An age that nobody knows does not count here; that an id is unknown is for other
    policies to object to.
    """,
    settings=["min_age_days"],
)
NO_CALENDAR = Rule(
    "no-calendar",
    "The calendar does not reach this day.",
    """
    Clocks change twice a year on dates that are laws and not arithmetic, so the calendar lists them, and a list ends.
    Beyond its end nobody knows which day it is in that zone: a hard delete is denied, a soft one warned of.
    """,
)


class NoFridayDeletes(Policy[Options, Rows]):
    """The state counts the targets that are too young, whatever day it is."""

    NAME = "no-friday-deletes"
    VERSION = "0.1.0"
    SUMMARY = "Keeps deletions away from the days on which nobody restores anything."
    RULES = [CLOSED_DAY, EVE_OF_CLOSED_DAY, TOO_YOUNG, NO_CALENDAR]
    COLUMNS = ["created_at", "resolved_created_at"]

    def validate(self, settings: Options, data: Mapping[str, bytes]) -> None:
        calendar_in(data.get("calendar"))

    def observe(self, case: Case[Options], state: Rows, chunk: Chunk) -> None:
        latest = case.facts.evaluated_at - case.settings.min_age_days * DAY
        claimed, resolved = chunk.column("created_at").i64s(), chunk.column("resolved_created_at").i64s()
        for row, (by_list, by_inventory) in enumerate(zip(claimed, resolved)):
            if (by_list is not None and by_list > latest) or (by_inventory is not None and by_inventory > latest):
                state.add(chunk.row(row))

    def merge(self, state: Rows, other: Rows) -> None:
        state.merge(other)

    def check(self, case: Case[Options], state: Rows, findings: Findings) -> None:
        calendar, at = calendar_in(case.data("calendar")), case.facts.evaluated_at
        today = calendar.day_of(at)
        if today is None:
            findings.deny_if(
                case.is_hard(), NO_CALENDAR, f"the calendar of {calendar.zone} does not reach {at}"
            ).help("add the offsets of that time to the calendar")
        elif calendar.is_closed(today):
            check_closed(calendar, today, findings)
        elif calendar.is_closed(today + timedelta(days=1)):
            check_eve(case, calendar, today + timedelta(days=1), findings)
            check_age(case, state, findings)


def check_closed(calendar: Calendar, today: date, findings: Findings) -> None:
    reason = calendar.closed_days.get(today)
    message = f"it is {named(today)} in {calendar.zone}, and that day is closed"
    days = (today + timedelta(days=ahead) for ahead in range(1, LOOKED_AHEAD + 1))
    next_open = next((day for day in days if not calendar.is_closed(day)), None)
    findings.deny(CLOSED_DAY, f"{message}: {reason}" if reason else message).help(
        f"run it on {next_open}, the next open day"
        if next_open
        else f"no day of the next {LOOKED_AHEAD} is open; look at the calendar"
    )


def check_eve(case: Case[Options], calendar: Calendar, tomorrow: date, findings: Findings) -> None:
    if case.settings.warn_eve:
        findings.warn(EVE_OF_CLOSED_DAY, f"tomorrow, {named(tomorrow)}, is closed in {calendar.zone}").setting(
            "warn_eve"
        ).help("run it earlier in the week, or see that somebody is at hand tomorrow")


def check_age(case: Case[Options], young: Rows, findings: Findings) -> None:
    if young.any():
        days = case.settings.min_age_days
        message = f"{young.count} of {case.facts.targets} targets are younger than {days} days"
        findings.deny(TOO_YOUNG, message).field("/targets").setting("min_age_days").rows(young).help(
            f"leave them out until they are {days} days old"
        )


def calendar_in(text: bytes | None) -> Calendar:
    if text is None:
        raise Invalid(
            'there is no reference data "calendar"; name a file under data: data = { calendar = "calendar.json" }'
        )
    return Calendar.read(text)


def named(day: date) -> str:
    return f"{weekday_of(day)} {day}"
