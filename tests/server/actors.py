"""The people and machines around a server, for tests: an organisation with keys, devices, technicians, sockets.

Everything they say goes over real sockets, signed with real keys. `World.clock` is the server's clock.
"""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from protocol import strict_json
from protocol.certificates import Chain
from protocol.checkpoints import LogVerifier, WitnessKey
from protocol.enrolment import (
    DeviceKeys,
    DeviceLogin,
    EnrolmentRequest,
    EnrolmentToken,
    OrganisationLogin,
    TechnicianLogin,
    enrolment_proof,
)
from protocol.messages.link import parse_from_server
from protocol.messages.login import Challenge, Login
from protocol.messages.sessions import Join, Paired
from protocol.statements import Envelope, SigningKey
from protocol.strict_json import WireModel
from protocol.tickets import TicketOrigin, TicketStatement
from tests.making import DAY, NOW, Organisation, seed, serial, signing_key

M = TypeVar("M")
AGE_HEADER = b"age-encryption.org/v1\n"


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


def uuid(name: str) -> str:
    """A UUIDv7-shaped id that depends on its name only."""
    text = hashlib.sha256(name.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def case(name: str) -> str:
    return "c-" + hashlib.sha256(name.encode()).hexdigest()[:16].translate(str.maketrans("0189", "abcd"))


@dataclass
class DeviceActor:
    """A machine with keys of its own. `chain`: its certificate once it is approved."""

    name: str
    organisation: Organisation
    origin: str
    chain: Chain | None = None

    @property
    def key(self) -> SigningKey:
        return signing_key(f"device {self.name}")

    @property
    def keys(self) -> DeviceKeys:
        return DeviceKeys(
            signing=self.key.public,
            noise=seed(f"device {self.name} noise"),
            witness=self.witness.verifier.public_key,
        )

    @property
    def device(self) -> str:
        return self.keys.device

    @property
    def witness(self) -> WitnessKey:
        from protocol.fields import device_id

        return WitnessKey(device_id(self.key.public), seed(f"device {self.name} witness"))

    def login(self, nonce: bytes, /, **changes: Any) -> Login:
        body = DeviceLogin(
            device=self.device, root=self.organisation.root_hash, origin=self.origin, nonce=nonce, issued_at=NOW
        )
        return Login(statement=self.key.sign(body.model_copy(update=changes)))

    def ticket(self, name: str = "help", **changes: Any) -> TicketStatement:
        body = TicketStatement(
            ticket=uuid(name),
            case=case(name),
            device=self.device,
            root=self.organisation.root_hash,
            origin=TicketOrigin.CUSTOMER,
            opened_at=NOW,
            finding=None,
            instance=None,
            severity=None,
            words="My printer prints blank pages.",
            evidence=(),
        )
        return body.model_copy(update=changes)


class AgentLink:
    """A device's control link. `say` sends; `hear` waits for the next message of a type, skipping others."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, message: WireModel) -> None:
        await self.socket.send(strict_json.dump(message).decode())

    async def hear_any(self) -> WireModel:
        async with asyncio.timeout(10):
            message = parse_from_server(await self.socket.recv())
        assert isinstance(message, WireModel)
        return message

    async def hear(self, model: type[M]) -> M:
        while True:
            message = await self.hear_any()
            if isinstance(message, model):
                return message


@dataclass
class World:
    """A server at `origin` and one organisation around it."""

    origin: str
    setup_code: str
    http: httpx2.AsyncClient
    clock: Clock = field(default_factory=Clock)
    organisation: Organisation = field(default_factory=Organisation)
    data: Path | None = None
    office: Any = None
    server: Any = None
    tls: ssl.SSLContext | None = None

    @property
    def websocket(self) -> str:
        return self.origin.replace("http", "ws", 1)

    # --- HTTP ----------------------------------------------------------------------------------------------

    async def post(self, path: str, body: WireModel | bytes, token: str = "") -> httpx2.Response:
        content = body if isinstance(body, bytes) else strict_json.dump(body)
        return await self.http.post(path, content=content, headers=bearer(token))

    async def get(self, path: str, token: str = "") -> httpx2.Response:
        return await self.http.get(path, headers=bearer(token))

    async def nonce(self) -> bytes:
        from protocol.messages.api import ChallengeReply

        return ChallengeReply.model_validate_json((await self.get("/api/challenge")).content).nonce

    async def pin(self) -> httpx2.Response:
        from protocol.messages.api import PinRequest

        return await self.post(
            "/api/organisation/pin",
            PinRequest(
                setup_code=self.setup_code,
                root_key=self.organisation.root.public,
                issuer=self.organisation.issuer(),
                organisation=self.organisation.name,
            ),
        )

    async def organisation_token(self) -> str:
        from protocol.messages.api import OrganisationSignIn

        body = OrganisationLogin(
            root=self.organisation.root_hash, origin=self.origin, nonce=await self.nonce(), issued_at=self.clock.now
        )
        done = await self.post(
            "/api/organisation/login",
            OrganisationSignIn(issuer=self.organisation.issuer(), statement=self.organisation.certifying.sign(body)),
        )
        assert done.status_code == 200, done.text
        return str(done.json()["token"])

    # --- devices -------------------------------------------------------------------------------------------

    def token(self, name: str = "token", **changes: Any) -> Chain:
        body = EnrolmentToken(
            token_id=serial(name),
            root=self.organisation.root_hash,
            root_key=self.organisation.root.public,
            organisation=self.organisation.name,
            customer="Acme",
            server_origin=self.origin,
            log_name="test/log",
            log_key=seed("log key"),
            floors={},
            issued_at=self.clock.now,
            not_after=self.clock.now + DAY,
        )
        statement = self.organisation.certifying.sign(body.model_copy(update=changes))
        return Chain(issuer=self.organisation.issuer(), leaf=statement)

    def device(self, name: str = "laptop") -> DeviceActor:
        return DeviceActor(name, self.organisation, self.origin)

    def enrolment(self, device: DeviceActor, *, token: Chain | None = None, customer: str = "Acme") -> EnrolmentRequest:
        return EnrolmentRequest(
            token=token or self.token(f"token of {device.name}", customer=customer),
            keys=device.keys,
            label=device.name,
            proof=enrolment_proof(seed("secret"), device.keys, self.organisation.root_hash, customer),
            requested_at=self.clock.now,
        )

    async def enrolled(self, name: str = "laptop", *, customer: str = "Acme") -> DeviceActor:
        device = self.device(name)
        done = await self.post("/api/enrol", self.enrolment(device, customer=customer))
        assert done.status_code == 202, done.text
        return device

    def certificate(self, device: DeviceActor, **changes: Any) -> Chain:
        keys = device.keys
        named = {"noise_key": keys.noise, "witness_key": keys.witness}
        times = {"not_before": self.clock.now - DAY, "not_after": self.clock.now + 30 * DAY}
        return self.organisation.device(device.name, **{**named, **times, **changes})

    async def approved(self, name: str = "laptop", *, customer: str = "Acme") -> DeviceActor:
        from protocol.messages.api import CertificatePush

        device = await self.enrolled(name, customer=customer)
        device.chain = self.certificate(device, customer=customer)
        done = await self.post(
            "/api/organisation/certificates", CertificatePush(chain=device.chain), await self.organisation_token()
        )
        assert done.status_code == 200, done.text
        return device

    @asynccontextmanager
    async def link(self, device: DeviceActor, /, **changes: Any) -> AsyncIterator[AgentLink]:
        """A connected socket that has sent its login."""
        uri = f"{self.websocket}/link"
        async with connect(uri, subprotocols=["bellpull.v1"], compression=None, ssl=self.tls) as socket:  # type: ignore[list-item]
            link = AgentLink(socket)
            await link.say(device.login((await link.hear(Challenge)).nonce, **changes))
            yield link

    # --- technicians ---------------------------------------------------------------------------------------

    def technician_chain(self, name: str = "Ada Tech", **changes: Any) -> Chain:
        times = {"not_before": self.clock.now - DAY, "not_after": self.clock.now + DAY}
        return self.organisation.technician(name, **{**times, **changes})

    async def technician_token(self, name: str = "Ada Tech", **changes: Any) -> str:
        done = await self.technician_login(name, **changes)
        assert done.status_code == 200, done.text
        return str(done.json()["token"])

    async def technician_login(self, name: str = "Ada Tech", **changes: Any) -> httpx2.Response:
        from protocol.messages.api import TechnicianSignIn

        body = TechnicianLogin(
            serial=changes.get("serial", serial(f"{self.organisation.name} {name}")),
            root=self.organisation.root_hash,
            origin=self.origin,
            nonce=await self.nonce(),
            issued_at=self.clock.now,
        )
        statement = signing_key(f"{self.organisation.name} {name}").sign(body)
        chain = self.technician_chain(name, **changes)
        return await self.post("/api/technician/login", TechnicianSignIn(chain=chain, statement=statement))

    @asynccontextmanager
    async def relay(self, room: str, join_token: str) -> AsyncIterator[ClientConnection]:
        """A socket in a room that has sent its token."""
        uri = f"{self.websocket}/relay/{room}"
        async with connect(
            uri,
            subprotocols=["bellpull.relay.v1"],  # type: ignore[list-item]
            compression=None,
            max_size=1 << 20,
            ssl=self.tls,
        ) as socket:
            await socket.send(strict_json.dump(Join(token=join_token)).decode())
            yield socket


async def paired(socket: ClientConnection) -> None:
    async with asyncio.timeout(10):
        assert strict_json.parse(str(await socket.recv()).encode(), Paired) == Paired()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def log_verifier(facts: dict[str, Any]) -> LogVerifier:
    from protocol.fields import decode_base64

    return LogVerifier(facts["log_name"], decode_base64(facts["log_key"]))


def sealed_bytes(name: str, size: int = 200) -> bytes:
    """Something that begins as age's files do; what follows is nobody's to read."""
    noise = hashlib.shake_256(name.encode()).digest(max(0, size - len(AGE_HEADER)))
    return AGE_HEADER + noise


def sign_ticket(device: DeviceActor, statement: TicketStatement) -> Envelope:
    return device.key.sign(statement)


async def until(holds: Callable[[], object], within_s: float = 10) -> None:
    """Wait for something that another task does, and fail when it does not."""

    async def asked() -> object:
        return holds()

    await until_async(asked, within_s)


async def until_async(holds: Callable[[], Awaitable[object]], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - the other side is a server, it has no event for us
            await asyncio.sleep(0.01)
