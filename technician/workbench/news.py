"""A WebSocket that says when something changed, so that an open page asks again at once and never in vain.

    ← {"seen":"97"}    at first, and after a change anywhere in the visit; at most four a second

While it is open the tab counts as open: a list that is to be kept fresh (processes) is asked for again meanwhile.
Same doors as every page: session cookie, Host, Origin (web/loopback.py). The page sends nothing.
"""

import asyncio
from contextlib import suppress
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from technician.problems import Problem
from technician.workbench.desk import Desk
from technician.workbench.live import LiveVisit, Phase
from technician.workbench.socket_end import until_one_ends
from technician.workbench.tabs.catalogue import FIRST, TABS
from technician.workbench.tabs.spec import Tab

#: More often than this nobody can read.
PACE_S: Final = 0.25
#: A browser tab that was closed is noticed at the next message; this is the longest without one.
ALIVE_S: Final = 20.0


async def visit_news(socket: WebSocket) -> None:
    desk = socket.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - set by build_app, never by a request
    await socket.accept()
    live = desk.live
    tab = TABS.get(socket.query_params.get("tab", ""), FIRST)
    fresh = socket.query_params.get("fresh") != "0"
    work = [_gone(socket)]
    if live is not None:
        work.append(_tell(socket, live))
        if fresh and tab.refresh_s:
            work.append(keep_fresh(live, tab))
    await until_one_ends(socket, *work)


async def _gone(socket: WebSocket) -> None:
    """Until the page closes its end."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _tell(socket: WebSocket, live: LiveVisit) -> None:
    said = ""
    while True:
        changed = asyncio.ensure_future(live.changed())
        if live.anything != said:
            said = live.anything
            await socket.send_json({"seen": said})
            await asyncio.sleep(PACE_S)
        if live.anything == said:
            with suppress(TimeoutError):
                await asyncio.wait_for(changed, ALIVE_S)
        changed.cancel()


async def keep_fresh(live: LiveVisit, tab: Tab, wait_s: float | None = None) -> None:
    """Ask for the tab's list again and again while the visit lasts; one that still runs is waited for."""
    while not live.phase.over:
        await asyncio.sleep(tab.refresh_s if wait_s is None else wait_s)
        runs = live.runs.of(tab.key, *tab.lists)
        busy = any(run.tab == tab.key for run in live.runs.under_way)
        if live.phase is not Phase.ACTIVE or not runs or busy:
            continue
        act = tab.act(runs[0].act)
        if act is None or not act.allowed(live) or runs[0].outcome != "done":
            continue
        with suppress(Problem):  # the visit ended between the two lines
            live.act(tab.key, act.name, act.action, runs[0].arguments, again=runs[0])
