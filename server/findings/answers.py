"""Pure: which known issue a signature of symptoms may be: what the same findings turned out to be elsewhere.

    finding code ──► on how many other devices it is explained, and by what ──► the one that explains most of them

The devices judged by their own facts; here only codes are counted. Named is what at least DEVICES_LEAST devices have
and more than half of those where the finding is explained at all: one device that lies names nothing to others.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

DEVICES_LEAST: Final = 3


class Explained(NamedTuple):
    """On how many other devices a finding of this code is explained by this known issue."""

    code: str
    issue: str
    devices: int


def answer_of(codes: Iterable[str], explained: Iterable[Explained]) -> str | None:
    """`codes`: gravest first; the first one that has an answer decides."""
    by_code: dict[str, list[Explained]] = {}
    for each in explained:
        by_code.setdefault(each.code, []).append(each)
    for code in codes:
        known = by_code.get(code, [])
        best = max(known, key=lambda each: (each.devices, each.issue), default=None)
        if best is not None and best.devices >= DEVICES_LEAST and 2 * best.devices > _all(known):
            return best.issue
    return None


def _all(known: Iterable[Explained]) -> int:
    counted: Mapping[str, int] = {each.issue: each.devices for each in known}
    return sum(counted.values())
