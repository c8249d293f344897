"""Visits in a world: the technician's own code in this process, the customer at the agent's unix socket.

async with visit(world, technician, api, device) as v:      asked, handshaken, logs compared, the question open
    v.question                                              what the customer sees
    decided_at = await v.say_yes()                          perf_counter() just before the word was given
    grant = await v.granted()
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from protocol.actions.scopes import Scope
from technician.api import Api
from technician.clock import now_s
from technician.devices import DeviceFacts, find_device
from technician.session.events import Event
from technician.session.visit import Visit
from technician.sign_in import Technician
from tests.benchmarks.contract import NotRun
from tests.benchmarks.world import World

SCOPES = (Scope.DIAGNOSE, Scope.PROCESSES, Scope.SERVICES)
_MINUTES = 5
_REASON = "To see how fast this is"
_QUESTION_WAIT_S = 20.0
_ASK_AGAIN_S = 0.01


class ConsentedVisit:
    """One visit from the open question on, with the customer's side of it at hand."""

    def __init__(self, made: World, visit: Visit, question: dict[str, Any]) -> None:
        self._made = made
        self.visit = visit
        self.question = question

    async def say_yes(self) -> float:
        """The customer allows all that was asked, as `consent approve` does. When it was said, by perf_counter()."""

        def decide() -> float:
            shown = self._made.local("consent-show", id=self.question["id"])
            began = time.perf_counter()
            answer = self._made.local(
                "consent-decide", id=self.question["id"], approve=True, text_sha256=shown["text_sha256"]
            )
            if not answer["approved"]:
                raise NotRun(f"the consent was not taken: {answer}")
            return began

        return await asyncio.to_thread(decide)


async def certified_device(made: World, technician: Technician, api: Api) -> DeviceFacts:
    return find_device((await api.devices()).devices, made.device, technician.store.trust, now_s())


@asynccontextmanager
async def open_visit(
    made: World,
    technician: Technician,
    api: Api,
    device: DeviceFacts,
    *,
    scopes: tuple[Scope, ...] = SCOPES,
    watch: Callable[[Event], None] = lambda event: None,
) -> AsyncIterator[ConsentedVisit]:
    await asyncio.to_thread(_until_nobody_is_here, made)
    async with Visit.open(technician, api, device, made.ticket, scopes, _MINUTES, _REASON, watch=watch) as visit:
        await visit.compared()
        yield ConsentedVisit(made, visit, await asyncio.to_thread(_question, made))


def _until_nobody_is_here(made: World) -> None:
    """The technician is told of the end before the agent has put everything away: the next would meet `busy`."""
    until = time.monotonic() + _QUESTION_WAIT_S
    while made.local("session-list")["sessions"]:
        if time.monotonic() > until:
            raise NotRun(f"a visit was still there {_QUESTION_WAIT_S:.0f} s after its end")
        time.sleep(_ASK_AGAIN_S)


def _question(made: World) -> dict[str, Any]:
    until = time.monotonic() + _QUESTION_WAIT_S
    while time.monotonic() < until:
        pending = made.local("consent-list")["pending"]
        if pending:
            found: dict[str, Any] = pending[0]
            return found
        time.sleep(_ASK_AGAIN_S)
    raise NotRun(f"the agent put no question within {_QUESTION_WAIT_S:.0f} s")
