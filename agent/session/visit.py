"""The shell around one visit: takes what happens to the steps, and does what they want, in their order.

Everything that must hold (kill, book, persist) is done in the same call, without waiting for anybody; what takes time
(the customer, the server's log, the relay) runs beside it and comes back as an event. So Stop is one call: when it
returns, every process of the visit has been killed and the end is on the disk, whatever the network does.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol, assert_never

from agent.clocks import Clocks
from agent.consent.gate import ConsentGate
from agent.event_log import EventLog
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.proofs.books import Books
from agent.proofs.receipts import Receipts
from agent.proofs.witness import SplitViewError, Witness
from agent.refusal import Refusal
from agent.session.effects import (
    AcceptDocument,
    Answered,
    AskCustomer,
    AuditSettled,
    BookAction,
    BookActionEnd,
    BookChange,
    BooksClosed,
    CameBack,
    Cancel,
    CloseBooks,
    CompareViews,
    Effect,
    EndNow,
    Event,
    GiveInput,
    GrantHandedOver,
    HangUp,
    HoldBack,
    KillHost,
    MakeReceipt,
    Moment,
    OpenBooks,
    RaiseAlarm,
    ReceiptMade,
    Run,
    Send,
    StartHost,
    Succeed,
    Succeeded,
    Tick,
    TrustChanged,
    ViewsCompared,
    WithdrawQuestion,
)
from agent.session.host_process import HostEvent
from agent.session.line import Line
from agent.session.own_side import OwnSide
from agent.session.relay import RelaySocket
from agent.session.steps import AUDIT_WAIT_S, VisitSteps
from protocol.errors import ProtocolError
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.messages.items import AuditItem, Refused, Stored
from protocol.session_state import SessionState

_TICK_S: Final = 0.5
#: A visit does not go on for longer without a line to the server's log. (Acts of risk 2 wait for it at once.) Nothing
#: is asked in one whose technician is gone: it waits as long as pause.py says, and goes on only with the log.
_WITHOUT_LOG_S: Final = 45.0
#: Comparing two views of the log: each question to the server has a limit of its own inside.
_COMPARE_S: Final = 15.0


class StoresItems(Protocol):
    """The link, as far as a visit waits for the server's log."""

    @property
    def connected(self) -> bool: ...

    async def store(self, item: AuditItem) -> Stored | Refused: ...


class Host(Protocol):
    """The session host, as far as a visit needs it."""

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> None: ...

    def run(self, sequence: int, action: str, arguments: bytes, now: int) -> None: ...

    def cancel(self, sequence: int) -> None: ...

    def give_input(self, sequence: int, data: bytes, last: bool) -> None: ...

    def hold_back(self, sequence: int, held: bool) -> None: ...

    def kill(self) -> None: ...


MakeHost = Callable[[Callable[[HostEvent], None], Callable[[str], None]], Host]


@dataclass(frozen=True)
class VisitParts:
    """What every visit of this device uses."""

    clocks: Clocks
    trust: TrustStore
    gate: ConsentGate
    books: Books
    receipts: Receipts
    witness: Witness
    link: StoresItems
    make_host: MakeHost
    log: EventLog


def moment_of(clocks: Clocks) -> Moment:
    return Moment(clocks.wall(), clocks.boot(), clocks.mono())


