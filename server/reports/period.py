"""Pure: the time a report is about, the time before it that it is compared with, and the steps of its plots.

Periods are whole weeks where one may choose, so that both hold the same days of the week. Days are UTC days.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from server.reports.rows import DAY_S

LONGEST_DAYS: Final = 2 * 366
#: Longer periods are drawn by the week.
DAILY_MAX_DAYS: Final = 45


@dataclass(frozen=True)
class Period:
    """From `start` to before `end`, unix seconds at midnight UTC. `key`: of CHOICES, or `own`."""

    key: str
    start: int
    end: int

    @property
    def before(self) -> "Period":
        return Period(self.key, self.start - (self.end - self.start), self.start)

    @property
    def days(self) -> int:
        return (self.end - self.start) // DAY_S

    @property
    def first_date(self) -> str:
        return _iso(self.start)

    @property
    def last_date(self) -> str:
        return _iso(self.end - 1)

    @property
    def step_s(self) -> int:
        return DAY_S if self.days <= DAILY_MAX_DAYS else 7 * DAY_S

    @property
    def steps(self) -> tuple[int, ...]:
        """The start of each step of a plot; the last one may be shorter."""
        return tuple(range(self.start, self.end, self.step_s))


CHOICES: Final[dict[str, tuple[str, int]]] = {
    # key → (what people call it, days)
    "week": ("1 week", 7),
    "month": ("4 weeks", 28),
    "quarter": ("13 weeks", 91),
    "year": ("52 weeks", 364),
}
USUAL: Final = "month"
OWN: Final = "own"


def chosen_period(key: str, first: str, last: str, now: int) -> Period:
    """The chosen one, up to and with today; with both dates, those days. What makes no sense is the usual one."""
    start, end = _midnight(first), _midnight(last)
    if start is not None and end is not None and start <= end and end - start < LONGEST_DAYS * DAY_S:
        return Period(OWN, start, end + DAY_S)
    known = key if key in CHOICES else USUAL
    tomorrow = now // DAY_S * DAY_S + DAY_S
    return Period(known, tomorrow - CHOICES[known][1] * DAY_S, tomorrow)


def _midnight(text: str) -> int | None:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    if not 1971 <= day.year <= 9000:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _iso(at: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)).date().isoformat()
