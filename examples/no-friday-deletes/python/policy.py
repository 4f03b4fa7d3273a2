"""Denies deletions on days without staff to restore data."""

from collections.abc import Mapping
from datetime import date, timedelta

from closed_days import DAY, Calendar, weekday_of
from reprieve_sdk import Chunk, Context, Findings, Invalid, Policy, Rows, Rule, Settings, setting

HORIZON = 30
"""How many days ahead to search for an open day."""


class Options(Settings):
    min_age_days: int = setting(
        default=7,
        min=0,
        max=3650,
        unit="days",
        doc="Minimum age of a target that is deleted on the eve of a closed day.",
    )
    warn_eve: bool = setting(default=True, doc="Whether to warn of a batch on the eve of a closed day.")


CLOSED_DAY = Rule(
    "closed-day",
    "The batch runs on a day without staff to restore data.",
    """
    A wrong list is noticed by the people who miss the deleted data and undone by the people who can restore it. On a
    closed day neither group is at work, and the outage lasts until they return. Closed weekdays and dates come from
    the calendar, because public holidays move and no library knows a company's days off.
    """,
)
EVE_OF_CLOSED_DAY = Rule(
    "eve-of-closed-day",
    "The next day is closed.",
    """
    If a batch goes wrong in the afternoon, the repair continues on the closed day. The rule only warns, because staff
    may be on call then, and the operator knows whether they are.
    """,
    settings=["warn_eve"],
)
TOO_YOUNG = Rule(
    "too-young",
    "Targets are too young to be deleted on the eve of a closed day.",
    """
    Data created this week is the most likely to be on the list by mistake and the least likely to be in a backup. Seven
    days include one weekly backup. Targets of unknown age are not counted; other policies report unknown ids.
    """,
    settings=["min_age_days"],
    subject="targets",
)
NO_CALENDAR = Rule(
    "no-calendar",
    "The calendar does not cover this day.",
    """
    Clocks change twice a year on dates that are set by law and cannot be computed, so the calendar lists them, and the
    list ends. Beyond its end the local day is unknown: a hard delete is denied, and a soft delete gets a warning.
    """,
    nature="missing",
)


class NoFridayDeletes(Policy[Options, Rows]):
    """The state counts the targets that are too young, whichever day it is."""

    NAME = "no-friday-deletes"
    VERSION = "0.1.0"
    SUMMARY = "Denies deletions on days without staff to restore data."
    RULES = [CLOSED_DAY, EVE_OF_CLOSED_DAY, TOO_YOUNG, NO_CALENDAR]
    COLUMNS = ["created_at", "resolved_created_at"]

    def validate(self, settings: Options, data: Mapping[str, bytes]) -> None:
        calendar_in(data.get("calendar"))

    def observe(self, context: Context[Options], state: Rows, chunk: Chunk) -> None:
        latest = context.facts.evaluated_at - context.settings.min_age_days * DAY
        claimed, resolved = chunk.column("created_at").i64s(), chunk.column("resolved_created_at").i64s()
        for row, (by_list, by_inventory) in enumerate(zip(claimed, resolved)):
            if (by_list is not None and by_list > latest) or (by_inventory is not None and by_inventory > latest):
                state.add(chunk.row(row))

    def merge(self, state: Rows, other: Rows) -> None:
        state.merge(other)

    def check(self, context: Context[Options], state: Rows, findings: Findings) -> None:
        calendar, at = calendar_in(context.data("calendar")), context.facts.evaluated_at
        today = calendar.day_of(at)
        if today is None:
            findings.deny_if(
                not context.is_soft(), NO_CALENDAR, f"the calendar of {calendar.zone} does not cover {at}"
            ).help("add the UTC offsets for that time to the calendar")
        elif calendar.is_closed(today):
            check_closed(calendar, today, findings)
        elif calendar.is_closed(today + timedelta(days=1)):
            check_eve(context, calendar, today + timedelta(days=1), findings)
            check_age(context, state, findings)


def check_closed(calendar: Calendar, today: date, findings: Findings) -> None:
    reason = calendar.closed_days.get(today)
    message = f"{named(today)} is a closed day in {calendar.zone}"
    days = (today + timedelta(days=ahead) for ahead in range(1, HORIZON + 1))
    next_open = next((day for day in days if not calendar.is_closed(day)), None)
    findings.deny(CLOSED_DAY, f"{message}: {reason}" if reason else message).help(
        f"run it on {next_open}, the next open day"
        if next_open
        else f"none of the next {HORIZON} days is open; check the calendar"
    )


def check_eve(context: Context[Options], calendar: Calendar, tomorrow: date, findings: Findings) -> None:
    if context.settings.warn_eve:
        findings.warn(EVE_OF_CLOSED_DAY, f"tomorrow, {named(tomorrow)}, is a closed day in {calendar.zone}").setting(
            "warn_eve"
        ).help("run it earlier in the week, or make sure that staff are on call tomorrow")


def check_age(context: Context[Options], young: Rows, findings: Findings) -> None:
    if young.any():
        days = context.settings.min_age_days
        message = f"{young.count} of {context.facts.targets} targets are younger than {days} days"
        findings.deny(TOO_YOUNG, message).field("/targets").setting("min_age_days").rows(young).help(
            f"remove them from the list until they are {days} days old"
        )


def calendar_in(text: bytes | None) -> Calendar:
    if text is None:
        raise Invalid(
            'the reference data "calendar" is missing; add to the policy: data = { calendar = "calendar.json" }'
        )
    return Calendar.read(text)


def named(day: date) -> str:
    return f"{weekday_of(day)} {day}"
