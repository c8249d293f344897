"""A server that is ours but evil: control link, relay, uploads and the technicians' HTTP on a loopback port.

It holds what a server under an attacker's full control holds: the log's key, the rooms, and everything that ever
reached it (`heard`, all of it as the bytes behind TLS). It holds no key of the organisation. Left alone it does what
an honest server does; a test then sets what it lies about:

    views          party → the history of the log that it is shown           (two of them: a fork)
    documents      what it hands out: older ones, none, forked ones
    between        (direction, bytes) → what the relay passes on instead
    answer_item    item → stored, refused, or nothing
    room_path      where it sends a technician to meet a device
    lead_away      an address that it redirects every request to
    say / say_raw  anything at all to a device, at any time
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from protocol import strict_json
from protocol.certificates import Chain, Document
from protocol.checkpoints import LogKey
from protocol.enrolment import DeviceKeys, DeviceLogin, EnrolmentRequest
from protocol.messages.api import (
    AuditExport,
    ChallengeReply,
    CheckpointReply,
    DeviceList,
    DeviceRow,
    DocumentList,
    EnrolReply,
    Renewal,
    ServerFacts,
    SessionAsk,
    SessionRoom,
    SignedIn,
    WitnessLine,
)
from protocol.messages.documents import Cosigned, Documents, FetchCheckpoint, FetchDocuments, NewCheckpoint
from protocol.messages.items import AuditItem, Stored
from protocol.messages.link import ITEM_TYPES, UnknownMessage, parse_from_agent
from protocol.messages.login import Challenge, Login, Welcome
from protocol.messages.sessions import Join, Paired, SessionOffer
from protocol.messages.uploads import UploadGranted, UploadRequest
from protocol.statements import Envelope, parse_payload
from protocol.strict_json import WireModel
from server import serving
from tests.hostile.log_view import LogView
from tests.making import NOW, seed

LOG_NAME = "evil.example/log"
TECHNICIAN = "technician"
Between = Callable[[str, bytes], Iterable[bytes]]


@dataclass(frozen=True)
class Heard:
    """One thing that reached the server: a request's head, a body, a message."""

    where: str
    data: bytes


@dataclass
class Line:
    """A device's open control link. `said`: what it sent, parsed."""

    device: str
    websocket: WebSocket
    said: list[WireModel | UnknownMessage] = field(default_factory=list)


class Room:
    """A meeting of two sockets; the token tells which side somebody is. Either side may be the test itself."""

    def __init__(self) -> None:
        self.tokens = {secrets.token_urlsafe(32): "device", secrets.token_urlsafe(32): TECHNICIAN}
        self.inbox: dict[str, asyncio.Queue[bytes | None]] = {"device": asyncio.Queue(), TECHNICIAN: asyncio.Queue()}
        self.here = {"device": asyncio.Event(), TECHNICIAN: asyncio.Event()}

    def token_of(self, side: str) -> str:
        return next(token for token, name in self.tokens.items() if name == side)


def other(side: str) -> str:
    return "device" if side == TECHNICIAN else TECHNICIAN


