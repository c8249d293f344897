"""A visit that the customer begins: a code is read out, and whoever types it names their device and ticket.

    make ─► shown to the technician ─► looked at every second ─► typed: device and ticket, and on as with any visit

The code proves nothing to anybody: the device behind it is judged by its certificate like every other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from protocol.messages.codes import CodeMade, CodeState, CodeTold
from technician.problems import Problem

_LOOK_S: Final = 1.0


class MakesCodes(Protocol):
    """The server, as far as a code needs it."""

    async def make_code(self) -> CodeMade: ...

    async def code(self, code: str) -> CodeTold: ...


async def typed_by_customer(
    api: MakesCodes, show: Callable[[CodeMade], None], *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> tuple[str, str]:
    """Device and ticket of the customer who typed the code. Problem when nobody did in time."""
    made = await api.make_code()
    show(made)
    told = await api.code(made.code)
    while told.state is CodeState.WAITING:
        if told.expires_in_s <= _LOOK_S:
            raise Problem(
                "nobody typed the code in time",
                expected=f"within {made.expires_in_s // 60} minutes",
                got="nothing",
                hint="Ask for a new one: bellpull connect --code",
            )
        await pause(_LOOK_S)
        told = await api.code(made.code)
    if told.device is None or told.ticket is None:
        raise Problem("the server's answer is incomplete", expected="a device and a ticket", got="neither")
    return told.device, told.ticket
