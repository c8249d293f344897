"""In the desktop session of a person: brings the questions of the machine's own service to whoever sits at the seat.

    login ─ /etc/xdg/autostart ─► helper ── consent-list ──► service (root, no desktop)
                                    └─ a question is open ─► window, or page, in this session

One runs in each desktop session, also in those of people who do not sit here now. It asks the service who asks, and the
service answers only the person at the active seat, by the kernel's word and logind's (agent/local): so when people
switch, the question leaves one screen and comes up on the other, and nobody here has to decide whose it is. It holds no
key, keeps nothing, and ends with the session. Where nobody has a desktop there is no helper: `consent watch` at a
terminal, or the owner's policy, answers there.

A new connection for each look: a peer is known at its connection, and people switch.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agent.consent.surfaces import Surfaces, has_desktop
from agent.event_log import EventLog, StructuredLog
from agent.local.client import call
from agent.refusal import Refusal

#: A question is open for two minutes; this is a small part of it, and one short wake of the service.
_LOOK_S: Final = 2.0
#: Not heard (somebody else sits here, or no service runs): less often, and still soon after a switch.
_LOOK_UNHEARD_S: Final = 5.0


class Helper:
    """`ask`: the open questions' ids; raises Refusal when the service does not hear this person now.

    `bring`: shows one of them on this screen; may take as long as the question is open.
    """

    def __init__(
        self, ask: Callable[[], list[str]], bring: Callable[[str], Coroutine[Any, Any, None]], *, log: EventLog
    ) -> None:
        self._ask = ask
        self._bring = bring
        self._log = log
        self._open: dict[str, asyncio.Task[None]] = {}
        self._heard: bool | None = None

    async def look(self) -> float:
        """Bring what is asked now to this screen. Seconds until the next look.

        A question whose window is up is not opened twice. One that left the list is forgotten: when it comes again
        (the people switched, and switched back), it is opened again.
        """
        try:
            asked = await asyncio.to_thread(self._ask)
        except Refusal as error:
            self._say_once(heard=False, why=error.what)
            self._forget(())
            return _LOOK_UNHEARD_S
        self._say_once(heard=True, why="")
        self._forget(asked)
        for question in asked:
            if question not in self._open:
                self._open[question] = asyncio.create_task(self._bring(question))
        return _LOOK_S

    async def run(self) -> None:
        while True:  # noqa: ASYNC110 - the service pushes nothing: who may hear it is decided at each connection
            await asyncio.sleep(await self.look())

    def _forget(self, asked: Sequence[str]) -> None:
        """The windows close by themselves: each asks the service too."""
        for question in [question for question in self._open if question not in asked]:
            del self._open[question]

    def _say_once(self, *, heard: bool, why: str) -> None:
        if heard is not self._heard:
            self._heard = heard
            self._log.info("heard-by-the-service" if heard else "not-heard-by-the-service", reason=why)


def open_questions(state: Path) -> list[str]:
    return [str(each["id"]) for each in call(state, "consent-list")["pending"]]


def only_one(environment: Mapping[str, str]) -> object | None:
    """Held for this user and display until the process ends; None when another helper holds it already."""
    if sys.platform == "win32":
        return object()  # nothing starts it there
    import fcntl

    folder = environment.get("XDG_RUNTIME_DIR", "")
    if not folder:
        return object()  # no place that is the session's own: two helpers would both ask, and one answer counts
    display = environment.get("WAYLAND_DISPLAY") or environment.get("DISPLAY") or ""
    name = "".join(letter if letter.isalnum() else "-" for letter in display)
    lock = (Path(folder) / f"bellpull-helper{name}.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def main() -> int:
    parser = argparse.ArgumentParser(prog="agent.consent.desktop_helper", allow_abbrev=False)
    parser.add_argument("--state", type=Path, required=True)
    state: Path = parser.parse_args().state
    log = StructuredLog(None, also_stderr=True)
    if not has_desktop(os.environ):
        log.info("no-desktop")
        return 0
    lock = only_one(os.environ)
    if lock is None:
        log.info("another-helper-is-here")
        return 0
    helper = Helper(lambda: open_questions(state), Surfaces(state, log=log).open, log=log)
    try:
        asyncio.run(helper.run())
    except KeyboardInterrupt:
        return 0
    finally:
        del lock
    return 0


if __name__ == "__main__":
    sys.exit(main())
