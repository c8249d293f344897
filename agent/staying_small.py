"""The service keeps itself small: each minute what is not used goes back, and past the limit it starts anew.

The limit is the one of its own check (`agent-memory-high`), which tells the owner. What stands above it for three
minutes is no visit's work but a leak of ours, and only a new process is without it: the same program takes this
process over, with its number and its supervisor, once nobody visits. What was acknowledged is on the disk.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Final

from agent.event_log import EventLog
from agent.heap import give_back_unused_code
from agent.local.status import resident_bytes

#: As `diagnostics.checks.agent_self.RSS_MAX_BYTES`, whose module belongs into the check worker.
LIMIT_BYTES: Final = 100_000_000
EVERY_S: Final = 60.0
#: When the start is over, and what only it needed can go.
_FIRST_S: Final = 10.0
#: Until what a look of the checks has brought is stored, told and sent.
_AFTER_CHECKS_S: Final = 5.0
#: A large message, or a list for a page, is gone by the next look.
_LOOKS_IN_A_ROW: Final = 3


class StayingSmall:
    """`start_anew` is called once, when it has been too large for too long."""

    def __init__(
        self, start_anew: Callable[[], None], *, log: EventLog, resident: Callable[[], int] = resident_bytes
    ) -> None:
        self._start_anew = start_anew
        self._log = log
        self._resident = resident
        self._too_large = 0

    async def run(self) -> None:
        await asyncio.sleep(min(_FIRST_S, EVERY_S))
        while True:
            self.look()
            await asyncio.sleep(EVERY_S)

    async def checks_looked(self, look: object) -> None:
        """Reading what they found is the most that the idle service ever does."""
        asyncio.get_running_loop().call_later(_AFTER_CHECKS_S, give_back_unused_code)

    def look(self) -> None:
        give_back_unused_code()
        resident = self._resident()
        self._too_large = self._too_large + 1 if resident > LIMIT_BYTES else 0
        if self._too_large == _LOOKS_IN_A_ROW:
            self._log.warning("too-large", rss_bytes=resident, limit_bytes=LIMIT_BYTES)
            self._start_anew()


def become_anew() -> None:
    """This program from its beginning, in this process. Does not return; the caller has let go of its lock."""
    if sys.platform == "win32":
        raise SystemExit(75)  # EX_TEMPFAIL: no process can be taken over; its supervisor starts another
    # The packager's boot loader puts its own marks into the environment (PyInstaller), which are for this run only.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("_PYI_")}
    arguments = sys.argv[1:] if getattr(sys, "frozen", False) else sys.orig_argv[1:]
    os.execve(sys.executable, [sys.executable, *arguments], environment)  # noqa: S606 - ourselves, as we were started