class Visit:
    """One visit over one relay socket, and over others after a loss. `run` ends when the receipt is made."""

    def __init__(self, steps: VisitSteps, socket: RelaySocket, parts: VisitParts, room: str) -> None:
        self.steps = steps
        self.room = room
        self.failed = ""
        self.let_in = False
        self.when_let_in: Callable[[], None] = lambda: None
        self._parts = parts
        self._line = Line(socket, self._heard, self._defect)
        self._closing: set[asyncio.Task[bool]] = set()
        self._raised: BaseException | None = None
        self._books_of = b""  # the grant whose books are open
        self._host: Host | None = None
        self._beside: set[asyncio.Task[None]] = set()
        self._asking: asyncio.Task[None] | None = None
        self._booked: dict[int, BookAction] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._trust = parts.trust.trust
        self._over = asyncio.Event()
        self._events: deque[Event] = deque()
        self._feeding = False

    @property
    def host_pid(self) -> int | None:
        return None if self._host is None else self._host.pid

    @property
    def ended(self) -> bool:
        return self.steps.state is SessionState.ENDED or bool(self.failed)

    def moment(self) -> Moment:
        return moment_of(self._parts.clocks)

    def done(self) -> tuple[tuple[int, str, bytes, Outcome | None], ...]:
        """What was asked so far: number, action, its arguments, outcome (None: going on)."""
        return tuple(
            (sequence, booked.action.body.action, booked.arguments, self._outcomes.get(sequence))
            for sequence, booked in self._booked.items()
        )

    async def run(self) -> None:
        """Until the visit is over. Cancelled: the agent stops, and the visit with it. A defect of ours is raised."""
        ticker = self._aside(self._tick())
        try:
            await self._over.wait()
            if self._raised is not None:
                raise self._raised
            if not await self._line.close():
                self._parts.log.info("relay-does-not-take-the-rest", room=self.room)
        finally:
            if self._host is not None:
                self._host.kill()
            ticker.cancel()
            for task in (*self._beside, *self._closing):
                task.cancel()
            await asyncio.gather(ticker, *self._beside, *self._closing, return_exceptions=True)
            await self._line.close(0)

    def came_back(self, room: str, socket: RelaySocket, own: OwnSide) -> None:
        """Somebody is in another room while this visit waits for its technician: let the steps see who it is."""
        self._put_away(self._line)
        self._line = Line(socket, self._heard, self._defect)
        self.feed(CameBack(room, own))

    def _put_away(self, line: Line) -> None:
        task = asyncio.create_task(line.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _heard(self, line: Line, event: Event) -> None:
        if line is self._line:
            self.feed(event)

    def _defect(self, error: BaseException) -> None:
        self._raised = self._raised or error
        self._over.set()

    # --- events ----------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Let this happen, and do all that follows from it, now.

        What an effect answers at once comes after the effects before it: records are sealed in the order in which
        the steps wanted them, and must leave in that order. An event fed from within waits for its turn.
        """
        self._events.append(event)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._events and not self.failed:
                self._all_of(self._events.popleft())
        finally:
            self._feeding = False
            self._events.clear()
        if self.ended:
            self._over.set()

    def _all_of(self, event: Event) -> None:
        waiting: deque[Effect] = deque(self.steps.receive(event, self.moment()))
        while waiting and not self.failed:
            try:
                following = self._do(waiting.popleft())
            except (Refusal, ProtocolError) as error:
                self._fail(error)
                return
            if following is not None:
                waiting.extend(self.steps.receive(following, self.moment()))

    def judge_anew(self) -> None:
        """If what this device believes has changed: does the technician's certificate still count?"""
        if self._parts.trust.trust is not self._trust:
            self._trust = self._parts.trust.trust
            self.feed(TrustChanged(self._trust))

    def _fail(self, error: Refusal | ProtocolError) -> None:
        """What had to be written could not be: nothing may go on. The receipt is rebuilt when the disk takes it."""
        self.failed = str(error)
        if self._host is not None:
            self._host.kill()
        if self._asking is not None:
            self._asking.cancel()
        self._parts.log.warning("visit-failed", room=self.room, reason=error.what)
        self._line.hang_up()
        self._over.set()

    def _do(self, effect: Effect) -> Event | None:
        """One effect; its answer when that is there at once."""
        parts = self._parts
        match effect:
            case Send():
                self._line.send(effect.data)
            case HangUp():
                self._line.hang_up()
                if self.steps.state is not SessionState.ENDED:
                    self._put_away(self._line)  # a visit that waits; its end is awaited in `run`
            case StartHost():
                self._host = parts.make_host(self.feed, self._host_lost)
                self._aside(self._host.start())
            case KillHost():
                if self._host is not None:
                    self._host.kill()
            case Run():
                if self._host is not None:
                    self._host.run(effect.sequence, effect.action, effect.arguments, parts.clocks.wall())
            case Cancel():
                if self._host is not None:
                    self._host.cancel(effect.sequence)
            case GiveInput():
                if self._host is not None:
                    self._host.give_input(effect.sequence, effect.data, effect.last)
            case HoldBack():
                if self._host is not None:
                    self._host.hold_back(effect.sequence, effect.held)
            case CompareViews():
                self._aside(self._compare(effect.note))
            case AcceptDocument():
                parts.trust.accept(effect.document)
            case AskCustomer():
                self._asking = self._aside(self._ask(effect))
            case WithdrawQuestion():
                if self._asking is not None:
                    self._asking.cancel()
            case OpenBooks():
                self._open_books(effect)
            case Succeed():
                grant = self._grant()
                parts.books.close(grant, EndedBy.CONNECTION_LOST)
                proof = parts.receipts.make(grant, ended_by=EndedBy.CONNECTION_LOST, rebuilt=False)
                self._open_books(effect.books)
                return Succeeded(proof)
            case BookAction():
                self._book(effect)
            case BookActionEnd():
                self._book_end(effect)
            case BookChange():
                parts.books.change(effect)
            case GrantHandedOver():
                parts.books.handed_over(self._grant())
                if not self.let_in:
                    self.let_in = True
                    self.when_let_in()
            case CloseBooks():
                entry = parts.books.close(self._grant(), effect.ended_by)
                return BooksClosed(entry.hash, len(parts.books.grants.actions(self._grant())))
            case MakeReceipt():
                by = self.steps.ended_by or EndedBy.PROTOCOL_ERROR
                return ReceiptMade(parts.receipts.make(self._grant(), ended_by=by, rebuilt=False, close=effect.close))
            case RaiseAlarm():
                parts.trust.raise_alarm(AlarmKind(effect.kind), effect.what, effect.expected, effect.got)
                parts.log.warning("alarm", kind=effect.kind)
            case _:
                assert_never(effect)
        return None

    def _open_books(self, books: OpenBooks) -> None:
        item = self._parts.books.open(books)
        self._books_of = books.grant.hash
        self._aside(self._await_log(item, 0))

    def _grant(self) -> bytes:
        assert self._books_of  # noqa: S101 - the steps book nothing before the grant
        return self._books_of

    def _book(self, effect: BookAction) -> None:
        item = self._parts.books.book_action(effect)
        self._booked[effect.number] = effect
        if effect.refused is not None:
            self._outcomes[effect.number] = Outcome.REFUSED
        if item is not None:
            self._aside(self._await_log(item, effect.number))

    def _book_end(self, effect: BookActionEnd) -> None:
        booked = self._booked.get(effect.sequence)
        if booked is not None:  # else its beginning could not be written, so it never ran
            self._parts.books.end_action(booked, effect)
            self._outcomes[effect.sequence] = effect.outcome

    def _host_lost(self, why: str) -> None:
        self._parts.log.warning("session-host-lost", room=self.room, reason=why)

    # --- beside ----------------------------------------------------------------------------------------------

    def _aside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(work))
        self._beside.add(task)
        task.add_done_callback(self._done_beside)
        return task

    def _done_beside(self, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._defect(error)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (Refusal, ProtocolError) as error:
            self._fail(error)

    async def _compare(self, note: str) -> None:
        try:
            async with asyncio.timeout(_COMPARE_S):
                await self._parts.witness.compare(note)
        except SplitViewError as split:
            self.feed(ViewsCompared(str(split), forked=True))
        except ProtocolError as error:
            self.feed(ViewsCompared(str(error)))
        except TimeoutError:
            self.feed(ViewsCompared("the server did not prove its log in time"))
        else:
            self.feed(ViewsCompared())

    async def _ask(self, effect: AskCustomer) -> None:
        decision = await self._parts.gate.ask(effect.facts)
        self.feed(Answered(decision, self._parts.books.grants.next_number()))

    async def _await_log(self, item: AuditItem, sequence: int) -> None:
        """The server's log has this entry, by a proof that fits what this device has seen; or it has not."""
        stored = False
        storing = asyncio.ensure_future(self._parts.link.store(item))
        try:
            await asyncio.sleep(0)  # the link takes it onto the disk in its first step
            self._parts.books.taken(item.id)
            async with asyncio.timeout(AUDIT_WAIT_S):
                answer = await storing
                if isinstance(answer, Stored) and answer.proof is not None:
                    await self._parts.witness.included(answer.proof, item.entry)
                    stored = True
        except TimeoutError:
            self._parts.log.warning("audit-log-silent", room=self.room)
        except SplitViewError as split:
            self._do(RaiseAlarm("split-view", split.what, split.expected, split.got))
        except ProtocolError as error:
            self._parts.log.warning("audit-log-proof-refused", room=self.room, reason=error.what)
        finally:
            storing.cancel()
        self.feed(AuditSettled(sequence, stored))

    async def _tick(self) -> None:
        logged_at = self._parts.clocks.mono()
        while True:
            await asyncio.sleep(_TICK_S)
            if self._parts.link.connected or self.steps.state is SessionState.PAUSED:
                logged_at = self._parts.clocks.mono()  # one that waits has a limit of its own (pause.py)
            elif self._parts.clocks.mono() - logged_at > _WITHOUT_LOG_S:
                self.feed(EndNow(EndedBy.AUDIT_UNAVAILABLE, "the server's log was out of reach for too long"))
            self.judge_anew()
            self.feed(Tick())
