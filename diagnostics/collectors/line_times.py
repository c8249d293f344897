"""The time at the beginning of a line of a log file, where there is one. Pure.

    2026-11-21T09:12:44.123456+01:00 laptop cupsd[812]: …     ISO 8601, as rsyslog and many programs write it
    2026-11-21 09:12:44 status installed cups:amd64 …         the same without a zone: the machine's own
    2026/11/21 09:12:44 [error] 7#7: …                        nginx's error log: the same with slashes
    Nov 21 09:12:44 laptop cupsd[812]: …                      classic syslog: no year, the machine's own zone
    [Sat Nov 21 09:12:44.123456 2026] [core:error] …          Apache's error log

Everything else has no time that could be told; a line that follows one with a time belongs to it (a stack trace).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_ISO: Final = re.compile(r"\[?(\d{4}[-/]\d\d[-/]\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?")
_CLASSIC: Final = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d)[ .]")
_APACHE: Final = re.compile(r"\[[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d)(?:\.\d+)? (\d{4})\]")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A classic line has no year: one that would lie further ahead than clocks differ is of last year.
_AHEAD_S: Final = 2 * 86_400


def time_of(line: str, *, now: int, utc_offset_s: int) -> int | None:
    """Unix seconds, or None. `utc_offset_s`: of the machine's zone."""
    zone = timezone(timedelta(seconds=utc_offset_s))
    try:
        if found := _ISO.match(line):
            moment = datetime.fromisoformat(f"{found[1].replace('/', '-')}T{found[2]}{found[3] or ''}")
            return _seconds(moment, zone)
        if found := _APACHE.match(line):
            return _seconds(_moment(int(found[4]), found[1], found[2], found[3]), zone)
        if found := _CLASSIC.match(line):
            year = datetime.fromtimestamp(now, zone).year
            at = _seconds(_moment(year, found[1], found[2], found[3]), zone)
            return at if at <= now + _AHEAD_S else _seconds(_moment(year - 1, found[1], found[2], found[3]), zone)
    except (ValueError, OverflowError):
        return None
    return None


def _moment(year: int, month: str, day: str, clock: str) -> datetime:
    hour, minute, second = (int(part) for part in clock.split(":"))
    return datetime(year, _MONTHS.index(month) + 1, int(day), hour, minute, min(second, 59), tzinfo=None)  # noqa: DTZ001


def _seconds(moment: datetime, zone: timezone) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).timestamp())
