"""Pure: counters among the metrics of devices, read back: what trials counted, and how fixes ended.

    trial.docker-fills-disk.v2.fired = 12        the newest word of each device counts
    remedies.solved-mechanically  3 → 5          between two reports of a device two fixes ended so

The names are the agent's (agent/watch/counters.py). A device is not trusted: what is no such name is left out, and a
number it makes up moves its own share and no other's.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from protocol.messages.api import TrialRow

TRIAL_PREFIX: Final = "trial."
REMEDY_PREFIX: Final = "remedies."
#: Of one organisation on all devices; one that is asked for is signed by itself.
TRIALS_MAX: Final = 1000
#: No device looks more often than every minute for a century: larger numbers are made up.
COUNT_MAX: Final = 1 << 26
_TRIAL: Final = re.compile(r"trial\.([a-z0-9]+(?:-[a-z0-9]+)*)\.v([0-9]{1,6})\.(fired|quiet)")


class Point(NamedTuple):
    device: str
    name: str
    at: int
    value: float


class Grown(NamedTuple):
    """By how much a counter of a device grew, and when that was reported."""

    device: str
    name: str
    at: int
    by: int


def trial_rows(newest: Iterable[Point]) -> tuple[TrialRow, ...]:
    """`newest`: the last word of each device under each name. Sorted by issue and version."""
    counted: dict[tuple[str, int], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for point in newest:
        named = _TRIAL.fullmatch(point.name)
        if named is not None and len(named[1]) <= 64:
            counted[named[1], int(named[2])][point.device][named[3]] = _whole(point.value)
    rows = [
        TrialRow(
            issue=issue,
            version=version,
            devices=len(devices),
            fired_devices=sum(numbers.get("fired", 0) > 0 for numbers in devices.values()),
            fired=sum(numbers.get("fired", 0) for numbers in devices.values()),
            quiet=sum(numbers.get("quiet", 0) for numbers in devices.values()),
        )
        for (issue, version), devices in sorted(counted.items())
    ]
    return tuple(rows[:TRIALS_MAX])


def grown(points: Iterable[Point]) -> tuple[Grown, ...]:
    """`points`: of each device and name oldest first. The first one is where counting begins; a counter that fell has
    begun anew (a device that was enrolled again)."""
    last: dict[tuple[str, str], int] = {}
    found = []
    for point in points:
        value, key = _whole(point.value), (point.device, point.name)
        before = last.get(key)
        last[key] = value
        if before is None or value == before:
            continue
        by = value - before if value > before else value
        if by:
            found.append(Grown(point.device, point.name, point.at, by))
    return tuple(found)


def _whole(value: float) -> int:
    return min(max(int(value), 0), COUNT_MAX)
