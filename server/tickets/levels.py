"""Pure: the five levels of support, the four ways a ticket ends, and who may hand it where.

pre-support ─► self-service ─► first line ─► second line ─► third line
articles        a known issue    a person      who knows      who made it
(no ticket)     on the machine   answers       more           or can ask the maker
"""

from enum import IntEnum, StrEnum
from typing import Final


class Level(IntEnum):
    """Where a ticket stands. None stands at PRE_SUPPORT: whom an article helped, opens none."""

    PRE_SUPPORT = -1
    SELF_SERVICE = 0
    FIRST_LINE = 1
    SECOND_LINE = 2
    THIRD_LINE = 3


LEVEL_WORDS: Final[dict[Level, str]] = {
    Level.PRE_SUPPORT: "Pre-support",
    Level.SELF_SERVICE: "Self-service",
    Level.FIRST_LINE: "First line",
    Level.SECOND_LINE: "Second line",
    Level.THIRD_LINE: "Third line",
}

#: Levels where people work: a ticket is handed only to these.
LINES: Final = (Level.FIRST_LINE, Level.SECOND_LINE, Level.THIRD_LINE)


class Outcome(StrEnum):
    SOLVED_MECHANICALLY = "solved-mechanically"  # a remedy ran on the machine and was verified
    CLEARED_BY_ITSELF = "cleared-by-itself"
    BY_PERSON = "by-person"
    NOT_SOLVED = "not-solved"


OUTCOME_WORDS: Final[dict[Outcome, str]] = {
    Outcome.SOLVED_MECHANICALLY: "Solved mechanically",
    Outcome.CLEARED_BY_ITSELF: "Cleared by itself",
    Outcome.BY_PERSON: "Solved by a person",
    Outcome.NOT_SOLVED: "Not solved",
}


def arrival_level(*, known_issue: bool) -> Level:
    """A finding that the machine matched to a known issue starts where its owner can mend it; all else with people."""
    return Level.SELF_SERVICE if known_issue else Level.FIRST_LINE


def handing_targets(current: Level) -> tuple[Level, ...]:
    """Where a ticket may be handed from `current`: up, and back down to a line of people."""
    return tuple(level for level in LINES if level is not current)
