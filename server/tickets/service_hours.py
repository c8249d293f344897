"""Pure: when the desk works, and arithmetic with its working time.

    week      Monday 09:00–12:00 and 13:00–17:00, …          local wall-clock times of one time zone
    holidays  2026-12-25, …                                   days on which nobody works
    working_s(a, b)   working seconds between two moments     after(a, n)   the moment at which n of them have passed

Moments are unix seconds. A span is what the clock on the wall shows: on the day on which clocks go forward a span over
the missing hour is an hour shorter, on the day on which they go back it is an hour longer. A time that the wall never
shows is the moment of the change; one that it shows twice begins at the first and ends at the second;
midnight is always the first.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_MINUTES: Final = 24 * 60
#: A promise further away than this is none: a calendar that is all holidays has no answer.
FARTHEST_DAYS: Final = 3 * 366


class NotATimeZone(ValueError):
    """The text names none that this machine knows."""


@dataclass(frozen=True, order=True)
class Span:
    """Minutes of the local day, `begin` included and `end` not; `end` 1440 is midnight."""

    begin: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end <= DAY_MINUTES:
            raise ValueError(f"a span begins before it ends, within one day: {self.begin}–{self.end}")


@dataclass(frozen=True)
class ServiceHours:
    """`week`: Monday first; spans of a day in order, none touching the one before."""

    zone: str
    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError("a week has seven days")
        if not any(self.week):
            raise ValueError("nobody works in this week")
        for spans in self.week:
            if any(later.begin <= earlier.end for earlier, later in pairwise(spans)):
                raise ValueError("spans of a day stand in order, with a pause between them")
        zone_of(self.zone)

    def working_s(self, start: int, end: int) -> int:
        """Working seconds from `start` to `end`; 0 when `end` is not later."""
        return sum(min(end, closes) - max(start, opens) for opens, closes in self._open_between(start, end))

    def after(self, start: int, seconds: int) -> int | None:
        """The moment at which `seconds` of working time have passed since `start`. None: not within three years."""
        if seconds <= 0:
            return start
        left = seconds
        for opens, closes in self._open_between(start, start + FARTHEST_DAYS * 86_400):
            begins = max(start, opens)
            if closes - begins >= left:
                return begins + left
            left -= closes - begins
        return None

    def is_open(self, moment: int) -> bool:
        return self.working_s(moment, moment + 1) == 1

    def _open_between(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Opening times that share a moment with [start, end), in order."""
        if end <= start:
            return
        zone = zone_of(self.zone)
        day, last = _local_day(start, zone), _local_day(end, zone)
        closed_at = start
        while day <= last:
            if day not in self.holidays:
                for span in self.week[day.weekday()]:
                    opens, closes = _moments(self.zone, day, span)
                    opens = max(opens, closed_at)  # around an hour that comes twice, no moment counts twice
                    if opens < min(closes, end):
                        yield opens, closes
                        closed_at = closes
            day += timedelta(days=1)


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The zone by its name in the tz database. UTC needs no database."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NotATimeZone(f"no time zone of this name is known here: {name[:60]}") from None


@lru_cache(maxsize=4096)
def _moments(zone: str, day: date, span: Span) -> tuple[int, int]:
    known = zone_of(zone)
    return _moment(day, span.begin, known, fold=0), _moment(day, span.end, known, fold=int(span.end < DAY_MINUTES))


def _moment(day: date, minute: int, zone: tzinfo, *, fold: int) -> int:
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)
    wall = wall.replace(fold=fold)
    moment = int(wall.timestamp())
    if datetime.fromtimestamp(moment, zone).replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None, fold=0):
        return moment
    # The wall never shows it: both readings of it stand around the change, which is looked for between them.
    low, high = sorted((moment, int(wall.replace(fold=1 - fold).timestamp())))
    before = datetime.fromtimestamp(low, zone).utcoffset()
    around = range(low, high + 1)
    return low + bisect_left(around, True, key=lambda at: datetime.fromtimestamp(at, zone).utcoffset() != before)


def _local_day(moment: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(moment, zone).date()


def week_of(*spans: Span, days: int = 5) -> tuple[tuple[Span, ...], ...]:
    """The same hours on the first `days` days of the week."""
    return (spans,) * days + ((),) * (7 - days)


WHOLE_DAY: Final = Span(0, DAY_MINUTES)
#: Until an organisation has said its own.
OFFICE_HOURS: Final = ServiceHours("UTC", week_of(Span(9 * 60, 17 * 60)))
ROUND_THE_CLOCK: Final = ServiceHours("UTC", week_of(WHOLE_DAY, days=7))
