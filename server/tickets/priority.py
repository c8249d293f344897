"""Pure: priority = impact × urgency, and how much working time each priority leaves until an answer and a solution.

                 can wait   hinders   stops work
one person           4          3          2
several people       3          2          1
everybody            2          1          1
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Impact(IntEnum):
    ONE = 1
    SEVERAL = 2
    ALL = 3


class Urgency(IntEnum):
    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Priority(IntEnum):
    """1 comes first."""

    FIRST = 1
    SECOND = 2
    THIRD = 3
    FOURTH = 4


IMPACT_WORDS: Final[Mapping[Impact, str]] = {
    Impact.ONE: "One person",
    Impact.SEVERAL: "Several people",
    Impact.ALL: "Everybody",
}
URGENCY_WORDS: Final[Mapping[Urgency, str]] = {
    Urgency.LOW: "Can wait",
    Urgency.MEDIUM: "Hinders work",
    Urgency.HIGH: "Stops work",
}

_MATRIX: Final[Mapping[Impact, tuple[int, int, int]]] = {
    Impact.ONE: (4, 3, 2),
    Impact.SEVERAL: (3, 2, 1),
    Impact.ALL: (2, 1, 1),
}


def priority_of(impact: Impact, urgency: Urgency) -> Priority:
    return Priority(_MATRIX[impact][urgency - 1])


def first_urgency(severity: str | None) -> Urgency:
    """Of a ticket nobody has judged yet: what the machine says of it; a person who asks is hindered."""
    match severity:
        case "critical":
            return Urgency.HIGH
        case "error" | None:
            return Urgency.MEDIUM
        case _:
            return Urgency.LOW


@dataclass(frozen=True)
class Target:
    """Working minutes."""

    answer_min: int
    solve_min: int

    def __post_init__(self) -> None:
        if not 0 < self.answer_min <= self.solve_min <= MINUTES_MAX:
            raise ValueError("an answer comes before the solution, and both within a year of working days")


MINUTES_MAX: Final = 366 * 24 * 60
Targets = Mapping[Priority, Target]

#: In days of eight working hours: solved within 4 h, 1 day, 3 days, 5 days.
DEFAULT_TARGETS: Final[Targets] = {
    Priority.FIRST: Target(30, 4 * 60),
    Priority.SECOND: Target(60, 8 * 60),
    Priority.THIRD: Target(4 * 60, 24 * 60),
    Priority.FOURTH: Target(8 * 60, 40 * 60),
}
