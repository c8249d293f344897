"""A small, faithful server for the control link: challenges, checks the login, stores each item once.

It speaks the protocol's own messages and keeps what a real server promises (inserted once per id, `stored` only after
that). The same tests run against the real one in tests/journeys. `behaviour` lets a test make it misbehave.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from protocol import strict_json
from protocol.certificates import Chain
from protocol.enrolment import DeviceLogin, check_login
from protocol.messages.items import Heartbeat, Refused, Stored
from protocol.messages.link import ITEM_TYPES, UnknownMessage, parse_from_agent
from protocol.messages.login import Challenge, Login, Unsupported, Welcome
from protocol.statements import VerifyKey, parse_payload, verify
from protocol.strict_json import WireModel


@dataclass
class DeskServer:
    """`stored`: id → exact bytes, in the order of arrival. `arrivals` counts every time an item came."""

    certificate: Chain | None = None
    device_key: bytes | None = None
    root: bytes | None = None
    stored: dict[str, bytes] = field(default_factory=dict)
    arrivals: dict[str, int] = field(default_factory=dict)
    received: list[WireModel | UnknownMessage] = field(default_factory=list)
    refuse: Callable[[str], str | None] = lambda _id: None
    answer: Callable[[ServerConnection, WireModel], Awaitable[bool]] | None = None
    before_login: Callable[[ServerConnection], Awaitable[None]] | None = None
    silent_about: set[str] = field(default_factory=set)
    logins: int = 0
    connections: list[ServerConnection] = field(default_factory=list)
    port: int = 0
    _server: Server | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def listen(self) -> None:
        self._server = await serve(
            self._serve, "127.0.0.1", self.port, subprotocols=[Subprotocol("bellpull.v1")], compression=None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def send(self, message: WireModel) -> None:
        await self.connections[-1].send(strict_json.dump(message), text=True)

    async def until(self, true: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Wait for something to have arrived; fails loudly, never sleeps a fixed time."""
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(true)

    async def _told(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _serve(self, connection: ServerConnection) -> None:
        try:
            if self.before_login is not None:
                await self.before_login(connection)
                return
            nonce = os.urandom(32)
            await connection.send(strict_json.dump(Challenge(nonce=nonce)), text=True)
            login = parse_from_agent(await connection.recv(decode=False))
            assert isinstance(login, Login)
            claimed = parse_payload(login.statement, DeviceLogin)
            if self.device_key is not None:
                body = verify(login.statement, DeviceLogin, VerifyKey(self.device_key)).body
                check_login(body, root=self.root or claimed.root, origin=self.origin, nonce=nonce)
            self.logins += 1
            self.connections.append(connection)
            await connection.send(strict_json.dump(Welcome(certificate=self.certificate, versions={})), text=True)
            await self._told()
            async for text in connection:
                await self._take(connection, text.encode() if isinstance(text, str) else text)
        except ConnectionClosed:
            await self._told()

    async def _take(self, connection: ServerConnection, text: bytes) -> None:
        message = parse_from_agent(text)
        self.received.append(message)
        if isinstance(message, ITEM_TYPES):
            await self._store(connection, message, text)
        elif self.answer is not None and not isinstance(message, UnknownMessage | Heartbeat | Unsupported):
            await self.answer(connection, message)
        await self._told()

    async def _store(self, connection: ServerConnection, item: WireModel, text: bytes) -> None:
        item_id: str = item.id  # type: ignore[attr-defined]
        self.arrivals[item_id] = self.arrivals.get(item_id, 0) + 1
        if item_id in self.silent_about:
            return
        reason = self.refuse(item_id)
        if reason is not None:
            await connection.send(strict_json.dump(Refused(id=item_id, reason=reason)), text=True)
            return
        self.stored.setdefault(item_id, text)
        await connection.send(strict_json.dump(Stored(id=item_id)), text=True)
