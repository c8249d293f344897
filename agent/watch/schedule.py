"""When the next look begins, and whether the machine slept meanwhile. Pure: an interval, a random start, 10 % splay,
and a pause after failures. Which checks of a look wait is decided in waiting.py.
"""

from typing import Final

SPLAY: Final = 0.1
# The first look comes within this after the start: machines that boot together do not look together.
FIRST_MAX_S: Final = 30.0
# A worker that fails again and again is asked less and less, at most once in this time.
FAILING_CAP_S: Final = 3600.0


def first_look_s(uniform: float) -> float:
    """Seconds from the start of the service to the first look; `uniform` lies in [0, 1)."""
    return uniform * FIRST_MAX_S


def next_look_s(every_s: float, uniform: float, *, failures: int = 0) -> float:
    """Seconds from the end of one look to the next: the interval ± 10 %, doubled for each failure in a row."""
    stretched = min(every_s * 2.0 ** min(failures, 10), max(FAILING_CAP_S, every_s))
    return stretched * (1 + SPLAY * (2 * uniform - 1))


# A busy machine is late by seconds; a sleeping one by more.
SLEPT_LEAST_S: Final = 60


def resumed_at(planned_s: float, passed_wall_s: float, woke_unix_s: int) -> int | None:
    """When a pause took longer on the wall than it was planned, the machine slept through it and woke just now."""
    return woke_unix_s if passed_wall_s - planned_s >= SLEPT_LEAST_S else None
