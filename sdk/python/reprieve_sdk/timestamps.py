"""Timestamps and durations, in the one format that the host writes for each: `2022-04-05T07:38:00Z` and `P5DT12H`. Both
are whole seconds and behave like any other `int`."""

import re
from typing import Self

DAY = 86_400
"""Seconds in a day."""

_TIMESTAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
_DURATION = re.compile(r"P(?:([0-9]+)D)?(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?")


class Timestamp(int):
    """Seconds since 1970-01-01T00:00:00Z. `str()` returns RFC 3339."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses `2022-04-05T07:38:00Z`, the only format that the host writes."""
        found = _TIMESTAMP.fullmatch(text)
        if found:
            year, month, day, hour, minute, second = map(int, found.groups())
            days = _days(year, month, day)
            if 1 <= month <= 12 and _date(days) == (year, month, day) and hour < 24 and minute < 60 and second < 60:
                return cls(days * DAY + hour * 3_600 + minute * 60 + second)
        raise ValueError(f"`{text}` is not an RFC 3339 time; write it like `2022-04-05T07:38:00Z`")

    def since(self, earlier: int) -> int:
        """Seconds from `earlier` to this time; negative if this time is earlier."""
        return self - earlier

    def plus(self, seconds: int) -> Self:
        """This time plus a number of seconds."""
        return type(self)(self + seconds)

    def __str__(self) -> str:
        days, second = divmod(int(self), DAY)
        year, month, day = _date(days)
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"

    def __repr__(self) -> str:
        return f"Timestamp.parse({str(self)!r})"


class Duration(int):
    """Whole seconds. `str()` returns ISO 8601 without months and years, which have no fixed length."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses durations such as `P5D` and `PT12H`."""
        found = _DURATION.fullmatch(text)
        counts = found.groups() if found else ()
        if not any(counts):
            raise ValueError(
                f"`{text}` is not an ISO 8601 duration in days, hours, minutes and seconds; "
                "write it like `P5D` or `PT12H`"
            )
        return cls(sum(int(count or 0) * unit for count, unit in zip(counts, (DAY, 3_600, 60, 1))))

    def __str__(self) -> str:
        days, rest = divmod(int(self), DAY)
        minutes, seconds = divmod(rest, 60)
        hours, minutes = divmod(minutes, 60)
        text = f"P{days}D" if days or not rest else "P"
        if rest:
            text += "T" + "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
        return text

    def __repr__(self) -> str:
        return f"Duration.parse({str(self)!r})"


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date. Years start in March, so that the leap day is the last day of the year."""
    era, of_era = divmod(year if month > 2 else year - 1, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _date(days: int) -> tuple[int, int, int]:
    """The date `days` days after 1970-01-01."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + (month <= 2), month, day
