"""One agent's link, from the challenge to the goodbye.

    doorway ─► challenge ─► login ─► welcome ─► … each message handled in order, each answer before the next is read
An agent that says nothing for 45 s is gone. Messages that do not parse end the link; unknown types do not.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.limits import (
    CONTROL_MESSAGE_MAX_BYTES,
    LOGIN_MAX_BYTES,
    NONCE_BYTES,
)
from protocol.messages.codes import CodeAnswer, CodeTyped
from protocol.messages.documents import (
    Cosigned,
    Documents,
    FetchCheckpoint,
    FetchDocumentPart,
    FetchDocuments,
    NewCheckpoint,
)
from protocol.messages.items import Heartbeat
from protocol.messages.link import ITEM_TYPES, UnknownMessage, parse_from_agent
from protocol.messages.login import Challenge, LoginRefused, Unsupported, Welcome
from protocol.messages.sessions import OfferDeclined
from protocol.messages.symptoms import SymptomAnswer, Symptoms
from protocol.messages.uploads import UploadRequest
from protocol.strict_json import WireModel
from server import sockets
from server.link.doorway import Place, TurnedAway
from server.link.hub import Connection
from server.link.items import take
from server.link.login import device_of_login
from server.logs import log
from server.office import Office
from server.organisation.rules import newer_documents, newer_large, part_of
from server.refusal import Refusal
from server.relay.meeting import DECLINED

SUBPROTOCOL = "bellpull.v1"
NOT_LET_IN = 4403
BAD_MESSAGE = 4400
SILENT = 4408
GOODBYE = 1000
#: What one `documents` message may hold of them.
_ROTATIONS_MAX = 16


class Conversation:
    def __init__(self, office: Office, websocket: WebSocket) -> None:
        self._office = office
        self._websocket = websocket
        self._root = b""

    async def hold(self) -> None:
        """The whole life of one connection."""
        try:
            place = await self._office.hub.doorway.enter()
        except TurnedAway as turned:
            await sockets.turn_away(self._websocket, turned.retry_after_s)
            return
        try:
            if not await sockets.accept_program(self._websocket, SUBPROTOCOL):
                return
            self._office.hub.sockets += 1
            try:
                await self._hold(place)
            finally:
                self._office.hub.sockets -= 1
        finally:
            place.leave()

    async def _hold(self, place: Place) -> None:
        connection = await self._sign_in(place)
        if connection is None:
            return
        office = self._office
        # From here on others may send to it: what they say waits until the welcome is out.
        office.hub.add(connection)
        code, reason = GOODBYE, ""
        tasks: tuple[asyncio.Task[Any], ...] = ()
        try:
            await self._welcome(connection)
            log.info("agent-connected", device=connection.device.device)
            reading = asyncio.create_task(self._read(connection, place), name="link read")
            writing = asyncio.create_task(self._write(connection), name="link write")
            tasks = (reading, writing, asyncio.create_task(connection.over.wait(), name="link over"))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                code, reason = reading.result()
        except WebSocketDisconnect:
            reason = "left"
        finally:
            office.hub.remove(connection)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._last_words(connection)
        await sockets.close(self._websocket, code, reason)
        log.info("agent-left", device=connection.device.device, code=code)

    # --- signing in ----------------------------------------------------------------------------------------

    async def _sign_in(self, place: Place) -> Connection | None:
        office, nonce = self._office, os.urandom(NONCE_BYTES)
        await self._send(Challenge(nonce=nonce))
        text = await sockets.receive_text(self._websocket, max_bytes=LOGIN_MAX_BYTES, timeout_s=office.patience.login_s)
        if text is None:
            await self._refuse(
                f"a login of at most {LOGIN_MAX_BYTES} bytes is due within {office.patience.login_s:g} s"
            )
            return None
        await place.heard()
        try:
            device, self._root = await device_of_login(
                text, nonce, office.config.origin, office.devices, office.organisation
            )
        except (RemoteProtocolError, Refusal) as error:
            await self._refuse(str(error))
            return None
        return Connection(device, await office.witnesses.size_of(device.device))

    async def _refuse(self, reason: str) -> None:
        self._office.metrics.logins_refused.inc()
        await self._send(LoginRefused(reason=reason[:300]))
        await sockets.close(self._websocket, NOT_LET_IN, "login refused")

    async def _welcome(self, connection: Connection) -> None:
        office = self._office
        # Read anew: a certificate that came since the login would else be neither here nor pushed.
        device = connection.device = await office.devices.require(connection.device.device)
        await self._send(
            Welcome(certificate=device.certificate, versions=office.organisation.versions, checkpoint=office.audit.note)
        )

    async def _news(self, device: str) -> tuple[WireModel, ...]:
        """How its tickets stand, and what was said to it, while it was away."""
        updates = await self._office.tickets.updates(device)
        if not updates:
            return ()  # no ticket, so nothing was said on one: most devices of a fleet that comes back at once
        return (*updates, *await self._office.listing.words_for(device))

    # --- talking -------------------------------------------------------------------------------------------

    async def _read(self, connection: Connection, place: Place) -> tuple[int, str]:
        """Handle messages until the link is over; the close code and reason."""
        device = connection.device.device
        silence_s = self._office.patience.silence_s
        await self._seen(device, 0)
        news = await self._news(device)
        place.leave(served=True)
        for each in news:
            await connection.reply(each)
        while True:
            try:
                async with asyncio.timeout(silence_s):
                    received = await self._websocket.receive()
            except TimeoutError:
                return SILENT, f"nothing was heard for {silence_s:g} s"
            if received["type"] == "websocket.disconnect":
                return GOODBYE, "left"
            text = received.get("text")
            if text is None or len(text) > CONTROL_MESSAGE_MAX_BYTES:
                return BAD_MESSAGE, "a control message is one JSON text of bounded size"
            # A device that floods is read no faster than this allows.
            await asyncio.sleep(self._office.quotas.items.reserve(device, self._office.mono()))
            try:
                message = parse_from_agent(text)
                await self._handle(connection, message)
            except RemoteProtocolError as error:
                log.info("link-broken", device=device, what=error.what)
                return BAD_MESSAGE, error.what

    async def _write(self, connection: Connection) -> None:
        while True:
            text = await connection.next()
            async with asyncio.timeout(self._office.patience.stuck_s):
                await self._websocket.send_text(text)

    async def _last_words(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(1):
                for text in connection.drain():
                    await self._websocket.send_text(text)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            return  # the agent is gone, and needs no goodbye

    async def _send(self, message: WireModel) -> None:
        async with asyncio.timeout(self._office.patience.login_s):
            await self._websocket.send_text(strict_json.dump(message).decode())

    async def _handle(self, connection: Connection, message: WireModel | UnknownMessage) -> None:
        if isinstance(message, UnknownMessage):
            await connection.reply(Unsupported(named=message.named))
            return
        self._office.metrics.messages.labels(type=getattr(message, "type", "")).inc()
        if isinstance(message, ITEM_TYPES):
            await connection.reply(await take(self._office, connection.device, message))
            return
        handler = HANDLERS.get(type(message))
        if handler is None:
            raise RemoteProtocolError("a message that is not due here", got=str(getattr(message, "type", "")))
        await handler(self, connection, message)

    async def heartbeat(self, connection: Connection, message: Heartbeat) -> None:
        await self._seen(connection.device.device, message.queued)

    async def fetch_documents(self, connection: Connection, message: FetchDocuments) -> None:
        """Rotations first: what was signed under the root of now means nothing to a device that pins an older one."""
        office, device = self._office, connection.device.device
        trust = office.organisation.require_trust()
        self._root = message.root or self._root
        turned = office.organisation.rotations_after(self._root)
        documents, more = newer_documents(trust, message.have)
        await connection.reply(
            Documents(documents=documents, rotations=turned[:_ROTATIONS_MAX], more=more or len(turned) > _ROTATIONS_MAX)
        )
        large = newer_large(trust, message.have)
        if large is not None:
            await connection.reply(large)
        await office.batch.put(
            lambda database: office.devices.trusting(database, device, self._root, message.have, office.now())
        )

    async def fetch_document_part(self, connection: Connection, message: FetchDocumentPart) -> None:
        await connection.reply(part_of(self._office.organisation.require_trust(), message))

    async def fetch_checkpoint(self, connection: Connection, message: FetchCheckpoint) -> None:
        audit = self._office.audit
        await connection.reply(
            NewCheckpoint(note=audit.note, from_size=message.size, consistency=audit.consistency(message.size))
        )

    async def cosigned(self, connection: Connection, message: Cosigned) -> None:
        if message.size <= connection.cosigned_size:
            return  # kept already: each agent that comes back signs the checkpoint of its welcome once more
        if await self._office.witnesses.take(connection.device, message):
            connection.cosigned_size = max(connection.cosigned_size, message.size)

    async def offer_declined(self, connection: Connection, message: OfferDeclined) -> None:
        if self._office.relay.device_of(message.room) == connection.device.device:
            self._office.relay.end(message.room, DECLINED, f"declined: {message.reason}")

    async def code_typed(self, connection: Connection, message: CodeTyped) -> None:
        office, device, now_s = self._office, connection.device, self._office.mono()
        if wait_s := office.codes.may_try(device.device, now_s):
            await connection.reply(CodeAnswer(code=message.code, found=False, retry_after_s=int(wait_s) + 1))
            return
        found = office.codes.typed(message.code, device.device, message.ticket, device.visible_to, now_s)
        await connection.reply(CodeAnswer(code=message.code, found=found))

    async def upload_request(self, connection: Connection, message: UploadRequest) -> None:
        await connection.reply(await self._office.bundles.grant(connection.device.device, message))

    async def symptoms(self, connection: Connection, message: Symptoms) -> None:
        """An id, never a text: the agent holds it against its signed pack and its own machine."""
        codes = [symptom.code for symptom in message.findings]
        issue = await self._office.findings.answer(connection.device.device, codes)
        await connection.reply(SymptomAnswer(id=message.id, issue=issue))

    async def unsupported(self, connection: Connection, message: Unsupported) -> None:
        log.info("agent-does-not-know", device=connection.device.device, type=message.named)

    async def _seen(self, device: str, queued: int) -> None:
        office = self._office
        await office.batch.put(lambda connection: office.devices.seen(connection, device, office.now(), queued))


Handler = Callable[[Conversation, Connection, Any], Awaitable[None]]

HANDLERS: Final[Mapping[type[WireModel], Handler]] = MappingProxyType(
    {
        Heartbeat: Conversation.heartbeat,
        FetchDocuments: Conversation.fetch_documents,
        FetchDocumentPart: Conversation.fetch_document_part,
        FetchCheckpoint: Conversation.fetch_checkpoint,
        Cosigned: Conversation.cosigned,
        OfferDeclined: Conversation.offer_declined,
        CodeTyped: Conversation.code_typed,
        UploadRequest: Conversation.upload_request,
        Symptoms: Conversation.symptoms,
        Unsupported: Conversation.unsupported,
    }
)
