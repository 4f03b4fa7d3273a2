"""The calendar: which days are closed in a zone, and the UTC offsets of the zone."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Self

from reprieve_sdk import Invalid, Timestamp

DAY = 86_400
EPOCH = date(1970, 1, 1)
# Compiled at the top of the module, which runs once, when the component is built.
OFFSET = re.compile("([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Calendar:
    """A validated calendar."""

    def __init__(
        self,
        zone: str,
        offsets: list[tuple[Timestamp, int]],
        until: Timestamp,
        closed_weekdays: set[str],
        closed_days: dict[date, str],
    ) -> None:
        self.zone = zone
        self.offsets = offsets
        self.until = until
        self.closed_weekdays = closed_weekdays
        self.closed_days = closed_days

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Reads a calendar from JSON. Raises `Invalid`."""
        fields = read_fields(text)
        starts = [read_time(offset["from"]) for offset in fields["offsets"]]
        until = read_time(fields["until"])
        offsets = list(zip(starts, [read_offset(offset["utc"]) for offset in fields["offsets"]]))
        require(bool(offsets), "offsets must not be empty")
        require(all(a < b for a, b in zip(starts, starts[1:])), "offsets are not in ascending order")
        require(until > starts[-1], "until must be later than the last offset")
        for weekday in fields["closed_weekdays"]:
            require(weekday in WEEKDAYS, f'"{weekday}" is not a weekday')
        closed_days = {read_date(day): reason for day, reason in fields["closed_days"].items()}
        return cls(fields["zone"], offsets, until, set(fields["closed_weekdays"]), closed_days)

    def day_of(self, at: Timestamp) -> date | None:
        """The local day, or `None` if the calendar does not cover that time."""
        offsets = [seconds for start, seconds in self.offsets if start <= at]
        if not offsets or at >= self.until:
            return None
        return EPOCH + timedelta(days=(at + offsets[-1]) // DAY)

    def is_closed(self, day: date) -> bool:
        """Whether the day is closed."""
        return day in self.closed_days or weekday_of(day) in self.closed_weekdays


def weekday_of(day: date) -> str:
    return WEEKDAYS[day.weekday()]


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Invalid(f"calendar: {otherwise}")


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_offset(value: Any) -> bool:
    return isinstance(value, dict) and is_text(value.get("from")) and is_text(value.get("utc"))


# The type of each field, including nested ones.
FIELDS: dict[str, Callable[[Any], bool]] = {
    "zone": is_text,
    "offsets": lambda value: isinstance(value, list) and all(map(is_offset, value)),
    "until": is_text,
    "closed_weekdays": lambda value: isinstance(value, list) and all(map(is_text, value)),
    "closed_days": lambda value: isinstance(value, dict) and all(map(is_text, value.values())),
}


def read_fields(text: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(text.decode())
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Invalid("calendar: not a JSON object")
    for name, is_right in FIELDS.items():
        require(is_right(fields.get(name)), f'"{name}" is missing or has the wrong type')
    return fields


def read_time(text: str) -> Timestamp:
    try:
        return Timestamp.parse(text)
    except ValueError:
        raise Invalid(f'calendar: "{text}" is not a time like 2026-03-29T01:00:00Z') from None


def read_offset(text: str) -> int:
    found = OFFSET.fullmatch(text)
    if not found:
        raise Invalid(f'calendar: "{text}" is not an offset like +01:00')
    sign, hours, minutes = found.groups()
    return (int(hours) * 3_600 + int(minutes) * 60) * (-1 if sign == "-" else 1)


def read_date(text: str) -> date:
    try:
        # Checked first, because `fromisoformat` also accepts other forms of ISO 8601.
        if DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Invalid(f'calendar: "{text}" is not a date like 2026-12-24')
