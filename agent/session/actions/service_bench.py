"""What an action may use in the service itself: the part that needs the agent's own books, or may change the machine.

    service part ── raw rows ──► session host ── redacted ──► technician
                 ── open rows (our own words, people's messages) ────────► technician

The session host is confined and keeps nothing; so what the service knows (findings, history, fixes, messages) is
brought to it, and everything that may hold names goes out through its redactor, like every other row. An action of the
catalogue has a service part, a host part (catalogue.py), or both: then the host works with what was brought.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from agent.bundles.asking import Asking
from agent.clocks import Clocks
from agent.mending.mending import Mending
from agent.session.chat import Chat, VisitInForce
from agent.session.questions import Questions
from agent.watch.finding_store import FindingStore


@dataclass(frozen=True)
class Brought:
    """One row. `value`: plain JSON values. `is_open`: nothing in it is to be redacted, so it goes out as it is."""

    kind: str
    value: object
    is_open: bool = False


class Declined(Exception):
    """Somebody said no: the action ends as refused. The text is our own words."""


class Change(Protocol):
    """Does one change at the machine (change_worker.py); the row that tells it. Raises Refusal."""

    async def __call__(self, order: bytes) -> Brought: ...


@dataclass
class ServiceBench:
    """For all visits of the service. `visit`: the one in force. `mending` and `asking` None: not on this device.

    `whole_machine`: the agent serves all users of the machine, not only the one it runs as. `revocations_fresh`:
    whether it is known well enough that the technician's certificate still counts.
    """

    clocks: Clocks
    visit: Callable[[], VisitInForce | None]
    questions: Questions
    chat: Chat
    findings: FindingStore
    change: Change
    whole_machine: bool = False
    revocations_fresh: Callable[[], bool] = lambda: True
    mending: Mending | None = None
    asking: Asking | None = None

    def here(self) -> VisitInForce:
        visit = self.visit()
        if visit is None:
            raise Declined("the visit is over")
        return visit


#: The service part of an action: its typed arguments in, rows out. `Refusal` means failed, `Declined` means refused;
#: cancelled when the technician cancels or the visit ends.
Serving = Callable[[Any, ServiceBench], AsyncIterator[Brought]]
