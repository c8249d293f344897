"""The server's HTTP interface as an organisation and a technician use it. What it answers is its word, nothing more.

Decides: which addresses may be talked to (`https://`, or `http://` on loopback), that redirects are not followed, how
large an answer may be, and that each has the shape of protocol/messages/api.py.
Leaves to others: whether anything in an answer is true (Trust, checkpoints, verify).
"""

import ipaddress
import ssl
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
import truststore
from pydantic import BaseModel

from protocol import strict_json
from protocol.certificates import Chain, Document
from protocol.enrolment import OrganisationLogin, TechnicianLogin
from protocol.errors import RemoteProtocolError
from protocol.limits import BUNDLE_HARD_CAP_BYTES, MIB
from protocol.messages.api import (
    AuditExport,
    CertificatePush,
    CertificateTaken,
    ChallengeReply,
    CheckpointReply,
    DeviceDetail,
    DeviceList,
    DocumentList,
    DocumentsPush,
    DocumentVersions,
    EnrolmentList,
    EnrolmentRefusal,
    ErrorReply,
    MessagePush,
    NotePush,
    OrganisationSignIn,
    PinRequest,
    Renewal,
    RenewalAsk,
    ServerFacts,
    SessionAsk,
    SessionList,
    SessionRoom,
    SignedIn,
    TechnicianSignIn,
    TicketDetail,
    TicketList,
    TrialList,
)
from protocol.messages.codes import CodeMade, CodeTold
from protocol.messages.desk import SignedMessage
from protocol.statements import Envelope
from technician.clock import now_s
from technician.problems import Problem

M = TypeVar("M", bound=BaseModel)

#: Slow links and a busy server; a person waits for each of these.
_TIMEOUT_S: Final = 20.0
_ANSWER_MAX_BYTES: Final = 8 * MIB
#: A log of 100 000 entries of 400 bytes in base64.
_EXPORT_MAX_BYTES: Final = 64 * MIB
NO_TOKEN: Final = ""


class ServerRefusal(Problem):
    """The server answered with an error. `status` is its HTTP status."""

    status: int = 0


class ServerAway(Problem):
    """No answer at all: not running, another address, no network."""


class SignInNeeded(ServerRefusal):
    """401: no token, or one that is over."""


