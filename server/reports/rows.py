"""Pure: the rows that figures are computed from, and how an incident is read from a ticket and its history.

An incident is a ticket as reports see it. Its times come from its history:

    arrived ── answered (first act of a person) ── ended (solved, or given up) ── within 14 days: a second contact?
               └─ waiting for the customer or a third party: not counted in the time to solve ─┘
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from server.tickets.history import AuthorKind, EventKind
from server.tickets.levels import Level, Outcome
from server.tickets.rules import OPEN_STATES, PAUSED_STATES

DAY_S: Final = 86_400
SECOND_CONTACT_S: Final = 14 * DAY_S
#: The cause of what a person asked for in words.
ASKED: Final = "asked-for-help"


class TicketFacts(NamedTuple):
    """The columns of a ticket that figures need."""

    ticket: str
    device: str
    customer: str
    finding: str | None
    severity: str | None
    received_at: int
    level: int
    owner: str | None
    outcome: str | None

    @property
    def cause(self) -> str:
        return self.finding or ASKED


class Told(NamedTuple):
    """One row of a ticket's history, narrow and as the database has it: a year holds tens of thousands.

    `kind`, `by_kind`: values of EventKind and AuthorKind. `by`: name of an account or serial of a certificate.
    """

    at: int
    kind: str
    before: str | None
    after: str | None
    by_kind: str
    by: str


class Incident(NamedTuple):
    """`path`: levels it stood on, in order. `waited_s`: on others. `second_contact`: none while it is too soon."""

    ticket: str
    device: str
    customer: str
    cause: str
    severity: str | None
    received_at: int
    path: tuple[Level, ...]
    owner: str | None
    answered_at: int | None = None
    ended_at: int | None = None
    first_ended_at: int | None = None
    outcome: Outcome | None = None
    ended_by: str | None = None
    waited_s: int = 0
    reopened: int = 0
    wrote_after_answer: bool = False
    second_contact: bool | None = None

    @property
    def answer_s(self) -> int | None:
        return None if self.answered_at is None else max(0, self.answered_at - self.received_at)

    @property
    def solve_s(self) -> int | None:
        return None if self.ended_at is None else max(0, self.ended_at - self.received_at - self.waited_s)

    @property
    def highest(self) -> Level:
        return max(self.path)

    @property
    def passed_on(self) -> bool:
        """From one line of people to a higher one. A machine's finding that a person takes is not passed on."""
        lines = [level for level in self.path if level >= Level.FIRST_LINE]
        return any(later > earlier for earlier, later in pairwise(lines))


class Visit(NamedTuple):
    """A session a technician asked for. `seconds`: from both ends connected to the end, where the customer agreed."""

    room: str
    device: str
    customer: str
    ticket: str | None
    technician: str
    asked_at: int
    allowed: bool
    seconds: int | None
    scopes: tuple[str, ...]


class Done:
    """Kinds of work."""

    SOLVED: Final = "solved"
    VISIT: Final = "visit"
    HOLDS: Final = "has now"


class Work(NamedTuple):
    """What one person did or has: a ticket solved, a visit, a ticket that is theirs now. `ref`: ticket or device."""

    person: str
    kind: str
    at: int
    customer: str
    ticket: str | None
    device: str
    seconds: int | None = None


class HealthDay(NamedTuple):
    """What was present at the last count of a day. `severity`: none | info | warning | error | critical."""

    day: int
    customer: str
    severity: str
    findings: int
    devices: int


class Mended(NamedTuple):
    """Runs of fixes on one device that ended in one way between two of its reports. `outcome`: diagnostics' word."""

    device: str
    customer: str
    outcome: str
    at: int
    runs: int


class Judged(NamedTuple):
    """A customer's last answer to "did it help?" about a ticket within a time. `mark`: 1–5, when they gave one."""

    ticket: str
    device: str
    customer: str
    cause: str
    at: int
    helped: bool
    mark: int | None
    known_issue: str | None


def incident_of(facts: TicketFacts, history: Sequence[Told], arrivals: Sequence[int], now: int) -> Incident:
    """`history`: oldest first. `arrivals`: when the same device opened one of the same cause, sorted."""
    path: list[Level] = []
    answered: int | None = None
    ended: int | None = None
    first_ended: int | None = None
    ended_by: str | None = None
    outcome = None if facts.outcome is None else Outcome(facts.outcome)
    waiting_since: int | None = None
    waited = reopened = 0
    wrote = False
    for one in history:
        match one.kind:
            case EventKind.STATE:
                if waiting_since is not None:
                    waited += one.at - waiting_since
                waiting_since = one.at if one.after in PAUSED_STATES else None
                if one.after in OPEN_STATES:
                    reopened += ended is not None
                    ended = ended_by = None
                elif ended is None:
                    ended = one.at
                    ended_by = one.by if one.by_kind == AuthorKind.ACCOUNT and one.by else None
                    first_ended = one.at if first_ended is None else first_ended
            case EventKind.LEVEL:
                if not path:
                    path.append(Level(int(one.before or 0)))
                path.append(Level(int(one.after or 0)))
            case EventKind.ANSWERED:
                answered = one.at if answered is None else answered
            case EventKind.WROTE:
                wrote = wrote or answered is not None
    return Incident(
        ticket=facts.ticket,
        device=facts.device,
        customer=facts.customer,
        cause=facts.cause,
        severity=facts.severity,
        received_at=facts.received_at,
        path=tuple(path) or (Level(facts.level),),
        owner=facts.owner,
        answered_at=answered,
        ended_at=ended,
        first_ended_at=first_ended,
        outcome=outcome if ended is not None else None,
        ended_by=ended_by or (facts.owner if outcome is Outcome.BY_PERSON else None),
        waited_s=waited,
        reopened=reopened,
        wrote_after_answer=wrote,
        second_contact=_second_contact(first_ended, reopened, arrivals, now),
    )


def incidents_of(facts: Iterable[TicketFacts], histories: Mapping[str, Sequence[Told]], now: int) -> list[Incident]:
    """All of them, each knowing whether a second contact about its cause followed. Oldest first.

    `facts` must hold what arrived within 14 days after any of them ended.
    """
    ordered = sorted(facts, key=lambda one: (one.received_at, one.ticket))
    arrivals: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in ordered:
        arrivals[one.device, one.cause].append(one.received_at)
    return [incident_of(one, histories.get(one.ticket, ()), arrivals[one.device, one.cause], now) for one in ordered]


def _second_contact(first_ended: int | None, reopened: int, arrivals: Sequence[int], now: int) -> bool | None:
    # None also where one followed already: to count only the bad ones of the last days would make them look worse.
    if first_ended is None or now - first_ended < SECOND_CONTACT_S:
        return None
    after = bisect_right(arrivals, first_ended)
    return reopened > 0 or (after < len(arrivals) and arrivals[after] - first_ended <= SECOND_CONTACT_S)
