"""Bringing the question to the person: a window of this computer first, the approval page where none can be opened.

In user mode the service runs as the person at the machine, so it may open a window of theirs. A service of the machine
has no desktop: there the helper in each person's session does the opening (helper.py). Each question gets a
window process of its own; a window that cannot be opened (no tkinter in this Python, no display that lets us) says
why, that is written to the log, and the approval page opens in the browser instead. Without a desktop (a server, a
terminal) nothing is opened: `bellpull-agent consent list` and `consent watch` show the question, and so does a line
in the log. A second question does not open a second page: the page that is there shows it.
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
_REASON_MAX_BYTES: Final = 2000


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
        self._opening: set[asyncio.Task[None]] = set()

    def asked(self, prompt: PendingPrompt) -> None:
        """Never raises: a window that does not open must not cost the person the question."""
        self._log.info("somebody-asks-to-connect", question=prompt.id, window=self._desktop)
        if self._desktop:
            task = asyncio.create_task(self.open(prompt.id))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def open(self, question: str) -> None:
        """The window; when there can be none, the page. Which of them it was is in the log."""
        try:
            window = await self._start(
                "agent.consent.window", "--state", str(self._state), "--id", question, stderr=asyncio.subprocess.PIPE
            )
            _, said = await window.communicate()
            if window.returncode == 0:
                return
            reason = said[-_REASON_MAX_BYTES:].decode(errors="replace").strip()
            self._log.info("no-window-of-our-own", question=question, exit=window.returncode, reason=reason)
            await self._open_page()
        except OSError as error:
            self._log.warning("approval-did-not-open", reason=error.strerror or str(error))

    async def _open_page(self) -> None:
        if self._page is not None and self._page.returncode is None:
            return
        self._page = await self._start("agent.consent.approval_page", "--state", str(self._state), "--linger", "--json")
        await self._page.wait()

    async def _start(
        self, module: str, *arguments: str, stderr: int = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *child_argv(module, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            env=child_environment(),
        )
