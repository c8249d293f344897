"""Pure: the two clocks of a ticket, read from its history: until the first answer, and until the solution.

    arrived ───► answered                                  the clock of the answer: nothing pauses it
    arrived ─► waiting for somebody ─► open ─► solved ─► reopened ─► …     the clock of the solution
               └─ does not run ─┘              └─ does not run ─┘

Both count working time alone (service_hours.py) against the target of the ticket's priority. Nothing is counted that is
not in the history, so the same history gives the same clocks on every database, and after every restart.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from protocol.messages.desk import TicketState
from server.tickets.history import EventKind
from server.tickets.priority import Target
from server.tickets.rules import OPEN_STATES, PAUSED_STATES
from server.tickets.service_hours import ServiceHours


class ClockKind(StrEnum):
    ANSWER = "answer"
    SOLVE = "solve"


class ClockState(StrEnum):
    RUNS = "runs"
    PAUSED = "paused"  # somebody outside the desk is waited for
    STOPPED = "stopped"  # answered, or over


@dataclass(frozen=True)
class Step:
    """What a clock reads of an event: a change of state, or the first answer."""

    at: int
    kind: EventKind
    after: str | None


@dataclass(frozen=True)
class ServiceClock:
    """Working seconds. `due_at`: when it runs out, while it runs. `broken_at`: when it ran out, if it did."""

    target_s: int
    used_s: int
    state: ClockState
    due_at: int | None
    broken_at: int | None

    @property
    def left_s(self) -> int:
        """Negative: by so much it is late."""
        return self.target_s - self.used_s


@dataclass(frozen=True)
class Clocks:
    answer: ServiceClock
    solve: ServiceClock


def clocks_of(received_at: int, history: Iterable[Step], hours: ServiceHours, target: Target, now: int) -> Clocks:
    """`history`: oldest first, nothing of it later than `now`."""
    steps = tuple(history)
    return Clocks(
        answer=_clock(_until_answer(received_at, steps), hours, target.answer_min * 60, now),
        solve=_clock(_until_solved(received_at, steps), hours, target.solve_min * 60, now),
    )


@dataclass(frozen=True)
class _Stretch:
    """A time in which a clock stood in one state. `end`: none for the last one."""

    start: int
    end: int | None
    state: ClockState


def _until_answer(received_at: int, steps: Sequence[Step]) -> Iterator[_Stretch]:
    for step in steps:
        ended = step.kind is EventKind.STATE and TicketState(step.after or "") not in OPEN_STATES
        if step.kind is EventKind.ANSWERED or ended:
            yield _Stretch(received_at, step.at, ClockState.RUNS)
            yield _Stretch(step.at, None, ClockState.STOPPED)
            return
    yield _Stretch(received_at, None, ClockState.RUNS)


def _until_solved(received_at: int, steps: Sequence[Step]) -> Iterator[_Stretch]:
    since, state = received_at, ClockState.RUNS
    for step in steps:
        if step.kind is EventKind.STATE:
            yield _Stretch(since, step.at, state)
            since, state = step.at, _state_in(TicketState(step.after or ""))
    yield _Stretch(since, None, state)


def _state_in(state: TicketState) -> ClockState:
    if state in PAUSED_STATES:
        return ClockState.PAUSED
    return ClockState.RUNS if state in OPEN_STATES else ClockState.STOPPED


def _clock(stretches: Iterator[_Stretch], hours: ServiceHours, target_s: int, now: int) -> ServiceClock:
    used, broken, due, state = 0, None, None, ClockState.STOPPED
    for one in stretches:
        state = one.state
        if state is not ClockState.RUNS:
            continue
        end = now if one.end is None else one.end
        passed = hours.working_s(one.start, end)
        runs_out = hours.after(one.start, target_s - used) if used <= target_s else None
        if one.end is None:
            due = runs_out if broken is None else None
        if broken is None and used + passed > target_s:
            broken = runs_out
        used += passed
    return ServiceClock(target_s, used, state, broken or due if state is ClockState.RUNS else None, broken)
