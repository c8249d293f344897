"""Finding the way back to a device after a lost connection: a new room, again and again, as long as the device waits.

Decides how often to try and for how long. Whether the device lets us in again is decided there, and what is proven on
the way is checked by the initiator as at the first time.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Final

from protocol.limits import RESUME_WINDOW_S
from protocol.messages.api import SessionRoom
from technician.api import Api, ServerRefusal, SignInNeeded
from technician.clock import now_s
from technician.problems import Problem
from technician.sign_in import Technician

#: The first try is at once: most losses are short. Then full jitter, so that all who were cut do not come at once.
_BASE_S: Final = 1.0
_CAP_S: Final = 20.0
#: Refusals of a server that do not pass: we are not let in any more, or it knows no such device or ticket.
_FOR_GOOD: Final = frozenset({401, 403, 404})


class WayBack:
    """One loss. `rooms` gives one room after another until the device would not wait any longer."""

    def __init__(self, technician: Technician, api: Api, device: str, ticket: str | None) -> None:
        self._technician = technician
        self._api = api
        self._device = device
        self._ticket = ticket
        self.why = "the device was not reached again"

    async def rooms(self, window_s: float = RESUME_WINDOW_S) -> AsyncIterator[SessionRoom]:
        until_s = time.monotonic() + window_s
        tries = 0
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    room = await self._ask()
            except (Problem, TimeoutError) as error:
                self.why = str(error) or self.why
                if isinstance(error, ServerRefusal) and error.status in _FOR_GOOD:
                    return
            else:
                yield room
            tries += 1
            await asyncio.sleep(random.uniform(0, min(_CAP_S, _BASE_S * 2**tries)))  # noqa: S311 - not a secret

    async def _ask(self) -> SessionRoom:
        self._technician.certificate(now_s())  # expired or revoked meanwhile: raises
        try:
            return await self._api.ask_session(self._device, self._ticket)
        except SignInNeeded:
            await self._technician.sign_in(self._api)
            return await self._api.ask_session(self._device, self._ticket)
