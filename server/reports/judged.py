"""What customers say of solved tickets: marks, whether it helped, and which known issues were right."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from server.reports.figures import Better, Column, Figure, Part, Source, Unit, mean_or_none, parts_by, share
from server.reports.rows import ASKED, Judged

_ANSWERS: Final = Column("Answers", Unit.COUNT)


def _marks(rows: Sequence[Judged]) -> list[int]:
    return [one.mark for one in rows if one.mark is not None]


def mean_mark(rows: Sequence[Judged]) -> float | None:
    return mean_or_none(_marks(rows))


def marks(rows: Sequence[Judged]) -> tuple[Part, ...]:
    """The best mark first."""
    return parts_by(
        rows, _mark, lambda key: f"{key} of 5", lambda group: (len(group), share(len(group), len(rows))),
        order=lambda part: -int(part.key),
    )  # fmt: skip


def _mark(one: Judged) -> tuple[str, ...]:
    return () if one.mark is None else (str(one.mark),)


def helped(rows: Sequence[Judged]) -> float | None:
    return share(sum(one.helped for one in rows), len(rows))


def _by(keys: Callable[[Judged], tuple[str, ...]]) -> Callable[[Sequence[Judged]], tuple[Part, ...]]:
    def parts(rows: Sequence[Judged]) -> tuple[Part, ...]:
        return parts_by(rows, keys, _label, lambda group: (len(group), sum(one.helped for one in group), helped(group)))

    return parts


def _label(key: str) -> str:
    return "Asked for help" if key == ASKED else key


def _cause(one: Judged) -> tuple[str, ...]:
    return (one.cause,)


def _known_issue(one: Judged) -> tuple[str, ...]:
    return () if one.known_issue is None else (one.known_issue,)


_HELPED: Final = (_ANSWERS, Column("It helped", Unit.COUNT), Column("Share", Unit.SHARE))

FIGURES: Final[tuple[Figure[Any], ...]] = (
    Figure(
        "satisfaction",
        "Satisfaction (CSAT)",
        "The mean of the marks from 1 to 5 that customers gave in this time to tickets that were solved. The last "
        "answer about a ticket in this time counts; an answer without a mark does not, and who did not answer neither.",
        Unit.AVERAGE,
        Source.JUDGED,
        (_ANSWERS, Column("Share", Unit.SHARE)),
        "Mark",
        mean_mark,
        marks,
        _mark,
        counts=lambda one: one.mark is not None,
        better=Better.MORE,
        note="of 5",
    ),
    Figure(
        "did-it-help",
        "It helped",
        "Of the tickets about which customers answered “did it help?” in this time: the share with yes. The last "
        "answer about a ticket in this time counts. Tickets without an answer are left out: look at how many had one.",
        Unit.SHARE,
        Source.JUDGED,
        _HELPED,
        "Cause",
        helped,
        _by(_cause),
        _cause,
        better=Better.MORE,
    ),
    Figure(
        "known-issues-right",
        "Known issues that were right",
        "Of the tickets from a finding that a known issue explained on that machine, and about which the customer "
        "answered in this time: the share with yes, it helped. By known issue: its precision, as far as customers say. "
        "The known issue is the one that stands beside the finding today.",
        Unit.SHARE,
        Source.JUDGED,
        _HELPED,
        "Known issue",
        helped,
        _by(_known_issue),
        _known_issue,
        counts=lambda one: one.known_issue is not None,
        better=Better.MORE,
    ),
)
