"""A page's socket in the workbench: several things go on beside each other until the first of them is over."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect


async def until_one_ends(socket: WebSocket, *work: Coroutine[Any, Any, None]) -> None:
    """Runs all of `work`; when one is over the rest is cancelled and the socket closed."""
    tasks = [asyncio.create_task(each) for each in work]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(RuntimeError, WebSocketDisconnect):  # the page has left already
        await socket.close()
