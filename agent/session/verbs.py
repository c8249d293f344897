"""Local verbs of visits: who is here and what they do; allow less; stop.

Stopping and allowing less are open to everybody who may use the socket, also to a process of the session itself: less
is always allowed. Nothing here can allow more.
"""

import time
from typing import Annotated, Any

from pydantic import Field

from agent.local.verbs import NoArguments, Peer, Verb
from agent.session.visits import Visits
from protocol.actions.scopes import Scope
from protocol.strict_json import WireModel


class NarrowArguments(WireModel):
    """What stays allowed; everything else is taken back."""

    scopes: Annotated[tuple[Scope, ...], Field(max_length=32)]


class SessionVerbs:
    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("session-list", NoArguments, self._list),
            Verb("session-stop", NoArguments, self._stop),
            Verb("session-narrow", NarrowArguments, self._narrow),
        )

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        return {"sessions": self._visits.current()}

    async def _stop(self, arguments: NoArguments, peer: Peer) -> object:
        began = time.monotonic()
        stopped = self._visits.stop_all()
        return {"stopped": stopped, "seconds": round(time.monotonic() - began, 4)}

    async def _narrow(self, arguments: NarrowArguments, peer: Peer) -> object:
        left = self._visits.narrow(arguments.scopes)
        return {"scopes": [scope.value for scope in left]}
