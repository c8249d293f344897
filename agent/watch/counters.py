"""Numbers that only grow, told to the organisation among the metrics: what trials counted, how fixes ended.

    trial.docker-fills-disk.v2.fired = 12      looks in which it would have spoken on this device
    trial.docker-fills-disk.v2.quiet = 900     looks in which it would not
    remedies.solved-mechanically = 3           runs of fixes, by how they ended

Within the published list: numeric metrics, which the owner may switch off by name or altogether. The names hold what
the organisation itself has signed (ids of its known issues) and what this program brings; nothing of this machine. They
are told rarely: the server keeps each number for weeks.
"""

from collections.abc import Mapping
from typing import Final

from agent.store.kept_values import KeptValues
from agent.watch.look import MetricPoint
from agent.watch.shadow_counts import Counted

#: Told again after so long.
EVERY_S: Final = 6 * 3600
_TOLD_AT: Final = "counters-told-at"
#: Beyond this a version is no number that anybody counts by; its name would outgrow a metric's.
_VERSION_MAX: Final = 999_999
#: How a fix may end, in diagnostics' own words. Each is told from the first time on, also as nought: what is counted
#: later has begun somewhere.
OUTCOMES: Final = ("solved-mechanically", "cleared-by-itself", "solved-by-a-person", "not-solved", "rolled-back")


def counters(trials: Mapping[str, Counted], outcomes: Mapping[str, int]) -> tuple[MetricPoint, ...]:
    """Pure."""
    points = []
    for issue, counted in sorted(trials.items()):
        if 0 <= counted.version <= _VERSION_MAX:
            name = f"trial.{issue}.v{counted.version}"
            points.append(MetricPoint(f"{name}.fired", "", counted.fired))
            points.append(MetricPoint(f"{name}.quiet", "", counted.quiet))
    points += [MetricPoint(f"remedies.{outcome}", "", outcomes.get(outcome, 0)) for outcome in OUTCOMES]
    return tuple(points)


def due(kept: KeptValues, now: int) -> bool:
    """Whether they should be told now. A clock that went back makes them due."""
    return not 0 <= now - kept.get_int(_TOLD_AT) < EVERY_S


def told(kept: KeptValues, now: int) -> None:
    """Raises NotWritten."""
    kept.put(_TOLD_AT, now)
