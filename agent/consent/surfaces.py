"""Bringing the question to the person: where there is a desktop, the approval page opens by itself.

In user mode the service runs as the person at the machine, so it may open their browser. Without a desktop (a server,
a terminal) nothing is opened: `bellpull-agent consent list` and `consent watch` show the question, and so does a line
in the log. A second question does not open a second window: the page that is there shows it.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.children import child_argv, child_environment
from agent.consent.gate import PendingPrompt
from agent.event_log import EventLog

#: Set to anything: no window is opened. For people who answer at a terminal, and for scripted customers.
NO_WINDOW: Final = "BELLPULL_NO_WINDOW"


def has_desktop(environment: Mapping[str, str]) -> bool:
    if NO_WINDOW in environment:
        return False
    if sys.platform == "linux":
        return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    return True


class Surfaces:
    """Give `asked` to the gate's `when_asked`."""

    def __init__(self, state: Path, *, log: EventLog, environment: Mapping[str, str] = os.environ) -> None:
        self._state = state
        self._log = log
        self._desktop = has_desktop(environment)
        self._page: asyncio.subprocess.Process | None = None
        self._opening: asyncio.Task[None] | None = None

    def asked(self, prompt: PendingPrompt) -> None:
        """Never raises: a window that does not open must not cost the person the question."""
        self._log.info("somebody-asks-to-connect", question=prompt.id, window=self._desktop)
        if not self._desktop or (self._page is not None and self._page.returncode is None):
            return
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())

    async def _open(self) -> None:
        try:
            self._page = await asyncio.create_subprocess_exec(
                *child_argv("agent.consent.approval_page", "--state", str(self._state), "--linger", "--json"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env=child_environment(),
            )
        except OSError as error:
            self._log.warning("approval-page-did-not-open", reason=error.strerror or str(error))
            return
        await self._page.wait()
