"""The figures, each with the plain words that stand beside it on its page, and a pure function over its rows.

A definition says what is counted, by which time it falls into the period, and what is left out. Change the words and
the function together: the test computes both by hand on a small history.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from server.reports.figures import (
    Better,
    Column,
    Figure,
    Part,
    Source,
    Unit,
    mean_or_none,
    median_or_none,
    parts_by,
    share,
)
from server.reports.judged import FIGURES as JUDGED_FIGURES
from server.reports.rows import ASKED, Done, HealthDay, Incident, Mended, Visit, Work
from server.tickets.levels import LEVEL_WORDS, OUTCOME_WORDS, Level, Outcome

_SEVERITIES: Final = ("critical", "error", "warning", "info", "none")
_ALONE: Final = frozenset({Outcome.SOLVED_MECHANICALLY, Outcome.CLEARED_BY_ITSELF})
_GRAVE: Final = frozenset({"critical", "error"})


# --- incidents by arrival ----------------------------------------------------------------------------------------


def _cause(one: Incident) -> tuple[str, ...]:
    return (one.cause,)


def _levels(one: Incident) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(level.value) for level in one.path))


def _cause_label(key: str) -> str:
    return "Asked for help" if key == ASKED else key


def by_level(rows: Sequence[Incident]) -> tuple[Part, ...]:
    parts = []
    for level in Level:
        came = [one for one in rows if level in one.path]
        ended = sum(one.ended_at is not None and one.path[-1] is level for one in came)
        on = sum(any(later > level for later in one.path[one.path.index(level) + 1 :]) for one in came)
        if came:
            parts.append(Part(str(level.value), LEVEL_WORDS[level], (len(came), ended, on)))
    return tuple(parts)


def by_cause(rows: Sequence[Incident]) -> tuple[Part, ...]:
    return parts_by(rows, _cause, _cause_label, lambda group: (len(group), share(len(group), len(rows))))


def _answers(rows: Sequence[Incident]) -> list[int]:
    return [one.answer_s for one in rows if one.answer_s is not None]


def time_to_answer(rows: Sequence[Incident]) -> float | None:
    return median_or_none(_answers(rows))


def time_to_answer_parts(rows: Sequence[Incident]) -> tuple[Part, ...]:
    return parts_by(rows, _gravity, _gravity_label, lambda group: _spread(len(group), _answers(group)))


def _spread(number: int, seconds: Sequence[int]) -> tuple[float | None, ...]:
    return (number, median_or_none(seconds), mean_or_none(seconds))


def _gravity(one: Incident) -> tuple[str, ...]:
    return (one.severity or ASKED,)


def _gravity_label(key: str) -> str:
    return "Asked for help" if key == ASKED else key.capitalize()


# --- incidents by their end ----------------------------------------------------------------------------------------


def _solves(rows: Sequence[Incident]) -> list[int]:
    return [one.solve_s for one in rows if one.solve_s is not None]


def time_to_solve(rows: Sequence[Incident]) -> float | None:
    return median_or_none(_solves(rows))


def time_to_solve_parts(rows: Sequence[Incident]) -> tuple[Part, ...]:
    return parts_by(rows, _outcome, _outcome_label, lambda group: _spread(len(group), _solves(group)))


def _outcome(one: Incident) -> tuple[str, ...]:
    return () if one.outcome is None else (one.outcome.value,)


def _outcome_label(key: str) -> str:
    return OUTCOME_WORDS[Outcome(key)]


def without_a_person(rows: Sequence[Incident]) -> float | None:
    return share(sum(one.outcome in _ALONE for one in rows), len(rows))


def outcomes(rows: Sequence[Incident]) -> tuple[Part, ...]:
    parts = []
    for outcome in Outcome:
        number = sum(one.outcome is outcome for one in rows)
        parts.append(Part(outcome.value, OUTCOME_WORDS[outcome], (number, share(number, len(rows)))))
    return tuple(parts)


Test = Callable[[Incident], bool]


def share_that(hit: Test) -> Callable[[Sequence[Incident]], float | None]:
    """The share of the rows that pass."""
    return lambda rows: share(sum(map(hit, rows)), len(rows))


def share_by_cause(hit: Test) -> Callable[[Sequence[Incident]], tuple[Part, ...]]:
    """For each cause: how many there are, and the share of them that passes."""
    whole = share_that(hit)
    return lambda rows: parts_by(rows, _cause, _cause_label, lambda group: (len(group), whole(group)))


def at_first_contact(one: Incident) -> bool:
    return not (one.wrote_after_answer or one.passed_on or one.reopened)


def stayed_away(one: Incident) -> bool:
    return one.second_contact is False


def at_first_line(one: Incident) -> bool:
    return one.highest is Level.FIRST_LINE


def _solved(one: Incident) -> bool:
    return one.outcome is not None and one.outcome is not Outcome.NOT_SOLVED


def _by_person(one: Incident) -> bool:
    return one.outcome is Outcome.BY_PERSON


def _reached_people(one: Incident) -> bool:
    return _by_person(one) and one.highest >= Level.FIRST_LINE


# --- visits, work, health ------------------------------------------------------------------------------------------


def _lengths(rows: Sequence[Visit]) -> list[int]:
    return [one.seconds for one in rows if one.seconds is not None]


def visits(rows: Sequence[Visit]) -> tuple[Part, ...]:
    def numbers(group: Sequence[Visit]) -> tuple[float | None, ...]:
        asked, *lengths = _spread(len(group), _lengths(group))
        return (asked, sum(one.allowed for one in group), *lengths)

    return parts_by(rows, _technician, str, numbers)


def visit_length(rows: Sequence[Visit]) -> float | None:
    return median_or_none(_lengths(rows))


def visit_length_parts(rows: Sequence[Visit]) -> tuple[Part, ...]:
    return parts_by(rows, _scopes, str, lambda group: _spread(len(group), _lengths(group)))


def _scopes(one: Visit) -> tuple[str, ...]:
    return one.scopes or ("nothing",)


def _technician(one: Visit) -> tuple[str, ...]:
    return (one.technician,)


def solved_a_person(rows: Sequence[Work]) -> float | None:
    people = {one.person for one in rows}
    return share(sum(one.kind == Done.SOLVED for one in rows), len(people))


def load(rows: Sequence[Work]) -> tuple[Part, ...]:
    def numbers(group: Sequence[Work]) -> tuple[float | None, ...]:
        visits_of = [one for one in group if one.kind == Done.VISIT]
        return (
            sum(one.kind == Done.SOLVED for one in group),
            len(visits_of),
            sum(one.seconds or 0 for one in visits_of),
            sum(one.kind == Done.HOLDS for one in group),
        )

    return parts_by(rows, lambda one: (one.person,), str, numbers)


def below_error(rows: Sequence[HealthDay]) -> float | None:
    seen = sum(one.devices for one in rows)
    return share(seen - sum(one.devices for one in rows if one.severity in _GRAVE), seen)


def health(rows: Sequence[HealthDay]) -> tuple[Part, ...]:
    days = len({one.day for one in rows})
    parts = []
    for severity in _SEVERITIES:
        own = [one for one in rows if one.severity == severity]
        found, devices = sum(one.findings for one in own), sum(one.devices for one in own)
        if own:
            label = "Nothing found" if severity == "none" else severity.capitalize()
            parts.append(Part(severity, label, (found / days, devices / days)))
    return tuple(parts)


#: How a run of a fix may end, in diagnostics' words, in this order.
_ENDS: Final = {
    "solved-mechanically": "Solved the problem",
    "cleared-by-itself": "It cleared by itself",
    "solved-by-a-person": "A person solved it meanwhile",
    "not-solved": "Did not help",
    "rolled-back": "Put back",
}


def fixes_that_helped(rows: Sequence[Mended]) -> float | None:
    runs = sum(one.runs for one in rows)
    return share(sum(one.runs for one in rows if one.outcome == "solved-mechanically"), runs)


def fixes(rows: Sequence[Mended]) -> tuple[Part, ...]:
    runs = sum(one.runs for one in rows)
    parts = []
    for outcome, label in _ENDS.items():
        own = [one for one in rows if one.outcome == outcome]
        if own:
            number = sum(one.runs for one in own)
            parts.append(Part(outcome, label, (number, share(number, runs), len({one.device for one in own}))))
    return tuple(parts)


# --- the catalogue ---------------------------------------------------------------------------------------------------

_NUMBER: Final = Column("Incidents", Unit.COUNT)
_MEDIAN: Final = Column("Median", Unit.SECONDS)
_MEAN: Final = Column("Mean", Unit.SECONDS)
_SHARE: Final = Column("Share", Unit.SHARE)

FIGURES: Final[tuple[Figure[Any], ...]] = (
    Figure(
        "incidents-by-level",
        "Incidents by level",
        "Tickets that arrived in this time. A ticket counts on every level it has stood on: came; ended there; was "
        "passed on from there to a higher one. A machine’s finding with a known issue begins at self-service, "
        "everything else at the first line. Repeats of a finding add to its open ticket and are not counted again.",
        Unit.COUNT,
        Source.ARRIVED,
        (Column("Came", Unit.COUNT), Column("Ended there", Unit.COUNT), Column("Passed on", Unit.COUNT)),
        "Level",
        len,
        by_level,
        _levels,
        drawn_parts=True,
    ),
    Figure(
        "incidents-by-cause",
        "Incidents by cause",
        "Tickets that arrived in this time, by the code of the finding behind them. Those that a person opened in "
        "words are one cause: asked for help.",
        Unit.COUNT,
        Source.ARRIVED,
        (_NUMBER, _SHARE),
        "Cause",
        len,
        by_cause,
        _cause,
        drawn_parts=True,
    ),
    Figure(
        "time-to-answer",
        "Time to answer (MTTA)",
        "From a ticket’s arrival at this server to the first act of a person on it: words, facts, an owner, a level. "
        "Of tickets that arrived in this time and were answered; those nobody has answered, and those that ended "
        "before anybody did, are left out. By the clock on the wall, nights and weekends included.",
        Unit.SECONDS,
        Source.ARRIVED,
        (_NUMBER, _MEDIAN, _MEAN),
        "Severity",
        time_to_answer,
        time_to_answer_parts,
        _gravity,
        counts=lambda one: one.answered_at is not None,
        better=Better.LESS,
        note="median",
    ),
    Figure(
        "time-to-solve",
        "Time to solve (MTTR)",
        "From a ticket’s arrival to its end, without the time it waited for the customer or a third party. Of tickets "
        "that ended solved in this time, by a person or without one; a reopened one counts until its last end. By the "
        "clock on the wall, nights and weekends included.",
        Unit.SECONDS,
        Source.ENDED,
        (_NUMBER, _MEDIAN, _MEAN),
        "Outcome",
        time_to_solve,
        time_to_solve_parts,
        _outcome,
        counts=_solved,
        better=Better.LESS,
        note="median",
    ),
    Figure(
        "first-contact",
        "First-contact resolution",
        "Of the tickets a person solved in this time: the share in which the customer did not write again after the "
        "first answer, nobody passed it on to a higher line, and it was not reopened.",
        Unit.SHARE,
        Source.ENDED,
        (_NUMBER, _SHARE),
        "Cause",
        share_that(at_first_contact),
        share_by_cause(at_first_contact),
        _cause,
        counts=_by_person,
        better=Better.MORE,
    ),
    Figure(
        "no-second-contact",
        "No second contact within 14 days",
        "Of the tickets that ended solved in this time: the share that was not reopened, and after whose first end the "
        "same device opened no ticket of the same cause within 14 days. What first ended less than 14 days ago is left "
        "out, since nobody can know yet.",
        Unit.SHARE,
        Source.ENDED,
        (_NUMBER, _SHARE),
        "Cause",
        share_that(stayed_away),
        share_by_cause(stayed_away),
        _cause,
        counts=lambda one: _solved(one) and one.second_contact is not None,
        better=Better.MORE,
    ),
    Figure(
        "outcomes",
        "Solved without a person",
        "Of the tickets that ended in this time: the share that a verified fix on the machine solved, or that cleared "
        "by themselves. Beside them those a person solved, and those closed without a solution.",
        Unit.SHARE,
        Source.ENDED,
        (_NUMBER, _SHARE),
        "Outcome",
        without_a_person,
        outcomes,
        _outcome,
        better=Better.MORE,
        drawn_parts=True,
    ),
    Figure(
        "first-line",
        "Solved at the first line",
        "Of the tickets a person solved in this time: the share that never stood above the first line. The aim is 70 "
        "to 80 %: below it too much is passed on, above it too little is asked.",
        Unit.SHARE,
        Source.ENDED,
        (_NUMBER, _SHARE),
        "Cause",
        share_that(at_first_line),
        share_by_cause(at_first_line),
        _cause,
        counts=_reached_people,
        better=Better.MORE,
        note="aim 70–80 %",
    ),
    Figure(
        "visits",
        "Visits",
        "Sessions that technicians asked for in this time; how many the customer allowed; and how long the allowed "
        "ones lasted, from both ends connected to the end. By the name in the technician’s certificate.",
        Unit.COUNT,
        Source.VISITS,
        (
            Column("Asked for", Unit.COUNT),
            Column("Allowed", Unit.COUNT),
            Column("Median length", Unit.SECONDS),
            Column("Mean length", Unit.SECONDS),
        ),
        "Technician",
        len,
        visits,
        _technician,
    ),
    Figure(
        "visit-length",
        "Length of visits",
        "From both ends connected to the end, of the sessions asked for in this time that the customer allowed and "
        "that have ended; by what was allowed. A session with several scopes stands in each of them.",
        Unit.SECONDS,
        Source.VISITS,
        (Column("Visits", Unit.COUNT), _MEDIAN, _MEAN),
        "Scope",
        visit_length,
        visit_length_parts,
        _scopes,
        counts=lambda one: one.seconds is not None,
        note="median",
    ),
    Figure(
        "load",
        "Load per technician",
        "What each person did in this time: tickets they solved, visits they asked for, the time those took, and the "
        "open tickets they have now. An account and a certificate that are linked are one person; a ticket counts for "
        "whoever set it to solved. The figure is the mean of tickets solved by a person.",
        Unit.AVERAGE,
        Source.WORK,
        (
            Column("Solved", Unit.COUNT),
            Column("Visits", Unit.COUNT),
            Column("Time on visits", Unit.SECONDS),
            Column("Has now", Unit.COUNT),
        ),
        "Person",
        solved_a_person,
        load,
        lambda one: (one.person,),
        drawn_parts=True,
        note="tickets solved, a person",
    ),
    Figure(
        "fixes",
        "Fixes that helped",
        "Of the runs of fixes that ended on machines in this time, with a ticket or without: the share after which the "
        "same check found the problem gone. Beside them what cleared before the fix began to act, what a person solved "
        "meanwhile, what did not help and what was put back. As devices count it; they report every six hours, their "
        "owners may keep it back, and numbers are kept as long as metrics are.",
        Unit.SHARE,
        Source.MENDED,
        (Column("Runs", Unit.COUNT), _SHARE, Column("Devices", Unit.COUNT)),
        "Outcome",
        fixes_that_helped,
        fixes,
        lambda one: (one.outcome,),
        counts=lambda one: one.outcome in _ENDS,
        better=Better.MORE,
    ),
    Figure(
        "fleet-health",
        "Fleet health",
        "Of the devices counted each day: the share whose present findings are all below error. Counted once an hour "
        "while the server runs; the last count of a day stands. Findings that are over or silenced by the customer do "
        "not count. The numbers are means over the days that were counted.",
        Unit.SHARE,
        Source.HEALTH,
        (Column("Findings a day", Unit.AVERAGE), Column("Devices with no graver one", Unit.AVERAGE)),
        "Severity",
        below_error,
        health,
        lambda one: (one.severity,),
        better=Better.MORE,
        drawn_parts=True,
    ),
    *JUDGED_FIGURES,
)

BY_KEY: Final = {figure.key: figure for figure in FIGURES}
