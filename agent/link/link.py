"""The one outbound connection to the organisation's server: login, heartbeat, outbox, and who hears what.

    connect ──► challenge ──► login ──► welcome        each within 5 s, else: closed, backoff, again
    items from the outbox ──► stored | refused         at least once, ≤ 32 unanswered
    heartbeat every 30 s ± 20 %, a ping below it       a silent peer is gone within 45 s

Everything that comes in is hostile: one strict parse, a size limit, a type that this version knows (else
`unsupported`), and a handler that its owner registered. Nothing here changes consent, policy, schedule or trust.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from agent.clocks import Clocks
from agent.event_log import EventLog
from agent.identity.identity import Identity
from agent.link.backoff import backoff_s
from agent.link.connection import Connection, LinkLost, open_connection
from agent.link.hearing import Hearing
from agent.link.outbox import Outbox, Waiting
from agent.link.questions import Questions, Replies
from agent.refusal import Refusal
from agent.store.database import NotWritten
from protocol import strict_json
from protocol.enrolment import DeviceLogin
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.limits import HEARTBEAT_S, HEARTBEAT_SPLAY, LOGIN_TIMEOUT_S, OUTBOX_IN_FLIGHT_MAX
from protocol.messages.items import Heartbeat, Refused, Stored
from protocol.messages.link import Item, UnknownMessage, parse_from_server
from protocol.messages.login import Challenge, Closing, Login, LoginRefused, Unsupported, Welcome
from protocol.strict_json import WireModel

M = TypeVar("M", bound=WireModel)
R = TypeVar("R", bound=WireModel)

# An item without an answer on a live link is sent again after this.
_RESEND_S: Final = 60.0
# A connection that lived this long was a good one: the next failure starts counting anew.
_GOOD_AFTER_S: Final = 60.0
# A refused login is not cured by trying again soon.
_REFUSED_ATTEMPT: Final = 6


class LinkState(StrEnum):
    STOPPED = "stopped"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSING = "closing"  # the connection ended, its goodbye is under way
    WAITING = "waiting"  # between two attempts


@dataclass(frozen=True)
class LinkView:
    """What `status` shows. `trouble`: why the last attempt failed, in our words; empty when connected."""

    state: LinkState
    trouble: str
    connected_since: int | None
    next_attempt_s: float | None


class Link:
    """One link for the life of the service. Start `run()` as a task; everything else may be called at any time."""

    def __init__(
        self,
        identity: Identity,
        outbox: Outbox,
        clocks: Clocks,
        *,
        log: EventLog,
        uniform: Callable[[], float] = random.random,
        heartbeat_s: float = HEARTBEAT_S,
        resend_s: float = _RESEND_S,
        open_connection: Callable[[str], Awaitable[Connection]] = open_connection,
    ) -> None:
        self._identity = identity
        self.root_now: Callable[[], bytes] = lambda: identity.token.root  # replaced by who follows rotations
        self._outbox = outbox
        self._clocks = clocks
        self._log = log
        self._uniform = uniform
        self._heartbeat_s = heartbeat_s
        self._resend_s = resend_s
        self._open = open_connection
        self._connection: Connection | None = None
        self._hearing = Hearing(log)
        self._questions = Questions()
        self._answers: dict[str, asyncio.Future[Stored | Refused]] = {}
        self._sent: dict[str, float] = {}
        self._work = asyncio.Event()
        self._retry_after_s = 0
        self._state, self._trouble = LinkState.STOPPED, ""
        self._since: int | None = None
        self._next_attempt_mono: float | None = None
        self._hurry = asyncio.Event()

    # --- for the rest of the agent --------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def view(self) -> LinkView:
        wait = None if self._next_attempt_mono is None else max(0.0, self._next_attempt_mono - self._clocks.mono())
        return LinkView(self._state, self._trouble, self._since, wait)

    def on(self, model: type[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Who hears messages of this type, in the order of registration. One that raises is logged; the link stays."""
        self._hearing.on(model, handler)

    def send(self, message: WireModel) -> None:
        """Send now, or drop: for what has no meaning later (heartbeats, cosignatures, declined offers)."""
        if self._connection is not None:
            self._connection.send_soon(strict_json.dump(message))

    def enqueue(self, item: Item) -> None:
        """Onto the disk, then to the server, at least once. NotWritten when the disk did not take it."""
        self._outbox.put(item, self._clocks.wall())
        self._work.set()

    async def store(self, item: Item) -> Stored | Refused:
        """Enqueue and wait for the server's answer, for as long as it takes: give it a timeout of your own.

        Cancelling the wait does not take the item back: it stays in the outbox.
        """
        answer: asyncio.Future[Stored | Refused] = asyncio.get_running_loop().create_future()
        self._answers[item.id] = answer
        try:
            self.enqueue(item)
            return await answer
        finally:
            self._answers.pop(item.id, None)

    async def ask(self, message: WireModel, reply: type[R], match: Callable[[R], bool], timeout_s: float) -> R:
        """Send and wait for the first `reply` that matches. Refusal when not connected, cut, or too late."""
        found = await self.ask_any(message, {reply: match}, timeout_s)  # type: ignore[dict-item]
        assert isinstance(found, reply)  # noqa: S101 - ask_any returns one of the asked types
        return found

    async def ask_any(self, message: WireModel, replies: Replies, timeout_s: float) -> WireModel:
        """As `ask`, where the answer may be one of several types (granted or refused)."""
        if self._connection is None:
            raise Refusal(
                "the server cannot be reached now",
                expected="a connection",
                got=self._trouble or self._state.value,
                hint="Try again later: bellpull-agent status shows the connection.",
            )
        return await self._questions.ask(lambda: self.send(message), replies, timeout_s)

    def wake(self) -> None:
        """Something was put into the outbox by others."""
        self._work.set()

    def hurry(self) -> None:
        """Try now instead of at the end of the pause (a person waits)."""
        self._hurry.set()

    # --- life -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, serve, wait, again, until cancelled."""
        attempt = 0
        try:
            while True:
                started = self._clocks.mono()
                attempt = await self._attempt(attempt)
                if self._clocks.mono() - started >= _GOOD_AFTER_S:
                    attempt = 0
                pause = backoff_s(attempt, self._uniform(), retry_after_s=self._retry_after_s)
                attempt, self._retry_after_s = attempt + 1, 0
                self._state, self._next_attempt_mono = LinkState.WAITING, self._clocks.mono() + pause
                self._hurry.clear()
                try:
                    async with asyncio.timeout(pause):
                        await self._hurry.wait()
                except TimeoutError:
                    pass  # the ordinary end of a pause
                self._next_attempt_mono = None
        finally:
            await self._drop()
            self._state = LinkState.STOPPED

    async def _attempt(self, attempt: int) -> int:
        """One connection from its beginning to its end. Returns the attempt's number for the backoff."""
        self._state = LinkState.CONNECTING
        try:
            connection = await self._open(self._identity.origin)
            try:
                await self._login(connection)
                await self._serve(connection)
            finally:
                await connection.close()
        except LoginTurnedDown as refused:
            self._end(str(refused))
            return max(attempt, _REFUSED_ATTEMPT)
        except LinkLost as lost:
            self._retry_after_s = max(self._retry_after_s, lost.retry_after_s)
            self._end(str(lost))
        except ProtocolError as broken:
            self._end(str(broken))
        except NotWritten as full:
            # What the server said could not be kept: the link must not go on as if it had been.
            self._end(str(full))
            return max(attempt, _REFUSED_ATTEMPT)
        return attempt

    def _end(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._log.warning("link-ended", reason=trouble)
        self._trouble = trouble

    async def _login(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                challenge = _expect(await connection.receive(), Challenge)
                login = DeviceLogin(
                    device=self._identity.device,
                    root=self.root_now(),
                    origin=self._identity.origin,
                    nonce=challenge.nonce,
                    issued_at=self._clocks.wall(),
                )
                connection.send_soon(strict_json.dump(Login(statement=self._identity.signing.sign(login))))
                answer = _parse(await connection.receive())
        except TimeoutError:
            raise LinkLost(f"the server did not complete the login within {LOGIN_TIMEOUT_S} s") from None
        match answer:
            case Welcome():
                self._welcome(connection, answer)
            case LoginRefused():
                raise LoginTurnedDown(f"the server refused this device's login: {_printable(answer.reason)}")
            case Closing():
                self._closing(answer)
            case _:
                raise RemoteProtocolError("no answer to the login", expected="welcome", got=type(answer).__name__)

    def _welcome(self, connection: Connection, welcome: Welcome) -> None:
        self._connection = connection
        self._state, self._trouble, self._since = LinkState.CONNECTED, "", self._clocks.wall()
        self._sent.clear()
        self._work.set()
        self._log.info("link-connected")
        self._hearing.hand_over(welcome)

    async def _serve(self, connection: Connection) -> None:
        """Until the connection ends, for whatever reason: raises it."""
        reading = asyncio.create_task(connection.receive())
        helpers = [asyncio.create_task(self._pump()), asyncio.create_task(self._beat())]
        try:
            while True:
                done, _ = await asyncio.wait({reading, *helpers}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()  # a helper ends only by raising
                message, reading = reading.result(), asyncio.create_task(connection.receive())
                self._receive(_parse(message))
        finally:
            for task in (reading, *helpers):
                task.cancel()
            await asyncio.gather(reading, *helpers, return_exceptions=True)
            await self._drop()

    async def _drop(self) -> None:
        """What was running for this connection ends with it."""
        self._connection, self._since, self._state = None, None, LinkState.CLOSING
        self._sent.clear()
        self._questions.end()

    # --- what comes in --------------------------------------------------------------------------------------

    def _receive(self, message: WireModel | UnknownMessage) -> None:
        match message:
            case UnknownMessage():
                self.send(Unsupported(named=message.named))
            case Stored():
                if self._outbox.settle(message.id):
                    self._log.debug("item-stored", item=message.id)
                self._answered(message)
            case Refused():
                if self._outbox.refuse(message.id, _printable(message.reason), self._clocks.wall()):
                    self._log.warning("item-refused", item=message.id)
                self._answered(message)
            case Closing():
                self._closing(message)
            case Challenge() | Welcome() | LoginRefused():
                raise RemoteProtocolError(
                    "a login message after the login", expected="none", got=type(message).__name__
                )
            case Unsupported():
                self._log.info("server-does-not-know", named=message.named)
            case _:
                if not self._questions.answered(message):
                    self._hearing.hand_over(message)

    def _answered(self, answer: Stored | Refused) -> None:
        self._sent.pop(answer.id, None)
        self._work.set()
        waiting = self._answers.get(answer.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _closing(self, message: Closing) -> None:
        self._retry_after_s = message.retry_after_s
        raise LinkLost(f"the server closed the connection: {_printable(message.reason)}")

    # --- what goes out --------------------------------------------------------------------------------------

    async def _pump(self) -> None:
        """Keep at most 32 items unanswered; send again what stayed unanswered for a minute."""
        while True:
            now = self._clocks.mono()
            for item_id, at in list(self._sent.items()):
                if now - at >= self._resend_s:
                    del self._sent[item_id]
            for waiting in self._due():
                await self._send_item(waiting, now)
            self._work.clear()
            try:
                async with asyncio.timeout(self._resend_s if self._sent else None):
                    await self._work.wait()
            except TimeoutError:
                continue

    def _due(self) -> list[Waiting]:
        # Items that somebody waits for (audit entries of a session) do not queue behind a full window.
        room = OUTBOX_IN_FLIGHT_MAX - len(self._sent) + (len(self._answers) if self._answers else 0)
        return self._outbox.due(self._sent, room) if room > 0 else []

    async def _send_item(self, waiting: Waiting, now: float) -> None:
        if self._connection is None:
            return
        self._sent[waiting.id] = now
        await self._connection.send(waiting.body)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s * (1 + HEARTBEAT_SPLAY * (2 * self._uniform() - 1)))
            self.send(Heartbeat(queued=self._outbox.numbers().items))


class LoginTurnedDown(LinkLost):
    """The server knows who we are not. Retried rarely."""


def _parse(data: bytes) -> WireModel | UnknownMessage:
    return parse_from_server(data)


def _expect(data: bytes, model: type[M]) -> M:
    message = _parse(data)
    if not isinstance(message, model):
        raise RemoteProtocolError("an unexpected message", expected=model.__name__, got=type(message).__name__)
    return message


def _printable(text: str) -> str:
    """A server's words in a log or a terminal: one line, nothing that moves a cursor."""
    return "".join(character if character.isprintable() else "·" for character in text)[:300]