class EvilServer:
    def __init__(self, root_key: bytes) -> None:
        self.origin = ""
        self.root_key = root_key
        self.log_key = LogKey.from_raw(LOG_NAME, seed("log key of the evil server"))
        self.honest = LogView.begun(self.log_key)
        self.views: dict[str, LogView] = {}
        self.heard: list[Heard] = []
        self.lines: list[Line] = []
        self.rooms: dict[str, Room] = {}
        self.documents: tuple[Document, ...] = ()
        self.rotations: tuple[Envelope, ...] = ()
        self.renewal: Chain | None = None  # what it hands to whoever asks for a newer certificate
        self.certificates: dict[str, Chain] = {}
        self.keys: dict[str, DeviceKeys] = {}
        self.enrolments: list[EnrolmentRequest] = []
        self.cosigned: dict[str, Cosigned] = {}
        self.uploads: dict[str, bytearray] = {}
        self.headers: dict[str, str] = {}
        self.between: Between = lambda direction, data: [data]
        self.answer_item: Callable[[str, WireModel], WireModel | None] = self.store
        self.checkpoint_for: Callable[[str, int], CheckpointReply] = self.checkpoint
        self.welcome: Callable[[str], Welcome] = self.honest_welcome
        self.greet: Callable[[WebSocket], Awaitable[None]] | None = None
        self.extra_witnesses: tuple[WitnessLine, ...] = ()
        self.room_path: Callable[[str], str] = lambda room: f"/relay/{room}"
        self.lead_away: str = ""
        self.news = asyncio.Condition()
        self._routes = self._make_routes()

    # --- what it does when nobody made it lie --------------------------------------------------------------------

    def view(self, party: str) -> LogView:
        return self.views.get(party, self.honest)

    def checkpoint(self, party: str, size: int) -> CheckpointReply:
        found = self.view(party).checkpoint(size)
        return CheckpointReply(note=found.note, from_size=size, consistency=found.consistency)

    def honest_welcome(self, device: str) -> Welcome:
        return Welcome(certificate=self.certificates.get(device), versions={}, checkpoint=self.view(device).note())

    def store(self, device: str, item: WireModel) -> WireModel | None:
        proof = self.view(device).append(item.entry, NOW) if isinstance(item, AuditItem) else None
        return Stored(id=item.id, proof=proof)  # type: ignore[attr-defined]

    def export(self, party: str = TECHNICIAN) -> AuditExport:
        """The log as files, for auditors: one view, and whoever is said to have witnessed it."""
        view = self.view(party)
        lines = [
            WitnessLine(device=device, certificate=self.certificates[device], size=signed.size, line=signed.line)
            for device, signed in self.cosigned.items()
            if device in self.certificates
        ]
        return AuditExport(
            log_name=self.log_key.verifier.name,
            log_key=self.log_key.verifier.public_key,
            entries=tuple(view.leaves),
            checkpoint=view.note(),
            witnesses=(*lines, *self.extra_witnesses),
        )

    # --- what a test makes it do ---------------------------------------------------------------------------------

    @property
    def line(self) -> Line:
        return self.lines[-1]

    async def say(self, message: WireModel) -> None:
        await self.say_raw(strict_json.dump(message))

    async def say_raw(self, text: bytes) -> None:
        await self.line.websocket.send_text(text.decode("utf-8", "surrogatepass"))

    async def offer(self, ticket: str | None) -> str:
        """Open a room for the test to sit in, and offer it to the device; the room's name."""
        name = self.new_room()
        self.rooms[name].here[TECHNICIAN].set()
        await self.say(SessionOffer(room=name, join_token=self.rooms[name].token_of("device"), ticket=ticket))
        return name

    def new_room(self) -> str:
        name = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))
        self.rooms[name] = Room()
        return name

    def said(self, kind: type[Any]) -> list[Any]:
        """Everything of one type that any device ever said."""
        return [message for line in self.lines for message in line.said if isinstance(message, kind)]

    async def until(self, holds: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Wait until something that reached the server makes it so."""
        async with asyncio.timeout(timeout_s), self.news:
            await self.news.wait_for(lambda: bool(holds()))

    async def _tell(self) -> None:
        async with self.news:
            self.news.notify_all()

    def _hear(self, where: str, data: bytes) -> None:
        self.heard.append(Heard(where, data))

    # --- control link --------------------------------------------------------------------------------------------

    async def link(self, websocket: WebSocket) -> None:
        self._hear("link head", _head(websocket.scope))
        extra = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await websocket.accept(subprotocol="bellpull.v1", headers=extra)
        try:
            if self.greet is not None:
                await self.greet(websocket)
                return
            await _send(websocket, Challenge(nonce=secrets.token_bytes(32)))
            login = parse_from_agent(await self._text(websocket, "link"))
            assert isinstance(login, Login)
            device = parse_payload(login.statement, DeviceLogin).device
            await _send(websocket, self.welcome(device))
            line = Line(device, websocket)
            self.lines.append(line)
            await self._tell()
            while True:
                await self._take(line, await self._text(websocket, "link"))
        except (WebSocketDisconnect, RuntimeError):
            await self._tell()

    async def _text(self, websocket: WebSocket, where: str) -> bytes:
        data = (await websocket.receive_text()).encode("utf-8", "surrogatepass")
        self._hear(where, data)
        return data

    async def _take(self, line: Line, text: bytes) -> None:
        message = parse_from_agent(text)
        line.said.append(message)
        answer: WireModel | None = None
        match message:
            case FetchDocuments():
                answer = Documents(documents=self.documents, rotations=self.rotations)
            case FetchCheckpoint(size=size):
                reply = self.checkpoint_for(line.device, size)
                answer = NewCheckpoint(note=reply.note, from_size=size, consistency=reply.consistency)
            case Cosigned():
                self.cosigned[line.device] = message
            case UploadRequest(id=upload):
                path, token = f"/uploads/{upload}", secrets.token_urlsafe(32)
                answer = UploadGranted(id=upload, path=path, token=token, expires_at=NOW + 600)
            case _ if isinstance(message, ITEM_TYPES):
                answer = self.answer_item(line.device, message)
        if answer is not None:
            await _send(line.websocket, answer)
        await self._tell()

    # --- relay ---------------------------------------------------------------------------------------------------

    async def relay(self, websocket: WebSocket) -> None:
        name = websocket.path_params["room"]
        self._hear("relay head", _head(websocket.scope))
        await websocket.accept(subprotocol="bellpull.relay.v1")
        try:
            join = strict_json.parse(await self._text(websocket, f"relay {name}"), Join)
            room = self.rooms[name]
            side = room.tokens[join.token]
            room.here[side].set()
            await self._tell()
            await room.here[other(side)].wait()
            await _send(websocket, Paired())
            sending = asyncio.create_task(self._pass_on(websocket, room.inbox[side]))
            try:
                while True:
                    data = await websocket.receive_bytes()
                    self._hear(f"relay {name} {side}", data)
                    for passed in self.between(f"to {other(side)}", data):
                        room.inbox[other(side)].put_nowait(passed)
            finally:
                room.inbox[other(side)].put_nowait(None)
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        except (WebSocketDisconnect, RuntimeError, KeyError):
            await self._tell()

    async def _pass_on(self, websocket: WebSocket, inbox: "asyncio.Queue[bytes | None]") -> None:
        while (data := await inbox.get()) is not None:
            await websocket.send_bytes(data)
        await websocket.close(4000, "the other side has left")

    # --- HTTP ----------------------------------------------------------------------------------------------------

    async def facts(self, request: Request) -> Response:
        verifier = self.log_key.verifier
        return _json(
            ServerFacts(
                origin=self.origin,
                log_name=verifier.name,
                log_key=verifier.public_key,
                root_key=self.root_key,
                organisation=None,
                version="0",
            )
        )

    async def challenge(self, request: Request) -> Response:
        return _json(ChallengeReply(nonce=secrets.token_bytes(32)))

    async def enrol(self, request: Request) -> Response:
        asked = strict_json.parse(await self._body(request), EnrolmentRequest)
        self.enrolments.append(asked)
        self.keys[asked.keys.device] = asked.keys
        return _json(EnrolReply(device=asked.keys.device), 202)

    async def sign_in(self, request: Request) -> Response:
        await self._body(request)
        return _json(SignedIn(token=secrets.token_urlsafe(32), expires_at=NOW + 10**6))

    async def renew(self, request: Request) -> Response:
        await self._body(request)
        return _json(Renewal(chain=self.renewal, rotations=self.rotations))

    async def list_documents(self, request: Request) -> Response:
        return _json(DocumentList(documents=self.documents, rotations=self.rotations))

    async def newest(self, request: Request) -> Response:
        return _json(self.checkpoint_for(TECHNICIAN, int(request.query_params["size"])))

    async def devices(self, request: Request) -> Response:
        rows = [
            DeviceRow(
                device=device,
                label="laptop",
                customer=None,
                certificate=self.certificates.get(device),
                keys=self.keys.get(device),
                connected=True,
                last_seen=NOW,
                findings={},
            )
            for device in sorted({*self.certificates, *self.keys})
        ]
        return _json(DeviceList(devices=tuple(rows)))

    async def session(self, request: Request) -> Response:
        asked = strict_json.parse(await self._body(request), SessionAsk)
        name = self.new_room()
        room = self.rooms[name]
        await self.say(SessionOffer(room=name, join_token=room.token_of("device"), ticket=asked.ticket))
        token = room.token_of(TECHNICIAN)
        return _json(SessionRoom.model_construct(room=name, join_token=token, path=self.room_path(name)))

    async def audit(self, request: Request) -> Response:
        return _json(self.export())

    async def upload(self, request: Request) -> Response:
        """Takes whatever comes, as a real one would."""
        blob, body = request.path_params["blob"], await self._body(request)
        held = self.uploads.get(blob)
        if request.method == "POST":
            self.uploads[blob] = bytearray()
            return Response(status_code=201)
        if held is None:
            return Response(status_code=404)
        if request.method == "PATCH":
            held += body
            await self._tell()
        return Response(status_code=204, headers={"upload-offset": str(len(held))})

    async def _body(self, request: Request) -> bytes:
        body = await request.body()
        self._hear(f"http {request.method} {request.url.path}", body)
        return body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self._hear("http head", _head(scope))
        if self.lead_away and not scope["path"].startswith("/link"):
            await self._redirect(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in self.headers.items()]
            await send(message)

        await self._routes(scope, receive, with_headers)

    async def _redirect(self, scope: Any, receive: Any, send: Any) -> None:
        """Sends whoever asks to another place, by both kinds of request."""
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        if scope["type"] == "websocket":
            await receive()
        location = [(b"location", self.lead_away.encode()), (b"content-length", b"0")]
        await send({"type": f"{kind}.start", "status": 307, "headers": location})
        await send({"type": f"{kind}.body", "body": b""})

    def _make_routes(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/link", self.link),
                WebSocketRoute("/relay/{room}", self.relay),
                Route("/api/server", self.facts),
                Route("/api/challenge", self.challenge),
                Route("/api/enrol", self.enrol, methods=["POST"]),
                Route("/api/technician/login", self.sign_in, methods=["POST"]),
                Route("/api/technician/renewal", self.renew, methods=["POST"]),
                Route("/api/documents", self.list_documents),
                Route("/api/checkpoint", self.newest),
                Route("/api/devices", self.devices),
                Route("/api/sessions", self.session, methods=["POST"]),
                Route("/api/audit/export", self.audit),
                Route("/uploads/{blob}", self.upload, methods=["POST", "HEAD", "PATCH"]),
            ]
        )


def _head(scope: Any) -> bytes:
    first = f"{scope.get('method', 'GET')} {scope['path']}?".encode() + scope["query_string"]
    return b"\n".join([first, *(name + b": " + value for name, value in scope["headers"])])


def _json(body: WireModel, status: int = 200) -> Response:
    return Response(strict_json.dump(body), status, media_type="application/json")


async def _send(websocket: WebSocket, message: WireModel) -> None:
    await websocket.send_text(strict_json.dump(message).decode())


@contextlib.asynccontextmanager
async def evil_server(root_key: bytes) -> AsyncIterator[EvilServer]:
    evil = EvilServer(root_key)
    listening = serving.listen("127.0.0.1:0")
    evil.origin = f"http://{serving.address_of(listening)}"
    config = uvicorn.Config(
        evil,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="critical",
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with contextlib.ExitStack() as stack:
        stack.callback(listening.close)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
            if running.done():
                await running
        try:
            yield evil
        finally:
            server.should_exit = server.force_exit = True
            await running