def check_origin(origin: str) -> str:
    """`https://host[:port]`, or `http://` on loopback only; returned without a trailing slash."""
    parts = urlsplit(origin)
    loopback = parts.hostname == "localhost" or _is_loopback(parts.hostname or "")
    plain = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if not plain or not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise Problem(
            "not a server address",
            expected="https://support.example.org (http:// only on this machine)",
            got=origin,
            exit_code=2,
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context(origin: str) -> ssl.SSLContext | None:
    """The operating system's trust store, as companies' inspecting proxies need; none for loopback http."""
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if origin.startswith("https:") else None


class Api:
    """One server. `token`: of a sign-in; without it only the open questions are answered."""

    def __init__(
        self, origin: str, *, token: str = NO_TOKEN, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.origin = check_origin(origin)
        self.token = token
        #: By how much its clock was ahead of ours at its last answer. For people to read; nothing is judged by it.
        self.clock_ahead_s: int | None = None
        self._client = httpx2.AsyncClient(
            base_url=self.origin,
            # Plain http is for this machine alone: a context that trusts nobody, so that nothing else can come of it.
            verify=tls_context(self.origin) or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            transport=transport,
            headers={"accept": "application/json"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    # --- nobody ------------------------------------------------------------------------------------------

    async def server(self) -> ServerFacts:
        return await self._ask("GET", "/api/server", ServerFacts)

    async def challenge(self) -> bytes:
        return (await self._ask("GET", "/api/challenge", ChallengeReply)).nonce

    # --- the organisation --------------------------------------------------------------------------------

    async def pin(
        self, setup_code: str, root_key: bytes, issuer: Envelope, organisation: str, rotations: int = 0
    ) -> None:
        body = PinRequest(
            setup_code=setup_code, root_key=root_key, issuer=issuer, organisation=organisation, rotations=rotations
        )
        await self._tell("/api/organisation/pin", body)

    async def sign_in_organisation(self, issuer: Envelope, statement: Envelope) -> SignedIn:
        body = OrganisationSignIn(issuer=issuer, statement=statement)
        return await self._ask("POST", "/api/organisation/login", SignedIn, body)

    async def enrolments(self) -> EnrolmentList:
        return await self._ask("GET", "/api/organisation/enrolments", EnrolmentList)

    async def refuse_enrolment(self, device: str) -> None:
        await self._tell("/api/organisation/refusals", EnrolmentRefusal(device=device))

    async def push_certificate(self, chain: Chain) -> CertificateTaken:
        return await self._ask("POST", "/api/organisation/certificates", CertificateTaken, CertificatePush(chain=chain))

    async def push_documents(
        self, documents: tuple[Document, ...], rotations: tuple[Envelope, ...] = ()
    ) -> DocumentVersions:
        body = DocumentsPush(documents=documents, rotations=rotations)
        return await self._ask("POST", "/api/organisation/documents", DocumentVersions, body)

    async def trials(self) -> TrialList:
        return await self._ask("GET", "/api/organisation/trials", TrialList)

    async def organisation_devices(self) -> DeviceList:
        return await self._ask("GET", "/api/organisation/devices", DeviceList)

    # --- the technician ----------------------------------------------------------------------------------

    async def sign_in_technician(self, chain: Chain, statement: Envelope) -> SignedIn:
        body = TechnicianSignIn(chain=chain, statement=statement)
        return await self._ask("POST", "/api/technician/login", SignedIn, body)

    async def renewal(self, statement: Envelope) -> Renewal:
        return await self._ask("POST", "/api/technician/renewal", Renewal, RenewalAsk(statement=statement))

    async def documents(self) -> DocumentList:
        return await self._ask("GET", "/api/documents", DocumentList)

    async def checkpoint(self, size: int) -> CheckpointReply:
        return await self._ask("GET", f"/api/checkpoint?size={size}", CheckpointReply)

    async def devices(self) -> DeviceList:
        return await self._ask("GET", "/api/devices", DeviceList)

    async def device(self, device: str) -> DeviceDetail:
        return await self._ask("GET", f"/api/devices/{device}", DeviceDetail)

    async def tickets(self, state: str | None = None) -> TicketList:
        return await self._ask("GET", "/api/tickets" + (f"?state={state}" if state else ""), TicketList)

    async def ticket(self, ticket: str) -> TicketDetail:
        return await self._ask("GET", f"/api/tickets/{ticket}", TicketDetail)

    async def blob(self, blob: str) -> bytes:
        """Sealed bytes; whether they are what was announced is for the caller to check (sha256)."""
        return await self._bytes("GET", f"/api/blobs/{blob}", None, BUNDLE_HARD_CAP_BYTES)

    async def send_message(self, ticket: str, signed: SignedMessage) -> None:
        await self._tell(f"/api/tickets/{ticket}/messages", MessagePush(signed=signed))

    async def push_note(self, ticket: str, note: NotePush) -> None:
        await self._tell(f"/api/tickets/{ticket}/notes", note)

    async def ask_session(self, device: str, ticket: str | None) -> SessionRoom:
        return await self._ask("POST", "/api/sessions", SessionRoom, SessionAsk(device=device, ticket=ticket))

    async def sessions(self, ticket: str) -> SessionList:
        return await self._ask("GET", f"/api/sessions?ticket={ticket}", SessionList)

    async def make_code(self) -> CodeMade:
        return await self._ask("POST", "/api/codes", CodeMade)

    async def code(self, code: str) -> CodeTold:
        return await self._ask("GET", f"/api/codes/{code}", CodeTold)

    async def audit_export(self) -> tuple[AuditExport, bytes]:
        """The log, and the exact bytes it came in (what is written to log.json)."""
        data = await self._bytes("GET", "/api/audit/export", None, _EXPORT_MAX_BYTES)
        return _parse(data, AuditExport, _EXPORT_MAX_BYTES), data

    # --- the wire ----------------------------------------------------------------------------------------

    async def _ask(self, method: Literal["GET", "POST"], path: str, reply: type[M], body: BaseModel | None = None) -> M:
        data = await self._bytes(method, path, body, _ANSWER_MAX_BYTES)
        return _parse(data, reply, _ANSWER_MAX_BYTES)

    async def _tell(self, path: str, body: BaseModel) -> None:
        """POST where the answer says no more than its status."""
        await self._bytes("POST", path, body, _ANSWER_MAX_BYTES)

    async def _bytes(self, method: str, path: str, body: BaseModel | None, max_bytes: int) -> bytes:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            headers["content-type"] = "application/json"
        content = None if body is None else strict_json.dump(body)
        received = bytearray()
        try:
            async with self._client.stream(method, path, headers=headers, content=content) as response:
                async for piece in response.aiter_bytes():
                    received += piece
                    if len(received) > max_bytes:
                        raise RemoteProtocolError(
                            "the server's answer is too large", expected=f"at most {max_bytes} bytes", got="more"
                        )
        except httpx2.TransportError as error:
            raise ServerAway(
                "the server cannot be reached",
                expected=self.origin,
                got=str(error) or type(error).__name__,
                hint="Is it running, and is this its address?",
            ) from None
        self.clock_ahead_s = _ahead_s(response.headers.get("date"))
        if response.status_code // 100 != 2:
            raise _refusal(response.status_code, path, bytes(received))
        return bytes(received)


def organisation_login(root: bytes, origin: str, nonce: bytes, now: int) -> OrganisationLogin:
    return OrganisationLogin(root=root, origin=origin, nonce=nonce, issued_at=now)


def technician_login(serial: str, root: bytes, origin: str, nonce: bytes, now: int) -> TechnicianLogin:
    return TechnicianLogin(serial=serial, root=root, origin=origin, nonce=nonce, issued_at=now)


def _parse(data: bytes, model: type[M], max_bytes: int) -> M:
    return strict_json.parse(data, model, what="the server's answer", max_bytes=max_bytes)


def _ahead_s(date: str | None) -> int | None:
    try:
        return None if date is None else int(parsedate_to_datetime(date).timestamp()) - now_s()
    except (ValueError, OverflowError):
        return None


def _refusal(status: int, path: str, data: bytes) -> ServerRefusal:
    """The server's own words when it sent any; else what the status says."""
    try:
        facts = strict_json.parse(data, ErrorReply, what="the server's error").error
        what, expected, got, hint = facts.what, facts.expected, facts.got, facts.hint
    except RemoteProtocolError:
        what, expected, got, hint = f"the server answered {status}", "a Bellpull server", path, ""
    error: ServerRefusal
    if status == 401:
        error = SignInNeeded(what, expected, got, hint or "Sign in again: bellpull login")
    else:
        error = ServerRefusal(what, expected, got, hint)
    error.status = status
    return error
