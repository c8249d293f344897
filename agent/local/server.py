"""The service's door for programs on this machine: a unix socket, one JSON object a line, fixed verbs.

User mode: the folder is 0700, so only its owner and root come this far. Machine mode: 0755, and every peer is asked
for by the kernel's word. Windows has no such socket here yet: `start` says so, and the service runs without.
"""

import asyncio
import base64
import dataclasses
import json
import os
import socket
import sys
from collections.abc import Callable, Collection
from enum import Enum
from typing import Annotated, Any

from pydantic import Field

from agent.event_log import EventLog
from agent.local.limits import CONNECTIONS_MAX, IDLE_TIMEOUT_S, REQUEST_MAX_BYTES
from agent.local.peers import peer_of
from agent.local.verbs import Catalogue, Peer
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal, as_error
from protocol import strict_json
from protocol.errors import ProtocolError
from protocol.strict_json import WireModel


class Request(WireModel):
    """`{"verb":"ask-preview","arguments":{"words":"…"}}`"""

    verb: Annotated[str, Field(max_length=64)]
    arguments: dict[str, Any] = Field(default_factory=dict)


class LocalServer:
    """`session_hosts`: the process ids of session hosts alive now, asked at each connection."""

    def __init__(
        self,
        folder: StateFolder,
        catalogue: Catalogue,
        *,
        log: EventLog,
        session_hosts: Callable[[], Collection[int]] = lambda: (),
    ) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._log = log
        self._session_hosts = session_hosts
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. The caller holds the folder's lock, so a socket file found there is of a dead service."""
        if sys.platform == "win32":
            raise Refusal(
                "the local door of the service is not there on Windows yet",
                expected="a named pipe",
                got="not built in this version",
                hint="The offline commands work: bellpull-agent check, bundle, redact.",
            )
        path = self._folder.socket
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # The folder's mode is the door in user mode; the file's own mode closes it a second time.
            before = os.umask(0o177)
            try:
                listening.bind(str(path))
            finally:
                os.umask(before)
            if self._folder.mode is Mode.MACHINE:
                path.chmod(0o666)
            self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=REQUEST_MAX_BYTES)
        except BaseException:
            listening.close()
            raise

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._folder.socket.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this callback as a task
        self._connections.add(task)
        try:
            if len(self._connections) > CONNECTIONS_MAX:
                return
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError):
            self._log.debug("local-connection-lost")
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_of(writer.get_extra_info("socket"), self._session_hosts())
        while True:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                try:
                    line = await reader.readuntil(b"\n")
                except asyncio.IncompleteReadError:
                    return
                except asyncio.LimitOverrunError:
                    too_long = Refusal(
                        "the request is too long", expected=f"at most {REQUEST_MAX_BYTES} bytes", got="more"
                    )
                    writer.write(_line({"ok": False, "error": as_error(too_long)}))
                    await writer.drain()
                    return
            writer.write(await self._answer(line, peer))
            await writer.drain()

    async def _answer(self, line: bytes, peer: Peer) -> bytes:
        try:
            request = strict_json.parse(line, Request, what="request", max_bytes=REQUEST_MAX_BYTES)
            verb = self._catalogue.allowed(request.verb, peer)
            arguments = strict_json.parse(
                json.dumps(request.arguments).encode(), verb.arguments, what=verb.name, max_bytes=REQUEST_MAX_BYTES
            )
            return _line({"ok": True, "result": plain_value(await verb.handle(arguments, peer))})
        except (Refusal, ProtocolError) as error:
            return _line({"ok": False, "error": as_error(error)})
        except Exception as error:  # noqa: BLE001 - one verb's defect must not end the service; it is shown
            self._log.defect("verb-raised", error)
            told = Refusal(
                "the service made a mistake",
                expected="an answer",
                got=type(error).__name__,
                hint="It is in the log of the agent; the rest of the service goes on.",
            )
            return _line({"ok": False, "error": as_error(told)})


def plain_value(value: object) -> object:
    """Models, dataclasses, enums and bytes (base64) as JSON values."""
    if isinstance(value, WireModel):
        return value.model_dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(item) for item in value]
    return value


def _line(answer: object) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
