"""Who may sign in now: a fleet that comes back at once is let in no faster than it can be served.

    connect ─► in line, in order, for at most LINE_S ─► accepted, challenge, login ─► welcome and news ─► out of the way
                  └─ the line is long, or the wait was ─► 503 with a Retry-After of this one's own

An agent counts its five seconds for a login from the moment it is accepted: let all in at once and most of them leave
before they are served, and come again, for ever. One that waits before it is accepted waits 15 s. Who is turned away
gets a moment of its own to come back at, so that these do not come together either.

A stranger who was accepted and says nothing keeps a place for SILENT_S only; it may still log in, behind the others.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final

#: At one time between accepted and welcomed: enough to keep the database's four readers busy. More would not be served
#: sooner, only all of them later: past the agents' five seconds where the machine has other work.
PLACES: Final = 8
#: Shorter than an agent's patience for an answer to its upgrade.
LINE_S: Final = 10.0
LINE_MAX: Final = 2000
SILENT_S: Final = 0.5
#: Nobody is told to come back later than this: by then a new reckoning is fairer.
LATER_MAX_S: Final = 60
#: How fast the reckoning follows what sign-ins take now.
_FOLLOW: Final = 0.1


class TurnedAway(Exception):
    """Not now. `retry_after_s`: when this one's turn is expected."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"come back in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Doorway:
    def __init__(self, mono: Callable[[], float], *, places: int = PLACES, line_s: float = LINE_S) -> None:
        self._mono = mono
        self._places = places
        self._line_s = line_s
        self._free = asyncio.Semaphore(places)
        self.waiting = 0
        # What one sign-in takes of the whole server, in seconds; a guess until there were some.
        self._each_s = 0.01
        self._promised_s = 0.0

    async def enter(self) -> "Place":
        """A place in the doorway, when it is one's turn. Raises TurnedAway."""
        if self.waiting >= LINE_MAX:
            raise self._later()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._line_s):
                await self._free.acquire()
        except TimeoutError:
            raise self._later() from None
        finally:
            self.waiting -= 1
        return Place(self)

    def _later(self) -> TurnedAway:
        """Behind everybody who waits, and behind everybody who was told to come back."""
        now = self._mono()
        self._promised_s = max(self._promised_s, now + self.waiting * self._each_s) + self._each_s
        wait_s = self._promised_s - now
        if wait_s > LATER_MAX_S:
            self._promised_s = now + LATER_MAX_S
        return TurnedAway(max(1, min(LATER_MAX_S, math.ceil(wait_s))))

    def _took(self, seconds: float) -> None:
        self._each_s += _FOLLOW * (seconds / self._places - self._each_s)


class Place:
    """One's stay in the doorway. Left once, by whoever says so first."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._held = True
        self._since_s = doorway._mono()
        self._silence = asyncio.get_running_loop().call_later(SILENT_S, self._give_back)

    async def heard(self) -> None:
        """It has spoken: from here on it keeps its place until it leaves. One that was slow to speak lines up anew."""
        self._silence.cancel()
        if not self._held:
            await self._doorway._free.acquire()
            self._held = True
        self._since_s = self._doorway._mono()

    def leave(self, *, served: bool = False) -> None:
        self._silence.cancel()
        if self._held and served:
            self._doorway._took(self._doorway._mono() - self._since_s)
        self._give_back()

    def _give_back(self) -> None:
        if self._held:
            self._held = False
            self._doorway._free.release()
