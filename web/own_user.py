"""The third door of a loopback face: did a program of our own user open it? Asked when a one-use address is spent.

A one-use address stands on the command line of the browser that is started with it, where other users of the computer
can read it for a moment. The kernel knows whose each end of a connection is:

    /proc/net/tcp    sl  local_address rem_address   st … uid
                      3: 0100007F:D2F0 0100007F:1F90 01 … 1000        (addresses as little-endian hex, ports as hex)

Where that cannot be read (not Linux), or the connection is not in it, this door lets pass: the token still has to fit.
What it does not do: tell a good program of our own user from a bad one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from web.loopback import refuse

TABLE: Final = Path("/proc/net/tcp")


def own_users(environment: Mapping[str, str] = os.environ) -> frozenset[int]:
    """Ours, root, and with sudo the person behind it, whose browser it is."""
    if sys.platform == "win32":
        return frozenset()
    ours = os.geteuid()
    behind = environment.get("SUDO_UID", "") if ours == 0 else ""
    return frozenset({0, ours, *([int(behind)] if behind.isdecimal() else [])})


def user_of(client: tuple[str, int], server: tuple[str, int], table: Path = TABLE) -> int | None:
    """Whose end of the connection `client` is; None when the kernel does not say."""
    wanted = [_hex(client), _hex(server)]
    try:
        lines = table.read_text("ascii", "replace").splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        fields = line.split()
        if fields[1:3] == wanted and len(fields) > 7 and fields[7].isdecimal():
            return int(fields[7])
    return None


def _hex(end: tuple[str, int]) -> str:
    host, port = end
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        return ""
    return "".join(f"{int(part):02X}" for part in reversed(parts)) + f":{port:04X}"


class OwnUser:
    """Around the door that takes the token: a request with one, made by another user, does not reach it."""

    def __init__(self, app: ASGIApp, *, table: Path = TABLE) -> None:
        self.app = app
        self.table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and b"token=" in scope["query_string"] and self.is_foreign(scope):
            await refuse(scope, receive, send, "Refused: another user of this computer opened this address.")
            return
        await self.app(scope, receive, send)

    def is_foreign(self, scope: Scope) -> bool:
        client, server = scope.get("client"), scope.get("server")
        if not client or not server or server[1] is None:
            return False
        user = user_of((client[0], client[1]), (server[0], server[1]), self.table)
        return user is not None and user not in own_users()
